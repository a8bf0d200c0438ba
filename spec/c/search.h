/* search.h: secrets that this process can look for in its own memory. */
#ifndef CLEAT_SPEC_SEARCH_H
#define CLEAT_SPEC_SEARCH_H

#include <stddef.h>
#include <stdint.h>

enum { SEARCH_MAX = 256 };

/* A secret to search for. It is stored masked, so that the copy itself is not found in memory. */
struct secret {
    size_t len;
    uint8_t masked[SEARCH_MAX];
};

/* secret_keep stores a copy of the bytes, and wipes them. */
void secret_keep(struct secret *secret, uint8_t *bytes, size_t len);

/* secret_random makes a secret of len letters. */
void secret_random(struct secret *secret, size_t len);

/* secret_copy returns the bytes with a zero byte after them. Free them with secret_free, which wipes them. */
char *secret_copy(const struct secret *secret);
void secret_free(char *bytes, const struct secret *secret);

/* secret_count returns how often the secret is in this process's writable memory: heap, stacks, variables. */
int secret_count(const struct secret *secret);

#endif
