#include "net/wait.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

int32_t cleat_wait_enter(struct cleat_object *object, bool blocks) {
    if (!blocks || cleat_object_wait_begin(object)) return CLEAT_OK;
    return cleat_fail_closed();
}

int32_t cleat_wait_leave(struct cleat_object *object, bool blocks) {
    if (blocks) cleat_object_wait_end(object);
    if (!cleat_object_is_closed(object)) return CLEAT_OK;
    return cleat_fail_closed();
}

int32_t cleat_wait(struct cleat_object *object, int fd, short events, cleat_deadline deadline) {
    struct pollfd item = {.fd = fd, .events = events, .revents = 0};
    if (deadline == CLEAT_DEADLINE_NOW) {
        return CLEAT_STATUS((events & POLLIN) != 0 ? CLEAT_WANT_READ : CLEAT_WANT_WRITE, 0);
    }
    for (;;) {
        struct timespec left = {0, 0};
        int64_t nanoseconds = cleat_deadline_left(deadline);
        int32_t status;
        int ready;
        int error;
        if (nanoseconds == 0) return cleat_fail(CLEAT_TIMEOUT, 0, "timed out");
        left.tv_sec = (time_t)(nanoseconds / 1000000000);
        left.tv_nsec = (long)(nanoseconds % 1000000000);
        status = cleat_wait_enter(object, true);
        if (status < 0) return status;
        ready = ppoll(&item, 1, deadline == CLEAT_DEADLINE_NEVER ? NULL : &left, NULL);
        error = errno;
        status = cleat_wait_leave(object, true);
        if (status < 0) return status;
        if (ready > 0) {
            if ((item.revents & POLLNVAL) != 0) return cleat_fail_errno(EBADF);
            return CLEAT_OK;
        }
        if (ready < 0 && error != EINTR) return cleat_fail_errno(error);
    }
}
