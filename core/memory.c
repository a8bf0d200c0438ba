#include "memory.h"

#include <stdlib.h>
#include <string.h>

#include "boringssl.h"

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
    return realloc(block, size);
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
