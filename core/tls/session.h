/* session.h: a client's sessions. */
#ifndef CLEAT_CORE_SESSION_H
#define CLEAT_CORE_SESSION_H

#include "tls/connection.h"

struct cleat_session {
    struct cleat_object object;
    SSL_SESSION *session;
    /* What it belongs to: see struct cleat_configuration. */
    uint64_t context;
    uint8_t credential[CLEAT_DIGEST];
};

/* Both are called with the connection's lock. */

/* cleat_session_keep takes the reference to a session that BoringSSL has made for a client's connection, and returns
 * true. */
bool cleat_session_keep(struct cleat_connection *connection, SSL_SESSION *session);

/* cleat_session_forget is called after a fatal alert of either side: the connection's sessions are not to be resumed
 * (RFC 5246 section 7.2.2, RFC 8446 section 6.2). */
void cleat_session_forget(struct cleat_connection *connection);

#endif
