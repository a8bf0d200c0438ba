/* sessions.c: ticket keys (RFC 5077 section 4) that are made at random and renewed, and counters. A
 * key seals for as long as BoringSSL's own would, and opens for as long again. */
#include "tls/sessions.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"

#define KEY_LIFETIME ((int64_t)SSL_DEFAULT_TICKET_KEY_ROTATION_INTERVAL) /* seconds */

struct key {
    uint8_t name[SSL_TICKET_KEY_NAME_LEN];
    uint8_t hmac[32];
    uint8_t aes[32];
    int64_t made; /* in seconds of the monotonic clock */
    bool is_there;
};

struct cleat_sessions {
    atomic_int references;
    atomic_int stats[CLEAT_COUNTERS];
    struct cleat_session_cache *cache;
    pthread_mutex_t lock; /* for the keys */
    struct key newest;
    struct key previous;
};

struct cleat_sessions *cleat_sessions_new(void) {
    struct cleat_sessions *made = cleat_allocate(sizeof *made);
    if (made == NULL) return NULL;
    atomic_init(&made->references, 1);
    pthread_mutex_init(&made->lock, NULL);
    made->cache = cleat_session_cache_new();
    if (made->cache != NULL) return made;
    cleat_sessions_unref(made);
    return NULL;
}

struct cleat_sessions *cleat_sessions_ref(struct cleat_sessions *sessions) {
    atomic_fetch_add_explicit(&sessions->references, 1, memory_order_relaxed);
    return sessions;
}

void cleat_sessions_unref(struct cleat_sessions *sessions) {
    if (sessions == NULL) return;
    if (atomic_fetch_sub_explicit(&sessions->references, 1, memory_order_acq_rel) > 1) return;
    cleat_session_cache_free(sessions->cache);
    pthread_mutex_destroy(&sessions->lock);
    cleat_release(sessions);
}

void cleat_sessions_count(struct cleat_sessions *sessions, int32_t which) {
    atomic_int *counter = &sessions->stats[which];
    int count = atomic_load_explicit(counter, memory_order_relaxed);
    while (count < INT32_MAX &&
           !atomic_compare_exchange_weak_explicit(counter, &count, count + 1, memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
}

int32_t cleat_sessions_stat(const struct cleat_sessions *sessions, int32_t which) {
    return atomic_load_explicit(&sessions->stats[which], memory_order_relaxed);
}

struct cleat_session_cache *cleat_sessions_cache(const struct cleat_sessions *sessions) {
    return sessions->cache;
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec;
}

static void renew(struct cleat_sessions *self, int64_t time) {
    if (self->newest.is_there && time - self->newest.made < KEY_LIFETIME) return;
    self->previous = self->newest;
    RAND_bytes(self->newest.name, sizeof self->newest.name);
    RAND_bytes(self->newest.hmac, sizeof self->newest.hmac);
    RAND_bytes(self->newest.aes, sizeof self->newest.aes);
    self->newest.made = time;
    self->newest.is_there = true;
}

static bool is_named(const struct key *key, const uint8_t *name, int64_t time) {
    return key->is_there && time - key->made < 2 * KEY_LIFETIME &&
           CRYPTO_memcmp(key->name, name, sizeof key->name) == 0;
}

static bool set_up(const struct key *key, const uint8_t *iv, EVP_CIPHER_CTX *cipher, HMAC_CTX *hmac,
                   bool encrypt) {
    return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->aes, iv, encrypt ? 1 : 0) == 1 &&
           HMAC_Init_ex(hmac, key->hmac, sizeof key->hmac, EVP_sha256(), NULL) == 1;
}

int cleat_sessions_ticket_key(struct cleat_sessions *sessions, uint8_t *name, uint8_t *iv,
                              EVP_CIPHER_CTX *cipher, HMAC_CTX *hmac, bool encrypt) {
    enum { FAILED = -1, NONE = 0, FOUND = 1, RENEW = 2 };
    int64_t time = now();
    struct key key;
    int result = FOUND;
    pthread_mutex_lock(&sessions->lock);
    renew(sessions, time);
    key = sessions->newest;
    if (!encrypt && !is_named(&key, name, time)) {
        key = sessions->previous;
        result = is_named(&key, name, time) ? RENEW : NONE;
    }
    pthread_mutex_unlock(&sessions->lock);
    if (encrypt) {
        memcpy(name, key.name, sizeof key.name);
        RAND_bytes(iv, AES_BLOCK_SIZE);
    }
    if (result != NONE && !set_up(&key, iv, cipher, hmac, encrypt)) result = FAILED;
    OPENSSL_cleanse(&key, sizeof key);
    return result;
}
