/* alpn.h: lists of application protocols, for ALPN (RFC 7301) and NPN, its predecessor. */
#ifndef CLEAT_CORE_ALPN_H
#define CLEAT_CORE_ALPN_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/boringssl.h"

/* A list in wire format. It is immutable, and configurations share it. */
struct cleat_alpn {
    atomic_int references;
    unsigned len;
    uint8_t wire[];
};

/* cleat_alpn_new returns CLEAT_OK and a list that the caller owns, NULL if it is empty. protocols is the exported
 * function's argument at position 2; what is its name in messages. CLEAT_USAGE; CLEAT_NOMEM. */
int32_t cleat_alpn_new(const char *protocols, int32_t len, const char *what,
                       struct cleat_alpn **list);
struct cleat_alpn *cleat_alpn_ref(struct cleat_alpn *alpn); /* does nothing for NULL */
void cleat_alpn_unref(struct cleat_alpn *alpn);

/* cleat_alpn_set_up makes connections of ssl_ctx, whose app data is the cleat_connection, negotiate with the lists
 * of their configuration; either may be NULL. Returns false on failure. */
bool cleat_alpn_set_up(SSL_CTX *ssl_ctx, const struct cleat_alpn *alpn,
                       const struct cleat_alpn *npn);

#endif
