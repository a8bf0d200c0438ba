/* clock.h: deadlines. A call converts its timeout to a deadline when it begins, so that the timeout limits the whole
 * call. */
#ifndef CLEAT_CORE_CLOCK_H
#define CLEAT_CORE_CLOCK_H

#include <stdint.h>

#include "base/argument.h"

/* A deadline in nanoseconds of the monotonic clock, or one of the two special values. */
typedef int64_t cleat_deadline;

#define CLEAT_DEADLINE_NOW ((cleat_deadline)0) /* do not wait */
#define CLEAT_DEADLINE_NEVER ((cleat_deadline)-1) /* wait without a limit */

/* cleat_deadline_after returns the deadline for a timeout in seconds: a negative or
 * huge one never passes, 0, -0.0 and NaN have passed now, and any other, however small, is in the
 * future. */
cleat_deadline cleat_deadline_after(double timeout);

/* CLEAT_SET_DEADLINE sets a deadline from the timeout argument at position of an exported function, or returns
 * CLEAT_USAGE from the function if the timeout is NaN. */
#define CLEAT_SET_DEADLINE(position, timeout, deadline)                                            \
    do {                                                                                           \
        CLEAT_CHECK_TIMEOUT(position, timeout);                                                    \
        (deadline) = cleat_deadline_after(timeout);                                                \
    } while (0)

/* cleat_deadline_left returns the nanoseconds until the deadline, at least 0; INT64_MAX for
 * CLEAT_DEADLINE_NEVER. */
int64_t cleat_deadline_left(cleat_deadline deadline);

/* cleat_wall_clock returns the seconds since 1970, from CLOCK_REALTIME as BoringSSL does. time() can be behind that
 * clock by up to a tick of the kernel, so that a time that BoringSSL has just stored could seem to be in the future. */
int64_t cleat_wall_clock(void);

#endif
