#include "base/append.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/boringssl.h"
#include "base/cancel.h"
#include "base/error.h"

/* With O_APPEND a single write is atomic for other writers. On a full disk it may append only the beginning of the
 * line. */
void cleat_append_line(struct cleat_append *file, const char *line) {
    CLEAT_NO_CANCEL(); /* write is a cancellation point */
    char bytes[CLEAT_APPEND_MAX + 2];
    size_t len = strlen(line);
    size_t used = 0;
    int kept = errno;
    ssize_t wrote;
    if (len > CLEAT_APPEND_MAX) return;
    /* of an int: gcc 12 calls libatomic for a single byte on RISC-V */
    if (atomic_exchange(&file->torn, 0)) bytes[used++] = '\n';
    /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): write takes the length */
    memcpy(bytes + used, line, len);
    used += len;
    bytes[used++] = '\n';
    do {
        wrote = write(file->fd, bytes, used);
    } while (wrote < 0 && errno == EINTR);
    if (wrote > 0 && (size_t)wrote < used) atomic_store(&file->torn, 1);
    OPENSSL_cleanse(bytes, sizeof bytes);
    errno = kept;
}

/* O_NONBLOCK: opening a FIFO that no process reads must not block. Writing to one could raise SIGPIPE. */
int32_t cleat_append_open(struct cleat_append *file, const char *name, const char *first) {
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    struct stat about;
    atomic_init(&file->torn, 0);
    do {
        file->fd = open(name, flags, 0600);
    } while (file->fd < 0 && errno == EINTR);
    if (file->fd < 0 || fstat(file->fd, &about) != 0) return cleat_fail_file(errno, name);
    if (!S_ISREG(about.st_mode) && !S_ISCHR(about.st_mode)) return cleat_fail_file(EINVAL, name);
    if (S_ISREG(about.st_mode) && about.st_size == 0) cleat_append_line(file, first);
    return CLEAT_OK;
}

void cleat_append_close(struct cleat_append *file) {
    if (file->fd >= 0) close(file->fd);
    file->fd = -1;
}
