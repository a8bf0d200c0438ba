#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/memory.h"

/* No PEM file is nearly this long: a longer one is a device or a mistake. */
#define FILE_MAX (256 * 1024 * 1024)

static int32_t read_all(int fd, const char *name, bool interruptible, char **bytes, int32_t *len) {
    size_t room = 4096;
    size_t used = 0;
    struct stat about;
    char *block;
    if (fstat(fd, &about) == 0 && about.st_size > 0 && about.st_size < FILE_MAX) {
        /* One more, so that read returns 0 before the block is full. */
        room = (size_t)about.st_size + 1;
    }
    block = cleat_allocate(room + 1);
    if (block == NULL) return cleat_fail_nomem();
    for (;;) {
        ssize_t got = read(fd, block + used, room - used);
        if (got < 0 && errno == EINTR && !interruptible) continue;
        if (got < 0) {
            int32_t status = cleat_fail_file(errno, name);
            cleat_release(block);
            return status;
        }
        if (got == 0) break;
        used += (size_t)got;
        if (used == room) {
            char *larger = room > FILE_MAX ? NULL : cleat_resize(block, room * 2 + 1);
            if (larger == NULL) {
                int32_t status =
                    room > FILE_MAX ? cleat_fail_file(EFBIG, name) : cleat_fail_nomem();
                cleat_release(block);
                return status;
            }
            block = larger;
            room *= 2;
        }
    }
    block[used] = '\0';
    *bytes = block;
    *len = (int32_t)used;
    return CLEAT_OK;
}

static int32_t read_file(const char *name, bool interruptible, char **bytes, int32_t *len) {
    int fd;
    int32_t status;
    do {
        fd = open(name, O_RDONLY | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR && !interruptible);
    if (fd < 0) return cleat_fail_file(errno, name);
    status = read_all(fd, name, interruptible, bytes, len);
    close(fd);
    return status;
}

int32_t cleat_file_read(const char *name, char **bytes, int32_t *len) {
    return read_file(name, false, bytes, len);
}

int32_t cleat_file_load(const char *name, char **bytes, int32_t *len) {
    return read_file(name, cleat_is_interruptible(), bytes, len);
}

void cleat_file_skip_mark(const char **bytes, int32_t *len) {
    if (*len < 3 || memcmp(*bytes, "\xef\xbb\xbf", 3) != 0) return;
    *bytes += 3;
    *len -= 3;
}

bool cleat_file_stamp(const char *name, struct cleat_file_stamp *stamp) {
    struct stat about;
    memset(stamp, 0, sizeof *stamp);
    if (stat(name, &about) != 0 || !S_ISREG(about.st_mode)) return false;
    stamp->device = about.st_dev;
    stamp->inode = about.st_ino;
    stamp->size = about.st_size;
    stamp->modified = about.st_mtim;
    stamp->changed = about.st_ctim;
    return true;
}

static bool is_same_time(struct timespec one, struct timespec other) {
    return one.tv_sec == other.tv_sec && one.tv_nsec == other.tv_nsec;
}

bool cleat_file_stamp_equal(const struct cleat_file_stamp *one,
                            const struct cleat_file_stamp *other) {
    return one->device == other->device && one->inode == other->inode && one->size == other->size &&
           is_same_time(one->modified, other->modified) &&
           is_same_time(one->changed, other->changed);
}

bool cleat_file_stamp_is_fresh(const struct cleat_file_stamp *stamp) {
    enum { COARSE = 2 }; /* seconds, which the coarsest file systems count by */
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec - stamp->changed.tv_sec <= COARSE;
}

bool cleat_file_is_directory(const char *name) {
    struct stat about;
    return stat(name, &about) == 0 && S_ISDIR(about.st_mode);
}
