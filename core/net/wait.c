#include "net/wait.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#include "base/interrupt.h"

int32_t cleat_wait_enter(struct cleat_object *object, bool blocks) {
    if (!blocks || cleat_object_wait_begin(object)) return CLEAT_OK;
    return cleat_fail_closed();
}

int32_t cleat_wait_leave(struct cleat_object *object, bool blocks) {
    if (blocks) cleat_object_wait_end(object);
    if (!cleat_object_is_closed(object)) return CLEAT_OK;
    return cleat_fail_closed();
}

int cleat_wait_poll(struct pollfd *items, nfds_t count, cleat_deadline deadline) {
    for (;;) {
        int64_t nanoseconds = cleat_deadline_left(deadline);
        bool is_interruptible = cleat_is_interruptible();
        bool is_last = true;
        struct timespec left;
        int ready;
        if (is_interruptible && nanoseconds > CLEAT_INTERRUPT_INTERVAL) {
            nanoseconds = CLEAT_INTERRUPT_INTERVAL;
            is_last = false;
        }
        left.tv_sec = (time_t)(nanoseconds / 1000000000);
        left.tv_nsec = (long)(nanoseconds % 1000000000);
        ready = ppoll(items, count, nanoseconds == INT64_MAX ? NULL : &left, NULL);
        if (ready > 0 || (ready == 0 && is_last)) return ready;
        if (ready < 0 && errno != EINTR) return -errno;
        if (is_interruptible) return -EINTR;
    }
}

int32_t cleat_wait(struct cleat_object *object, int fd, short events, cleat_deadline deadline) {
    struct pollfd item = {.fd = fd, .events = events, .revents = 0};
    int32_t status;
    int ready;
    if (deadline == CLEAT_DEADLINE_NOW) {
        return CLEAT_STATUS((events & POLLIN) != 0 ? CLEAT_WANT_READ : CLEAT_WANT_WRITE, 0);
    }
    if (cleat_deadline_left(deadline) == 0) return cleat_fail(CLEAT_TIMEOUT, 0, "timed out");
    status = cleat_wait_enter(object, true);
    if (status < 0) return status;
    ready = cleat_wait_poll(&item, 1, deadline);
    status = cleat_wait_leave(object, true);
    if (status < 0) return status;
    if (ready < 0) return cleat_fail_errno(-ready);
    if (ready == 0) return cleat_fail(CLEAT_TIMEOUT, 0, "timed out");
    if ((item.revents & POLLNVAL) != 0) return cleat_fail_errno(EBADF);
    return CLEAT_OK;
}

int32_t cleat_wait_moment(struct cleat_object *object, cleat_deadline deadline) {
    cleat_deadline moment = cleat_deadline_after(0.005);
    int32_t status;
    if (deadline == CLEAT_DEADLINE_NOW) return CLEAT_STATUS(CLEAT_WANT_WRITE, 0);
    if (cleat_deadline_left(deadline) < cleat_deadline_left(moment)) moment = deadline;
    status = cleat_wait_enter(object, true);
    if (status < 0) return status;
    cleat_wait_poll(NULL, 0, moment);
    status = cleat_wait_leave(object, true);
    if (status < 0) return status;
    if (cleat_deadline_left(deadline) == 0) return cleat_fail(CLEAT_TIMEOUT, 0, "timed out");
    return cleat_is_interruptible() ? cleat_fail_errno(EINTR) : CLEAT_OK;
}
