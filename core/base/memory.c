/* memory.c: every allocation of the core and of BoringSSL, which calls the three functions at the end of this file.
 * They do what BoringSSL's default allocator does, and also record failures: BoringSSL ignores some failed
 * allocations, and reports others as a different error, for example as an invalid key. */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/boringssl.h"

/* The size of each block is stored in front of it. */
#define PREFIX sizeof(uint64_t)

static _Thread_local bool failed;

static void *check(void *block) {
    if (block == NULL) failed = true;
    return block;
}

bool cleat_memory_failed(void) {
    return failed;
}

void cleat_memory_forget(void) {
    failed = false;
}

void *cleat_allocate(size_t size) {
    void *block = OPENSSL_malloc(size);
    if (block != NULL) memset(block, 0, size);
    return block;
}

void *cleat_resize(void *block, size_t size) {
    return OPENSSL_realloc(block, size);
}

void cleat_release(void *block) {
    OPENSSL_free(block);
}

void *cleat_resize_public(void *block, size_t size) {
    return check(realloc(block, size));
}

void cleat_release_public(void *block) {
    free(block);
}

char *cleat_copy_text(const char *text, int32_t len) {
    char *copy = OPENSSL_malloc((size_t)len + 1);
    if (copy == NULL) return NULL;
    if (len > 0) memcpy(copy, text, (size_t)len);
    copy[len] = '\0';
    return copy;
}

/* The names and types are BoringSSL's (crypto/mem.cc); no header declares them. */
void *OPENSSL_memory_alloc(size_t size);
void OPENSSL_memory_free(void *block);
size_t OPENSSL_memory_get_size(void *block);

void *OPENSSL_memory_alloc(size_t size) {
    uint64_t *start = NULL;
    if (size <= SIZE_MAX - PREFIX) start = check(malloc(size + PREFIX));
    if (start == NULL) return NULL;
    *start = size;
    return start + 1;
}

size_t OPENSSL_memory_get_size(void *block) {
    return (size_t)((uint64_t *)block)[-1];
}

void OPENSSL_memory_free(void *block) {
    uint64_t *start = (uint64_t *)block - 1;
    OPENSSL_cleanse(start, (size_t)*start + PREFIX);
    free(start);
}

/* The deepest copies were seen 5800 bytes below, by clang for aarch64. */
enum { STACK = 8192, PIECE = 1024 };

__attribute__((noinline)) void cleat_wipe_stack(void) {
    uint8_t below[STACK];
    size_t at;
    /* In pieces: memset clears more at a time by an instruction that callgrind counts once for each byte. */
    for (at = 0; at < sizeof below; at += PIECE) OPENSSL_cleanse(below + at, PIECE);
}
