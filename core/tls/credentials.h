/* credentials.h: the credentials of a context, one for each type of key. A set is immutable once it is shared: a
 * change makes another set, and configurations keep the one with which they were made. */
#ifndef CLEAT_CORE_CREDENTIALS_H
#define CLEAT_CORE_CREDENTIALS_H

#include "base/file.h"
#include "tls/algorithm.h"
#include "tls/credential.h"
#include "tls/raw_key.h"

struct cleat_connection;

struct cleat_credentials {
    atomic_int references;
    enum cleat_key_type last_loaded;
    /* The type whose OCSP response was set last; ignored if that has no response any more. */
    enum cleat_key_type last_stapled;
    struct cleat_credential *of_type[CLEAT_KEY_TYPES]; /* NULL if there is none */
    struct cleat_raw_key *raw; /* likewise */
};

/* cleat_credentials_copy returns a copy that the caller owns and may modify; NULL if an allocation failed. set: NULL
 * for an empty copy. */
struct cleat_credentials *cleat_credentials_copy(const struct cleat_credentials *set);

/* Does nothing for NULL. */
struct cleat_credentials *cleat_credentials_ref(struct cleat_credentials *set);
void cleat_credentials_unref(struct cleat_credentials *set); /* likewise */

/* cleat_credentials_put replaces the credential of the same type, and takes over the reference. */
void cleat_credentials_put(struct cleat_credentials *set, struct cleat_credential *credential);

/* cleat_credentials_use makes connections of ssl_ctx select one of the credentials: the raw public key, if the peer
 * accepts one; otherwise the first that the peer can verify, preferably one issued by a CA that the peer has named.
 * Returns false on failure. */
bool cleat_credentials_use(const struct cleat_credentials *set, SSL_CTX *ssl_ctx);

/* cleat_credentials_restricted returns a copy that the caller owns, whose credentials sign with these algorithms
 * only; NULL on failure: BoringSSL's queue has the reason, unless an allocation failed. */
struct cleat_credentials *cleat_credentials_restricted(const struct cleat_credentials *set,
                                                       const struct cleat_sigalgs *algorithms);

#if CLEAT_HAS_SSL_CREDENTIAL
/* cleat_credentials_add adds the credentials to ssl, which must have none. Returns false on failure. */
bool cleat_credentials_add(const struct cleat_credentials *set, SSL *ssl);
#endif

/* cleat_credentials_selected returns the credential that the handshake of ssl presents or has presented; NULL if
 * none has been selected. It may be called in BoringSSL's callbacks. */
const struct cleat_credential *cleat_credentials_selected(const struct cleat_credentials *set,
                                                          const SSL *ssl);

/* cleat_credentials_record_selected must be called after each step of a server's handshake. It stores the selected
 * credential, which BoringSSL forgets when the handshake is done. */
void cleat_credentials_record_selected(struct cleat_connection *connection);

/* cleat_credentials_digest computes a digest of all certificates that connections may present. */
void cleat_credentials_digest(const struct cleat_credentials *set, uint8_t digest[CLEAT_DIGEST]);

#endif
