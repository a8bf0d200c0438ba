/* descriptor.c: descriptors that are not sockets, such as a terminal. */
#include "cleat/descriptor.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/argument.h"
#include "net/wait.h"

int32_t cleat_descriptor_read(int32_t fd, char *buf, int32_t buf_cap, double timeout) {
    CLEAT_NO_CANCEL();
    /* poll(2) ignores negative descriptors; cleat reports them as not open. */
    struct pollfd item = {.fd = fd < 0 ? INT32_MAX : fd, .events = POLLIN};
    cleat_deadline deadline;
    ssize_t got;
    int ready;
    CLEAT_CHECK_OUT(2, buf, buf_cap);
    CLEAT_SET_DEADLINE(4, timeout, deadline);
    if (buf_cap == 0) return cleat_fail_usage(3, "capacity 0");
    ready = cleat_wait_poll(&item, 1, deadline);
    if (ready < 0) return cleat_fail_errno(-ready);
    if (ready == 0) return cleat_fail(CLEAT_TIMEOUT, 0, "timed out");
    if ((item.revents & POLLNVAL) != 0) return cleat_fail_errno(EBADF);
    got = read(item.fd, buf, (size_t)buf_cap);
    return got < 0 ? cleat_fail_errno(errno) : (int32_t)got;
}

int32_t cleat_descriptor_columns(int32_t fd) {
    CLEAT_NO_CANCEL();
    struct winsize size = {0};
    if (ioctl(fd, TIOCGWINSZ, &size) != 0) return cleat_fail_errno(errno);
    return (int32_t)size.ws_col;
}
