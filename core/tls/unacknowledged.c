#include "tls/unacknowledged.h"

#include <string.h>

#include "base/boringssl.h"
#include "base/memory.h"

enum {
    KEY = 32, /* the length of ChaCha20's key, which precedes the encrypted bytes */
    BLOCK = 1024, /* how many bytes are decrypted at a time */
    COUNTER_STEP = 64 /* bytes per value of ChaCha20's counter */
};

/* position: that of the first byte, a multiple of COUNTER_STEP. The nonce is constant since each key is used once. */
static void crypt(uint8_t *out, const uint8_t *in, int32_t len, const uint8_t *key,
                  int32_t position) {
    static const uint8_t nonce[12];
    CRYPTO_chacha_20(out, in, (size_t)len, key, nonce, (uint32_t)(position / COUNTER_STEP));
}

bool cleat_unacknowledged_keep(struct cleat_unacknowledged *self, const char *data, int32_t len) {
    cleat_unacknowledged_free(self);
    self->end = len;
    self->block = cleat_allocate(KEY + (size_t)len);
    if (self->block == NULL) return false;
    RAND_bytes(self->block, KEY);
    crypt(self->block + KEY, (const uint8_t *)data, len, self->block, 0);
    return true;
}

bool cleat_unacknowledged_matches(const struct cleat_unacknowledged *self, const char *data,
                                  int32_t len) {
    uint8_t plain[BLOCK];
    int32_t position = self->start;
    int32_t end = len < self->end - self->start ? self->start + len : self->end;
    bool same = self->block != NULL;
    while (same && position < end) {
        int32_t block = position / BLOCK * BLOCK;
        int32_t block_end = end - block < BLOCK ? end : block + BLOCK;
        crypt(plain, self->block + KEY + block, block_end - block, self->block, block);
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
    cleat_release(self->block);
    *self = (struct cleat_unacknowledged){0};
}
