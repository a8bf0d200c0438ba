/* descriptor.c: what a program in a terminal needs and a socket has not. */
#include "cleat/descriptor.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/argument.h"
#include "base/interrupt.h"

int32_t cleat_descriptor_read(int32_t fd, char *buf, int32_t buf_cap) {
    CLEAT_NO_CANCEL();
    ssize_t got;
    CLEAT_CHECK_OUT(2, buf, buf_cap);
    if (buf_cap == 0) return cleat_fail_usage(3, "capacity 0");
    do {
        got = read(fd, buf, (size_t)buf_cap);
    } while (got < 0 && errno == EINTR && !cleat_is_interruptible());
    return got < 0 ? cleat_fail_errno(errno) : (int32_t)got;
}

int32_t cleat_descriptor_columns(int32_t fd) {
    CLEAT_NO_CANCEL();
    struct winsize size = {0};
    if (ioctl(fd, TIOCGWINSZ, &size) != 0) return cleat_fail_errno(errno);
    return (int32_t)size.ws_col;
}
