/* credential_pem.h: reads certificate chains and private keys in PEM. */
#ifndef CLEAT_CORE_CREDENTIAL_PEM_H
#define CLEAT_CORE_CREDENTIAL_PEM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/argument.h"
#include "base/boringssl.h"

/* The password of a private key. */
struct cleat_password {
    const char *text; /* NULL without a password */
    int32_t len;
    bool wanted; /* output: the key is encrypted */
};

#define CLEAT_CHECK_PASSWORD(position, password, len)                                              \
    do {                                                                                           \
        CLEAT_CHECK_IN(position, password, len);                                                   \
        if ((len) > CLEAT_PASSWORD_MAX) {                                                          \
            return cleat_fail_usage((position), "password cannot be longer than %d bytes",         \
                                    CLEAT_PASSWORD_MAX);                                           \
        }                                                                                          \
    } while (0)

/* Passing a key in place of its file's name is an easy mistake, and an error message with the file name would then
 * leak the key to logs. */
#define CLEAT_CHECK_PEM_FILE(position, name, len)                                                  \
    do {                                                                                           \
        CLEAT_CHECK_TEXT(position, name, len);                                                     \
        if ((len) > 0 && memmem((name), (size_t)(len), "-----BEGIN", 10) != NULL) {                \
            return cleat_fail_usage((position), "PEM data in place of a file name");               \
        }                                                                                          \
    } while (0)

/* cleat_pem_read returns CLEAT_OK and the bytes of a file, which the caller frees with cleat_release. CLEAT_SYS;
 * CLEAT_NOMEM. */
int32_t cleat_pem_read(const char *name, int32_t name_len, char **bytes, int32_t *len);

/* cleat_pem_chain returns CLEAT_OK, the certificates of a text in their order, and the first of them parsed. Both
 * must be NULL before the call; the caller frees them, also after an error. CLEAT_SSL; CLEAT_NOMEM. */
int32_t cleat_pem_chain(const char *text, int32_t len, STACK_OF(CRYPTO_BUFFER) * *chain,
                        X509 **leaf);

/* cleat_pem_key returns CLEAT_OK and the first private key of a text, which the caller frees. CLEAT_NEED_PASSWORD;
 * CLEAT_SSL; CLEAT_NOMEM. */
int32_t cleat_pem_key(const char *text, int32_t len, struct cleat_password *password,
                      EVP_PKEY **key);

#endif
