/* signature.h: remote private keys: the signature for which a handshake waits, and signing in the process that has
 * the key. */
#ifndef CLEAT_CORE_SIGNATURE_H
#define CLEAT_CORE_SIGNATURE_H

#include <stdbool.h>

#include "base/boringssl.h"
#include "cleat/signature.h"
#include "tls/credential.h"

/* The message that a suspended handshake needs to have signed, and the signature. */
struct cleat_signature;

void cleat_signature_free(struct cleat_signature *signature); /* does nothing for NULL */

/* cleat_signature_method has BoringSSL's callbacks for credentials with a remote key. */
extern const SSL_PRIVATE_KEY_METHOD cleat_signature_method;

/* cleat_signature_set_up initialises digest to sign or verify with a TLS signature algorithm and a key of its type.
 * Returns false on failure. */
bool cleat_signature_set_up(EVP_MD_CTX *digest, uint16_t algorithm, EVP_PKEY *key, bool signs);

/* cleat_signature_key_number returns the CLEAT_REMOTE_KEY_* of a key type. */
int32_t cleat_signature_key_number(enum cleat_key_type type);

/* cleat_signature_method_for returns it for a credential with a remote key, and NULL for others. */
static inline const SSL_PRIVATE_KEY_METHOD *
cleat_signature_method_for(const struct cleat_credential *credential) {
    return credential->key == NULL ? &cleat_signature_method : NULL;
}

/* cleat_signature_disable_decryption disables the cipher suites of ssl_ctx that decrypt with an RSA key. Returns
 * false on failure, and if no suite would be left. */
bool cleat_signature_disable_decryption(SSL_CTX *ssl_ctx);

#endif
