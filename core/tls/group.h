/* group.h: the groups that a client accepts for the key exchange. */
#ifndef CLEAT_CORE_GROUP_H
#define CLEAT_CORE_GROUP_H

#include "tls/connection.h"

/* cleat_group_restrict sets up a client's ssl. If the configuration's groups include no curve that certificates can
 * have, ssl offers these curves after its groups, and *restricts is true: cleat_group_check must refuse a key exchange
 * with them. Otherwise it changes nothing. Returns false on failure. */
bool cleat_group_restrict(SSL *ssl, const struct cleat_configuration *configuration,
                          bool *restricts);

/* cleat_group_check fails the handshake if a received message selects a group that the client offers for
 * certificates only. */
void cleat_group_check(const struct cleat_connection *connection, SSL *ssl, uint8_t type,
                       CBS message);

#endif
