/* clock.h: deadlines. A timeout is turned into one point in time when a call begins, so that
 * it covers the whole call. */
#ifndef CLEAT_CORE_CLOCK_H
#define CLEAT_CORE_CLOCK_H

#include <stdint.h>

#include "base/argument.h"

/* A deadline in nanoseconds of the monotonic clock, or one of the two that need no clock. */
typedef int64_t cleat_deadline;

#define CLEAT_DEADLINE_NOW ((cleat_deadline)0) /* do not wait */
#define CLEAT_DEADLINE_NEVER ((cleat_deadline)-1) /* wait without a limit */

/* cleat_deadline_after returns the deadline for a timeout in seconds: a negative or
 * huge one never passes, 0, -0.0 and NaN have passed now, and any other, however small, is in the
 * future. */
cleat_deadline cleat_deadline_after(double timeout);

/* CLEAT_SET_DEADLINE sets a deadline from the timeout that an exported function was given at
 * position, or returns from the function with CLEAT_USAGE if it is NaN. */
#define CLEAT_SET_DEADLINE(position, timeout, deadline)                                            \
    do {                                                                                           \
        CLEAT_CHECK_TIMEOUT(position, timeout);                                                    \
        (deadline) = cleat_deadline_after(timeout);                                                \
    } while (0)

/* cleat_deadline_left returns the nanoseconds until the deadline, at least 0; INT64_MAX for
 * CLEAT_DEADLINE_NEVER. */
int64_t cleat_deadline_left(cleat_deadline deadline);

/* cleat_wall_clock returns the seconds since 1970, from the clock that BoringSSL reads too. time() is behind it for
 * up to a tick of the kernel: what BoringSSL has just stamped could seem to be of the future. */
int64_t cleat_wall_clock(void);

#endif
