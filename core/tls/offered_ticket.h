/* offered_ticket.h: the ticket that a client has offered to a server, to distinguish expired tickets from others
 * that are not accepted, which BoringSSL does not report. */
#ifndef CLEAT_CORE_OFFERED_TICKET_H
#define CLEAT_CORE_OFFERED_TICKET_H

#include "tls/connection.h"

/* cleat_offered_ticket_keep stores the ticket of a ClientHello, unless it has none or an allocation fails. */
void cleat_offered_ticket_keep(struct cleat_connection *connection, const SSL_CLIENT_HELLO *hello);

/* cleat_offered_ticket_has_expired returns whether the ticket was issued with this server's keys and has expired. */
bool cleat_offered_ticket_has_expired(const struct cleat_connection *connection);

void cleat_offered_ticket_forget(struct cleat_connection *connection);

#endif
