/* sessions.c: the state that the configurations of a context share: ticket keys, session cache, counters. */
#include "tls/sessions.h"

#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"

struct cleat_sessions {
    atomic_int references;
    atomic_int stats[CLEAT_COUNTERS];
    struct cleat_session_cache *cache;
    struct cleat_ticket_keys *keys;
};

struct cleat_sessions *cleat_sessions_new(void) {
    struct cleat_sessions *made = cleat_allocate(sizeof *made);
    if (made == NULL) return NULL;
    atomic_init(&made->references, 1);
    made->cache = cleat_session_cache_new();
    made->keys = cleat_ticket_keys_new();
    if (made->cache != NULL && made->keys != NULL) return made;
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
    cleat_ticket_keys_free(sessions->keys);
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

struct cleat_ticket_keys *cleat_sessions_keys(const struct cleat_sessions *sessions) {
    return sessions->keys;
}

static bool set_up(const struct cleat_ticket_key *key, const uint8_t *iv, EVP_CIPHER_CTX *cipher,
                   HMAC_CTX *hmac, bool encrypt) {
    return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->aes, iv, encrypt ? 1 : 0) == 1 &&
           HMAC_Init_ex(hmac, key->hmac, sizeof key->hmac, EVP_sha256(), NULL) == 1;
}

int cleat_sessions_ticket_key(struct cleat_sessions *sessions, uint8_t *name, uint8_t *iv,
                              EVP_CIPHER_CTX *cipher, HMAC_CTX *hmac, bool encrypt) {
    enum { FAILED = -1, NONE = 0, FOUND = 1, RENEW = 2 };
    struct cleat_ticket_key key;
    int result = FOUND;
    if (encrypt) {
        if (!cleat_ticket_keys_newest(sessions->keys, &key)) return FAILED;
        memcpy(name, key.name, sizeof key.name);
        RAND_bytes(iv, AES_BLOCK_SIZE);
    } else {
        switch (cleat_ticket_keys_find(sessions->keys, name, &key)) {
            case CLEAT_TICKET_UNKNOWN: return NONE;
            case CLEAT_TICKET_OLDER: result = RENEW; break;
            case CLEAT_TICKET_NEWEST: break;
        }
    }
    if (!set_up(&key, iv, cipher, hmac, encrypt)) result = FAILED;
    OPENSSL_cleanse(&key, sizeof key);
    return result;
}
