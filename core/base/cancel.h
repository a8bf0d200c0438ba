/* cancel.h: no function of the ABI is a cancellation point. pthread_cancel of a thread in a call
 * takes effect after the call: it would otherwise leave a pin, a lock, a turn or a block behind, and
 * later calls of other threads would wait for them without a limit.
 *
 * CLEAT_FIND (base/handle.h) does what CLEAT_NO_CANCEL does; functions that pin no object, and those
 * that allocate or lock before they do, begin with CLEAT_NO_CANCEL(). spec/checks/headers.lua checks
 * this. */
#ifndef CLEAT_CORE_CANCEL_H
#define CLEAT_CORE_CANCEL_H

#include <pthread.h>

static inline int cleat_cancel_disable(void) {
    int state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    return state;
}

static inline void cleat_cancel_restore(const int *state) {
    int unused;
    if (*state != PTHREAD_CANCEL_DISABLE) pthread_setcancelstate(*state, &unused);
}

/* Disables cancellation until the block ends, by whatever statement. */
#define CLEAT_NO_CANCEL_AS(name)                                                                   \
    int name __attribute__((cleanup(cleat_cancel_restore))) = cleat_cancel_disable()

#define CLEAT_NO_CANCEL() CLEAT_NO_CANCEL_AS(cancel_)

#endif
