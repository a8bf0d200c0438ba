/* connection_alpn.h: the choice of application protocols at the ClientHello. */
#ifndef CLEAT_CORE_CONNECTION_ALPN_H
#define CLEAT_CORE_CONNECTION_ALPN_H

#include "tls/connection.h"

/* cleat_alpn_keep_offered stores the list that the client has offered, for cleat_connection_offered_alpn. Returns
 * false if an allocation failed. A malformed list is not stored: BoringSSL will refuse it. */
bool cleat_alpn_keep_offered(struct cleat_connection *connection, const SSL_CLIENT_HELLO *hello);

#endif
