/* waiting.h: calls that wait in every way that cleat has, for tests of what ends them from outside. */
#ifndef CLEAT_SPEC_WAITING_H
#define CLEAT_SPEC_WAITING_H

#include <stdbool.h>
#include <stdint.h>

#define WAITING_PATIENCE 60.0

/* A call that waits, what it waits for, and how it goes on after that. */
struct waiting {
    const char *name;
    void (*open)(struct waiting *self);
    /* The call, without a limit. It may be repeated after it was interrupted. */
    int32_t (*call)(struct waiting *self);
    /* Does what the call waits for. */
    void (*release)(struct waiting *self);
    int32_t result; /* of the call: a count, or CLEAT_OK */

    int32_t ids[4]; /* the first is the one that the call waits in; 0 if there is none */
    int32_t accepted; /* by the call; 0 if it did not */
    int32_t other; /* an object that another thread needs */
    char path[64];
};

/* The kinds, with an open function of NULL behind the last. */
extern struct waiting waiting_kinds[];

void waiting_set_up(void);
void waiting_tear_down(void);

/* waiting_close closes what is open. */
void waiting_close(struct waiting *self);

/* waiting_is_inside returns whether a call waits in the first id. */
bool waiting_is_inside(const struct waiting *self);

#endif
