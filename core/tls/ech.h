/* ech.h: Encrypted ClientHello in connections (RFC 9849). A server that could not decrypt answers under the public
 * name: this is the name that its certificate is verified for then, and the handshake fails after that. */
#ifndef CLEAT_CORE_ECH_H
#define CLEAT_CORE_ECH_H

#include "tls/connection.h"

/* cleat_ech_set_up returns CLEAT_OK after giving a client's ssl what its connection and the configuration ask for.
 * CLEAT_USAGE; CLEAT_SSL; CLEAT_NOMEM. */
int32_t cleat_ech_set_up(const struct cleat_connection *connection, SSL *ssl,
                         const struct cleat_configuration *configuration);

/* cleat_ech_keep_public_name is called when the peer has sent its certificates: if the server answers under the public
 * name, the connection keeps it. It returns false if memory lacks. */
bool cleat_ech_keep_public_name(struct cleat_connection *connection);

/* cleat_ech_was_offered returns whether a client whose handshake is done has encrypted its ClientHello, if it had
 * configurations. */
bool cleat_ech_was_offered(const struct cleat_connection *connection);

#endif
