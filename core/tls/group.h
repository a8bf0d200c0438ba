/* group.h: the groups that a connection takes for the key exchange. */
#ifndef CLEAT_CORE_GROUP_H
#define CLEAT_CORE_GROUP_H

#include "tls/connection.h"

/* cleat_group_restrict is for a client's ssl. If the configuration's groups have no curve that certificates may have,
 * ssl offers those behind them, and cleat_group_check refuses a key exchange in them; any other list is left as it is.
 * Returns whether it could. */
bool cleat_group_restrict(struct cleat_connection *connection, SSL *ssl,
                          const struct cleat_configuration *configuration);

/* cleat_group_check refuses a message that was received if it chooses a group that the client offers for certificates
 * only. */
void cleat_group_check(const struct cleat_connection *connection, SSL *ssl, uint8_t type,
                       CBS message);

#endif
