/* ech.h: Encrypted ClientHello in connections (RFC 9849). If the server cannot decrypt the ClientHello, its
 * certificate is verified for the public name, and the handshake fails after that. */
#ifndef CLEAT_CORE_ECH_H
#define CLEAT_CORE_ECH_H

#include "tls/connection.h"

/* cleat_ech_set_up returns CLEAT_OK and applies the connection's ECH configurations and the configuration's GREASE
 * setting to a client's ssl. CLEAT_USAGE; CLEAT_SSL; CLEAT_NOMEM. */
int32_t cleat_ech_set_up(const struct cleat_connection *connection, SSL *ssl,
                         const struct cleat_configuration *configuration);

/* cleat_ech_keep_public_name must be called when the peer has sent its certificates. If the server authenticates
 * under the public name, it stores that name in the connection. It returns false if an allocation failed. */
bool cleat_ech_keep_public_name(struct cleat_connection *connection);

/* cleat_ech_was_offered returns false if a client had configurations, but has not encrypted its ClientHello. The
 * handshake must be done. */
bool cleat_ech_was_offered(const struct cleat_connection *connection);

#endif
