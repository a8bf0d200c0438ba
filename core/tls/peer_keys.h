/* peer_keys.h: the raw public keys that peers may have (RFC 7250). A list is never modified once it is made. */
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
    uint8_t digest[CLEAT_DIGEST]; /* of all of it */
    size_t count;
    uint8_t list[][CLEAT_DIGEST]; /* of each public key */
};

struct cleat_peer_keys *cleat_peer_keys_ref(struct cleat_peer_keys *keys); /* NULL is none */
void cleat_peer_keys_unref(struct cleat_peer_keys *keys); /* likewise */

/* cleat_peer_keys_set_up returns whether connections of ssl_ctx now ask their peers for what they accept. keys: NULL
 * for certificates only. cleat_peer_keys_switch does so for one that has begun already. */
bool cleat_peer_keys_set_up(const struct cleat_peer_keys *keys, SSL_CTX *ssl_ctx);
bool cleat_peer_keys_switch(const struct cleat_peer_keys *keys, SSL *ssl);

/* cleat_peer_keys_is_raw returns whether the peer has sent a raw public key. */
bool cleat_peer_keys_is_raw(const struct cleat_connection *connection);

/* cleat_peer_keys_decide returns whether what the peer has sent is verified by its key: it is a raw public key, or no
 * certificate is accepted. If it is accepted *number is 0, otherwise the verify code. */
bool cleat_peer_keys_decide(const struct cleat_connection *connection, int *number);

#endif
