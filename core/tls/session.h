/* session.h: a client's sessions. */
#ifndef CLEAT_CORE_SESSION_H
#define CLEAT_CORE_SESSION_H

#include "tls/connection.h"

struct cleat_session {
    struct cleat_object object;
    SSL_SESSION *session;
    /* The context and the certificates to which the session belongs: see struct cleat_configuration. */
    uint8_t context[CLEAT_CONTEXT_NUMBER];
    uint8_t credential[CLEAT_DIGEST];
};

/* The functions below must be called with the connection's lock held. */

/* cleat_session_offer must be called when a client's handshake begins. It offers the session of
 * cleat_connection_set_session, or one from the context's cache. */
void cleat_session_offer(struct cleat_connection *connection);

/* cleat_session_established must be called when a client's handshake is done and the server verified. Sessions are
 * stored in the context's cache from then on. */
void cleat_session_established(struct cleat_connection *connection);

/* cleat_session_keep takes over the reference to a session that BoringSSL has created for a client's connection, and
 * returns true; it returns false for a session that must not be resumed. */
bool cleat_session_keep(struct cleat_connection *connection, SSL_SESSION *session);

/* cleat_session_forget must be called after a fatal alert of either side. It discards the connection's session and
 * the cached ones of the same server: they must not be resumed (RFC 5246 section 7.2.2, RFC 8446 section 6.2). */
void cleat_session_forget(struct cleat_connection *connection);

#endif
