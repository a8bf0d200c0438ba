/* descriptor.h: descriptors that are no sockets: terminals, pipes and files, such as a program's standard input. */
#ifndef CLEAT_DESCRIPTOR_H
#define CLEAT_DESCRIPTOR_H

#include "cleat/base.h"

/* cleat_descriptor_read returns how many bytes it has read from a descriptor into buf, 0 at its end. It waits for at
 * most timeout until there are some. CLEAT_TIMEOUT; CLEAT_SYS (EBADF; EAGAIN, if another process has read them). */
CLEAT_API int32_t cleat_descriptor_read(int32_t fd, char *buf, int32_t buf_cap, double timeout);

/* cleat_descriptor_columns returns how many columns the terminal has that fd is, 0 if it does not say. CLEAT_SYS:
 * ENOTTY if it is no terminal. */
CLEAT_API int32_t cleat_descriptor_columns(int32_t fd);

#endif
