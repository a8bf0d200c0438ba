/* append.h: files to which lines are appended, by several threads and processes at once. */
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

/* cleat_append_open returns CLEAT_OK and opens a file, or makes it for its owner only. An empty one gets first, a line.
 * CLEAT_SYS with the file's name, with EINVAL for what is no regular file or character device. */
int32_t cleat_append_open(struct cleat_append *file, const char *name, const char *first);

/* cleat_append_line appends a line of at most CLEAT_APPEND_MOST bytes; one that is longer, or that the disk does not
 * take, is missing. It keeps errno, and wipes its copy. */
void cleat_append_line(struct cleat_append *file, const char *line);

void cleat_append_close(struct cleat_append *file);

enum { CLEAT_APPEND_MOST = 512 };

#endif
