/* credential_pem.h: certificate chains and private keys in PEM. */
#ifndef CLEAT_CORE_CREDENTIAL_PEM_H
#define CLEAT_CORE_CREDENTIAL_PEM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/boringssl.h"

/* The password of a private key. */
struct cleat_password {
    const char *text; /* NULL if there is none */
    int32_t len;
    bool wanted; /* the key is encrypted */
};

/* cleat_pem_chain returns CLEAT_OK, the certificates of a text in their order, and the first of them also by itself.
 * The caller frees both, also after an error: they are NULL before the call. CLEAT_SSL; CLEAT_NOMEM. */
int32_t cleat_pem_chain(const char *text, int32_t len, STACK_OF(CRYPTO_BUFFER) * *chain,
                        X509 **leaf);

/* cleat_pem_key returns CLEAT_OK and the first private key of a text, which the caller frees. CLEAT_NEED_PASSWORD;
 * CLEAT_SSL; CLEAT_NOMEM. */
int32_t cleat_pem_key(const char *text, int32_t len, struct cleat_password *password,
                      EVP_PKEY **key);

#endif
