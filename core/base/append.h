/* append.h: files to which several threads and processes append lines at the same time. */
#ifndef CLEAT_CORE_APPEND_H
#define CLEAT_CORE_APPEND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cleat_append {
    int fd; /* -1 if it is not open */
    atomic_int torn; /* 1: the disk was full in the middle of a line */
};

/* cleat_append_open returns CLEAT_OK and opens a file, or creates it with mode 0600. If the file is empty, it
 * appends the line first. CLEAT_SYS with the file's name, with EINVAL if it is neither a regular file nor a
 * character device. */
int32_t cleat_append_open(struct cleat_append *file, const char *name, const char *first);

/* cleat_append_line appends a line of at most CLEAT_APPEND_MAX bytes. A longer line, and one that cannot be written,
 * is omitted without an error. The function preserves errno and wipes its copy of the line. */
void cleat_append_line(struct cleat_append *file, const char *line);

void cleat_append_close(struct cleat_append *file);

enum { CLEAT_APPEND_MAX = 512 };

#endif
