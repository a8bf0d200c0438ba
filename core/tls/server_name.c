/* server_name.c: a server that asks its caller how to go on, once the client has said whom it
 * wants.
 *
 * BoringSSL calls cleat_server_name_select with the ClientHello and, when that says "retry",
 * leaves the handshake there: the call returns CLEAT_WANT_SERVER_NAME. The next one comes here
 * again. */
#include "base/argument.h"
#include "base/memory.h"
#include "tls/connection.h"

/* Whether the client would resume a session: by TLS 1.3's pre-shared key, a ticket, or an id. */
static bool offers_session(const SSL_CLIENT_HELLO *hello) {
    const uint8_t *extension;
    size_t len;
    if (SSL_early_callback_ctx_extension_get(hello, TLSEXT_TYPE_pre_shared_key, &extension, &len)) {
        return true;
    }
    if (SSL_early_callback_ctx_extension_get(hello, TLSEXT_TYPE_session_ticket, &extension, &len) &&
        len > 0) {
        return true;
    }
    /* One that speaks TLS 1.3 sends an id that may mean nothing (RFC 8446 appendix D.4). */
    return hello->session_id_len > 0 &&
           !SSL_early_callback_ctx_extension_get(hello, TLSEXT_TYPE_supported_versions, &extension,
                                                 &len);
}

enum ssl_select_cert_result_t cleat_server_name_select(const SSL_CLIENT_HELLO *hello) {
    struct cleat_connection *self = SSL_get_app_data(hello->ssl);
    self->offered = offers_session(hello);
    self->shared_suites = cleat_shared_suites(hello);
    if (!self->asks_for_name) return ssl_select_cert_success;
    self->waits_for_name = true;
    return ssl_select_cert_retry;
}

int32_t cleat_connection_answer_server_name(int32_t connection, int32_t alert) {
    struct cleat_connection *self;
    int32_t result = CLEAT_OK;
    CLEAT_CHECK_RANGE(2, alert, -1, 255);
    CLEAT_FIND(self, connection, CLEAT_KIND_CONNECTION);
    pthread_mutex_lock(&self->lock);
    if (!self->waits_for_name) {
        result = cleat_fail_usage(0, "the connection does not wait for an answer");
    } else {
        self->waits_for_name = false;
        self->asks_for_name = false;
        if (alert >= 0) {
            cleat_connection_refuse(self, (uint8_t)alert);
            self->refused = true;
        }
    }
    pthread_mutex_unlock(&self->lock);
    CLEAT_DONE(self);
    return result;
}

static int32_t switch_context(struct cleat_connection *self, struct cleat_context *context) {
    struct cleat_context *old = self->context;
    struct cleat_alpn *old_alpn = self->alpn;
    struct cleat_alpn *old_npn = self->npn;
    if (self->established) return cleat_fail_usage(0, "the handshake is done");
    pthread_mutex_lock(&context->lock);
    cleat_error_clear_queue();
    if (SSL_set_SSL_CTX(self->ssl, context->ssl_ctx) == NULL ||
        !cleat_connection_trust(self, context) || cleat_memory_failed()) {
        pthread_mutex_unlock(&context->lock);
        return cleat_fail_ssl("SSL_set_SSL_CTX");
    }
    self->alpn = cleat_alpn_hold(context->alpn);
    self->npn = cleat_alpn_hold(context->npn);
    pthread_mutex_unlock(&context->lock);
    self->context = context;
    cleat_object_hold(&context->object);
    cleat_object_drop(&old->object);
    cleat_alpn_drop(old_alpn);
    cleat_alpn_drop(old_npn);
    return CLEAT_OK;
}

int32_t cleat_connection_set_context(int32_t connection, int32_t context) {
    struct cleat_connection *self;
    struct cleat_object *other = NULL;
    int32_t result;
    CLEAT_FIND(self, connection, CLEAT_KIND_CONNECTION);
    result = cleat_handle_find(context, CLEAT_KIND_CONTEXT, &other);
    if (other != NULL) {
        pthread_mutex_lock(&self->lock);
        result = switch_context(self, (struct cleat_context *)other);
        pthread_mutex_unlock(&self->lock);
        cleat_handle_done(other);
    }
    CLEAT_DONE(self);
    return result;
}
