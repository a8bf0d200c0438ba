/* credential.h: a certificate chain, its private key, and its stapled responses. A credential is immutable: changing
 * a staple makes another credential. */
#ifndef CLEAT_CORE_CREDENTIAL_H
#define CLEAT_CORE_CREDENTIAL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/boringssl.h"
#include "cleat/credential.h"
#include "tls/algorithm.h"

/* The types of keys. A context has at most one credential of each type. They are in order of preference, which is
 * OpenSSL's, and which, except for the rare P-521, puts the types that are fastest for servers first. */
enum cleat_key_type {
    CLEAT_KEY_P256,
    CLEAT_KEY_P384,
    CLEAT_KEY_P521,
    CLEAT_KEY_ED25519,
    CLEAT_KEY_RSA,
    CLEAT_KEY_OTHER, /* P-224, which TLS 1.3 does not support */
    CLEAT_KEY_TYPES
};

struct cleat_credential {
    atomic_int references;
    enum cleat_key_type type;
    EVP_PKEY *public_key; /* of the first certificate */
    EVP_PKEY *key; /* NULL for a remote key: see signature.c */
    CRYPTO_BUFFER *ocsp_response; /* NULL if none */
    CRYPTO_BUFFER *scts; /* likewise */
#if CLEAT_HAS_SSL_CREDENTIAL
    SSL_CREDENTIAL *for_issuers; /* for peers that name a CA of the chain */
    SSL_CREDENTIAL *for_all;
#endif
    size_t count;
    CRYPTO_BUFFER *chain[]; /* this side's certificate first */
};

/* cleat_credential_new returns CLEAT_OK and a credential without staples, which the caller owns. key: NULL for a
 * remote key. It fails with BoringSSL's error if BoringSSL does not accept the credential. CLEAT_SSL; CLEAT_NOMEM. */
int32_t cleat_credential_new(const STACK_OF(CRYPTO_BUFFER) * chain, EVP_PKEY *key,
                             struct cleat_credential **credential);

/* cleat_credential_stapled returns CLEAT_OK and a copy with other staples. ocsp_response, scts: NULL for none.
 * CLEAT_SSL; CLEAT_NOMEM. */
int32_t cleat_credential_stapled(const struct cleat_credential *credential,
                                 CRYPTO_BUFFER *ocsp_response, CRYPTO_BUFFER *scts,
                                 struct cleat_credential **stapled);

/* cleat_credential_restricted returns CLEAT_OK and a copy that signs with these algorithms only. CLEAT_SSL;
 * CLEAT_NOMEM. */
int32_t cleat_credential_restricted(const struct cleat_credential *credential,
                                    const struct cleat_sigalgs *algorithms,
                                    struct cleat_credential **restricted);

struct cleat_credential *cleat_credential_ref(struct cleat_credential *credential);
void cleat_credential_unref(struct cleat_credential *credential); /* does nothing for NULL */

#endif
