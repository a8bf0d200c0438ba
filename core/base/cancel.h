/* cancel.h: no function of the ABI is a cancellation point. pthread_cancel of a thread in a call takes effect after
 * the call: otherwise a pin, a lock, a turn or a block of memory would never be released, and later calls of other
 * threads would wait for it forever. (By POSIX, a thread with asynchronous cancellation must not call library
 * functions. cleat protects it while it waits; glibc 2.36 may still end it just after cancellation was disabled, if
 * the signal was already being delivered.)
 *
 * CLEAT_FIND (base/handle.h) does what CLEAT_NO_CANCEL does; functions that pin no object, and those that allocate
 * or lock before they do, begin with CLEAT_NO_CANCEL(). A function that reaches no cancellation point (POSIX lists
 * them: recv, open, pthread_cond_wait ...) may use CLEAT_PIN. To keep the hot path fast, read and write disable
 * cancellation only after they have found out that the connection is not over memory. spec/checks/headers.lua checks
 * that each function has one of these. */
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

/* Disables cancellation, on a condition, until the end of the enclosing block, however it is left. clang would
 * report the variable as unused. */
#define CLEAT_NO_CANCEL_AS(name, condition)                                                        \
    int name __attribute__((unused, cleanup(cleat_cancel_restore))) =                              \
        (condition) ? cleat_cancel_disable() : PTHREAD_CANCEL_DISABLE

#define CLEAT_NO_CANCEL() CLEAT_NO_CANCEL_AS(cancel_, true)
#define CLEAT_NO_CANCEL_IF(condition) CLEAT_NO_CANCEL_AS(cancel_, condition)

#endif
