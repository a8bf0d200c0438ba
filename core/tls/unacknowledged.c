#include "tls/unacknowledged.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/boringssl.h"
#include "base/memory.h"

enum { BLOCK = 1024, COUNTER_STEP = 64 /* bytes of ChaCha20 for each value of its counter */ };

static uint8_t key[32];
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static atomic_uint_fast64_t nonces;

static void draw_key(void) {
    RAND_bytes(key, sizeof key);
}

/* position: of the first byte, a multiple of COUNTER_STEP. */
static void mask(uint8_t *out, const uint8_t *in, size_t len, uint64_t nonce, int32_t position) {
    uint8_t bytes[12] = {0};
    memcpy(bytes, &nonce, sizeof nonce);
    CRYPTO_chacha_20(out, in, len, key, bytes, (uint32_t)(position / COUNTER_STEP));
}

bool cleat_unacknowledged_keep(struct cleat_unacknowledged *self, const char *data, int32_t len) {
    cleat_unacknowledged_free(self);
    self->end = len;
    self->bytes = cleat_allocate((size_t)len);
    if (self->bytes == NULL) return false;
    pthread_once(&key_once, draw_key);
    self->nonce = atomic_fetch_add(&nonces, 1);
    mask(self->bytes, (const uint8_t *)data, (size_t)len, self->nonce, 0);
    return true;
}

bool cleat_unacknowledged_matches(const struct cleat_unacknowledged *self, const char *data,
                                  int32_t len) {
    uint8_t plain[BLOCK];
    int32_t position = self->start;
    int32_t end = len < self->end - self->start ? self->start + len : self->end;
    bool same = self->bytes != NULL;
    while (same && position < end) {
        int32_t block = position / BLOCK * BLOCK;
        int32_t block_end = end - block < BLOCK ? end : block + BLOCK;
        mask(plain, self->bytes + block, (size_t)(block_end - block), self->nonce, block);
        same = memcmp(plain + (position - block), data + (position - self->start),
                      (size_t)(block_end - position)) == 0;
        position = block_end;
    }
    OPENSSL_cleanse(plain, sizeof plain);
    return same;
}

void cleat_unacknowledged_count(struct cleat_unacknowledged *self, int32_t len) {
    self->start += len;
    if (self->start == self->end) cleat_unacknowledged_free(self);
}

void cleat_unacknowledged_free(struct cleat_unacknowledged *self) {
    cleat_release(self->bytes);
    *self = (struct cleat_unacknowledged){0};
}
