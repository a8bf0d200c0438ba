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

/* cleat_credential_digest makes a digest of the certificates that connections may show. */
void cleat_credential_digest(const struct cleat_credential *credential,
                             uint8_t digest[CLEAT_DIGEST]);

/* cleat_credential_certificate returns the own certificate, the first of the chain. */
CRYPTO_BUFFER *cleat_credential_certificate(const struct cleat_credential *credential);

#endif
