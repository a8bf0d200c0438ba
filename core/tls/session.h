/* session.h: a client's sessions. */
#ifndef CLEAT_CORE_SESSION_H
#define CLEAT_CORE_SESSION_H

#include "tls/connection.h"

struct cleat_session {
    struct cleat_object object;
    SSL_SESSION *session;
    /* What it belongs to: see struct cleat_configuration. */
    uint8_t context[CLEAT_CONTEXT_NUMBER];
    uint8_t credential[CLEAT_DIGEST];
};

/* These are called with the connection's lock. */

/* cleat_session_offer is called when a client's handshake begins: it offers the session that the caller has given, or
 * one from the context's cache. */
void cleat_session_offer(struct cleat_connection *connection);

/* cleat_session_established is called once a client's handshake is done and its server verified. Sessions go into the
 * context's cache from then on. */
void cleat_session_established(struct cleat_connection *connection);

/* cleat_session_keep takes the reference to a session that BoringSSL has made for a client's connection, and returns
 * true. */
bool cleat_session_keep(struct cleat_connection *connection, SSL_SESSION *session);

/* cleat_session_forget is called after a fatal alert of either side: the connection's sessions are not to be resumed
 * (RFC 5246 section 7.2.2, RFC 8446 section 6.2), nor are others of the same server. */
void cleat_session_forget(struct cleat_connection *connection);

#endif
