/* signature.c: suspends a handshake when it needs a signature by a remote key.
 *
 * BoringSSL calls `sign` with the message, which suspends the handshake: the call returns CLEAT_WANT_SIGNATURE.
 * After cleat_connection_answer_signature BoringSSL calls `complete`. BoringSSL sends no alert if one of them fails, so
 * they send it. */
#include "tls/signature.h"

#include <string.h>

#include "base/argument.h"
#include "base/memory.h"
#include "tls/connection.h"

struct cleat_signature {
    uint16_t algorithm;
    enum cleat_key_type key_type;
    EVP_PKEY *key; /* the public key of the certificate that was sent */
    uint8_t *signature; /* NULL until the caller has made it */
    size_t signature_len;
    size_t input_len;
    uint8_t input[]; /* the message */
};

_Static_assert(CLEAT_SIGNATURE_RSA_PKCS1_MD5_SHA1 == SSL_SIGN_RSA_PKCS1_MD5_SHA1 &&
                   CLEAT_SIGNATURE_ED25519 == SSL_SIGN_ED25519,
               "BoringSSL has TLS's numbers");

void cleat_signature_free(struct cleat_signature *signature) {
    if (signature == NULL) return;
    EVP_PKEY_free(signature->key);
    cleat_release(signature->signature);
    cleat_release(signature);
}

int32_t cleat_signature_key_number(enum cleat_key_type type) {
    static const int32_t numbers[CLEAT_KEY_TYPES] = {
        [CLEAT_KEY_P256] = CLEAT_REMOTE_KEY_P256, [CLEAT_KEY_P384] = CLEAT_REMOTE_KEY_P384,
        [CLEAT_KEY_P521] = CLEAT_REMOTE_KEY_P521, [CLEAT_KEY_ED25519] = CLEAT_REMOTE_KEY_ED25519,
        [CLEAT_KEY_RSA] = CLEAT_REMOTE_KEY_RSA,   [CLEAT_KEY_OTHER] = CLEAT_REMOTE_KEY_P224};
    return numbers[type];
}

bool cleat_signature_set_up(EVP_MD_CTX *digest, uint16_t algorithm, EVP_PKEY *key, bool signs) {
    const EVP_MD *hash = SSL_get_signature_algorithm_digest(algorithm);
    EVP_PKEY_CTX *context;
    int done = signs ? EVP_DigestSignInit(digest, &context, hash, NULL, key)
                     : EVP_DigestVerifyInit(digest, &context, hash, NULL, key);
    return done == 1 && (!SSL_is_signature_algorithm_rsa_pss(algorithm) ||
                         (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
                          /* -1: the length of the digest. */
                          EVP_PKEY_CTX_set_rsa_pss_saltlen(context, -1) == 1));
}

static bool verifies(const struct cleat_signature *self, const uint8_t *signature, size_t len) {
    EVP_MD_CTX digest;
    bool good;
    EVP_MD_CTX_init(&digest);
    good = len <= (size_t)EVP_PKEY_size(self->key) &&
           cleat_signature_set_up(&digest, self->algorithm, self->key, false) &&
           EVP_DigestVerify(&digest, signature, len, self->input, self->input_len) == 1;
    EVP_MD_CTX_cleanup(&digest);
    return good;
}

/* credential: the one that the handshake presents. */
static struct cleat_signature *new_signature(const struct cleat_credential *credential,
                                             uint16_t algorithm, const uint8_t *in, size_t in_len) {
    struct cleat_signature *made;
    if (credential == NULL) return NULL;
    made = cleat_allocate(sizeof *made + in_len);
    if (made == NULL) return NULL;
    made->algorithm = algorithm;
    made->key_type = credential->type;
    made->key = credential->public_key;
    EVP_PKEY_up_ref(made->key);
    made->input_len = in_len;
    memcpy(made->input, in, in_len);
    return made;
}

static enum ssl_private_key_result_t fail(SSL *ssl) {
    SSL_send_fatal_alert(ssl, SSL_AD_INTERNAL_ERROR);
    return ssl_private_key_failure;
}

static enum ssl_private_key_result_t sign(SSL *ssl, uint8_t *out, size_t *out_len, size_t max_out,
                                          uint16_t algorithm, const uint8_t *in, size_t in_len) {
    struct cleat_connection *connection = SSL_get_app_data(ssl);
    (void)out;
    (void)out_len;
    (void)max_out;
    cleat_signature_free(connection->signature);
    connection->signature =
        new_signature(cleat_connection_credential(connection, ssl), algorithm, in, in_len);
    if (connection->signature == NULL) return fail(ssl);
    connection->pause = CLEAT_PAUSE_SIGNATURE;
    return ssl_private_key_retry;
}

static enum ssl_private_key_result_t complete(SSL *ssl, uint8_t *out, size_t *out_len,
                                              size_t max_out) {
    struct cleat_connection *connection = SSL_get_app_data(ssl);
    struct cleat_signature *signature = connection->signature;
    if (signature == NULL || signature->signature_len > max_out) return fail(ssl);
    if (signature->signature == NULL) return ssl_private_key_retry;
    memcpy(out, signature->signature, signature->signature_len);
    *out_len = signature->signature_len;
    connection->signature = NULL;
    cleat_signature_free(signature);
    return ssl_private_key_success;
}

/* RSA key exchange needs a raw RSA operation, with which an attacker could decrypt recorded connections.
 * Configurations disable its suites, so this is never called. */
static enum ssl_private_key_result_t decrypt(SSL *ssl, uint8_t *out, size_t *out_len,
                                             size_t max_out, const uint8_t *in, size_t in_len) {
    (void)out;
    (void)out_len;
    (void)max_out;
    (void)in;
    (void)in_len;
    return fail(ssl);
}

const SSL_PRIVATE_KEY_METHOD cleat_signature_method = {sign, decrypt, complete};

/* Appending the rule "!kRSA" does not work for every list: nothing can follow a group of equal preference. So the
 * list is written anew from its suites. */
bool cleat_signature_disable_decryption(SSL_CTX *ssl_ctx) {
    const STACK_OF(SSL_CIPHER) *suites = SSL_CTX_get_ciphers(ssl_ctx);
    size_t count = sk_SSL_CIPHER_num(suites);
    size_t left = 0;
    size_t i;
    CBB list;
    uint8_t *text = NULL;
    size_t len;
    bool done;
    if (CBB_init(&list, 1024) != 1) return false;
    for (i = 0; i < count; i++) {
        const SSL_CIPHER *suite = sk_SSL_CIPHER_value(suites, i);
        const char *name = SSL_CIPHER_get_name(suite);
        if (SSL_CIPHER_get_kx_nid(suite) == NID_kx_rsa) continue;
        if (left++ > 0 && CBB_add_u8(&list, ':') != 1) break;
        if (CBB_add_bytes(&list, (const uint8_t *)name, strlen(name)) != 1) break;
    }
    done = i == count && CBB_add_u8(&list, 0) == 1 && CBB_finish(&list, &text, &len) == 1;
    CBB_cleanup(&list);
    if (done && left == 0) {
        ERR_put_error(ERR_LIB_SSL, 0, SSL_R_NO_CIPHER_MATCH, __FILE__, __LINE__);
        done = false;
    } else if (done && left < count) {
        done = SSL_CTX_set_cipher_list(ssl_ctx, (const char *)text) == 1;
    }
    OPENSSL_free(text);
    return done;
}

int32_t cleat_connection_signature_algorithm(int32_t connection) {
    int32_t result;
    CLEAT_BEGIN(connection);
    result = self->pause == CLEAT_PAUSE_SIGNATURE ? self->signature->algorithm : 0;
    CLEAT_END(result);
}

int32_t cleat_connection_signature_key(int32_t connection) {
    int32_t result;
    CLEAT_BEGIN(connection);
    result = self->pause == CLEAT_PAUSE_SIGNATURE
                 ? cleat_signature_key_number(self->signature->key_type)
                 : 0;
    CLEAT_END(result);
}

static int32_t check_waiting(const struct cleat_connection *self) {
    return self->pause == CLEAT_PAUSE_SIGNATURE
               ? CLEAT_OK
               : cleat_fail_usage(0, "the connection does not wait for a signature");
}

int32_t cleat_connection_signature_input(int32_t connection, char *output, int32_t output_cap) {
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_BEGIN(connection);
    result = check_waiting(self);
    if (result >= 0) {
        result = cleat_copy_out((const char *)self->signature->input,
                                (int64_t)self->signature->input_len, output, output_cap);
    }
    CLEAT_END(result);
}

static int32_t copy_digest(const struct cleat_signature *signature, char *output,
                           int32_t output_cap) {
    const EVP_MD *hash = SSL_get_signature_algorithm_digest(signature->algorithm);
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (hash == NULL) return 0;
    cleat_error_clear_queue();
    if (EVP_Digest(signature->input, signature->input_len, digest, &len, hash, NULL) != 1) {
        return cleat_fail_ssl("EVP_Digest");
    }
    return cleat_copy_out((const char *)digest, len, output, output_cap);
}

int32_t cleat_connection_signature_digest(int32_t connection, char *output, int32_t output_cap) {
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_BEGIN(connection);
    result = check_waiting(self);
    if (result >= 0) result = copy_digest(self->signature, output, output_cap);
    CLEAT_END(result);
}

static int32_t copy_key(const EVP_PKEY *key, char *output, int32_t output_cap) {
    CBB info;
    uint8_t *der = NULL;
    size_t len = 0;
    int32_t result;
    cleat_error_clear_queue();
    if (CBB_init(&info, 512) != 1 || EVP_marshal_public_key(&info, key) != 1 ||
        CBB_finish(&info, &der, &len) != 1) {
        CBB_cleanup(&info);
        return cleat_fail_ssl("EVP_marshal_public_key");
    }
    result = cleat_copy_out((const char *)der, (int64_t)len, output, output_cap);
    OPENSSL_free(der);
    return result;
}

int32_t cleat_connection_signature_public_key(int32_t connection, char *output,
                                              int32_t output_cap) {
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_BEGIN(connection);
    result = check_waiting(self);
    if (result >= 0) result = copy_key(self->signature->key, output, output_cap);
    CLEAT_END(result);
}

static void refuse(struct cleat_connection *self) {
    self->pause = CLEAT_PAUSE_NONE;
    cleat_connection_refuse(self, SSL_AD_INTERNAL_ERROR);
    self->refused_at = CLEAT_PAUSE_SIGNATURE;
}

static int32_t refuse_wrong(struct cleat_connection *self) {
    bool is_ecdsa = EVP_PKEY_id(self->signature->key) == EVP_PKEY_EC;
    refuse(self);
    return cleat_fail_named("SSL", "BAD_SIGNATURE",
                            is_ecdsa ? "the certificate's key does not verify the signature, which "
                                       "must be the DER of r and s"
                                     : "the certificate's key does not verify the signature");
}

static int32_t set_signature(struct cleat_connection *self, const uint8_t *signature, size_t len) {
    bool good;
    int32_t status = check_waiting(self);
    if (status < 0) return status;
    if (signature == NULL) {
        refuse(self);
        return CLEAT_OK;
    }
    cleat_error_clear_queue();
    good = verifies(self->signature, signature, len);
    if (cleat_memory_failed()) return cleat_fail_nomem();
    if (!good) return refuse_wrong(self);
    self->signature->signature = cleat_allocate(len);
    if (self->signature->signature == NULL) return cleat_fail_nomem();
    memcpy(self->signature->signature, signature, len);
    self->signature->signature_len = len;
    self->pause = CLEAT_PAUSE_NONE;
    return CLEAT_OK;
}

int32_t cleat_connection_answer_signature(int32_t connection, const char *signature,
                                          int32_t signature_len) {
    int32_t result;
    CLEAT_CHECK_IN(2, signature, signature_len);
    CLEAT_BEGIN(connection);
    result = set_signature(self, (const uint8_t *)signature, (size_t)signature_len);
    CLEAT_END(result);
}
