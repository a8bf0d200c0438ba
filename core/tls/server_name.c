/* server_name.c: suspends a server's handshake at the ClientHello, so that the caller can select a context by SNI.
 *
 * BoringSSL calls cleat_server_name_select with the ClientHello. If that returns ssl_select_cert_retry, BoringSSL
 * suspends the handshake, and the call returns CLEAT_WANT_SERVER_NAME. The next call calls cleat_server_name_select
 * again. */
#include "tls/server_name.h"

#include "base/argument.h"
#include "tls/connection.h"
#include "tls/connection_alpn.h"
#include "tls/context.h"
#include "tls/credential_choice.h"
#include "tls/offered_ticket.h"
#include "tls/session_store.h"

static bool has(const SSL_CLIENT_HELLO *hello, uint16_t type) {
    const uint8_t *extension;
    size_t len;
    return SSL_early_callback_ctx_extension_get(hello, type, &extension, &len) == 1;
}

/* Whether the client offers a session: by TLS 1.3's pre_shared_key extension, a ticket, or an id. */
static bool offers_session(const SSL_CLIENT_HELLO *hello) {
    const uint8_t *extension;
    size_t len;
    if (has(hello, TLSEXT_TYPE_pre_shared_key)) return true;
    if (SSL_early_callback_ctx_extension_get(hello, TLSEXT_TYPE_session_ticket, &extension, &len) &&
        len > 0) {
        return true;
    }
    /* A client with TLS 1.3 may send a random id in compatibility mode (RFC 8446 appendix D.4). */
    return hello->session_id_len > 0 && !has(hello, TLSEXT_TYPE_supported_versions);
}

enum ssl_select_cert_result_t cleat_server_name_select(const SSL_CLIENT_HELLO *hello) {
    struct cleat_connection *self = SSL_get_app_data(hello->ssl);
    self->has_hello = true;
    self->offered = offers_session(hello);
    if (has(hello, TLSEXT_TYPE_early_data)) self->early_offered = true;
    if (!cleat_session_is_stored(self)) cleat_offered_ticket_keep(self, hello);
    self->knows_tickets = has(hello, TLSEXT_TYPE_session_ticket);
    self->shared_suites = cleat_shared_suites(hello);
#if !CLEAT_HAS_SSL_CREDENTIAL
    self->offered_groups = cleat_credential_choice_groups(hello);
#endif
    if (!self->pauses_at_hello) return ssl_select_cert_success;
    if (!cleat_alpn_keep_offered(self, hello)) return ssl_select_cert_error;
    self->pause = CLEAT_PAUSE_SERVER_NAME;
    return ssl_select_cert_retry;
}

int32_t cleat_connection_answer_server_name(int32_t connection, int32_t alert) {
    struct cleat_connection *self;
    int32_t result = CLEAT_OK;
    CLEAT_CHECK_RANGE(2, alert, -1, 255);
    CLEAT_FIND(self, connection, CLEAT_KIND_CONNECTION);
    pthread_mutex_lock(&self->lock);
    if (self->pause != CLEAT_PAUSE_SERVER_NAME) {
        result =
            cleat_fail_usage(0, "the handshake does not wait for a decision on the server name");
    } else {
        self->pause = CLEAT_PAUSE_NONE;
        self->pauses_at_hello = false;
        cleat_alpn_unref(self->offered_alpn);
        self->offered_alpn = NULL;
        if (alert >= 0) {
            cleat_connection_refuse(self, (uint8_t)alert);
            self->refused_at = CLEAT_PAUSE_SERVER_NAME;
        }
    }
    pthread_mutex_unlock(&self->lock);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_context_set_server_name_events(int32_t context, int32_t on) {
    CLEAT_CHECK_RANGE(2, on, 0, 1);
    CLEAT_CONTEXT_BEGIN(context);
    self->settings.server_name_events = on == 1;
    cleat_context_changed(self);
    CLEAT_CONTEXT_END(CLEAT_OK);
}
