/* session_store.c: sessions in a store of the caller.
 *
 * BoringSSL looks up a session by a callback that can suspend the handshake: it then returns CLEAT_WANT_SESSION, and
 * BoringSSL calls again once the caller has answered. Sessions to store are queued until the end of the handshake:
 * the caller stores them before the client receives the last flight of TLS 1.2 or the tickets of TLS 1.3.
 *
 * A ticket consists of 32 random bytes, which are the key in the store, and zeros. BoringSSL's buffer for the
 * session is only as long as the ticket, so the ticket must be at least as long as the session. */
#include "tls/session_store.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "tls/psk.h"
#include "tls/session_value.h"

enum {
    TICKET_MAX = 0xff00, /* 65535 less the fields before it in its message */
    /* The lengths of tickets are multiples of it, so that they reveal little about the session. */
    PADDING = 64
};

static struct cleat_session_exchange *exchange_of(struct cleat_connection *connection) {
    if (connection->session_exchange == NULL) {
        connection->session_exchange = cleat_allocate(sizeof *connection->session_exchange);
    }
    return connection->session_exchange;
}

void cleat_session_exchange_end(struct cleat_connection *connection) {
    struct cleat_session_exchange *exchange = connection->session_exchange;
    if (exchange == NULL) return;
    while (exchange->first != NULL) {
        struct cleat_session_request *request = exchange->first;
        exchange->first = request->next;
        cleat_release(request);
    }
    cleat_release(exchange->session);
    cleat_release(exchange);
    connection->session_exchange = NULL;
}

enum found { ERROR, NOTHING, SUSPENDED, SESSION };

/* Returns the caller's answer for the key, or suspends the handshake until there is one. */
static enum found look_up(struct cleat_connection *connection, const uint8_t *key) {
    struct cleat_session_exchange *exchange = exchange_of(connection);
    if (exchange == NULL) return ERROR;
    if (exchange->answered && memcmp(exchange->wanted, key, sizeof exchange->wanted) == 0) {
        return exchange->session == NULL ? NOTHING : SESSION;
    }
    if (exchange->was_requested) return NOTHING; /* a handshake makes one request */
    memcpy(exchange->wanted, key, sizeof exchange->wanted);
    exchange->was_requested = true;
    connection->pause = CLEAT_PAUSE_SESSION;
    return SUSPENDED;
}

/* Parses the session of the caller's answer. NULL if it is malformed. */
static SSL_SESSION *parse(struct cleat_connection *connection) {
    const struct cleat_session_exchange *exchange = connection->session_exchange;
    SSL_SESSION *session = SSL_SESSION_from_bytes(exchange->session, exchange->session_len,
                                                  connection->initial->ssl_ctx);
    ERR_clear_error();
    if (session != NULL) connection->offered_expired = cleat_session_has_expired(session);
    return session;
}

/* BoringSSL does not call this function for TLS 1.3. A TLS 1.2 client that accepts tickets has no sessions of this
 * server without them: an id that it sends is another server's, or random (RFC 8446 appendix D.4). */
SSL_SESSION *cleat_session_find_id(struct cleat_connection *connection, const uint8_t *id,
                                   size_t id_len) {
    bool tickets = (SSL_get_options(connection->ssl) & SSL_OP_NO_TICKET) == 0;
    if (id_len != CLEAT_SESSION_KEY || (tickets && connection->knows_tickets)) return NULL;
    switch (look_up(connection, id)) {
        case SUSPENDED: return SSL_magic_pending_session_ptr();
        case SESSION: return parse(connection);
        case ERROR:
        case NOTHING: break;
    }
    return NULL;
}

/* Appends a request. Returns false if an allocation failed. */
static bool add(struct cleat_connection *connection, const uint8_t *key, const uint8_t *session,
                size_t len) {
    struct cleat_session_exchange *exchange = exchange_of(connection);
    const SSL_SESSION *current = SSL_get_session(connection->ssl);
    struct cleat_session_request *request;
    struct cleat_session_request **place;
    if (exchange == NULL) return false;
    request = cleat_allocate(sizeof *request + len + CLEAT_SESSION_VALUE_OVERHEAD);
    if (request == NULL) return false;
    memcpy(request->key, key, sizeof request->key);
    request->question = CLEAT_SESSION_QUESTION_REMOVE;
    if (session != NULL) {
        request->question = CLEAT_SESSION_QUESTION_PUT;
        request->lifetime = current == NULL ? 0 : (int32_t)SSL_SESSION_get_timeout(current);
        request->len = cleat_session_value_seal(cleat_sessions_keys(connection->initial->sessions),
                                                key, session, len, request->value);
        if (request->len == 0) {
            cleat_release(request);
            return false;
        }
    }
    for (place = &exchange->first; *place != NULL; place = &(*place)->next) {
    }
    *place = request;
    return true;
}

bool cleat_session_queue_early_check(struct cleat_connection *connection) {
    static const char label[] = "cleat early data 1";
    struct cleat_session_exchange *exchange = connection->session_exchange;
    SSL_SESSION *session = parse(connection);
    uint8_t key[CLEAT_SESSION_KEY];
    SHA256_CTX hash;
    if (session == NULL) return !cleat_memory_failed(); /* the session will not resume */
    SHA256_Init(&hash);
    SHA256_Update(&hash, label, sizeof label);
    SHA256_Update(&hash, exchange->wanted, sizeof exchange->wanted);
    SHA256_Final(key, &hash);
    if (add(connection, key, NULL, 0)) {
        exchange->first->question = CLEAT_SESSION_QUESTION_ADD;
        exchange->first->lifetime = (int32_t)SSL_SESSION_get_timeout(session);
    }
    SSL_SESSION_free(session);
    return exchange->first != NULL;
}

/* BoringSSL reports a resumed session again: it is already stored. */
void cleat_session_store_id(struct cleat_connection *connection, const SSL_SESSION *session) {
    unsigned id_len;
    const uint8_t *id = SSL_SESSION_get_id(session, &id_len);
    uint8_t *bytes;
    size_t len;
    if (id_len != CLEAT_SESSION_KEY || SSL_session_reused(connection->ssl) ||
        SSL_SESSION_to_bytes(session, &bytes, &len) != 1) {
        return;
    }
    /* If an allocation fails, the session is not stored and cannot resume. */
    add(connection, id, bytes, len);
    OPENSSL_free(bytes);
}

static size_t overhead(SSL *ssl) {
    (void)ssl;
    return CLEAT_SESSION_KEY + PADDING;
}

/* BoringSSL must send a ticket. For a session that is too long, or must not resume, it is a single zero byte, which
 * is not a valid ticket. */
static int seal(SSL *ssl, uint8_t *ticket, size_t *ticket_len, size_t max, const uint8_t *session,
                size_t len) {
    struct cleat_connection *connection = SSL_get_app_data(ssl);
    size_t padded = (len + PADDING - 1) / PADDING * PADDING;
    *ticket_len = 1;
    ticket[0] = 0;
    if (cleat_psk_is_used(ssl)) return 1;
    if (padded > TICKET_MAX - CLEAT_SESSION_KEY || max < CLEAT_SESSION_KEY + padded) return 1;
    RAND_bytes(ticket, CLEAT_SESSION_KEY);
    memset(ticket + CLEAT_SESSION_KEY, 0, padded);
    *ticket_len = CLEAT_SESSION_KEY + padded;
    return add(connection, ticket, session, len) ? 1 : 0;
}

/* Tickets of this format are recognised by their zeros. */
static bool is_stored_ticket(const uint8_t *ticket, size_t len) {
    size_t i;
    if (len <= CLEAT_SESSION_KEY || (len - CLEAT_SESSION_KEY) % PADDING != 0) return false;
    for (i = CLEAT_SESSION_KEY; i < len; i++) {
        if (ticket[i] != 0) return false;
    }
    return true;
}

static enum ssl_ticket_aead_result_t open_ticket(SSL *ssl, uint8_t *session, size_t *session_len,
                                                 size_t max, const uint8_t *ticket, size_t len) {
    struct cleat_connection *connection = SSL_get_app_data(ssl);
    const struct cleat_session_exchange *exchange;
    if (!is_stored_ticket(ticket, len)) return ssl_ticket_aead_ignore_ticket;
    switch (look_up(connection, ticket)) {
        case ERROR: return ssl_ticket_aead_error;
        case NOTHING: return ssl_ticket_aead_ignore_ticket;
        case SUSPENDED: return ssl_ticket_aead_retry;
        case SESSION: break;
    }
    exchange = connection->session_exchange;
    if (exchange->session_len > max) return ssl_ticket_aead_ignore_ticket;
    SSL_SESSION_free(parse(connection)); /* sets offered_expired */
    memcpy(session, exchange->session, exchange->session_len);
    *session_len = exchange->session_len;
    return ssl_ticket_aead_success;
}

const SSL_TICKET_AEAD_METHOD *cleat_session_tickets(void) {
    static const SSL_TICKET_AEAD_METHOD method = {overhead, seal, open_ticket};
    return &method;
}

/* Whether the resumed session must be removed from the store. */
static bool is_used_up(const struct cleat_connection *connection) {
    const struct cleat_session_exchange *exchange = connection->session_exchange;
    return connection->initial->settings.session_events == CLEAT_SESSIONS_SINGLE_USE &&
           exchange != NULL && exchange->session != NULL && !exchange->removes &&
           SSL_session_reused(connection->ssl) && SSL_version(connection->ssl) == TLS1_3_VERSION;
}

int32_t cleat_session_exchange_store(struct cleat_connection *connection) {
    struct cleat_session_exchange *exchange = connection->session_exchange;
    if (is_used_up(connection)) {
        exchange->removes = true;
        if (!add(connection, exchange->wanted, NULL, 0)) return cleat_fail_nomem();
    }
    if (exchange == NULL || exchange->first == NULL) return CLEAT_OK;
    connection->pause = CLEAT_PAUSE_SESSION;
    return CLEAT_WANTS_SESSION;
}
