/* turn.h: the reader's turn and the writer's turn of a connection.
 *
 * A call that may wait for the network holds a turn until it returns, also while it waits without
 * the connection's lock: a call that reads from the descriptor holds the reader's turn, a call that
 * encrypts data the writer's, a handshake both. So no two calls wait for the same bytes, and the bytes of a write
 * stand together. Calls that find the turn taken wait for it in the order in which they came, each
 * with its own deadline. All turns that a call wants are given at once, so calls cannot block each
 * other in a circle.
 *
 * Until the handshake is done every call wants both turns, since every call would do it. Its end
 * changes what the waiting calls want: the turn for which they came, or none.
 *
 * Everything here is called with the connection's lock held. */
#ifndef CLEAT_CORE_TURN_H
#define CLEAT_CORE_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

enum { CLEAT_TURN_NONE = 0, CLEAT_TURN_READ = 1, CLEAT_TURN_WRITE = 2, CLEAT_TURN_BOTH = 3 };

struct cleat_connection;
struct cleat_turn_waiter;

struct cleat_turns {
    unsigned held; /* CLEAT_TURN_* */
    struct cleat_turn_waiter *first; /* the calls that wait for one, first come, first served */
};

/* cleat_turn_wait is cleat_connection_acquire where a turn is held or waited for. later: what the
 * call wants once the handshake is done. */
int32_t cleat_turn_wait(struct cleat_connection *self, unsigned wants, unsigned later,
                        cleat_deadline deadline, unsigned *held);

/* cleat_turn_grant gives the turns that are free to the calls that wait for them. */
void cleat_turn_grant(struct cleat_turns *turns);

/* cleat_turn_handshake_done lets the waiting calls want what they came for. */
void cleat_turn_handshake_done(struct cleat_turns *turns);

/* cleat_turn_interrupt wakes all waiting calls, for the connection was closed. */
void cleat_turn_interrupt(struct cleat_turns *turns);

/* cleat_turn_release gives up some turns that the caller holds. */
static inline void cleat_turn_release(struct cleat_turns *turns, unsigned held) {
    turns->held &= ~held;
    if (turns->first != NULL) cleat_turn_grant(turns);
}

#endif
