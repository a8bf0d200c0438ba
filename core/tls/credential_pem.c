/* credential_pem.c: reads certificate chains and private keys in PEM. */
#include "tls/credential_pem.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "x509/encrypted_key.h"

static int password_callback(char *buffer, int size, int writing, void *data) {
    struct cleat_password *password = data;
    (void)writing;
    password->wanted = true;
    if (password->text == NULL || password->len > size) return -1;
    memcpy(buffer, password->text, (size_t)password->len);
    return (int)password->len;
}

int32_t cleat_pem_read(const char *name, int32_t name_len, char **bytes, int32_t *len) {
    char *text = cleat_copy_text(name, name_len);
    int32_t status;
    if (text == NULL) return cleat_fail_nomem();
    status = cleat_file_load(text, bytes, len);
    cleat_release(text);
    return status;
}

/* Returns a memory BIO over the caller's text, which it does not copy. */
static BIO *read_from(const char *text, int32_t len) {
    return BIO_new_mem_buf(len > 0 ? text : "", len);
}

/* After the last PEM block BoringSSL queues this error. */
static bool queue_has_no_start_line(void) {
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

int32_t cleat_pem_chain(const char *text, int32_t len, STACK_OF(CRYPTO_BUFFER) * *chain,
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
    } else if (*leaf == NULL || !queue_has_no_start_line()) {
        status = cleat_fail_ssl("PEM_read_bio_X509_AUX");
    }
    BIO_free(bio);
    return status;
}

/* Reads the first encrypted key of the text, which BoringSSL has found but does not support. */
static int32_t parse_encrypted_key(const char *text, int32_t len,
                                   const struct cleat_password *password, EVP_PKEY **key) {
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

/* With one wrong password in 256 the decrypted bytes end in valid padding, and parsing the key fails instead. */
static bool queue_has_decode_error(void) {
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

static int32_t read_key(const char *text, int32_t len, struct cleat_password *password,
                        EVP_PKEY **key) {
    BIO *bio = read_from(text, len);
    if (bio == NULL) return cleat_fail_nomem();
    *key = PEM_read_bio_PrivateKey(bio, NULL, password_callback, password);
    BIO_free(bio);
    if (*key != NULL) return CLEAT_OK;
    if (password->wanted && password->text == NULL) {
        cleat_error_clear_queue();
        return cleat_fail(CLEAT_NEED_PASSWORD, 0, "the private key is encrypted");
    }
    if (password->wanted && cleat_encrypted_key_is_for(ERR_peek_error())) {
        return parse_encrypted_key(text, len, password, key);
    }
    if (password->wanted && queue_has_decode_error()) {
        cleat_error_clear_queue();
        return cleat_fail_named("CIPHER", "BAD_DECRYPT",
                                "bad decrypt: the password is wrong, or the key is damaged");
    }
    return cleat_fail_ssl("PEM_read_bio_PrivateKey");
}

int32_t cleat_pem_key(const char *text, int32_t len, struct cleat_password *password,
                      EVP_PKEY **key) {
    int32_t status = read_key(text, len, password, key);
    if (password->wanted) cleat_wipe_stack(); /* HMAC has copied the password there */
    return status;
}
