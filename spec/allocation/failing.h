/* failing.h: an allocator that fails on request, and counts what is not freed. The programs of this folder are linked
 * so that every malloc, calloc, realloc and free in them, BoringSSL's too, comes here; getaddrinfo, whose allocations
 * are libc's own, counts as one. */
#ifndef CLEAT_SPEC_FAILING_H
#define CLEAT_SPEC_FAILING_H

#include <stdbool.h>

/* failing_arm lets this thread's allocation number nth, from 1, fail; from there on all of them if onwards. */
void failing_arm(long nth, bool onwards);

/* failing_disarm ends that, and returns whether it came to a failure. */
bool failing_disarm(void);

/* failing_live returns how many blocks of memory are in use. */
long failing_live(void);

#endif
