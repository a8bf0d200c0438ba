/* sigalg.h: the signature algorithms of a connection. */
#ifndef CLEAT_CORE_SIGALG_H
#define CLEAT_CORE_SIGALG_H

#include "tls/connection.h"

/* cleat_sigalgs_apply returns whether a connection's ssl now signs and verifies with the algorithms of a configuration.
 * It is called for each SSL that is made, and after a server has switched from the configuration before, which is NULL
 * otherwise. */
bool cleat_sigalgs_apply(SSL *ssl, const struct cleat_configuration *configuration,
                         const struct cleat_configuration *before, bool server_side);

/* cleat_sigalg_note looks at a message that is sent, for the algorithm of its signature. */
void cleat_sigalg_note(struct cleat_connection *connection, const SSL *ssl, uint8_t type,
                       CBS message);

#endif
