/* interrupt.h: whether a signal ends a wait of the calling thread (cleat_set_interruptible). */
#ifndef CLEAT_CORE_INTERRUPT_H
#define CLEAT_CORE_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

/* A wait of an interruptible thread ends after this many nanoseconds with EINTR in any case. */
#define CLEAT_INTERRUPT_INTERVAL INT64_C(1000000000)

bool cleat_is_interruptible(void);

#endif
