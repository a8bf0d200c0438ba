/* test_descriptor.c: cleat_descriptor_read and cleat_descriptor_columns, on pipes, a terminal and other descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "expect.h"

#define SYS(number) (-(CLEAT_SYS << 16 | (number)))
#define TIMEOUT (-(CLEAT_TIMEOUT << 16))

static void test_pipe(void) {
    int ends[2];
    char buf[8];
    EXPECT(pipe(ends) == 0);
    EXPECT(cleat_descriptor_read(ends[0], buf, sizeof buf, 0) == TIMEOUT);
    EXPECT(cleat_descriptor_read(ends[0], buf, sizeof buf, 0.01) == TIMEOUT);
    EXPECT(write(ends[1], "more than 8", 11) == 11);
    EXPECT(cleat_descriptor_read(ends[0], buf, sizeof buf, 0) == 8);
    EXPECT(memcmp(buf, "more tha", 8) == 0);
    EXPECT(cleat_descriptor_read(ends[0], buf, sizeof buf, -1) == 3);
    EXPECT(cleat_descriptor_columns(ends[0]) == SYS(ENOTTY));
    EXPECT(close(ends[1]) == 0);
    EXPECT(cleat_descriptor_read(ends[0], buf, sizeof buf, -1) == 0); /* the end, repeatedly */
    EXPECT(cleat_descriptor_read(ends[0], buf, sizeof buf, 0) == 0);
    EXPECT(close(ends[0]) == 0);
    EXPECT(cleat_descriptor_read(ends[0], buf, sizeof buf, -1) == SYS(EBADF));
    EXPECT(cleat_descriptor_read(-1, buf, sizeof buf, -1) == SYS(EBADF));
    EXPECT(cleat_descriptor_columns(-1) == SYS(EBADF));
}

static void test_file(void) {
    char buf[8];
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    EXPECT(cleat_descriptor_read(fd, buf, sizeof buf, 0) == 0);
    EXPECT(cleat_descriptor_columns(fd) == SYS(ENOTTY));
    EXPECT(close(fd) == 0);
    fd = open("/", O_RDONLY | O_CLOEXEC);
    EXPECT(cleat_descriptor_read(fd, buf, sizeof buf, 0) == SYS(EISDIR));
    EXPECT(close(fd) == 0);
}

static void test_terminal(void) {
    struct winsize size = {.ws_col = 97, .ws_row = 24};
    char buf[8];
    int terminal;
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    EXPECT(fd >= 0 && grantpt(fd) == 0 && unlockpt(fd) == 0);
    terminal = open(ptsname(fd), O_RDWR | O_NOCTTY | O_CLOEXEC);
    EXPECT(terminal >= 0);
    EXPECT(cleat_descriptor_columns(terminal) == 0); /* the terminal has no size */
    EXPECT(ioctl(fd, TIOCSWINSZ, &size) == 0);
    EXPECT(cleat_descriptor_columns(terminal) == 97);
    EXPECT(cleat_descriptor_read(terminal, buf, sizeof buf, 0) == TIMEOUT);
    EXPECT(write(fd, "ab\n", 3) == 3);
    EXPECT(cleat_descriptor_read(terminal, buf, sizeof buf, -1) == 3);
    EXPECT(memcmp(buf, "ab\n", 3) == 0);
    EXPECT(close(terminal) == 0 && close(fd) == 0);
}

int main(void) {
    test_pipe();
    test_file();
    test_terminal();
    puts("descriptors: ok");
    return 0;
}
