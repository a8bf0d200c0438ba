/* memory.h: the allocator of the core and of BoringSSL. It wipes a block before it frees it. */
#ifndef CLEAT_CORE_MEMORY_H
#define CLEAT_CORE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* cleat_allocate returns size zeroed bytes, or NULL. */
void *cleat_allocate(size_t size);

/* cleat_resize returns block resized to size bytes, which may have moved; or NULL, and block is unchanged. */
void *cleat_resize(void *block, size_t size);

/* cleat_release wipes and frees block, which may be NULL. */
void cleat_release(void *block);

/* cleat_resize_public and cleat_release_public are for ciphertext, which needs no wiping: wiping would cost as much
 * as sending it. */
void *cleat_resize_public(void *block, size_t size);
void cleat_release_public(void *block);

/* cleat_wipe_stack wipes what the calls before it have left on the stack below its caller: BoringSSL leaves copies of
 * passwords, of pre-shared keys and of the secrets of handshakes there. */
void cleat_wipe_stack(void);

/* cleat_memory_failed returns whether an allocation of the core or of BoringSSL has failed in this thread since the
 * last cleat_memory_forget. BoringSSL does not report every failed allocation. */
bool cleat_memory_failed(void);
void cleat_memory_forget(void);

/* cleat_copy_text returns a copy of len bytes followed by a zero byte, or NULL. */
char *cleat_copy_text(const char *text, int32_t len);

#endif
