#include "base/clock.h"

#include <time.h>

#include "base/argument.h"
#include "cleat/clock.h"

#define SECOND 1000000000

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * SECOND + time.tv_nsec;
}

/* Only a positive number of at most 4e9 reaches the conversion to an integer; NaN does not. */
cleat_deadline cleat_deadline_after(double timeout) {
    if (timeout < 0 || timeout > 4e9)
        return CLEAT_DEADLINE_NEVER; /* more than a century: no limit */
    if (!(timeout > 0)) return CLEAT_DEADLINE_NOW;
    return now() + (int64_t)(timeout * SECOND) + 1;
}

int64_t cleat_deadline_left(cleat_deadline deadline) {
    int64_t left;
    if (deadline == CLEAT_DEADLINE_NEVER) return INT64_MAX;
    if (deadline == CLEAT_DEADLINE_NOW) return 0;
    left = deadline - now();
    return left > 0 ? left : 0;
}

int32_t cleat_monotonic(double *seconds) {
    CLEAT_CHECK_POINTER(1, seconds);
    *seconds = (double)now() / SECOND;
    return CLEAT_OK;
}
