/* turn.h: the reader's turn and the writer's turn of a connection, which serialise calls of several threads.
 *
 * A call that may wait for the network holds a turn until it returns, also while it waits without the connection's
 * lock: a call that reads from the descriptor holds the reader's turn, a call that encrypts data the writer's, a
 * handshake both. So no two calls wait for the same bytes, and the bytes of a write are contiguous. Other calls wait
 * for the turn in the order of their arrival, each with its own deadline. A call gets all turns that it wants at
 * once, so calls cannot deadlock.
 *
 * Until the handshake is done, every call wants both turns, since it performs the handshake first. When the
 * handshake is done, waiting calls want only the turn that they need afterwards, or none.
 *
 * All functions must be called with the connection's lock held. */
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
    struct cleat_turn_waiter *first; /* the waiting calls, in the order of their arrival */
};

/* cleat_turn_wait implements cleat_connection_acquire for the case that other calls hold or wait for turns. later:
 * the turns that the call wants once the handshake is done. */
int32_t cleat_turn_wait(struct cleat_connection *self, unsigned wants, unsigned later,
                        cleat_deadline deadline, unsigned *held);

/* cleat_turn_grant grants free turns to waiting calls. */
void cleat_turn_grant(struct cleat_turns *turns);

/* cleat_turn_handshake_done makes waiting calls want only their later turns. */
void cleat_turn_handshake_done(struct cleat_turns *turns);

/* cleat_turn_interrupt wakes all waiting calls because the connection's id was closed. */
void cleat_turn_interrupt(struct cleat_turns *turns);

/* cleat_turn_release releases turns that the caller holds. */
static inline void cleat_turn_release(struct cleat_turns *turns, unsigned held) {
    turns->held &= ~held;
    if (turns->first != NULL) cleat_turn_grant(turns);
}

#endif
