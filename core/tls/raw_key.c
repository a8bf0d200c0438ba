/* raw_key.c: loads the raw public key of this side. */
#include "tls/raw_key.h"

#include "base/argument.h"
#include "base/memory.h"
#include "cleat/raw_public_key.h"
#include "tls/context.h"
#include "tls/credential_pem.h"

int32_t cleat_has_raw_public_keys(void) {
    CLEAT_NO_CANCEL();
    return CLEAT_HAS_RAW_PUBLIC_KEYS;
}

int32_t cleat_fail_no_raw_keys(void) {
    return cleat_fail(
        CLEAT_UNSUPPORTED, 0,
        "raw public keys (RFC 7250) need BoringSSL of 2026, and this library has an older one");
}

int32_t cleat_raw_key_digest(const EVP_PKEY *key, uint8_t digest[CLEAT_DIGEST]) {
    uint8_t *bytes = NULL;
    size_t len = 0;
    CBB cbb;
    if (CBB_init(&cbb, 128) != 1 || EVP_marshal_public_key(&cbb, key) != 1 ||
        CBB_finish(&cbb, &bytes, &len) != 1) {
        CBB_cleanup(&cbb);
        return cleat_fail_ssl("EVP_marshal_public_key");
    }
    SHA256(bytes, len, digest);
    OPENSSL_free(bytes);
    return CLEAT_OK;
}

struct cleat_raw_key *cleat_raw_key_ref(struct cleat_raw_key *raw) {
    if (raw != NULL) atomic_fetch_add_explicit(&raw->references, 1, memory_order_relaxed);
    return raw;
}

void cleat_raw_key_unref(struct cleat_raw_key *raw) {
    if (raw == NULL) return;
    if (atomic_fetch_sub_explicit(&raw->references, 1, memory_order_acq_rel) > 1) return;
#if CLEAT_HAS_RAW_PUBLIC_KEYS
    SSL_CREDENTIAL_free(raw->credential);
#endif
    cleat_release(raw);
}

#if CLEAT_HAS_RAW_PUBLIC_KEYS

int32_t cleat_raw_key_new(EVP_PKEY *key, struct cleat_raw_key **raw) {
    struct cleat_raw_key *made;
    int32_t status;
    int type = EVP_PKEY_id(key);
    if (type != EVP_PKEY_RSA && type != EVP_PKEY_EC && type != EVP_PKEY_ED25519) {
        return cleat_fail_named("SSL", "UNKNOWN_CERTIFICATE_TYPE",
                                "the key is neither RSA, nor EC, nor Ed25519");
    }
    made = cleat_allocate(sizeof *made);
    if (made == NULL) return cleat_fail_nomem();
    atomic_init(&made->references, 1);
    made->credential = SSL_CREDENTIAL_new_raw_public_key(key);
    status = made->credential == NULL ? cleat_fail_ssl("SSL_CREDENTIAL_new_raw_public_key")
                                      : cleat_raw_key_digest(key, made->digest);
    if (status < 0) {
        cleat_raw_key_unref(made);
    } else {
        *raw = made;
    }
    return status;
}

bool cleat_raw_key_use(const struct cleat_raw_key *raw, SSL_CTX *ssl_ctx) {
    return raw == NULL || SSL_CTX_add1_credential(ssl_ctx, raw->credential) == 1;
}

bool cleat_raw_key_add(const struct cleat_raw_key *raw, SSL *ssl) {
    return raw == NULL || SSL_add1_credential(ssl, raw->credential) == 1;
}

#else

bool cleat_raw_key_add(const struct cleat_raw_key *raw, SSL *ssl) {
    (void)raw;
    (void)ssl;
    return true;
}

int32_t cleat_raw_key_new(EVP_PKEY *key, struct cleat_raw_key **raw) {
    (void)key;
    (void)raw;
    return cleat_fail_no_raw_keys();
}

bool cleat_raw_key_use(const struct cleat_raw_key *raw, SSL_CTX *ssl_ctx) {
    (void)raw;
    (void)ssl_ctx;
    return true;
}

#endif

static void put(struct cleat_credentials *set, void *raw) {
    cleat_raw_key_unref(set->raw);
    set->raw = cleat_raw_key_ref(raw);
}

/* Takes over the reference. */
static int32_t set(struct cleat_context *self, struct cleat_raw_key *raw) {
    int32_t status = cleat_context_change_credentials(self, put, raw);
    cleat_raw_key_unref(raw);
    return status;
}

static int32_t load(int32_t context, const char *text, int32_t len,
                    struct cleat_password *password) {
    struct cleat_context *self;
    struct cleat_raw_key *raw = NULL;
    EVP_PKEY *key = NULL;
    int32_t status;
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    cleat_error_clear_queue();
    cleat_file_skip_mark(&text, &len);
    status = CLEAT_HAS_RAW_PUBLIC_KEYS ? cleat_pem_key(text, len, password, &key)
                                       : cleat_fail_no_raw_keys();
    if (status >= 0) status = cleat_raw_key_new(key, &raw);
    if (status >= 0) status = set(self, raw);
    EVP_PKEY_free(key);
    CLEAT_DONE(self);
    return status;
}

int32_t cleat_context_load_raw_public_key_data(int32_t context, const char *key, int32_t key_len,
                                               const char *password, int32_t password_len) {
    CLEAT_NO_CANCEL();
    struct cleat_password secret = {password, password_len, false};
    CLEAT_CHECK_IN(2, key, key_len);
    CLEAT_CHECK_PASSWORD(4, password, password_len);
    return load(context, key, key_len, &secret);
}

int32_t cleat_context_load_raw_public_key(int32_t context, const char *keyfile, int32_t keyfile_len,
                                          const char *password, int32_t password_len) {
    CLEAT_NO_CANCEL();
    struct cleat_password secret = {password, password_len, false};
    char *text = NULL;
    int32_t len = 0;
    int32_t status;
    CLEAT_CHECK_PEM_FILE(2, keyfile, keyfile_len);
    CLEAT_CHECK_PASSWORD(4, password, password_len);
    status = cleat_context_check(context);
    if (status >= 0 && !CLEAT_HAS_RAW_PUBLIC_KEYS) status = cleat_fail_no_raw_keys();
    if (status >= 0) status = cleat_pem_read(keyfile, keyfile_len, &text, &len);
    if (status >= 0) status = load(context, text, len, &secret);
    cleat_release(text);
    return status;
}
