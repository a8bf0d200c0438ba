/* raw_key.h: a raw public key with which this side identifies itself (RFC 7250). Once made it is never modified. */
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
struct cleat_raw_key *cleat_raw_key_ref(struct cleat_raw_key *raw); /* NULL is none */
void cleat_raw_key_unref(struct cleat_raw_key *raw); /* likewise */

/* cleat_raw_key_use returns whether connections of ssl_ctx now present the key to peers that accept it. */
bool cleat_raw_key_use(const struct cleat_raw_key *raw, SSL_CTX *ssl_ctx);

/* cleat_raw_key_give returns whether a connection now presents it, after it has forgotten those of its SSL_CTX. */
bool cleat_raw_key_give(const struct cleat_raw_key *raw, SSL *ssl);

/* cleat_raw_key_digest returns CLEAT_OK and makes the digest of a public key. CLEAT_NOMEM. */
int32_t cleat_raw_key_digest(const EVP_PKEY *key, uint8_t digest[CLEAT_DIGEST]);

/* cleat_fail_no_raw_keys reports that BoringSSL has none. */
int32_t cleat_fail_no_raw_keys(void);

#endif
