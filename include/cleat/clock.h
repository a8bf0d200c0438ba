/* clock.h: the clock by which timeouts are measured. */
#ifndef CLEAT_CLOCK_H
#define CLEAT_CLOCK_H

#include "cleat/base.h"

/* cleat_monotonic returns CLEAT_OK and stores the seconds since a fixed point in the past. The
 * clock never goes back and is not changed when the time of day is set (POSIX
 * CLOCK_MONOTONIC). */
CLEAT_API int32_t cleat_monotonic(double *seconds);

#endif
