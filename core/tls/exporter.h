/* exporter.h: what channel bindings and exported keying material have in common. */
#ifndef CLEAT_CORE_EXPORTER_H
#define CLEAT_CORE_EXPORTER_H

#include "tls/connection.h"

/* cleat_exporter_is_safe returns whether the secrets of a connection, whose handshake is done, are those of this
 * connection only: up to TLS 1.2 they are with the extended master secret (RFC 7627). */
static inline bool cleat_exporter_is_safe(const struct cleat_connection *connection) {
    return SSL_get_extms_support(connection->ssl) == 1;
}

#endif
