/* connection_call.c: shared by handshake, read, write and shutdown: maps results of BoringSSL to statuses, sends
 * alerts, and waits. */
#include "tls/connection.h"
#include "tls/session.h"
#include "tls/verify.h"

int32_t cleat_fail_shut_down(void) {
    return cleat_fail(CLEAT_CLOSED, 0, "the TLS session was shut down");
}

int32_t cleat_connection_fail_tls(const struct cleat_connection *self, const char *what) {
    char detail[256];
    cleat_verify_describe(self, &self->verify_error, detail, sizeof detail);
    return cleat_fail_tls(what, cleat_verify_code(self), detail);
}

/* Whether the end of the transport counts as close_notify (CLEAT_OP_IGNORE_UNEXPECTED_EOF). */
static bool ignores_end(const struct cleat_connection *self) {
    return self->established &&
           (self->configuration->settings.options & CLEAT_OP_IGNORE_UNEXPECTED_EOF) != 0;
}

int32_t cleat_connection_map_error(const struct cleat_connection *self, int result,
                                   const char *what) {
    int32_t status;
    int32_t alert = 0;
    switch (SSL_get_error(self->ssl, result)) {
        case SSL_ERROR_WANT_READ: return CLEAT_WANTS_READ;
        case SSL_ERROR_WANT_WRITE: return CLEAT_WANTS_WRITE;
        case SSL_ERROR_PENDING_CERTIFICATE: return CLEAT_WANTS_SERVER_NAME;
        case SSL_ERROR_PENDING_SESSION:
        case SSL_ERROR_PENDING_TICKET: return CLEAT_WANTS_SESSION;
        case SSL_ERROR_WANT_CERTIFICATE_VERIFY: return CLEAT_WANTS_VERIFY;
        case SSL_ERROR_WANT_PRIVATE_KEY_OPERATION: return CLEAT_WANTS_SIGNATURE;
        case SSL_ERROR_ZERO_RETURN: return 0;
        case SSL_ERROR_SYSCALL:
            if (self->transport.error != 0) return cleat_fail_errno(self->transport.error);
            /* An error that could not be queued, since an allocation failed, looks like the end of the transport. */
            if (!self->transport.ended) return cleat_fail_nomem();
            if (ignores_end(self)) return 0;
            return cleat_fail(CLEAT_EOF, 0, "EOF occurred in violation of protocol");
        default: break;
    }
    if (self->transport.error != 0) return cleat_fail_errno(self->transport.error);
    status = cleat_connection_fail_tls(self, what);
    if (CLEAT_CLASS(status) == CLEAT_SSL &&
        cleat_transport_ended_in_alert(&self->transport, &alert)) {
        return cleat_fail_alert(alert);
    }
    return status;
}

bool cleat_connection_is_want(int32_t status) {
    return status == CLEAT_WANTS_READ || status == CLEAT_WANTS_WRITE ||
           cleat_connection_is_pause(status);
}

bool cleat_connection_is_pause(int32_t status) {
    return status == CLEAT_WANTS_SERVER_NAME || status == CLEAT_WANTS_SESSION ||
           status == CLEAT_WANTS_VERIFY || status == CLEAT_WANTS_SIGNATURE ||
           status == CLEAT_WANTS_PSK;
}

/* The classes of failures in which this side or the peer sends a fatal alert. */
static bool is_fatal(int32_t status) {
    int32_t class = CLEAT_CLASS(status);
    return status < 0 && (class == CLEAT_SSL || class == CLEAT_VERIFY || class == CLEAT_ALERT);
}

void cleat_connection_after_failure(struct cleat_connection *self, int32_t status) {
    if (is_fatal(status)) cleat_session_forget(self);
    if (CLEAT_CLASS(status) == CLEAT_ALERT) self->alert_received = CLEAT_VALUE(status) + 1;
    /* No alert needs to arrive: the transport has failed, perhaps temporarily; or close_notify was sent, after which
     * no alert may follow; or BoringSSL has written none, because the peer has sent one or does not speak TLS. */
    if (self->transport.error != 0 || self->closing || status >= 0 ||
        !cleat_transport_has_written(&self->transport)) {
        cleat_transport_flush_quietly(&self->transport);
        return;
    }
    if (self->socket != NULL) cleat_socket_discard_later(self->socket);
    cleat_transport_finish(&self->transport);
}

/* A fatal alert with the description close_notify, which BoringSSL cannot send. Only a server sends it, at the
 * ClientHello, when nothing is encrypted yet (RFC 8446 section 5.1). */
static void send_fatal_close_notify(SSL *ssl) {
    static const uint8_t record[] = {SSL3_RT_ALERT, 3, 1, 0, 2, SSL3_AL_FATAL, SSL_AD_CLOSE_NOTIFY};
    (void)BIO_write(SSL_get_wbio(ssl), record, sizeof record);
}

void cleat_connection_refuse(struct cleat_connection *self, uint8_t alert) {
    cleat_connection_begin(self, CLEAT_TRANSPORT_PLAIN);
    if (alert == SSL_AD_CLOSE_NOTIFY) {
        send_fatal_close_notify(self->ssl);
        self->alert_sent = SSL_AD_CLOSE_NOTIFY + 1;
    } else {
        SSL_send_fatal_alert(self->ssl, alert); /* does nothing if an alert was sent before */
    }
    cleat_error_clear_queue();
    cleat_connection_after_failure(self, CLEAT_STATUS(CLEAT_SSL, 0));
}

int32_t cleat_connection_wait(struct cleat_connection *self, int32_t want,
                              cleat_deadline deadline) {
    /* The call with the writer's turn sends what is buffered; if there is none, a waiting read does. */
    bool sends = !self->established || (self->turns.held & CLEAT_TURN_WRITE) == 0;
    return cleat_transport_wait(&self->transport, &self->object, &self->lock, want, sends,
                                deadline);
}

int32_t cleat_connection_flush(struct cleat_connection *self, cleat_deadline deadline) {
    int64_t position = self->transport.buffered;
    for (;;) {
        int32_t status;
        cleat_transport_begin(&self->transport, CLEAT_TRANSPORT_PLAIN);
        if (cleat_transport_flush(&self->transport)) return CLEAT_OK;
        if (self->transport.error != 0) return cleat_fail_errno(self->transport.error);
        if (self->transport.sent >= position) return CLEAT_OK;
        status = cleat_connection_wait(self, CLEAT_WANTS_WRITE, deadline);
        if (status < 0) return status;
    }
}
