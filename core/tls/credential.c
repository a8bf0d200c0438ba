/* credential.c: certificate chains and private keys.
 *
 * Everything is read and checked before the context is touched, and then set in one step, so
 * that a failure leaves it as it was. */
#include "tls/credential.h"

#include "base/argument.h"
#include "base/file.h"
#include "base/memory.h"
#include "tls/context.h"
#include "tls/signature.h"
#include "x509/encrypted_key.h"

struct password {
    const char *text; /* NULL if there is none */
    int32_t len;
    bool wanted; /* the key is encrypted */
};

static int answer_password(char *buffer, int size, int writing, void *data) {
    struct password *password = data;
    (void)writing;
    password->wanted = true;
    if (password->text == NULL || password->len > size) return -1;
    memcpy(buffer, password->text, (size_t)password->len);
    return (int)password->len;
}

/* A memory BIO reads from a text that stays the caller's. */
static BIO *read_from(const char *text, int32_t len) {
    return BIO_new_mem_buf(len > 0 ? text : "", len);
}

/* The end of the blocks in a PEM text shows as this error. */
static bool queue_says_no_more(void) {
    uint32_t error = ERR_peek_last_error();
    if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE) {
        return false;
    }
    ERR_clear_error();
    return true;
}

static bool append(STACK_OF(CRYPTO_BUFFER) * chain, X509 *certificate) {
    uint8_t *der = NULL;
    int len = i2d_X509(certificate, &der);
    CRYPTO_BUFFER *buffer;
    if (len < 0) return false;
    buffer = CRYPTO_BUFFER_new(der, (size_t)len, NULL);
    OPENSSL_free(der);
    if (buffer == NULL) return false;
    if (sk_CRYPTO_BUFFER_push(chain, buffer) == 0) {
        CRYPTO_BUFFER_free(buffer);
        return false;
    }
    return true;
}

/* The certificates of a PEM text in their order, and the first of them also by itself. */
static int32_t parse_chain(const char *text, int32_t len, STACK_OF(CRYPTO_BUFFER) * *chain,
                           X509 **leaf) {
    BIO *bio = read_from(text, len);
    X509 *certificate;
    int32_t status = CLEAT_OK;
    *chain = sk_CRYPTO_BUFFER_new_null();
    if (bio == NULL || *chain == NULL) {
        BIO_free(bio);
        return cleat_fail_nomem();
    }
    while ((certificate = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL)) != NULL) {
        bool appended = append(*chain, certificate);
        if (*leaf == NULL) {
            *leaf = certificate;
        } else {
            X509_free(certificate);
        }
        if (!appended) break;
    }
    if (certificate != NULL) {
        status = cleat_fail_ssl("encoding a certificate");
    } else if (*leaf == NULL || !queue_says_no_more()) {
        status = cleat_fail_ssl("PEM_read_bio_X509_AUX");
    }
    BIO_free(bio);
    return status;
}

/* Reads the first encrypted key of the text again, which BoringSSL has found and could not decrypt. */
static int32_t parse_encrypted_key(const char *text, int32_t len, const struct password *password,
                                   EVP_PKEY **key) {
    BIO *bio = read_from(text, len);
    uint8_t *der = NULL;
    long der_len = 0;
    int32_t status;
    cleat_error_clear_queue();
    if (bio == NULL ||
        PEM_bytes_read_bio(&der, &der_len, NULL, PEM_STRING_PKCS8, bio, NULL, NULL) != 1) {
        status = cleat_fail_ssl("PEM_bytes_read_bio");
    } else {
        status = cleat_encrypted_key_parse(der, (size_t)der_len, password->text,
                                           (size_t)password->len, key);
    }
    BIO_free(bio);
    OPENSSL_free(der);
    return status;
}

/* One wrong password in 256 leaves what looks like padding, and then bytes that are no key. */
static bool queue_says_no_key(void) {
    uint32_t error = ERR_peek_error();
    int reason = ERR_GET_REASON(error);
    switch (ERR_GET_LIB(error)) {
        case ERR_LIB_EVP: return reason == EVP_R_DECODE_ERROR;
        case ERR_LIB_RSA: return reason == RSA_R_BAD_ENCODING;
        case ERR_LIB_EC: return reason == EC_R_DECODE_ERROR;
        case ERR_LIB_DSA: return reason == DSA_R_DECODE_ERROR;
        default: return false;
    }
}

static int32_t parse_key(const char *text, int32_t len, struct password *password, EVP_PKEY **key) {
    BIO *bio = read_from(text, len);
    if (bio == NULL) return cleat_fail_nomem();
    *key = PEM_read_bio_PrivateKey(bio, NULL, answer_password, password);
    BIO_free(bio);
    if (*key != NULL) return CLEAT_OK;
    if (password->wanted && password->text == NULL) {
        cleat_error_clear_queue();
        return cleat_fail(CLEAT_NEED_PASSWORD, 0, "the private key is encrypted");
    }
    if (password->wanted && cleat_encrypted_key_is_for(ERR_peek_error())) {
        return parse_encrypted_key(text, len, password, key);
    }
    if (password->wanted && queue_says_no_key()) {
        cleat_error_clear_queue();
        return cleat_fail_named("CIPHER", "BAD_DECRYPT",
                                "bad decrypt: the password is wrong, or the key is damaged");
    }
    return cleat_fail_ssl("PEM_read_bio_PrivateKey");
}

int32_t cleat_credential_parse_key(const char *text, int32_t len, const char *password,
                                   int32_t password_len, EVP_PKEY **key) {
    struct password secret = {password, password_len, false};
    cleat_error_clear_queue();
    cleat_file_skip_mark(&text, &len);
    return parse_key(text, len, &secret, key);
}

struct cleat_credential {
    EVP_PKEY *key; /* NULL if it is elsewhere: see signature.c */
    EVP_PKEY *public_key; /* then this, or NULL */
    size_t count;
    CRYPTO_BUFFER *chain[]; /* the own certificate first */
};

void cleat_credential_free(struct cleat_credential *credential) {
    size_t i;
    if (credential == NULL) return;
    for (i = 0; i < credential->count; i++) CRYPTO_BUFFER_free(credential->chain[i]);
    EVP_PKEY_free(credential->key);
    EVP_PKEY_free(credential->public_key);
    cleat_release(credential);
}

bool cleat_credential_use(const struct cleat_credential *credential, SSL_CTX *ssl_ctx) {
    const SSL_PRIVATE_KEY_METHOD *method = credential->key == NULL ? &cleat_signature_method : NULL;
    return SSL_CTX_set_chain_and_key(ssl_ctx, credential->chain, credential->count, credential->key,
                                     method) == 1 &&
           (method == NULL || EVP_PKEY_id(credential->public_key) != EVP_PKEY_RSA ||
            cleat_signature_leave_out_decryption(ssl_ctx));
}

EVP_PKEY *cleat_credential_remote_key(const struct cleat_credential *credential) {
    return credential == NULL ? NULL : credential->public_key;
}

void cleat_credential_digest(const struct cleat_credential *credential,
                             uint8_t digest[CLEAT_DIGEST]) {
    SHA256_CTX hash;
    size_t i;
    SHA256_Init(&hash);
    /* Certificates are of DER, which says where it ends. */
    for (i = 0; i < credential->count; i++) {
        SHA256_Update(&hash, CRYPTO_BUFFER_data(credential->chain[i]),
                      CRYPTO_BUFFER_len(credential->chain[i]));
    }
    SHA256_Final(digest, &hash);
}

CRYPTO_BUFFER *cleat_credential_certificate(const struct cleat_credential *credential) {
    return credential->chain[0];
}

static struct cleat_credential *new_credential(const STACK_OF(CRYPTO_BUFFER) * chain, EVP_PKEY *key,
                                               EVP_PKEY *public_key) {
    size_t count = sk_CRYPTO_BUFFER_num(chain);
    struct cleat_credential *made = cleat_allocate(sizeof *made + count * sizeof made->chain[0]);
    size_t i;
    if (made == NULL) return NULL;
    made->key = key;
    made->public_key = public_key;
    if (key != NULL) EVP_PKEY_up_ref(key);
    if (public_key != NULL) EVP_PKEY_up_ref(public_key);
    made->count = count;
    for (i = 0; i < count; i++) {
        made->chain[i] = sk_CRYPTO_BUFFER_value(chain, i);
        CRYPTO_BUFFER_up_ref(made->chain[i]);
    }
    return made;
}

/* What BoringSSL refuses is refused now, by trying it. */
static int32_t try_credential(const struct cleat_credential *credential) {
    SSL_CTX *trial = SSL_CTX_new(TLS_with_buffers_method());
    int32_t status = CLEAT_OK;
    if (trial == NULL) return cleat_fail_nomem();
    if (!cleat_credential_use(credential, trial)) {
        status = cleat_fail_ssl("SSL_CTX_set_chain_and_key");
    }
    SSL_CTX_free(trial);
    return status;
}

/* One of key and public_key is NULL. */
static int32_t set_chain_and_key(int32_t context, const STACK_OF(CRYPTO_BUFFER) * chain,
                                 EVP_PKEY *key, EVP_PKEY *public_key) {
    struct cleat_context *self;
    struct cleat_credential *made;
    int32_t result;
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    made = new_credential(chain, key, public_key);
    result = made == NULL ? cleat_fail_nomem() : try_credential(made);
    if (result >= 0) {
        struct cleat_credential *old;
        pthread_mutex_lock(&self->lock);
        old = self->credential;
        self->credential = made;
        made = old;
        cleat_staples_clear(&self->staples);
        cleat_context_changed(self);
        pthread_mutex_unlock(&self->lock);
    }
    cleat_credential_free(made);
    CLEAT_DONE(self);
    return result;
}

static int32_t load(int32_t context, const char *certs, int32_t certs_len, const char *key_text,
                    int32_t key_len, struct password *password) {
    STACK_OF(CRYPTO_BUFFER) *chain = NULL;
    X509 *leaf = NULL;
    EVP_PKEY *key = NULL;
    int32_t status;
    cleat_error_clear_queue();
    cleat_file_skip_mark(&certs, &certs_len);
    cleat_file_skip_mark(&key_text, &key_len);
    status = parse_chain(certs, certs_len, &chain, &leaf);
    if (status >= 0) status = parse_key(key_text, key_len, password, &key);
    if (status >= 0 && X509_check_private_key(leaf, key) != 1) {
        status = cleat_fail_ssl("X509_check_private_key");
    }
    if (status >= 0) status = set_chain_and_key(context, chain, key, NULL);
    EVP_PKEY_free(key);
    X509_free(leaf);
    sk_CRYPTO_BUFFER_pop_free(chain, CRYPTO_BUFFER_free);
    return status;
}

static int32_t load_remote_key(int32_t context, const char *certs, int32_t certs_len) {
    STACK_OF(CRYPTO_BUFFER) *chain = NULL;
    X509 *leaf = NULL;
    EVP_PKEY *key = NULL;
    int32_t status;
    int32_t type = 0;
    cleat_error_clear_queue();
    cleat_file_skip_mark(&certs, &certs_len);
    status = parse_chain(certs, certs_len, &chain, &leaf);
    if (status >= 0) {
        key = X509_get_pubkey(leaf);
        type = cleat_signature_key_type(key);
        status = type < 0 ? type : set_chain_and_key(context, chain, NULL, key);
    }
    EVP_PKEY_free(key);
    X509_free(leaf);
    sk_CRYPTO_BUFFER_pop_free(chain, CRYPTO_BUFFER_free);
    return status < 0 ? status : type;
}

/* Reports an invalid context before files are read. */
static int32_t check_context(int32_t context) {
    struct cleat_context *self;
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    CLEAT_DONE(self);
    return CLEAT_OK;
}

int32_t cleat_context_load_cert_chain_data(int32_t context, const char *certs, int32_t certs_len,
                                           const char *key, int32_t key_len, const char *password,
                                           int32_t password_len) {
    CLEAT_NO_CANCEL();
    struct password secret = {password, password_len, false};
    int32_t status;
    CLEAT_CHECK_IN(2, certs, certs_len);
    CLEAT_CHECK_IN(4, key, key_len);
    CLEAT_CHECK_PASSWORD(6, password, password_len);
    status = check_context(context);
    if (status < 0) return status;
    return load(context, certs, certs_len, key == NULL ? certs : key,
                key == NULL ? certs_len : key_len, &secret);
}

int32_t cleat_credential_read(const char *name, int32_t name_len, char **bytes, int32_t *len) {
    char *text = cleat_copy_text(name, name_len);
    int32_t status;
    if (text == NULL) return cleat_fail_nomem();
    status = cleat_file_load(text, bytes, len);
    cleat_release(text);
    return status;
}

int32_t cleat_context_load_cert_chain(int32_t context, const char *certfile, int32_t certfile_len,
                                      const char *keyfile, int32_t keyfile_len,
                                      const char *password, int32_t password_len) {
    CLEAT_NO_CANCEL();
    struct password secret = {password, password_len, false};
    char *certs = NULL;
    char *key = NULL;
    int32_t certs_len = 0;
    int32_t key_len = 0;
    int32_t status;
    CLEAT_CHECK_FILE(2, certfile, certfile_len);
    CLEAT_CHECK_FILE(4, keyfile, keyfile_len);
    CLEAT_CHECK_PASSWORD(6, password, password_len);
    status = check_context(context);
    if (status >= 0) status = cleat_credential_read(certfile, certfile_len, &certs, &certs_len);
    if (status >= 0 && keyfile != NULL) {
        status = cleat_credential_read(keyfile, keyfile_len, &key, &key_len);
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
    status = check_context(context);
    return status < 0 ? status : load_remote_key(context, certs, certs_len);
}

int32_t cleat_context_load_cert_chain_remote_key(int32_t context, const char *certfile,
                                                 int32_t certfile_len) {
    CLEAT_NO_CANCEL();
    char *certs = NULL;
    int32_t certs_len = 0;
    int32_t status;
    CLEAT_CHECK_FILE(2, certfile, certfile_len);
    status = check_context(context);
    if (status >= 0) status = cleat_credential_read(certfile, certfile_len, &certs, &certs_len);
    if (status >= 0) status = load_remote_key(context, certs, certs_len);
    cleat_release(certs);
    return status;
}

static int32_t parse_dh_params(const char *text, int32_t len) {
    BIO *bio;
    DH *dh;
    cleat_file_skip_mark(&text, &len);
    bio = read_from(text, len);
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
    status = check_context(context);
    if (status >= 0) status = cleat_credential_read(dhfile, dhfile_len, &text, &len);
    if (status >= 0) status = parse_dh_params(text, len);
    cleat_release(text);
    return status;
}
