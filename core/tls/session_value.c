/* session_value.c: a value is bound to the key under which it is stored, so that a store that returns a wrong or
 * truncated value causes a full handshake instead of a failed one.
 *
 * A plaintext value has a digest, which detects such errors. With ticket keys a value is encrypted and authenticated
 * by AES-256-GCM with its own key, so that attackers who can read or write the store gain nothing. A context with
 * shared ticket keys accepts no plaintext values: otherwise an attacker who can write to the store could omit the
 * encryption. */
#include "tls/session_value.h"

#include <string.h>

enum {
    PLAIN = 1,
    ENCRYPTED = 2, /* PLAIN and ENCRYPTED are the first byte of a value */
    DIGEST = 16,
    PLAIN_HEAD = 1 + DIGEST,
    NONCE = 12,
    TAG = 16,
    ENCRYPTED_HEAD = 1 + SSL_TICKET_KEY_NAME_LEN + NONCE
};

_Static_assert(ENCRYPTED_HEAD + TAG <= CLEAT_SESSION_VALUE_OVERHEAD, "there is room");

static void digest_of(const uint8_t *name, const uint8_t *session, size_t len,
                      uint8_t digest[DIGEST]) {
    static const char label[] = "cleat stored session 1";
    uint8_t all[SHA256_DIGEST_LENGTH];
    SHA256_CTX hash;
    SHA256_Init(&hash);
    SHA256_Update(&hash, label, sizeof label);
    SHA256_Update(&hash, name, CLEAT_SESSION_KEY);
    SHA256_Update(&hash, session, len);
    SHA256_Final(all, &hash);
    memcpy(digest, all, DIGEST);
}

/* Initialises the cipher of one value with a key that is derived from a ticket key and the key under which the value
 * is stored. */
static bool start(EVP_AEAD_CTX *aead, const struct cleat_ticket_key *key, const uint8_t *name) {
    static const char label[] = "cleat stored session 2";
    uint8_t input[sizeof label + CLEAT_SESSION_KEY];
    uint8_t own[SHA256_DIGEST_LENGTH];
    unsigned own_len = 0;
    bool started;
    memcpy(input, label, sizeof label);
    memcpy(input + sizeof label, name, CLEAT_SESSION_KEY);
    started = HMAC(EVP_sha256(), key->hmac, sizeof key->hmac, input, sizeof input, own, &own_len) !=
                  NULL &&
              EVP_AEAD_CTX_init(aead, EVP_aead_aes_256_gcm(), own, own_len, TAG, NULL) == 1;
    OPENSSL_cleanse(own, sizeof own);
    return started;
}

static size_t encrypt(const struct cleat_ticket_key *key, const uint8_t *name,
                      const uint8_t *session, size_t len, uint8_t *value) {
    uint8_t *nonce = value + 1 + SSL_TICKET_KEY_NAME_LEN;
    EVP_AEAD_CTX aead;
    size_t output_len = 0;
    bool done;
    value[0] = ENCRYPTED;
    memcpy(value + 1, key->name, sizeof key->name);
    RAND_bytes(nonce, NONCE);
    EVP_AEAD_CTX_zero(&aead);
    done = start(&aead, key, name) &&
           EVP_AEAD_CTX_seal(&aead, value + ENCRYPTED_HEAD, &output_len, len + TAG, nonce, NONCE,
                             session, len, name, CLEAT_SESSION_KEY) == 1;
    EVP_AEAD_CTX_cleanup(&aead);
    return done ? ENCRYPTED_HEAD + output_len : 0;
}

size_t cleat_session_value_seal(struct cleat_ticket_keys *keys,
                                const uint8_t name[CLEAT_SESSION_KEY], const uint8_t *session,
                                size_t len, uint8_t *value) {
    struct cleat_ticket_key key;
    size_t made;
    if (!cleat_ticket_keys_are_shared(keys)) {
        value[0] = PLAIN;
        digest_of(name, session, len, value + 1);
        memcpy(value + PLAIN_HEAD, session, len);
        return PLAIN_HEAD + len;
    }
    if (!cleat_ticket_keys_newest(keys, &key)) return 0;
    made = encrypt(&key, name, session, len, value);
    OPENSSL_cleanse(&key, sizeof key);
    return made;
}

static size_t open_plain(const uint8_t *name, const uint8_t *value, size_t len, uint8_t *session) {
    uint8_t digest[DIGEST];
    if (len <= PLAIN_HEAD) return 0;
    digest_of(name, value + PLAIN_HEAD, len - PLAIN_HEAD, digest);
    if (CRYPTO_memcmp(digest, value + 1, DIGEST) != 0) return 0;
    memcpy(session, value + PLAIN_HEAD, len - PLAIN_HEAD);
    return len - PLAIN_HEAD;
}

static size_t decrypt(struct cleat_ticket_keys *keys, const uint8_t *name, const uint8_t *value,
                      size_t len, uint8_t *session) {
    struct cleat_ticket_key key;
    EVP_AEAD_CTX aead;
    size_t opened = 0;
    bool done;
    if (len <= ENCRYPTED_HEAD + TAG ||
        cleat_ticket_keys_find(keys, value + 1, &key) == CLEAT_TICKET_UNKNOWN) {
        return 0;
    }
    EVP_AEAD_CTX_zero(&aead);
    done = start(&aead, &key, name) &&
           EVP_AEAD_CTX_open(&aead, session, &opened, len, value + 1 + SSL_TICKET_KEY_NAME_LEN,
                             NONCE, value + ENCRYPTED_HEAD, len - ENCRYPTED_HEAD, name,
                             CLEAT_SESSION_KEY) == 1;
    EVP_AEAD_CTX_cleanup(&aead);
    OPENSSL_cleanse(&key, sizeof key);
    ERR_clear_error();
    return done ? opened : 0;
}

size_t cleat_session_value_open(struct cleat_ticket_keys *keys,
                                const uint8_t name[CLEAT_SESSION_KEY], const uint8_t *value,
                                size_t len, uint8_t *session) {
    bool encrypted = cleat_ticket_keys_are_shared(keys);
    if (len == 0 || value[0] != (encrypted ? ENCRYPTED : PLAIN)) return 0;
    return encrypted ? decrypt(keys, name, value, len, session)
                     : open_plain(name, value, len, session);
}
