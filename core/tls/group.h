/* group.h: a client whose key exchange is restricted to one group (set_ecdh_curve). */
#ifndef CLEAT_CORE_GROUP_H
#define CLEAT_CORE_GROUP_H

#include "tls/connection.h"

/* cleat_group_restrict is for a client whose context allows only the group with the NID curve. With
 * X25519 it makes the connection's ssl offer the curves that certificates may have behind it, and refuse a
 * key exchange in them; any other group is left as it is. Returns whether it could. */
bool cleat_group_restrict(struct cleat_connection *connection, SSL *ssl, int curve);

#endif
