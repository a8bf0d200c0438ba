/* credential.h: a certificate chain with its private key. It is never modified once it is made.
 * The context owns it; its key and its certificates are shared by the configurations. */
#ifndef CLEAT_CORE_CREDENTIAL_H
#define CLEAT_CORE_CREDENTIAL_H

#include <stdbool.h>

#include "base/boringssl.h"
#include "base/file.h"
#include "cleat/credential.h"

struct cleat_credential;

void cleat_credential_free(struct cleat_credential *credential); /* NULL is none */

/* cleat_credential_use returns whether connections of ssl_ctx now have the credential. */
bool cleat_credential_use(const struct cleat_credential *credential, SSL_CTX *ssl_ctx);

/* cleat_credential_remote_key returns the public key of a private key that is elsewhere, which stays the credential's;
 * NULL for another credential, and for none. */
EVP_PKEY *cleat_credential_remote_key(const struct cleat_credential *credential);

/* cleat_credential_parse_key returns CLEAT_OK and the private key of a PEM text, the caller's. password: NULL for none.
 * CLEAT_NEED_PASSWORD; CLEAT_SSL; CLEAT_NOMEM. */
int32_t cleat_credential_parse_key(const char *text, int32_t len, const char *password,
                                   int32_t password_len, EVP_PKEY **key);

/* cleat_credential_read returns CLEAT_OK and the bytes of a named file, to be freed with cleat_release. CLEAT_SYS;
 * CLEAT_NOMEM. */
int32_t cleat_credential_read(const char *name, int32_t name_len, char **bytes, int32_t *len);

/* A key where its file's name is due is a mistake that is easily made, and a message about the
 * file would carry the key to wherever messages go. */
#define CLEAT_CHECK_FILE(position, name, len)                                                      \
    do {                                                                                           \
        CLEAT_CHECK_TEXT(position, name, len);                                                     \
        if ((len) > 0 && memmem((name), (size_t)(len), "-----BEGIN", 10) != NULL) {                \
            return cleat_fail_usage((position), "PEM data where the name of a file is due");       \
        }                                                                                          \
    } while (0)

#define CLEAT_CHECK_PASSWORD(position, password, len)                                              \
    do {                                                                                           \
        CLEAT_CHECK_IN(position, password, len);                                                   \
        if ((len) > CLEAT_PASSWORD_MAX) {                                                          \
            return cleat_fail_usage((position), "password cannot be longer than %d bytes",         \
                                    CLEAT_PASSWORD_MAX);                                           \
        }                                                                                          \
    } while (0)
/* cleat_credential_digest makes a digest of the certificates that connections may show. */
void cleat_credential_digest(const struct cleat_credential *credential,
                             uint8_t digest[CLEAT_DIGEST]);

/* cleat_credential_certificate returns the own certificate, the first of the chain. */
CRYPTO_BUFFER *cleat_credential_certificate(const struct cleat_credential *credential);

#endif
