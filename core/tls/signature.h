/* signature.h: private keys that are elsewhere: the signature that a handshake waits for, and signing where the key
 * is. */
#ifndef CLEAT_CORE_SIGNATURE_H
#define CLEAT_CORE_SIGNATURE_H

#include <stdbool.h>

#include "base/boringssl.h"
#include "cleat/signature.h"
#include "tls/credential.h"

/* What a connection waits for to be signed. It is made for one pause. */
struct cleat_signature;

void cleat_signature_free(struct cleat_signature *signature); /* NULL is none */

/* cleat_signature_method is what credentials without a private key sign with. */
extern const SSL_PRIVATE_KEY_METHOD cleat_signature_method;

/* cleat_signature_set_up returns whether digest can sign, or verify, what an algorithm of TLS means, with a key of its
 * type. */
bool cleat_signature_set_up(EVP_MD_CTX *digest, uint16_t algorithm, EVP_PKEY *key, bool signs);

/* cleat_signature_key_number returns the CLEAT_REMOTE_KEY_* of a type of keys. */
int32_t cleat_signature_key_number(enum cleat_key_type type);

/* cleat_signature_method_for returns it for a credential whose key is elsewhere, and NULL for another one. */
static inline const SSL_PRIVATE_KEY_METHOD *
cleat_signature_method_for(const struct cleat_credential *credential) {
    return credential->key == NULL ? &cleat_signature_method : NULL;
}

/* cleat_signature_leave_out_decryption returns whether ssl_ctx now has no cipher suite that decrypts with an RSA key,
 * and still has one. */
bool cleat_signature_leave_out_decryption(SSL_CTX *ssl_ctx);

#endif
