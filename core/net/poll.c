#include "cleat/poll.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#include "base/argument.h"
#include "base/clock.h"
#include "base/memory.h"

_Static_assert(CLEAT_POLLIN == POLLIN && CLEAT_POLLPRI == POLLPRI && CLEAT_POLLOUT == POLLOUT &&
                   CLEAT_POLLERR == POLLERR && CLEAT_POLLHUP == POLLHUP &&
                   CLEAT_POLLNVAL == POLLNVAL,
               "the events are the system's");

static int32_t poll_until(struct pollfd *items, int32_t count, cleat_deadline deadline) {
    for (;;) {
        struct timespec left = {0, 0};
        int64_t nanoseconds = cleat_deadline_left(deadline);
        int ready;
        if (deadline != CLEAT_DEADLINE_NEVER) {
            left.tv_sec = (time_t)(nanoseconds / 1000000000);
            left.tv_nsec = (long)(nanoseconds % 1000000000);
        }
        ready = ppoll(items, (nfds_t)count, deadline == CLEAT_DEADLINE_NEVER ? NULL : &left, NULL);
        if (ready >= 0) return ready;
        if (errno != EINTR) return cleat_fail_errno(errno);
    }
}

int32_t cleat_poll(const int32_t *fds, int32_t fds_len, const int32_t *events, int32_t events_len,
                   int32_t *revents, int32_t revents_cap, double timeout) {
    struct pollfd few[16];
    struct pollfd *items = few;
    cleat_deadline deadline;
    int32_t result;
    int32_t i;
    CLEAT_CHECK_IN(1, fds, fds_len);
    CLEAT_CHECK_IN(3, events, events_len);
    CLEAT_CHECK_OUT(5, revents, revents_cap);
    CLEAT_SET_DEADLINE(7, timeout, deadline);
    if (events_len != fds_len) return cleat_fail_usage(4, "events and fds differ in length");
    if (revents_cap != fds_len) return cleat_fail_usage(6, "revents and fds differ in length");
    for (i = 0; i < fds_len; i++) {
        CLEAT_CHECK_RANGE(3, events[i], 0, 0x7fff);
    }

    if (fds_len > 16) {
        items = cleat_allocate(sizeof *items * (size_t)fds_len);
        if (items == NULL) return cleat_fail_nomem();
    }
    for (i = 0; i < fds_len; i++) {
        /* poll(2) passes over negative descriptors in silence; here they are not open. */
        items[i].fd = fds[i] < 0 ? INT32_MAX : fds[i];
        items[i].events = (short)events[i];
        items[i].revents = 0;
    }
    result = poll_until(items, fds_len, deadline);
    for (i = 0; i < fds_len && result >= 0; i++) {
        revents[i] = items[i].revents;
    }
    if (items != few) cleat_release(items);
    return result;
}
