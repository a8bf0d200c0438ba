#include "base/clock.h"

#include <time.h>

#include "base/argument.h"
#include "base/interrupt.h"
#include "cleat/clock.h"

#define SECOND INT64_C(1000000000)
#define LIMIT INT64_C(4000000000) /* seconds */

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * SECOND + time.tv_nsec;
}

/* Only a positive number of at most LIMIT reaches the conversion to an integer; NaN does not. Calls without a limit
 * block in recv, which a signal handler with SA_RESTART does not end: interruptible threads get a deadline in the
 * far future instead, so that they wait in ppoll. */
cleat_deadline cleat_deadline_after(double timeout) {
    if (timeout < 0 || timeout > (double)LIMIT) { /* more than a century: no limit */
        return cleat_is_interruptible() ? now() + LIMIT * SECOND : CLEAT_DEADLINE_NEVER;
    }
    if (!(timeout > 0)) return CLEAT_DEADLINE_NOW;
    return now() + (int64_t)(timeout * (double)SECOND) + 1;
}

int64_t cleat_deadline_left(cleat_deadline deadline) {
    int64_t left;
    if (deadline == CLEAT_DEADLINE_NEVER) return INT64_MAX;
    if (deadline == CLEAT_DEADLINE_NOW) return 0;
    left = deadline - now();
    return left > 0 ? left : 0;
}

int64_t cleat_wall_clock(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (int64_t)time.tv_sec;
}

int32_t cleat_monotonic(double *seconds) {
    CLEAT_CHECK_POINTER(1, seconds);
    *seconds = (double)now() / (double)SECOND;
    return CLEAT_OK;
}
