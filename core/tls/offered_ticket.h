/* offered_ticket.h: the ticket that a server's client has offered, to tell one whose time is over from others that are
 * not accepted. BoringSSL says nothing of either. */
#ifndef CLEAT_CORE_OFFERED_TICKET_H
#define CLEAT_CORE_OFFERED_TICKET_H

#include "tls/connection.h"

/* cleat_offered_ticket_keep keeps the ticket of a ClientHello, if it has one and there is memory. */
void cleat_offered_ticket_keep(struct cleat_connection *connection, const SSL_CLIENT_HELLO *hello);

/* cleat_offered_ticket_has_expired returns whether it is one of this server's, and its time is over. */
bool cleat_offered_ticket_has_expired(const struct cleat_connection *connection);

void cleat_offered_ticket_forget(struct cleat_connection *connection);

#endif
