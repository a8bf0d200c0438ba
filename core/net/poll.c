#include "cleat/poll.h"

#include <poll.h>

#include "base/argument.h"
#include "base/clock.h"
#include "base/memory.h"
#include "net/wait.h"

_Static_assert(CLEAT_POLLIN == POLLIN && CLEAT_POLLPRI == POLLPRI && CLEAT_POLLOUT == POLLOUT &&
                   CLEAT_POLLERR == POLLERR && CLEAT_POLLHUP == POLLHUP &&
                   CLEAT_POLLNVAL == POLLNVAL,
               "the events are the system's");

int32_t cleat_poll(const int32_t *fds, int32_t fds_len, const int32_t *events, int32_t events_len,
                   int32_t *revents, int32_t revents_cap, double timeout) {
    CLEAT_NO_CANCEL();
    struct pollfd few[16];
    struct pollfd *items = few;
    cleat_deadline deadline;
    int32_t result;
    int32_t i;
    int ready;
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
        /* poll(2) ignores negative descriptors; cleat reports them as not open. */
        items[i].fd = fds[i] < 0 ? INT32_MAX : fds[i];
        items[i].events = (short)events[i];
        items[i].revents = 0;
    }
    ready = cleat_wait_poll(items, (nfds_t)fds_len, deadline);
    result = ready < 0 ? cleat_fail_errno(-ready) : ready;
    for (i = 0; i < fds_len && result >= 0; i++) {
        revents[i] = items[i].revents;
    }
    if (items != few) cleat_release(items);
    return result;
}
