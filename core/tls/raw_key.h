/* raw_key.h: a raw public key with which this side authenticates itself (RFC 7250). It is immutable. */
#ifndef CLEAT_CORE_RAW_KEY_H
#define CLEAT_CORE_RAW_KEY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/boringssl.h"
#include "base/file.h"

struct cleat_raw_key {
    atomic_int references;
    uint8_t digest[CLEAT_DIGEST]; /* of the public key */
#if CLEAT_HAS_RAW_PUBLIC_KEYS
    SSL_CREDENTIAL *credential;
#endif
};

/* cleat_raw_key_new returns CLEAT_OK and a key that the caller owns. CLEAT_SSL; CLEAT_NOMEM; CLEAT_UNSUPPORTED. */
int32_t cleat_raw_key_new(EVP_PKEY *key, struct cleat_raw_key **raw);
struct cleat_raw_key *cleat_raw_key_ref(struct cleat_raw_key *raw); /* does nothing for NULL */
void cleat_raw_key_unref(struct cleat_raw_key *raw); /* likewise */

/* cleat_raw_key_use makes connections of ssl_ctx present the key to peers that accept raw public keys. Returns false
 * on failure. */
bool cleat_raw_key_use(const struct cleat_raw_key *raw, SSL_CTX *ssl_ctx);

/* cleat_raw_key_add does the same for one connection, after SSL_certs_clear has removed the credentials of its
 * SSL_CTX. */
bool cleat_raw_key_add(const struct cleat_raw_key *raw, SSL *ssl);

/* cleat_raw_key_digest returns CLEAT_OK and computes the digest of a public key. CLEAT_NOMEM. */
int32_t cleat_raw_key_digest(const EVP_PKEY *key, uint8_t digest[CLEAT_DIGEST]);

/* cleat_fail_no_raw_keys reports that this BoringSSL does not support raw public keys. */
int32_t cleat_fail_no_raw_keys(void);

#endif
