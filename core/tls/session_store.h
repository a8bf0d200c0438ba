/* session_store.h: a server whose sessions are in a store of the caller's: what it asks the caller for, and the
 * answers. The functions are called with the connection's lock. */
#ifndef CLEAT_CORE_SESSION_STORE_H
#define CLEAT_CORE_SESSION_STORE_H

#include "tls/connection.h"
#include "tls/session_value.h"

/* What is to be stored under a key, or to be removed. */
struct cleat_session_errand {
    struct cleat_session_errand *next;
    uint8_t key[CLEAT_SESSION_KEY];
    int32_t question;
    int32_t lifetime;
    size_t len;
    uint8_t value[];
};

struct cleat_session_talk {
    uint8_t wanted[CLEAT_SESSION_KEY]; /* what was asked for last */
    bool was_asked;
    bool answered;
    uint8_t *session; /* the answer; NULL for none */
    size_t session_len;
    struct cleat_session_errand *first;
    bool removes; /* the errand to remove what was resumed is there */
};

/* cleat_session_is_stored returns whether the connection's sessions are in a store. */
static inline bool cleat_session_is_stored(const struct cleat_connection *connection) {
    return connection->initial->settings.session_events != CLEAT_SESSIONS_OWN;
}

/* cleat_session_tickets returns the methods for tickets that are names of what is stored. */
const SSL_TICKET_AEAD_METHOD *cleat_session_tickets(void);

/* cleat_session_find_id and cleat_session_store_id are for sessions of TLS 1.2 by their ids. The first returns the
 * session, NULL for none, or SSL_magic_pending_session_ptr() until the caller has answered. */
SSL_SESSION *cleat_session_find_id(struct cleat_connection *connection, const uint8_t *id,
                                   size_t id_len);
void cleat_session_store_id(struct cleat_connection *connection, const SSL_SESSION *session);

/* cleat_session_ask_early makes the connection ask whether the session that was found comes with early data for the
 * first time. Returns whether there was memory. */
bool cleat_session_ask_early(struct cleat_connection *connection);

/* cleat_session_talk_store returns CLEAT_WANTS_SESSION while there is something to store, or to remove, at the end of
 * a handshake; otherwise CLEAT_OK. CLEAT_NOMEM. */
int32_t cleat_session_talk_store(struct cleat_connection *connection);

/* cleat_session_talk_end frees what is left of it. */
void cleat_session_talk_end(struct cleat_connection *connection);

#endif
