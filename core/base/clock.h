/* clock.h: deadlines. A timeout is turned into one point in time when a call begins, so that
 * it covers the whole call. */
#ifndef CLEAT_CORE_CLOCK_H
#define CLEAT_CORE_CLOCK_H

#include <stdint.h>

/* A deadline in nanoseconds of the monotonic clock, or one of the two that need no clock. */
typedef int64_t cleat_deadline;

#define CLEAT_DEADLINE_NOW ((cleat_deadline)0) /* do not wait */
#define CLEAT_DEADLINE_NEVER ((cleat_deadline)-1) /* wait for ever */

/* cleat_deadline_after returns the deadline for a timeout in seconds; it may be negative or 0
 * but not NaN. */
cleat_deadline cleat_deadline_after(double timeout);

/* cleat_deadline_left returns the nanoseconds until the deadline, at least 0; INT64_MAX for
 * CLEAT_DEADLINE_NEVER. */
int64_t cleat_deadline_left(cleat_deadline deadline);

#endif
