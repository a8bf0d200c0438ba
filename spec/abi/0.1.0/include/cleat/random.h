/* random.h: random bytes. */
#ifndef CLEAT_RANDOM_H
#define CLEAT_RANDOM_H

#include "cleat/base.h"

/* cleat_random_bytes returns buf_cap and fills buf with that many bytes fit for keys. The
 * generator is seeded by the kernel and differs between a process and its fork. */
CLEAT_API int32_t cleat_random_bytes(char *buf, int32_t buf_cap);

#endif
