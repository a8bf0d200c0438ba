/* still_clock.h: clocks that stand still until a test sets them, in place of the system's, so that the program's run
 * time has no effect. One file of a program includes it, and undefines _FORTIFY_SOURCE before. */
#ifndef CLEAT_SPEC_STILL_CLOCK_H
#define CLEAT_SPEC_STILL_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>

#include "libc_time.h"

enum { WALL = 1800000000, MONOTONIC = 1000000 };

static _Atomic time_t wall_clock = WALL; /* seconds */
static _Atomic time_t monotonic_clock = MONOTONIC;

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's parameters have reserved names */
int clock_gettime(clockid_t clock, struct timespec *now) {
    bool is_wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
    now->tv_sec = atomic_load(is_wall ? &wall_clock : &monotonic_clock);
    now->tv_nsec = 0;
    return 0;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

#endif
