/* interrupting.h: signals to a thread that waits in a call, for tests of cleat_set_interruptible. */
#ifndef CLEAT_SPEC_INTERRUPTING_H
#define CLEAT_SPEC_INTERRUPTING_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "waiting.h"

#define INTERRUPTED (-(CLEAT_SYS << 16 | CLEAT_EINTR))

/* A thread that repeats a call until it is not interrupted any more. */
struct interrupting {
    struct waiting *waiting;
    int32_t interruptible;
    atomic_int interrupted; /* how often */
    atomic_bool returned;
    double shortest; /* interrupted call, in seconds */
    int32_t result;
};

/* interrupting_handle installs the handler of the signals, with these flags of sigaction. */
void interrupting_handle(int flags);

/* interrupting_call is the thread's function; its argument is a struct interrupting. */
void *interrupting_call(void *argument);

/* interrupting_signal sends signals until the thread was interrupted often enough, or, if it cannot be, so many. */
void interrupting_signal(struct interrupting *self, pthread_t thread);

/* interrupting_test makes the call in a thread, sends it signals, and ends the call. */
void interrupting_test(struct waiting *waiting, int32_t interruptible);

#endif
