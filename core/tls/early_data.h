/* early_data.h: early data, for the handshake. All functions must be called with the connection's lock and both
 * turns held. */
#ifndef CLEAT_CORE_EARLY_DATA_H
#define CLEAT_CORE_EARLY_DATA_H

#include "cleat/early_data.h"
#include "tls/connection.h"

/* cleat_early_data_receive moves the early data that a server receives to connection->early. CLEAT_OK at the end of
 * the early data, CLEAT_WANT_*, or BoringSSL's error. */
int32_t cleat_early_data_receive(struct cleat_connection *connection);

/* cleat_early_data_refused must be called when BoringSSL has reported that the server has refused early data. It
 * lets a client's handshake continue. */
void cleat_early_data_refused(struct cleat_connection *connection);

/* cleat_early_data_free wipes and frees the early data that was received: the queue's memory is not wiped otherwise. */
void cleat_early_data_free(struct cleat_connection *connection);

/* cleat_early_data_finish must be called at the end of the handshake. */
void cleat_early_data_finish(struct cleat_connection *connection);

#endif
