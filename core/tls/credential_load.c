/* credential_load.c: loads certificate chains and private keys into contexts.
 *
 * Everything is read and checked before the context is changed, and then set in one step, so that a failure leaves
 * the context unchanged. */
#include "base/argument.h"
#include "base/file.h"
#include "base/memory.h"
#include "tls/context.h"
#include "tls/credential_pem.h"
#include "tls/signature.h"

static void put(struct cleat_credentials *set, void *credential) {
    set->last_loaded = ((struct cleat_credential *)credential)->type;
    cleat_credentials_put(set, cleat_credential_ref(credential));
}

/* Adds a credential to the context, or replaces the one of the same type. Takes over the reference. */
static int32_t add(struct cleat_context *self, struct cleat_credential *credential) {
    int32_t status = cleat_context_change_credentials(self, put, credential);
    cleat_credential_unref(credential);
    return status;
}

/* Returns the type of the key. key: NULL for a remote key. */
static int32_t set_chain_and_key(int32_t context, const STACK_OF(CRYPTO_BUFFER) * chain,
                                 EVP_PKEY *key) {
    struct cleat_context *self;
    struct cleat_credential *made;
    int32_t result;
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    result = cleat_credential_new(chain, key, &made);
    if (result >= 0) {
        int32_t type = (int32_t)made->type;
        result = add(self, made);
        if (result >= 0) result = type;
    }
    CLEAT_DONE(self);
    return result;
}

static int32_t load(int32_t context, const char *certs, int32_t certs_len, const char *key_text,
                    int32_t key_len, struct cleat_password *password) {
    STACK_OF(CRYPTO_BUFFER) *chain = NULL;
    X509 *leaf = NULL;
    EVP_PKEY *key = NULL;
    int32_t status;
    cleat_error_clear_queue();
    cleat_file_skip_mark(&certs, &certs_len);
    cleat_file_skip_mark(&key_text, &key_len);
    status = cleat_pem_chain(certs, certs_len, &chain, &leaf);
    if (status >= 0) status = cleat_pem_key(key_text, key_len, password, &key);
    if (status >= 0 && X509_check_private_key(leaf, key) != 1) {
        status = cleat_fail_ssl("X509_check_private_key");
    }
    if (status >= 0) status = set_chain_and_key(context, chain, key);
    EVP_PKEY_free(key);
    X509_free(leaf);
    sk_CRYPTO_BUFFER_pop_free(chain, CRYPTO_BUFFER_free);
    return status < 0 ? status : CLEAT_OK;
}

/* BoringSSL supports more types of keys than it can use for TLS signatures. */
static int32_t check_type(X509 *leaf) {
    EVP_PKEY *key = X509_get_pubkey(leaf);
    int type = key == NULL ? EVP_PKEY_NONE : EVP_PKEY_id(key);
    EVP_PKEY_free(key);
    if (cleat_memory_failed()) return cleat_fail_nomem();
    if (type == EVP_PKEY_RSA || type == EVP_PKEY_EC || type == EVP_PKEY_ED25519) return CLEAT_OK;
    return cleat_fail_named("SSL", "UNKNOWN_CERTIFICATE_TYPE",
                            "the certificate's key is neither RSA, nor EC, nor Ed25519");
}

static int32_t load_remote_key(int32_t context, const char *certs, int32_t certs_len) {
    STACK_OF(CRYPTO_BUFFER) *chain = NULL;
    X509 *leaf = NULL;
    int32_t status;
    cleat_error_clear_queue();
    cleat_file_skip_mark(&certs, &certs_len);
    status = cleat_pem_chain(certs, certs_len, &chain, &leaf);
    if (status >= 0) status = check_type(leaf);
    if (status >= 0) status = set_chain_and_key(context, chain, NULL);
    X509_free(leaf);
    sk_CRYPTO_BUFFER_pop_free(chain, CRYPTO_BUFFER_free);
    return status < 0 ? status : cleat_signature_key_number((enum cleat_key_type)status);
}

int32_t cleat_context_load_cert_chain_data(int32_t context, const char *certs, int32_t certs_len,
                                           const char *key, int32_t key_len, const char *password,
                                           int32_t password_len) {
    CLEAT_NO_CANCEL();
    struct cleat_password secret = {password, password_len, false};
    int32_t status;
    CLEAT_CHECK_IN(2, certs, certs_len);
    CLEAT_CHECK_IN(4, key, key_len);
    CLEAT_CHECK_PASSWORD(6, password, password_len);
    status = cleat_context_check(context);
    if (status < 0) return status;
    return load(context, certs, certs_len, key == NULL ? certs : key,
                key == NULL ? certs_len : key_len, &secret);
}

int32_t cleat_context_load_cert_chain(int32_t context, const char *certfile, int32_t certfile_len,
                                      const char *keyfile, int32_t keyfile_len,
                                      const char *password, int32_t password_len) {
    CLEAT_NO_CANCEL();
    struct cleat_password secret = {password, password_len, false};
    char *certs = NULL;
    char *key = NULL;
    int32_t certs_len = 0;
    int32_t key_len = 0;
    int32_t status;
    CLEAT_CHECK_PEM_FILE(2, certfile, certfile_len);
    CLEAT_CHECK_PEM_FILE(4, keyfile, keyfile_len);
    CLEAT_CHECK_PASSWORD(6, password, password_len);
    status = cleat_context_check(context);
    if (status >= 0) status = cleat_pem_read(certfile, certfile_len, &certs, &certs_len);
    if (status >= 0 && keyfile != NULL) {
        status = cleat_pem_read(keyfile, keyfile_len, &key, &key_len);
    }
    if (status >= 0) {
        status = load(context, certs, certs_len, key == NULL ? certs : key,
                      key == NULL ? certs_len : key_len, &secret);
    }
    cleat_release(certs);
    cleat_release(key);
    return status;
}

int32_t cleat_context_load_cert_chain_remote_key_data(int32_t context, const char *certs,
                                                      int32_t certs_len) {
    CLEAT_NO_CANCEL();
    int32_t status;
    CLEAT_CHECK_IN(2, certs, certs_len);
    status = cleat_context_check(context);
    return status < 0 ? status : load_remote_key(context, certs, certs_len);
}

int32_t cleat_context_load_cert_chain_remote_key(int32_t context, const char *certfile,
                                                 int32_t certfile_len) {
    CLEAT_NO_CANCEL();
    char *certs = NULL;
    int32_t certs_len = 0;
    int32_t status;
    CLEAT_CHECK_PEM_FILE(2, certfile, certfile_len);
    status = cleat_context_check(context);
    if (status >= 0) status = cleat_pem_read(certfile, certfile_len, &certs, &certs_len);
    if (status >= 0) status = load_remote_key(context, certs, certs_len);
    cleat_release(certs);
    return status;
}

static int32_t parse_dh_params(const char *text, int32_t len) {
    BIO *bio;
    DH *dh;
    cleat_file_skip_mark(&text, &len);
    bio = BIO_new_mem_buf(len > 0 ? text : "", len);
    if (bio == NULL) return cleat_fail_nomem();
    cleat_error_clear_queue();
    dh = PEM_read_bio_DHparams(bio, NULL, NULL, NULL);
    BIO_free(bio);
    if (dh == NULL) return cleat_fail_ssl("PEM_read_bio_DHparams");
    DH_free(dh);
    return CLEAT_OK;
}

int32_t cleat_context_load_dh_params(int32_t context, const char *dhfile, int32_t dhfile_len) {
    CLEAT_NO_CANCEL();
    char *text = NULL;
    int32_t len = 0;
    int32_t status;
    CLEAT_CHECK_TEXT(2, dhfile, dhfile_len);
    status = cleat_context_check(context);
    if (status >= 0) status = cleat_pem_read(dhfile, dhfile_len, &text, &len);
    if (status >= 0) status = parse_dh_params(text, len);
    cleat_release(text);
    return status;
}
