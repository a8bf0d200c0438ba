/* sigalg.h: the signature algorithms of a connection. */
#ifndef CLEAT_CORE_SIGALG_H
#define CLEAT_CORE_SIGALG_H

#include "tls/connection.h"

/* cleat_sigalgs_apply makes a connection's ssl sign and verify with the algorithms of a configuration. It must be
 * called for each new SSL, and after a server has switched its configuration; before is the previous one, NULL for a
 * new SSL. Returns false on failure. */
bool cleat_sigalgs_apply(SSL *ssl, const struct cleat_configuration *configuration,
                         const struct cleat_configuration *before, bool server_side);

/* cleat_sigalg_record records the algorithm of the signature in a message that this side sends. */
void cleat_sigalg_record(struct cleat_connection *connection, const SSL *ssl, uint8_t type,
                         CBS message);

#endif
