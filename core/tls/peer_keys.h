/* peer_keys.h: the raw public keys that a context trusts (RFC 7250). A list is immutable. */
#ifndef CLEAT_CORE_PEER_KEYS_H
#define CLEAT_CORE_PEER_KEYS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/boringssl.h"
#include "base/file.h"

struct cleat_connection;

struct cleat_peer_keys {
    atomic_int references;
    int32_t which; /* CLEAT_PEER_KEYS_ONLY or _ALSO */
    uint8_t digest[CLEAT_DIGEST]; /* of which and all keys */
    size_t count;
    uint8_t list[][CLEAT_DIGEST]; /* the digest of each public key */
};

/* Does nothing for NULL. */
struct cleat_peer_keys *cleat_peer_keys_ref(struct cleat_peer_keys *keys);
void cleat_peer_keys_unref(struct cleat_peer_keys *keys); /* likewise */

/* cleat_peer_keys_set_up makes connections of ssl_ctx negotiate the accepted certificate types. keys: NULL for
 * certificates only. cleat_peer_keys_switch does the same for a connection whose handshake has begun. Both return
 * false on failure. */
bool cleat_peer_keys_set_up(const struct cleat_peer_keys *keys, SSL_CTX *ssl_ctx);
bool cleat_peer_keys_switch(const struct cleat_peer_keys *keys, SSL *ssl);

/* cleat_peer_keys_is_raw returns whether the peer has sent a raw public key. */
bool cleat_peer_keys_is_raw(const struct cleat_connection *connection);

/* cleat_peer_keys_decide returns whether the peer is verified by its raw public key: it has sent one, or
 * certificates are not accepted. It sets *number to 0 if the key is trusted, otherwise to the verify code. */
bool cleat_peer_keys_decide(const struct cleat_connection *connection, int *number);

#endif
