/* connection_alpn.h: a server that chooses the application protocols at the ClientHello. */
#ifndef CLEAT_CORE_CONNECTION_ALPN_H
#define CLEAT_CORE_CONNECTION_ALPN_H

#include "tls/connection.h"

/* cleat_alpn_keep_offered keeps what the client has offered, for cleat_connection_offered_alpn. Returns false if there
 * is no memory. A malformed list is kept as none: BoringSSL refuses it afterwards. */
bool cleat_alpn_keep_offered(struct cleat_connection *connection, const SSL_CLIENT_HELLO *hello);

#endif
