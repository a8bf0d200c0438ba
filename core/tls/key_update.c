/* key_update.c: updates the keys with which this side encrypts (RFC 8446 section 4.6.3).
 *
 * BoringSSL encrypts the KeyUpdate message with the old keys and then uses the new ones, which cannot be undone, and
 * must not be done twice by a call that is retried. So the transport is flushed first: if that would block, nothing
 * has changed. The message itself is small, and stays buffered if necessary. */
#include "base/argument.h"
#include "cleat/exporter.h"
#include "tls/connection.h"

/* Reserved for the message and an alert, so that no allocation can fail after the keys have changed. */
enum { ROOM = 256 };

/* Encrypts the messages that BoringSSL has queued. */
static int32_t encrypt(struct cleat_connection *self) {
    int32_t status;
    int result;
    cleat_connection_begin(self, CLEAT_TRANSPORT_PLAIN);
    result = SSL_write(self->ssl, "", 0);
    if (result >= 0) return CLEAT_OK;
    status = cleat_connection_map_error(self, result, "SSL_write");
    if (!cleat_connection_is_want(status)) cleat_connection_after_failure(self, status);
    return status == 0 ? cleat_fail_shut_down() : status;
}

static int32_t update(struct cleat_connection *self, int32_t requested, cleat_deadline deadline) {
    struct cleat_transport *transport = &self->transport;
    int32_t status;
    if (self->closing) return cleat_fail_shut_down();
    if (cleat_transport_is_full(transport)) return CLEAT_WANTS_WRITE;
    status = cleat_connection_flush(self, deadline);
    if (status < 0) return status;
    if (self->closing) return cleat_fail_shut_down();
    if (!cleat_transport_reserve(transport, ROOM)) return cleat_fail_nomem();
    /* The response to a KeyUpdate of the peer may be queued. BoringSSL would count it as this update, and not send
     * the request to the peer. */
    status = encrypt(self);
    if (status < 0) return status;
    cleat_error_clear_queue();
    if (SSL_key_update(self->ssl, requested == 1 ? SSL_KEY_UPDATE_REQUESTED
                                                 : SSL_KEY_UPDATE_NOT_REQUESTED) != 1) {
        return cleat_fail_ssl("SSL_key_update");
    }
    status = encrypt(self);
    if (status < 0) return status;
    cleat_transport_flush(transport);
    return transport->error != 0 ? cleat_fail_errno(transport->error) : CLEAT_OK;
}

static int32_t check(const struct cleat_connection *self) {
    if (!self->established) return cleat_fail_usage(0, "handshake not done yet");
    if (SSL_version(self->ssl) >= TLS1_3_VERSION) return CLEAT_OK;
    return cleat_fail_named("SSL", "WRONG_SSL_VERSION",
                            "new keys need TLS 1.3, and the connection has an earlier version");
}

int32_t cleat_connection_key_update(int32_t connection, int32_t requested, double timeout) {
    cleat_deadline deadline = cleat_deadline_after(timeout);
    int32_t status;
    unsigned held;
    CLEAT_CHECK_RANGE(2, requested, 0, 1);
    CLEAT_CHECK_TIMEOUT(3, timeout);
    CLEAT_BEGIN(connection);
    status = check(self);
    if (status >= 0) status = cleat_connection_acquire(self, CLEAT_TURN_WRITE, deadline, &held);
    if (status >= 0) {
        status = update(self, requested, deadline);
        cleat_connection_release(self, held);
    }
    status = cleat_connection_closed_or(self, status);
    CLEAT_END(status);
}
