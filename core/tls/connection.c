/* connection.c: creates and frees connections, switches their context, and moves the bytes of those over memory. */
#include "tls/connection.h"

#include "base/argument.h"
#include "base/memory.h"
#include "tls/context.h"
#include "tls/ech.h"
#include "tls/group.h"
#include "tls/hostname.h"
#include "tls/offered_ticket.h"
#include "tls/psk.h"
#include "tls/session_store.h"
#include "tls/sigalg.h"
#include "tls/verify.h"
#include "x509/chain_bytes.h"

/* Tries once more to send a fatal alert. Nothing else is sent: a forked process may be using the connection. Over a
 * caller's descriptor not even the alert is sent, because the descriptor may belong to another socket by now. */
static void end_transport(struct cleat_transport *transport, bool owned) {
    if (owned && transport->final) cleat_transport_flush(transport);
    cleat_transport_discard(transport);
}

static void connection_destroy(struct cleat_object *object) {
    struct cleat_connection *self = (void *)object; /* its first member */
    end_transport(&self->transport, self->socket != NULL);
    /* A client that only writes leaves session tickets unread. They must not cause a reset on close, with which the
     * server would lose data in transit. */
    if (self->socket != NULL && self->unread_tickets) cleat_socket_discard_later(self->socket);
    SSL_free(self->ssl); /* sends nothing */
    cleat_transport_free(&self->transport);
    cleat_unacknowledged_free(&self->unacknowledged);
    cleat_release(self->server_hostname);
    OPENSSL_free(self->ech_configs);
    cleat_release(self->ech_public_name);
    cleat_release(self->verify_faults);
    cleat_signature_free(self->signature);
    cleat_psk_end(self);
    cleat_chain_bytes_free(self->refused_chain);
    cleat_offered_ticket_forget(self);
    cleat_alpn_unref(self->offered_alpn);
    cleat_alpn_unref(self->own_alpn);
    cleat_message_queue_free(&self->messages);
    cleat_session_exchange_end(self);
    sk_X509_pop_free(self->verified_chain, X509_free);
    cleat_queue_free(&self->early);
    SSL_SESSION_free(self->session);
    SSL_SESSION_free(self->given);
    if (self->socket != NULL) cleat_object_unref(&self->socket->object);
    cleat_configuration_unref(self->configuration);
    cleat_configuration_unref(self->initial);
    pthread_mutex_destroy(&self->lock);
    cleat_release(self);
}

static void connection_interrupt(struct cleat_object *object) {
    struct cleat_connection *self = (void *)object; /* its first member */
    pthread_mutex_lock(&self->lock);
    cleat_turn_interrupt(&self->turns);
    pthread_mutex_unlock(&self->lock);
    cleat_transport_interrupt(&self->transport);
}

/* The arguments of the three constructors. socket may be NULL; fd is -1 for memory. */
struct request {
    int32_t context;
    struct cleat_socket *socket;
    int fd;
    int32_t server_side;
    const char *server_hostname;
    int32_t server_hostname_len;
    int32_t position; /* of server_side among the arguments */
};

static int32_t check_request(const struct request *request) {
    CLEAT_CHECK_RANGE(request->position, request->server_side, 0, 1);
    if (request->server_hostname == NULL && request->server_hostname_len == 0) return CLEAT_OK;
    if (request->server_side == 1) {
        return cleat_fail_usage(request->position + 1,
                                "server_hostname can only be specified in client mode");
    }
    return cleat_hostname_check(request->server_hostname, request->server_hostname_len,
                                request->position + 1);
}

static int32_t set_id_context(SSL *ssl, const struct cleat_configuration *configuration,
                              int32_t verify_mode, int32_t verify_flags) {
    uint8_t id_context[CLEAT_DIGEST];
    int32_t status =
        cleat_configuration_id_context(configuration, verify_mode, verify_flags, id_context);
    if (status < 0) return status;
    return SSL_set_session_id_context(ssl, id_context, sizeof id_context) == 1
               ? CLEAT_OK
               : cleat_fail_ssl("SSL_set_session_id_context");
}

static bool set_algorithms(struct cleat_connection *self, SSL *ssl,
                           const struct cleat_configuration *configuration) {
    return (self->server_side || cleat_group_restrict(self, ssl, configuration)) &&
           cleat_sigalgs_apply(ssl, configuration, NULL, self->server_side);
}

/* Creates the connection's SSL from a configuration, and takes a reference to the configuration. */
static int32_t set_up(struct cleat_connection *self, struct cleat_configuration *configuration) {
    const struct cleat_settings *settings = &configuration->settings;
    bool check = settings->check_hostname && !self->server_side;
    int32_t status = CLEAT_OK;
    SSL *ssl;
    if (check && self->server_hostname == NULL) {
        return cleat_fail_usage(0, "check_hostname requires server_hostname");
    }
    cleat_error_clear_queue();
    ssl = SSL_new(configuration->ssl_ctx);
    /* BoringSSL ignores some failed allocations here, for example of the verify parameters. */
    if (ssl == NULL || SSL_set_app_data(ssl, self) != 1 ||
        !set_algorithms(self, ssl, configuration) || cleat_memory_failed()) {
        SSL_free(ssl);
        return cleat_fail_ssl("SSL_new");
    }
    SSL_set_shed_handshake_config(ssl, 1);
    cleat_verify_start(ssl, self->server_side, settings->verify_mode);
    if (!cleat_transport_attach(&self->transport, ssl)) {
        status = cleat_fail_nomem();
    } else if (self->server_side) {
        SSL_set_accept_state(ssl);
        SSL_set_early_data_enabled(ssl, settings->early_data > 0);
        status = set_id_context(ssl, configuration, settings->verify_mode, settings->verify_flags);
    } else {
        SSL_set_connect_state(ssl);
        status = cleat_ech_set_up(self, ssl, configuration);
        if (status >= 0 && self->server_hostname != NULL) {
            status = cleat_hostname_send(ssl, self->server_hostname);
        }
    }
    if (status >= 0) status = cleat_psk_start(self, ssl, configuration);
    if (status < 0) {
        SSL_free(ssl);
        return status;
    }
    SSL_free(self->ssl);
    cleat_configuration_ref(configuration);
    cleat_configuration_ref(configuration);
    cleat_configuration_unref(self->configuration);
    cleat_configuration_unref(self->initial);
    SSL_SESSION_free(self->given);
    self->given = NULL;
    self->ssl = ssl;
    self->configuration = self->initial = configuration;
    self->verify_mode = settings->verify_mode;
    self->verify_flags = settings->verify_flags;
    self->verify_events = settings->verify_events;
    self->tolerates_refusals = settings->tolerates_refusals;
    self->keeps_messages = settings->message_events;
    self->early_allowed = settings->early_data > 0;
    /* Once CLEAT_WANT_SERVER_NAME is enabled, switching the context does not disable it: the caller may refuse
     * clients by name. */
    if (settings->server_name_events) self->pauses_at_hello = self->server_side;
    return CLEAT_OK;
}

/* The flags that are as strict as both. PARTIAL_CHAIN makes verification less strict, all others more. */
static int32_t stricter_flags(int32_t one, int32_t other) {
    int32_t loose = CLEAT_VERIFY_X509_PARTIAL_CHAIN;
    return ((one | other) & ~loose) | (one & other & loose);
}

/* The verify events of both. The caller can accept a refused peer only if both allow it. */
static int32_t stricter_events(int32_t one, int32_t other) {
    if (one == 0 && other == 0) return 0;
    return one == 2 && other == 2 ? 2 : 1;
}

static bool restrict_settings(struct cleat_connection *self,
                              const struct cleat_configuration *other) {
    uint16_t low = SSL_get_min_proto_version(self->ssl);
    uint16_t high = SSL_get_max_proto_version(self->ssl);
    const struct cleat_groups *groups = &other->settings.algorithms.groups;
    SSL_set_options(self->ssl, SSL_CTX_get_options(other->ssl_ctx) & SSL_OP_NO_TICKET);
    self->early_allowed = self->early_allowed && other->settings.early_data > 0;
    /* SSL_set_SSL_CTX has replaced the setting. */
    SSL_set_early_data_enabled(self->ssl, self->early_allowed ? 1 : 0);
    if (other->minimum_version > low) low = other->minimum_version;
    if (other->maximum_version < high) high = other->maximum_version;
    return cleat_peer_keys_switch(other->peer_keys, self->ssl) &&
           SSL_set_min_proto_version(self->ssl, low) == 1 &&
           SSL_set_max_proto_version(self->ssl, high) == 1 &&
           (groups->count == 0 || SSL_set1_curves(self->ssl, other->algorithms.groups.nids,
                                                  other->algorithms.groups.count) == 1) &&
           cleat_sigalgs_apply(self->ssl, other, self->configuration, true);
}

/* Switches a server at the ClientHello. */
static int32_t switch_server(struct cleat_connection *self, struct cleat_configuration *other) {
    const struct cleat_settings *settings = &other->settings;
    if (other->algorithms.policy != self->initial->algorithms.policy) {
        return cleat_fail_usage(2, "the contexts' compliance policies differ");
    }
    cleat_error_clear_queue();
    if (SSL_set_SSL_CTX(self->ssl, other->ssl_ctx) == NULL || !restrict_settings(self, other) ||
        !cleat_psk_switch(self, other) || cleat_memory_failed()) {
        return cleat_fail_ssl("SSL_set_SSL_CTX");
    }
    cleat_configuration_ref(other);
    cleat_configuration_unref(self->configuration);
    self->configuration = other;
    if (settings->verify_mode > self->verify_mode) self->verify_mode = settings->verify_mode;
    self->verify_flags = stricter_flags(self->verify_flags, settings->verify_flags);
    self->verify_events = stricter_events(self->verify_events, settings->verify_events);
    if (settings->server_name_events && !self->has_hello) self->pauses_at_hello = true;
    self->tolerates_refusals = self->tolerates_refusals && settings->tolerates_refusals;
    cleat_verify_start(self->ssl, true, self->verify_mode);
    return set_id_context(self->ssl, other, self->verify_mode, self->verify_flags);
}

/* Before the handshake has begun, all settings are taken from the new configuration; on a server that has not
 * answered the ClientHello yet, the stricter of both for the verification of the peer. */
static int32_t switch_configuration(struct cleat_connection *self,
                                    struct cleat_configuration *configuration) {
    if (self->established) return cleat_fail_usage(0, "the handshake is done");
    if (!self->begun) return set_up(self, configuration);
    if (self->server_side && (self->pause == CLEAT_PAUSE_SERVER_NAME || !self->has_hello)) {
        return switch_server(self, configuration);
    }
    return cleat_fail_usage(0, "the handshake has begun");
}

static int32_t configuration_of(struct cleat_context *context,
                                struct cleat_configuration **configuration) {
    int32_t status;
    pthread_mutex_lock(&context->lock);
    status = cleat_context_configuration(context, configuration);
    if (status >= 0) cleat_configuration_ref(*configuration);
    pthread_mutex_unlock(&context->lock);
    return status;
}

int32_t cleat_connection_set_context(int32_t connection, int32_t context) {
    struct cleat_configuration *configuration;
    struct cleat_context *other;
    struct cleat_object *found = NULL;
    int32_t result;
    CLEAT_FIND(other, context, CLEAT_KIND_CONTEXT);
    result = cleat_handle_find(connection, CLEAT_KIND_CONNECTION, &found);
    if (found != NULL) {
        struct cleat_connection *self = (void *)found;
        result = configuration_of(other, &configuration);
        if (result >= 0) {
            pthread_mutex_lock(&self->lock);
            result = switch_configuration(self, configuration);
            pthread_mutex_unlock(&self->lock);
            cleat_configuration_unref(configuration);
        }
        cleat_handle_done(found);
    }
    CLEAT_DONE(other);
    return result;
}

static int32_t copy_hostname(struct cleat_connection *self, const struct request *request) {
    if (request->server_hostname == NULL) return CLEAT_OK;
    self->server_hostname = cleat_copy_text(request->server_hostname, request->server_hostname_len);
    return self->server_hostname == NULL ? cleat_fail_nomem() : CLEAT_OK;
}

static int32_t create(const struct request *request) {
    struct cleat_configuration *configuration;
    struct cleat_context *context;
    struct cleat_connection *self;
    int32_t status = check_request(request);
    if (status < 0) return status;
    CLEAT_FIND(context, request->context, CLEAT_KIND_CONTEXT);
    self = cleat_allocate(sizeof *self);
    if (self == NULL) {
        CLEAT_DONE(context);
        return cleat_fail_nomem();
    }
    cleat_object_init(&self->object, CLEAT_KIND_CONNECTION, connection_destroy);
    self->object.interrupt = connection_interrupt;
    pthread_mutex_init(&self->lock, NULL);
    cleat_transport_init(&self->transport, request->fd);
    self->server_side = request->server_side == 1;
    self->socket = request->socket;
    if (self->socket != NULL) cleat_handle_ref(&self->socket->object);

    status = copy_hostname(self, request);
    if (status >= 0) status = configuration_of(context, &configuration);
    if (status >= 0) {
        status = set_up(self, configuration);
        cleat_configuration_unref(configuration);
    }
    CLEAT_DONE(context);
    if (status < 0) {
        cleat_object_unref(&self->object);
        return status;
    }
    return cleat_handle_open(&self->object);
}

int32_t cleat_connection_over_socket(int32_t context, int32_t socket, int32_t server_side,
                                     const char *server_hostname, int32_t server_hostname_len) {
    struct cleat_socket *over;
    int32_t result;
    CLEAT_FIND(over, socket, CLEAT_KIND_SOCKET);
    result = over->type == CLEAT_SOCK_STREAM ? CLEAT_OK : cleat_fail_not_stream();
    if (result >= 0) {
        const struct request request = {
            context, over, over->fd, server_side, server_hostname, server_hostname_len, 3};
        result = create(&request);
        if (result > 0 && cleat_socket_wants_nodelay(over)) cleat_socket_set_nodelay(over->fd);
    }
    CLEAT_DONE(over);
    return result;
}

int32_t cleat_connection_over_fd(int32_t context, int32_t fd, int32_t server_side,
                                 const char *server_hostname, int32_t server_hostname_len) {
    CLEAT_NO_CANCEL();
    const struct request request = {
        context, NULL, fd, server_side, server_hostname, server_hostname_len, 3};
    bool is_tcp = false;
    int32_t status = cleat_socket_check_stream(fd, &is_tcp);
    if (status >= 0) status = create(&request);
    if (status > 0 && is_tcp) cleat_socket_set_nodelay(fd);
    return status;
}

int32_t cleat_connection_over_memory(int32_t context, int32_t server_side,
                                     const char *server_hostname, int32_t server_hostname_len) {
    CLEAT_NO_CANCEL();
    const struct request request = {
        context, NULL, -1, server_side, server_hostname, server_hostname_len, 2};
    return create(&request);
}

/* Fails unless the connection is over memory. */
static int32_t check_memory(const struct cleat_connection *self) {
    if (self->transport.fd < 0) return CLEAT_OK;
    return cleat_fail_usage(0, "the connection is over a socket, not over memory");
}

int32_t cleat_connection_feed(int32_t connection, const char *data, int32_t data_len) {
    int32_t result;
    CLEAT_CHECK_IN(2, data, data_len);
    CLEAT_BEGIN_IN_MEMORY(connection);
    if (self->transport.ended) {
        result = cleat_fail_usage(0, "cleat_connection_feed after cleat_connection_feed_eof");
    } else if (self->transport.fd >= 0 && (self->turns.held & CLEAT_TURN_READ) != 0) {
        /* That call waits in the kernel and would not notice the bytes. */
        result = cleat_fail_usage(0, "another call is reading from the socket");
    } else {
        result =
            cleat_transport_feed(&self->transport, data, data_len) ? data_len : cleat_fail_nomem();
    }
    CLEAT_END(result);
}

int32_t cleat_connection_feed_eof(int32_t connection) {
    int32_t result;
    CLEAT_BEGIN_IN_MEMORY(connection);
    result = check_memory(self);
    if (result >= 0) cleat_transport_feed_eof(&self->transport);
    CLEAT_END(result);
}

int32_t cleat_connection_drain(int32_t connection, char *buf, int32_t buf_cap) {
    int32_t result;
    CLEAT_CHECK_OUT(2, buf, buf_cap);
    CLEAT_BEGIN_IN_MEMORY(connection);
    result = check_memory(self);
    if (result >= 0) result = cleat_transport_drain(&self->transport, buf, buf_cap);
    CLEAT_END(result);
}

int32_t cleat_connection_set_drain_limit(int32_t connection, int32_t limit) {
    int32_t result;
    CLEAT_CHECK_RANGE(2, limit, 0, INT32_MAX);
    CLEAT_BEGIN_IN_MEMORY(connection);
    result = check_memory(self);
    if (result >= 0)
        cleat_transport_set_limit(&self->transport, limit > 0 ? limit : CLEAT_DRAIN_LIMIT);
    CLEAT_END(result);
}

static int32_t length_of(const struct cleat_queue *queue) {
    size_t len = cleat_queue_len(queue);
    return len > CLEAT_LENGTH_MAX ? CLEAT_LENGTH_MAX : (int32_t)len;
}

int32_t cleat_connection_drain_pending(int32_t connection) {
    int32_t result;
    CLEAT_BEGIN_IN_MEMORY(connection);
    result = check_memory(self);
    if (result >= 0) result = length_of(&self->transport.out);
    CLEAT_END(result);
}

int32_t cleat_connection_fed_pending(int32_t connection) {
    int32_t result;
    CLEAT_BEGIN_IN_MEMORY(connection);
    result = check_memory(self);
    if (result >= 0) result = length_of(&self->transport.in);
    CLEAT_END(result);
}
