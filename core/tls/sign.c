/* sign.c: creates TLS signatures, for the process that has the private key which others use remotely. */
#include <string.h>

#include "base/argument.h"
#include "base/file.h"
#include "base/memory.h"
#include "cleat/credential.h"
#include "tls/credential_pem.h"
#include "tls/signature.h"

/* CLEAT_USAGE for a number that is not an algorithm of a CLEAT_REMOTE_KEY_*. */
static int32_t check_algorithm(int32_t algorithm) {
    int type = algorithm < 0 || algorithm > UINT16_MAX
                   ? EVP_PKEY_NONE
                   : SSL_get_signature_algorithm_key_type((uint16_t)algorithm);
    if (type == EVP_PKEY_RSA || type == EVP_PKEY_EC || type == EVP_PKEY_ED25519) return CLEAT_OK;
    return cleat_fail_usage(5, "algorithm is %d, not a CLEAT_SIGNATURE_*", (int)algorithm);
}

static int32_t make(EVP_PKEY *key, uint16_t algorithm, const char *data, int32_t data_len,
                    char *output, int32_t output_cap) {
    EVP_MD_CTX *digest;
    size_t len = (size_t)EVP_PKEY_size(key);
    uint8_t *signature;
    int32_t result;
    if (SSL_get_signature_algorithm_key_type(algorithm) != EVP_PKEY_id(key)) {
        return cleat_fail_named("SSL", "WRONG_SIGNATURE_TYPE",
                                "the algorithm does not match the type of the private key");
    }
    cleat_error_clear_queue();
    digest = EVP_MD_CTX_new();
    signature = cleat_allocate(len);
    if (digest == NULL || signature == NULL) {
        result = cleat_fail_nomem();
    } else if (!cleat_signature_set_up(digest, algorithm, key, true) ||
               EVP_DigestSign(digest, signature, &len, (const uint8_t *)data, (size_t)data_len) !=
                   1) {
        result = cleat_fail_ssl("EVP_DigestSign");
    } else {
        result = cleat_copy_out((const char *)signature, (int64_t)len, output, output_cap);
    }
    EVP_MD_CTX_free(digest);
    cleat_release(signature);
    return result;
}

static int32_t sign(const char *key_text, int32_t key_len, const char *password,
                    int32_t password_len, int32_t algorithm, const char *data, int32_t data_len,
                    char *output, int32_t output_cap) {
    struct cleat_password secret = {password, password_len, false};
    EVP_PKEY *key = NULL;
    int32_t result;
    cleat_error_clear_queue();
    cleat_file_skip_mark(&key_text, &key_len);
    result = cleat_pem_key(key_text, key_len, &secret, &key);
    if (result >= 0) {
        result = make(key, (uint16_t)algorithm, data, data_len, output, output_cap);
    }
    EVP_PKEY_free(key);
    return result;
}

int32_t cleat_sign(const char *keyfile, int32_t keyfile_len, const char *password,
                   int32_t password_len, int32_t algorithm, const char *data, int32_t data_len,
                   char *output, int32_t output_cap) {
    CLEAT_NO_CANCEL();
    char *key = NULL;
    int32_t key_len = 0;
    int32_t result;
    CLEAT_CHECK_PEM_FILE(1, keyfile, keyfile_len);
    CLEAT_CHECK_PASSWORD(3, password, password_len);
    CLEAT_CHECK_IN(6, data, data_len);
    CLEAT_CHECK_OUT(8, output, output_cap);
    result = check_algorithm(algorithm);
    if (result >= 0) result = cleat_pem_read(keyfile, keyfile_len, &key, &key_len);
    if (result >= 0) {
        result = sign(key, key_len, password, password_len, algorithm, data, data_len, output,
                      output_cap);
    }
    cleat_release(key);
    return result;
}

int32_t cleat_sign_data(const char *key, int32_t key_len, const char *password,
                        int32_t password_len, int32_t algorithm, const char *data, int32_t data_len,
                        char *output, int32_t output_cap) {
    CLEAT_NO_CANCEL();
    int32_t result;
    CLEAT_CHECK_IN(1, key, key_len);
    CLEAT_CHECK_PASSWORD(3, password, password_len);
    CLEAT_CHECK_IN(6, data, data_len);
    CLEAT_CHECK_OUT(8, output, output_cap);
    result = check_algorithm(algorithm);
    if (result < 0) return result;
    return sign(key, key_len, password, password_len, algorithm, data, data_len, output,
                output_cap);
}
