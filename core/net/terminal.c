#include "cleat/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <termios.h>
#include <unistd.h>

#include "base/argument.h"
#include "base/interrupt.h"

static void put(int fd, const char *text, size_t len) {
    while (len > 0) {
        ssize_t moved = write(fd, text, len);
        if (moved < 0 && errno != EINTR) return; /* failing to show the prompt is not an error */
        if (moved > 0) {
            text += moved;
            len -= (size_t)moved;
        }
    }
}

/* Discards what was typed. A signal handler may interrupt tcsetattr while output is being written. */
static int set(int fd, const struct termios *settings) {
    int result;
    do {
        result = tcsetattr(fd, TCSAFLUSH, settings);
    } while (result != 0 && errno == EINTR);
    return result;
}

static bool is_key(char byte, cc_t key) {
    return key != _POSIX_VDISABLE && (cc_t)byte == key;
}

/* Waits for a line. A signal ends the wait of an interruptible thread, also with SA_RESTART, which would restart read.
 * Other waits of interruptible threads end after CLEAT_INTERRUPT_INTERVAL; this one does not, since repeating the call
 * discards what was typed. Returns 0 or an errno. */
static int wait_for_line(int fd) {
    struct pollfd item = {.fd = fd, .events = POLLIN, .revents = 0};
    return cleat_is_interruptible() && ppoll(&item, 1, NULL, NULL) < 0 ? errno : 0;
}

/* Reads to the end of the line. It also consumes what does not fit, so that the shell does not read it as a command. */
static int32_t read_line(int fd, const struct termios *keys, char *buf, int32_t buf_cap) {
    int32_t len = 0;
    bool fits = true;
    for (;;) {
        char byte;
        ssize_t got;
        int error = wait_for_line(fd);
        if (error != 0) return cleat_fail_errno(error);
        got = read(fd, &byte, 1);
        if (got < 0 && errno == EINTR && !cleat_is_interruptible()) continue;
        if (got < 0) return cleat_fail_errno(errno);
        if (got == 0) return cleat_fail_errno(ECANCELED);
        if (is_key(byte, keys->c_cc[VINTR]) || is_key(byte, keys->c_cc[VQUIT])) {
            return cleat_fail_errno(ECANCELED);
        }
        if (byte == '\n') return fits ? len : cleat_fail_errno(ENAMETOOLONG);
        if (len < buf_cap) {
            buf[len++] = byte;
        } else {
            fits = false;
        }
    }
}

int32_t cleat_terminal_password(const char *prompt, int32_t prompt_len, char *buf,
                                int32_t buf_cap) {
    CLEAT_NO_CANCEL();
    struct termios before;
    struct termios silent;
    int32_t result;
    int fd;
    CLEAT_CHECK_IN(1, prompt, prompt_len);
    CLEAT_CHECK_OUT(3, buf, buf_cap);
    fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return cleat_fail_errno(errno);
    if (tcgetattr(fd, &before) != 0) {
        result = cleat_fail_errno(errno);
    } else {
        /* The keys that would send a signal end the line instead: a process that a signal kills would leave the
         * terminal without echo, and a signal handler would run while the call is still reading. */
        silent = before;
        silent.c_lflag = (silent.c_lflag | ICANON) & ~(tcflag_t)(ISIG | ECHO | ECHOE | ECHOK);
        silent.c_cc[VEOL] = before.c_cc[VINTR];
        silent.c_cc[VEOL2] = before.c_cc[VQUIT];
        if (set(fd, &silent) != 0) {
            result = cleat_fail_errno(errno);
        } else {
            put(fd, prompt, (size_t)prompt_len);
            result = read_line(fd, &before, buf, buf_cap);
            set(fd, &before);
            put(fd, "\n", 1);
        }
    }
    close(fd);
    return result;
}
