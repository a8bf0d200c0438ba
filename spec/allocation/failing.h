/* failing.h: an allocator that fails on request, and counts blocks that are not freed. The programs of this folder are
 * linked so that every malloc, calloc, realloc and free in them, also BoringSSL's, calls it; getaddrinfo, whose
 * allocations are libc's own, counts as one allocation. */
#ifndef CLEAT_SPEC_FAILING_H
#define CLEAT_SPEC_FAILING_H

#include <stdbool.h>

/* failing_arm makes this thread's allocation number nth, from 1, fail; and all after it if onwards. */
void failing_arm(long nth, bool onwards);

/* failing_disarm ends that, and returns whether an allocation has failed. */
bool failing_disarm(void);

/* failing_live returns how many blocks of memory are in use. */
long failing_live(void);

#endif
