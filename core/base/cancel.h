/* cancel.h: no function of the ABI is a cancellation point. pthread_cancel of a thread in a call
 * takes effect after the call: it would otherwise leave a pin, a lock, a turn or a block behind, and
 * later calls of other threads would wait for them without a limit. (A thread whose cancellation is
 * asynchronous may call no library by POSIX. It is protected once it waits; glibc 2.36 may still end
 * it just after cancellation was disabled, if the signal was under way.)
 *
 * CLEAT_FIND (base/handle.h) does what CLEAT_NO_CANCEL does; functions that pin no object, and those
 * that allocate or lock before they do, begin with CLEAT_NO_CANCEL(). A function that reaches no
 * cancellation point (POSIX lists them: recv, open, pthread_cond_wait ...) may use CLEAT_PIN. For the
 * hot path, read and write over memory decide when they have the connection.
 * spec/checks/headers.lua checks that each function has one of these. */
#ifndef CLEAT_CORE_CANCEL_H
#define CLEAT_CORE_CANCEL_H

#include <pthread.h>
#include <stdbool.h>

static inline int cleat_cancel_disable(void) {
    int state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    return state;
}

static inline void cleat_cancel_restore(const int *state) {
    int unused;
    if (*state != PTHREAD_CANCEL_DISABLE) pthread_setcancelstate(*state, &unused);
}

/* Disables cancellation, on a condition, until the block ends, by whatever statement. clang does not see that it is
 * used. */
#define CLEAT_NO_CANCEL_AS(name, condition)                                                        \
    int name __attribute__((unused, cleanup(cleat_cancel_restore))) =                              \
        (condition) ? cleat_cancel_disable() : PTHREAD_CANCEL_DISABLE

#define CLEAT_NO_CANCEL() CLEAT_NO_CANCEL_AS(cancel_, true)
#define CLEAT_NO_CANCEL_IF(condition) CLEAT_NO_CANCEL_AS(cancel_, condition)

#endif
