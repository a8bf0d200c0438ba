/* file.h: reads whole files, and detects whether they have changed. */
#ifndef CLEAT_CORE_FILE_H
#define CLEAT_CORE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* cleat_file_read returns CLEAT_OK and the bytes of a file followed by a zero byte, which the caller frees with
 * cleat_release. CLEAT_SYS with the file's name. */
int32_t cleat_file_read(const char *name, char **bytes, int32_t *len);

/* cleat_file_load is the same for a file that the caller of the ABI names, which may be a FIFO: in an interruptible
 * thread (interrupt.h) it returns CLEAT_SYS (EINTR) after a signal. */
int32_t cleat_file_load(const char *name, char **bytes, int32_t *len);

/* cleat_file_skip_mark moves *bytes behind a UTF-8 byte order mark, which some editors write at the beginning of a
 * text. */
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

/* cleat_file_digest_directory returns CLEAT_OK and a digest of the names and contents of those files in a directory
 * that have the names of c_rehash: eight hexadecimal digits and .N or .rN. It does not depend on their order. A
 * missing directory counts as empty. The digest of a directory that cannot be read is random, so that it equals no
 * other digest and no session resumes under it. CLEAT_NOMEM. */
int32_t cleat_file_digest_directory(const char *name, uint8_t digest[CLEAT_DIGEST]);

/* cleat_file_is_directory returns whether name is a directory that exists. */
bool cleat_file_is_directory(const char *name);

#endif
