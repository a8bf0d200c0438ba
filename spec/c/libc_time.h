/* libc_time.h: time and gettimeofday by means of clock_gettime, for a program that replaces that function of libc. time
 * can be late, as libc's is, for a tick of the kernel after each second begins. */
#ifndef CLEAT_SPEC_LIBC_TIME_H
#define CLEAT_SPEC_LIBC_TIME_H

#include <sys/time.h>
#include <time.h>

static time_t libc_time_lag; /* in seconds */

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's parameters have reserved names */
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec time = {0, 0};
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &time);
    now->tv_sec = time.tv_sec;
    now->tv_usec = time.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now) {
    struct timespec time = {0, 0};
    clock_gettime(CLOCK_REALTIME, &time);
    if (now != NULL) *now = time.tv_sec - libc_time_lag;
    return time.tv_sec - libc_time_lag;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

#endif
