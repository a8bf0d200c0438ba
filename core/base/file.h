/* file.h: reading a whole file, and finding out whether it has changed. */
#ifndef CLEAT_CORE_FILE_H
#define CLEAT_CORE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* cleat_file_read returns CLEAT_OK and the bytes of a file, with a zero byte behind them, to
 * be freed with cleat_release. CLEAT_SYS with the file's name. */
int32_t cleat_file_read(const char *name, char **bytes, int32_t *len);

/* cleat_file_load is the same for a file that the caller names, which may be a FIFO: in an
 * interruptible thread (interrupt.h) a signal ends it with EINTR. */
int32_t cleat_file_load(const char *name, char **bytes, int32_t *len);

/* cleat_file_skip_mark moves *bytes behind a UTF-8 byte order mark, which editors put before text. */
void cleat_file_skip_mark(const char **bytes, int32_t *len);

/* Identifies a version of a file; all zero for no file. */
struct cleat_file_stamp {
    uint64_t device;
    uint64_t inode;
    int64_t size;
    struct timespec modified;
    struct timespec changed; /* not even utimes can set it back */
};

/* cleat_file_stamp returns whether name is a regular file that exists, and stores its stamp. */
bool cleat_file_stamp(const char *name, struct cleat_file_stamp *stamp);

bool cleat_file_stamp_equal(const struct cleat_file_stamp *one,
                            const struct cleat_file_stamp *other);

/* cleat_file_stamp_is_fresh returns whether the file was changed so recently, or in the future, that
 * another change may leave the same stamp: the clock of the file system is coarse. */
bool cleat_file_stamp_is_fresh(const struct cleat_file_stamp *stamp);

enum { CLEAT_DIGEST = 32 }; /* bytes of a SHA-256 */

/* cleat_file_digest_directory returns CLEAT_OK and the digest of what a directory holds: the names
 * and contents of those of its files whose name ends in .rN or .N, as c_rehash leaves them. It does
 * not depend on their order. A directory that is not there is empty. The digest of one that cannot be read
 * is random: equal to no other content, so that no session resumes under it. CLEAT_NOMEM. */
int32_t cleat_file_digest_directory(const char *name, uint8_t digest[CLEAT_DIGEST]);

/* cleat_file_is_directory returns whether name is a directory that exists. */
bool cleat_file_is_directory(const char *name);

#endif
