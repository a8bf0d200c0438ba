#include "tls/peer_keys.h"

#include "base/argument.h"
#include "base/memory.h"
#include "cleat/raw_public_key.h"
#include "tls/connection.h"
#include "tls/context.h"
#include "tls/raw_key.h"
#include "x509/verify_error.h"

enum { KEYS_MAX = 65536 };

struct cleat_peer_keys *cleat_peer_keys_ref(struct cleat_peer_keys *keys) {
    if (keys != NULL) atomic_fetch_add_explicit(&keys->references, 1, memory_order_relaxed);
    return keys;
}

void cleat_peer_keys_unref(struct cleat_peer_keys *keys) {
    if (keys == NULL) return;
    if (atomic_fetch_sub_explicit(&keys->references, 1, memory_order_acq_rel) == 1) {
        cleat_release(keys);
    }
}

#if CLEAT_HAS_RAW_PUBLIC_KEYS

static const uint8_t types[] = {TLSEXT_cert_type_rpk, TLSEXT_cert_type_x509};

/* The accepted certificate types, the preferred one first. */
static const uint8_t *types_of(const struct cleat_peer_keys *keys, size_t *count) {
    *count = keys != NULL && keys->which == CLEAT_PEER_KEYS_ALSO ? 2 : 1;
    return keys == NULL ? types + 1 : types;
}

bool cleat_peer_keys_set_up(const struct cleat_peer_keys *keys, SSL_CTX *ssl_ctx) {
    size_t count;
    const uint8_t *list = types_of(keys, &count);
    return keys == NULL || SSL_CTX_set1_accepted_peer_cert_types(ssl_ctx, list, count) == 1;
}

bool cleat_peer_keys_switch(const struct cleat_peer_keys *keys, SSL *ssl) {
    size_t count;
    const uint8_t *list = types_of(keys, &count);
    return SSL_set1_accepted_peer_cert_types(ssl, list, count) == 1;
}

bool cleat_peer_keys_is_raw(const struct cleat_connection *connection) {
    return SSL_get0_peer_rpk(connection->ssl) != NULL;
}

static EVP_PKEY *raw_key_of(const struct cleat_connection *connection) {
    return SSL_get0_peer_rpk(connection->ssl);
}

#else

bool cleat_peer_keys_set_up(const struct cleat_peer_keys *keys, SSL_CTX *ssl_ctx) {
    (void)keys;
    (void)ssl_ctx;
    return true;
}

bool cleat_peer_keys_switch(const struct cleat_peer_keys *keys, SSL *ssl) {
    (void)keys;
    (void)ssl;
    return true;
}

bool cleat_peer_keys_is_raw(const struct cleat_connection *connection) {
    (void)connection;
    return false;
}

static EVP_PKEY *raw_key_of(const struct cleat_connection *connection) {
    (void)connection;
    return NULL;
}

#endif

static bool has_key(const struct cleat_peer_keys *keys, const uint8_t digest[CLEAT_DIGEST]) {
    size_t i;
    for (i = 0; i < keys->count; i++) {
        if (memcmp(keys->list[i], digest, CLEAT_DIGEST) == 0) return true;
    }
    return false;
}

bool cleat_peer_keys_decide(const struct cleat_connection *connection, int *number) {
    const struct cleat_peer_keys *keys = connection->configuration->peer_keys;
    const EVP_PKEY *key = raw_key_of(connection);
    uint8_t digest[CLEAT_DIGEST];
    *number = CLEAT_X509_RPK_UNTRUSTED;
    if (key == NULL) return keys != NULL && keys->which == CLEAT_PEER_KEYS_ONLY;
    if (keys == NULL) return true;
    if (cleat_raw_key_digest(key, digest) < 0) {
        *number = X509_V_ERR_OUT_OF_MEM;
    } else if (has_key(keys, digest)) {
        *number = 0;
    }
    return true;
}

/* Parses and counts the keys, and stores the digest of each unless list is NULL. */
static int32_t parse(const char *bytes, int32_t len, uint8_t (*list)[CLEAT_DIGEST], size_t *count) {
    CBS cbs;
    *count = 0;
    CBS_init(&cbs, (const uint8_t *)bytes, (size_t)len);
    while (CBS_len(&cbs) > 0) {
        EVP_PKEY *key;
        int32_t status = CLEAT_OK;
        cleat_error_clear_queue();
        if (*count == KEYS_MAX) return cleat_fail_usage(3, "more than %d keys", (int)KEYS_MAX);
        key = EVP_parse_public_key(&cbs);
        if (key == NULL) return cleat_fail_ssl("EVP_parse_public_key");
        if (list != NULL) status = cleat_raw_key_digest(key, list[*count]);
        EVP_PKEY_free(key);
        if (status < 0) return status;
        ++*count;
    }
    return CLEAT_OK;
}

static int32_t make(int32_t which, const char *bytes, int32_t len, struct cleat_peer_keys **keys) {
    struct cleat_peer_keys *made;
    uint8_t number = (uint8_t)which;
    size_t count;
    SHA256_CTX hash;
    int32_t status = parse(bytes, len, NULL, &count);
    if (status < 0) return status;
    made = cleat_allocate(sizeof *made + count * sizeof made->list[0]);
    if (made == NULL) return cleat_fail_nomem();
    atomic_init(&made->references, 1);
    made->which = which;
    status = parse(bytes, len, made->list, &made->count);
    if (status < 0) {
        cleat_peer_keys_unref(made);
        return status;
    }
    SHA256_Init(&hash);
    SHA256_Update(&hash, &number, 1);
    if (count > 0) SHA256_Update(&hash, made->list, count * sizeof made->list[0]);
    SHA256_Final(made->digest, &hash);
    *keys = made;
    return CLEAT_OK;
}

static int32_t set(struct cleat_context *self, int32_t which, const char *bytes, int32_t len) {
    struct cleat_peer_keys *made = NULL;
    struct cleat_peer_keys *old;
    int32_t status = CLEAT_OK;
    if (which == CLEAT_PEER_KEYS_NONE && len > 0) {
        return cleat_fail_usage(3, "keys must be empty with CLEAT_PEER_KEYS_NONE");
    }
    if (!CLEAT_HAS_RAW_PUBLIC_KEYS && which != CLEAT_PEER_KEYS_NONE)
        return cleat_fail_no_raw_keys();
    if (which != CLEAT_PEER_KEYS_NONE) status = make(which, bytes, len, &made);
    if (status < 0) return status;
    pthread_mutex_lock(&self->lock);
    old = self->peer_keys;
    self->peer_keys = made;
    cleat_context_changed(self);
    pthread_mutex_unlock(&self->lock);
    cleat_peer_keys_unref(old);
    return CLEAT_OK;
}

int32_t cleat_context_set_peer_public_keys(int32_t context, int32_t which, const char *keys,
                                           int32_t keys_len) {
    struct cleat_context *self;
    int32_t status;
    CLEAT_CHECK_RANGE(2, which, CLEAT_PEER_KEYS_NONE, CLEAT_PEER_KEYS_ALSO);
    CLEAT_CHECK_IN(3, keys, keys_len);
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    status = set(self, which, keys, keys_len);
    CLEAT_DONE(self);
    return status;
}

/* Copies the public key of the peer's certificate. CLEAT_SSL if it cannot be parsed. */
static int32_t key_of_certificate(CRYPTO_BUFFER *certificate, char *output, int32_t output_cap) {
    X509 *parsed = X509_parse_from_buffer(certificate);
    uint8_t *bytes = NULL;
    int len = parsed == NULL ? -1 : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(parsed), &bytes);
    int32_t result = len < 0 ? cleat_fail_ssl("X509_parse_from_buffer")
                             : cleat_copy_out((const char *)bytes, len, output, output_cap);
    OPENSSL_free(bytes);
    X509_free(parsed);
    return result;
}

static int32_t key_of_raw(const EVP_PKEY *key, char *output, int32_t output_cap) {
    uint8_t *bytes = NULL;
    int len = i2d_PUBKEY(key, &bytes);
    int32_t result = len < 0 ? cleat_fail_ssl("i2d_PUBKEY")
                             : cleat_copy_out((const char *)bytes, len, output, output_cap);
    OPENSSL_free(bytes);
    return result;
}

int32_t cleat_connection_peer_public_key(int32_t connection, char *output, int32_t output_cap) {
    CLEAT_CHECK_OUT(2, output, output_cap);
    int32_t result = 0;
    CLEAT_BEGIN(connection);
    const EVP_PKEY *key = raw_key_of(self);
    const STACK_OF(CRYPTO_BUFFER) *sent = SSL_get0_peer_certificates(self->ssl);
    cleat_error_clear_queue();
    if (key != NULL) {
        result = key_of_raw(key, output, output_cap);
    } else if (sent != NULL && sk_CRYPTO_BUFFER_num(sent) > 0) {
        result = key_of_certificate(sk_CRYPTO_BUFFER_value(sent, 0), output, output_cap);
    }
    CLEAT_END(result);
}
