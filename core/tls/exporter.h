/* exporter.h: shared by channel bindings and exported keying material. */
#ifndef CLEAT_CORE_EXPORTER_H
#define CLEAT_CORE_EXPORTER_H

#include "tls/connection.h"

/* cleat_exporter_is_safe returns whether the secrets of a connection are unique to it: in TLS 1.3, and up to TLS 1.2
 * with the extended master secret (RFC 7627). The handshake must be done. */
static inline bool cleat_exporter_is_safe(const struct cleat_connection *connection) {
    return SSL_get_extms_support(connection->ssl) == 1;
}

#endif
