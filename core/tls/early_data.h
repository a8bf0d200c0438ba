/* early_data.h: early data, as the handshake sees it. All functions are called with the connection's lock and both
 * turns. */
#ifndef CLEAT_CORE_EARLY_DATA_H
#define CLEAT_CORE_EARLY_DATA_H

#include "cleat/early_data.h"
#include "tls/connection.h"

/* cleat_early_data_receive moves the early data that a server has received to connection->early, up to its end.
 * CLEAT_OK at the end, CLEAT_WANT_*, or an error of the library. */
int32_t cleat_early_data_receive(struct cleat_connection *connection);

/* cleat_early_data_refused is called when BoringSSL has reported to a client that the server refuses, and lets the
 * handshake go on. */
void cleat_early_data_refused(struct cleat_connection *connection);

/* cleat_early_data_finish is called at the end of the handshake. */
void cleat_early_data_finish(struct cleat_connection *connection);

#endif
