/* connection.c: creates and frees connections. */
#include "tls/connection.h"

#include "base/argument.h"
#include "base/memory.h"
#include "tls/context.h"
#include "tls/early_data.h"
#include "tls/hostname.h"
#include "tls/offered_ticket.h"
#include "tls/psk.h"
#include "tls/session_store.h"
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
    cleat_early_data_free(self);
    SSL_SESSION_free(self->session);
    SSL_SESSION_free(self->caller_session);
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
    if (status >= 0) status = cleat_context_ref_configuration(context, &configuration);
    if (status >= 0) {
        status = cleat_connection_set_up(self, configuration);
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
