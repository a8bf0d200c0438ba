/* session_store.h: the requests of a server whose sessions are in the caller's store, and the answers. The functions
 * must be called with the connection's lock held. */
#ifndef CLEAT_CORE_SESSION_STORE_H
#define CLEAT_CORE_SESSION_STORE_H

#include "tls/connection.h"
#include "tls/session_value.h"

/* A request to store something under a key, or to remove it. */
struct cleat_session_request {
    struct cleat_session_request *next;
    uint8_t key[CLEAT_SESSION_KEY];
    int32_t question;
    int32_t lifetime;
    size_t len;
    uint8_t value[];
};

struct cleat_session_exchange {
    uint8_t wanted[CLEAT_SESSION_KEY]; /* the key of the last CLEAT_SESSION_QUESTION_GET */
    bool was_requested;
    bool answered;
    uint8_t *session; /* the session of the answer; NULL if absent */
    size_t session_len;
    struct cleat_session_request *first;
    bool removes; /* the request to remove the resumed session was queued */
};

/* cleat_session_is_stored returns whether the connection's sessions are in the caller's store. */
static inline bool cleat_session_is_stored(const struct cleat_connection *connection) {
    return connection->initial->settings.session_events != CLEAT_SESSIONS_OWN;
}

/* cleat_session_tickets returns BoringSSL's method table for tickets that contain only the key of a stored session. */
const SSL_TICKET_AEAD_METHOD *cleat_session_tickets(void);

/* cleat_session_find_id and cleat_session_store_id are for TLS 1.2 sessions without tickets. The first returns the
 * session, NULL if there is none, or SSL_magic_pending_session_ptr() until the caller has answered. */
SSL_SESSION *cleat_session_find_id(struct cleat_connection *connection, const uint8_t *id,
                                   size_t id_len);
void cleat_session_store_id(struct cleat_connection *connection, const SSL_SESSION *session);

/* cleat_session_queue_early_check queues the request that finds out whether the session is used for early data for
 * the first time. Returns false if an allocation failed. */
bool cleat_session_queue_early_check(struct cleat_connection *connection);

/* cleat_session_exchange_store must be called at the end of a handshake. It returns CLEAT_WANTS_SESSION while there are
 * sessions to store or to remove, otherwise CLEAT_OK. CLEAT_NOMEM. */
int32_t cleat_session_exchange_store(struct cleat_connection *connection);

/* cleat_session_exchange_end frees the requests and the answer. */
void cleat_session_exchange_end(struct cleat_connection *connection);

#endif
