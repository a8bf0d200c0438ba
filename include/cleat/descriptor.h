/* descriptor.h: descriptors that are not sockets: terminals, pipes and files, such as a program's standard input. */
#ifndef CLEAT_DESCRIPTOR_H
#define CLEAT_DESCRIPTOR_H

#include "cleat/base.h"

/* cleat_descriptor_read returns how many bytes it has read from a descriptor into buf, at least 1, or 0 at the end
 * of the input. It waits until there are some, at most timeout seconds. buf_cap: 1 or more. CLEAT_TIMEOUT; CLEAT_SYS
 * (EBADF; EAGAIN if another process has read them first). */
CLEAT_API int32_t cleat_descriptor_read(int32_t fd, char *buf, int32_t buf_cap, double timeout);

/* cleat_descriptor_columns returns how many columns the terminal fd has, 0 if that is unknown. CLEAT_SYS (ENOTTY if
 * fd is not a terminal). */
CLEAT_API int32_t cleat_descriptor_columns(int32_t fd);

#endif
