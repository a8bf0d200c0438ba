/* random.h: random bytes. */
#ifndef CLEAT_RANDOM_H
#define CLEAT_RANDOM_H

#include "cleat/base.h"

/* cleat_random_bytes returns buf_cap and fills buf with that many cryptographically secure random bytes, which can
 * be used as keys. The generator is seeded by the kernel, and a forked process gets different bytes. */
CLEAT_API int32_t cleat_random_bytes(char *buf, int32_t buf_cap);

#endif
