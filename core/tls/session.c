/* session.c: a client's sessions. In TLS 1.2 BoringSSL creates one in the handshake; in TLS 1.3 one for each ticket
 * that it reads. A connection keeps the newest. */
#include "tls/session.h"

#include <string.h>

#include "base/argument.h"
#include "base/memory.h"
#include "cleat/session.h"
#include "tls/context.h"
#include "tls/psk.h"

/* An encoded session consists of this prefix, the digest of this side's certificates, and BoringSSL's encoding. */
static const char magic[8] = {'c', 'l', 'e', 'a', 't', 's', 's', '1'};

enum { HEAD = sizeof magic + CLEAT_DIGEST };

static void session_destroy(struct cleat_object *object) {
    struct cleat_session *self = (void *)object; /* its first member */
    SSL_SESSION_free(self->session);
    cleat_release(self);
}

/* Takes over the reference to the session, also if it fails. */
static int32_t session_open(SSL_SESSION *session, const struct cleat_configuration *configuration) {
    struct cleat_session *self = cleat_allocate(sizeof *self);
    if (self == NULL) {
        SSL_SESSION_free(session);
        return cleat_fail_nomem();
    }
    cleat_object_init(&self->object, CLEAT_KIND_SESSION, session_destroy);
    self->session = session;
    memcpy(self->context, configuration->context, sizeof self->context);
    memcpy(self->credential, configuration->credential, sizeof self->credential);
    return cleat_handle_open(&self->object);
}

/* Whether the connection uses the cache of its context. Sessions with unverified servers are neither stored nor
 * offered. */
static bool uses_cache(const struct cleat_connection *connection) {
    return cleat_client_sessions_capacity(connection->configuration->client_sessions) > 0 &&
           connection->server_hostname != NULL && connection->verify_mode != CLEAT_CERT_NONE &&
           !connection->tolerates_refusals;
}

static void make_key(const struct cleat_connection *connection, struct cleat_server_key *key) {
    const char *name = connection->server_hostname;
    key->len = 0;
    key->bytes[key->len++] = (char)(connection->peer_port >> 8);
    key->bytes[key->len++] = (char)(connection->peer_port & 0xff);
    for (; *name != '\0' && key->len < sizeof key->bytes; name++) {
        key->bytes[key->len++] = *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name;
    }
}

static void put(struct cleat_connection *connection, SSL_SESSION *session) {
    const struct cleat_configuration *configuration = connection->configuration;
    struct cleat_server_key key;
    if (!uses_cache(connection) || !connection->verified) return;
    make_key(connection, &key);
    cleat_client_sessions_put(configuration->client_sessions, configuration->epoch, &key, session,
                              connection->verified_until);
}

/* A TLS 1.2 server with a raw public key need not repeat the certificate type when it resumes a session, and GnuTLS
 * does not. BoringSSL's client then expects a certificate and fails. So such sessions are never resumed. */
static bool must_not_resume(const struct cleat_connection *connection) {
    return SSL_version(connection->ssl) < TLS1_3_VERSION && cleat_peer_keys_is_raw(connection);
}

bool cleat_session_keep(struct cleat_connection *connection, SSL_SESSION *session) {
    if (must_not_resume(connection)) return false;
    SSL_SESSION_free(connection->session);
    connection->session = session;
    if (connection->established) put(connection, session);
    return true;
}

void cleat_session_established(struct cleat_connection *connection) {
    if (connection->session != NULL) put(connection, connection->session);
}

void cleat_session_forget(struct cleat_connection *connection) {
    struct cleat_server_key key;
    connection->failed = true;
    SSL_SESSION_free(connection->session);
    connection->session = NULL;
    if (connection->server_side || !uses_cache(connection)) return;
    make_key(connection, &key);
    cleat_client_sessions_remove(connection->configuration->client_sessions, &key, NULL);
}

void cleat_session_offer(struct cleat_connection *connection) {
    const struct cleat_configuration *configuration = connection->configuration;
    SSL_SESSION *session = connection->caller_session;
    struct cleat_server_key key;
    connection->caller_session = NULL; /* BoringSSL has its own reference */
    connection->offered = session != NULL;
    if (uses_cache(connection)) {
        connection->peer_port =
            cleat_socket_peer_port(connection->socket, connection->transport.fd);
        make_key(connection, &key);
        if (session == NULL) {
            session = cleat_client_sessions_take(configuration->client_sessions,
                                                 configuration->epoch, &key);
            connection->offered = session != NULL && SSL_set_session(connection->ssl, session) == 1;
        } else if (SSL_SESSION_should_be_single_use(session) == 1) {
            cleat_client_sessions_remove(configuration->client_sessions, &key, session);
        }
    }
    SSL_SESSION_free(session);
}

/* A resumed TLS 1.2 handshake creates no session, unless the server issues a new ticket: the resumed session remains
 * valid. A resumed TLS 1.3 session must not be used again. */
static SSL_SESSION *newest(const struct cleat_connection *connection) {
    SSL_SESSION *session = connection->session;
    if (!connection->established || connection->server_side || connection->failed ||
        must_not_resume(connection)) {
        return NULL;
    }
    if (session == NULL && SSL_version(connection->ssl) < TLS1_3_VERSION) {
        session = SSL_get_session(connection->ssl);
    }
    if (session == NULL || cleat_psk_made(session)) return NULL;
    return SSL_SESSION_is_resumable(session) == 1 ? session : NULL;
}

int32_t cleat_connection_session(int32_t connection) {
    SSL_SESSION *session;
    int32_t result = 0;
    CLEAT_BEGIN(connection);
    session = newest(self);
    if (session != NULL) {
        SSL_SESSION_up_ref(session);
        result = session_open(session, self->configuration);
    }
    CLEAT_END(result);
}

static int32_t set_session(struct cleat_connection *self, const struct cleat_session *session) {
    const struct cleat_configuration *configuration = self->configuration;
    if (self->server_side) {
        return cleat_fail_usage(0, "Cannot set session for server-side SSLSocket.");
    }
    if (memcmp(session->context, configuration->context, CLEAT_CONTEXT_NUMBER) != 0) {
        return cleat_fail_usage(2, "Session refers to a different SSLContext.");
    }
    if (self->begun) { /* BoringSSL would abort */
        return cleat_fail_usage(0, "Cannot set session after handshake.");
    }
    if (memcmp(session->credential, configuration->credential, CLEAT_DIGEST) != 0) {
        return cleat_fail_usage(2, "Session is of another certificate or of other algorithms "
                                   "than the context has now.");
    }
    cleat_error_clear_queue();
    if (SSL_set_session(self->ssl, session->session) != 1) {
        return cleat_fail_ssl("SSL_set_session");
    }
    SSL_SESSION_up_ref(session->session);
    SSL_SESSION_free(self->caller_session);
    self->caller_session = session->session;
    return CLEAT_OK;
}

int32_t cleat_connection_set_session(int32_t connection, int32_t session) {
    struct cleat_session *offered;
    struct cleat_object *found = NULL;
    int32_t result;
    CLEAT_FIND(offered, session, CLEAT_KIND_SESSION);
    result = cleat_handle_find(connection, CLEAT_KIND_CONNECTION, &found);
    if (found != NULL) {
        struct cleat_connection *self = (void *)found; /* its first member */
        pthread_mutex_lock(&self->lock);
        result = set_session(self, offered);
        pthread_mutex_unlock(&self->lock);
        cleat_handle_done(found);
    }
    CLEAT_DONE(offered);
    return result;
}

/* Encodes the session in a block that the caller must wipe and free. */
static int32_t encode(const struct cleat_session *self, char **bytes, size_t *len) {
    uint8_t *encoded = NULL;
    size_t encoded_len = 0;
    cleat_error_clear_queue();
    if (SSL_SESSION_to_bytes(self->session, &encoded, &encoded_len) != 1) {
        return cleat_fail_ssl("SSL_SESSION_to_bytes");
    }
    *bytes = cleat_allocate(HEAD + encoded_len);
    if (*bytes != NULL) {
        memcpy(*bytes, magic, sizeof magic);
        memcpy(*bytes + sizeof magic, self->credential, CLEAT_DIGEST);
        memcpy(*bytes + HEAD, encoded, encoded_len);
    }
    OPENSSL_free(encoded);
    *len = HEAD + encoded_len;
    return *bytes == NULL ? cleat_fail_nomem() : CLEAT_OK;
}

int32_t cleat_session_bytes(int32_t session, char *output, int32_t output_cap) {
    struct cleat_session *self;
    char *bytes = NULL;
    size_t len = 0;
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_FIND(self, session, CLEAT_KIND_SESSION);
    result = encode(self, &bytes, &len);
    if (result >= 0) {
        result = cleat_copy_out(bytes, (int64_t)len, output, output_cap);
        cleat_release(bytes);
    }
    CLEAT_DONE(self);
    return result;
}

static int32_t fail_invalid(void) {
    return cleat_fail_named("SSL", "INVALID_SSL_SESSION", "malformed session");
}

/* Without the server's certificate, a resumed session could not be verified. */
static bool is_usable(const SSL_SESSION *session) {
    const STACK_OF(CRYPTO_BUFFER) *sent = SSL_SESSION_get0_peer_certificates(session);
    return SSL_SESSION_is_resumable(session) == 1 && sent != NULL && sk_CRYPTO_BUFFER_num(sent) > 0;
}

static int32_t decode(const struct cleat_configuration *configuration, const char *data,
                      int32_t data_len) {
    SSL_SESSION *session;
    if (data_len < (int32_t)HEAD || memcmp(data, magic, sizeof magic) != 0) return fail_invalid();
    if (memcmp(data + sizeof magic, configuration->credential, CLEAT_DIGEST) != 0) {
        return cleat_fail_named(
            "SSL", "SESSION_CERTIFICATE_MISMATCH",
            "the session belongs to another certificate than the context has now");
    }
    cleat_error_clear_queue();
    session = SSL_SESSION_from_bytes((const uint8_t *)data + HEAD, (size_t)data_len - HEAD,
                                     configuration->ssl_ctx);
    if (session == NULL && cleat_memory_failed()) return cleat_fail_nomem();
    if (session == NULL || !is_usable(session)) {
        SSL_SESSION_free(session);
        return fail_invalid();
    }
    return session_open(session, configuration);
}

int32_t cleat_session_from_bytes(int32_t context, const char *data, int32_t data_len) {
    struct cleat_configuration *configuration;
    int32_t result;
    CLEAT_CHECK_IN(2, data, data_len);
    CLEAT_CONTEXT_BEGIN(context);
    result = cleat_context_configuration(self, &configuration);
    if (result >= 0) result = decode(configuration, data, data_len);
    CLEAT_CONTEXT_END(result);
}

int32_t cleat_context_client_sessions(int32_t context) {
    int32_t result;
    CLEAT_CONTEXT_BEGIN(context);
    result = cleat_client_sessions_capacity(self->client_sessions);
    CLEAT_CONTEXT_END(result);
}

int32_t cleat_context_set_client_sessions(int32_t context, int32_t capacity) {
    CLEAT_CHECK_RANGE(2, capacity, 0, CLEAT_CLIENT_SESSIONS_MAX);
    CLEAT_CONTEXT_BEGIN(context);
    cleat_client_sessions_limit(self->client_sessions, capacity);
    CLEAT_CONTEXT_END(CLEAT_OK);
}

int32_t cleat_session_identifier(int32_t session, char *output, int32_t output_cap) {
    struct cleat_session *self;
    const uint8_t *id;
    unsigned len = 0;
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_FIND(self, session, CLEAT_KIND_SESSION);
    id = SSL_SESSION_get_id(self->session, &len);
    result = cleat_copy_out((const char *)id, len, output, output_cap);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_session_version(int32_t session, char *output, int32_t output_cap) {
    struct cleat_session *self;
    const char *text;
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_FIND(self, session, CLEAT_KIND_SESSION);
    text = SSL_SESSION_get_version(self->session);
    result = cleat_copy_out(text, (int64_t)strlen(text), output, output_cap);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_session_time(int32_t session, double *time) {
    struct cleat_session *self;
    CLEAT_CHECK_POINTER(2, time);
    CLEAT_FIND(self, session, CLEAT_KIND_SESSION);
    *time = (double)SSL_SESSION_get_time(self->session);
    CLEAT_DONE(self);
    return CLEAT_OK;
}

static int32_t seconds(uint64_t number) {
    return number > INT32_MAX ? INT32_MAX : (int32_t)number;
}

int32_t cleat_session_timeout(int32_t session) {
    struct cleat_session *self;
    int32_t result;
    CLEAT_FIND(self, session, CLEAT_KIND_SESSION);
    result = seconds(SSL_SESSION_get_timeout(self->session));
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_session_ticket_lifetime_hint(int32_t session) {
    struct cleat_session *self;
    int32_t result;
    CLEAT_FIND(self, session, CLEAT_KIND_SESSION);
    /* BoringSSL stores the lifetime of a TLS 1.3 ticket as the session's timeout. */
    result = SSL_SESSION_get_protocol_version(self->session) >= TLS1_3_VERSION
                 ? seconds(SSL_SESSION_get_timeout(self->session))
                 : seconds(SSL_SESSION_get_ticket_lifetime_hint(self->session));
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_session_has_ticket(int32_t session) {
    struct cleat_session *self;
    int32_t result;
    CLEAT_FIND(self, session, CLEAT_KIND_SESSION);
    result = SSL_SESSION_has_ticket(self->session);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_session_single_use(int32_t session) {
    struct cleat_session *self;
    int32_t result;
    CLEAT_FIND(self, session, CLEAT_KIND_SESSION);
    result = SSL_SESSION_should_be_single_use(self->session);
    CLEAT_DONE(self);
    return result;
}
