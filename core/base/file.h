/* file.h: reading a file whole, and telling whether it has changed. */
#ifndef CLEAT_CORE_FILE_H
#define CLEAT_CORE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* cleat_file_read returns CLEAT_OK and the bytes of a file, with a zero byte behind them, to
 * be freed with cleat_release. CLEAT_SYS with the file's name. */
int32_t cleat_file_read(const char *name, char **bytes, int32_t *len);

/* What tells one content of a file from another; all zero for no file. */
struct cleat_file_stamp {
    uint64_t device;
    uint64_t inode;
    int64_t size;
    struct timespec modified;
};

/* cleat_file_stamp returns whether name is a regular file that exists, and stores its stamp. */
bool cleat_file_stamp(const char *name, struct cleat_file_stamp *stamp);

/* cleat_file_is_directory returns whether name is a directory that exists. */
bool cleat_file_is_directory(const char *name);

#endif
