/* credentials.h: the credentials of a context, one for each type of key. The set is never modified once it is shared:
 * a change makes another one, and configurations keep what they were made of. */
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
    /* With an OCSP response; what has none by now does not count. */
    enum cleat_key_type last_stapled;
    struct cleat_credential *of_type[CLEAT_KEY_TYPES]; /* NULL: none */
    struct cleat_raw_key *raw; /* likewise */
};

/* cleat_credentials_copy returns a set that the caller owns and may modify, NULL if memory lacks. set: NULL for an
 * empty one. */
struct cleat_credentials *cleat_credentials_copy(const struct cleat_credentials *set);

struct cleat_credentials *cleat_credentials_ref(struct cleat_credentials *set); /* NULL is none */
void cleat_credentials_unref(struct cleat_credentials *set); /* likewise */

/* cleat_credentials_put replaces the credential of its type, and takes over the reference. */
void cleat_credentials_put(struct cleat_credentials *set, struct cleat_credential *credential);

/* cleat_credentials_use returns whether connections of ssl_ctx now choose among the credentials: the raw public key, if
 * the peer accepts one; then the first of those that the peer can verify, and of these one whose issuer it has named,
 * if it names any and there is one. */
bool cleat_credentials_use(const struct cleat_credentials *set, SSL_CTX *ssl_ctx);

/* cleat_credentials_restricted returns a set that the caller owns, whose credentials sign with these algorithms only;
 * NULL if it could not be made, for a reason in BoringSSL's queue or a lack of memory. */
struct cleat_credentials *cleat_credentials_restricted(const struct cleat_credentials *set,
                                                       const struct cleat_sigalgs *algorithms);

#if CLEAT_HAS_SSL_CREDENTIAL
/* cleat_credentials_add returns whether ssl, which has none, has the credentials now. */
bool cleat_credentials_add(const struct cleat_credentials *set, SSL *ssl);
#endif

/* cleat_credentials_selected returns the credential that the handshake of ssl presents, or has presented, NULL if there
 * is none (yet). It may be called in BoringSSL's callbacks. */
const struct cleat_credential *cleat_credentials_selected(const struct cleat_credentials *set,
                                                          const SSL *ssl);

/* cleat_credentials_note is called after each step of a server's handshake: once it is done BoringSSL does not know any
 * more which credential it has selected. */
void cleat_credentials_note(struct cleat_connection *connection);

/* cleat_credentials_digest makes a digest of all certificates that connections may present. */
void cleat_credentials_digest(const struct cleat_credentials *set, uint8_t digest[CLEAT_DIGEST]);

#endif
