/* connection_shutdown.c: close_notify. A shutdown sends this side's with the writer's turn, after a write in
 * progress; then it waits for the peer's with the reader's turn. A read that has the reader's turn may receive it
 * first. */
#include <errno.h>

#include "base/argument.h"
#include "tls/connection.h"

static int32_t fail(struct cleat_connection *self, int result) {
    int32_t status = cleat_connection_map_error(self, result, "SSL_shutdown");
    if (cleat_connection_is_want(status)) return status;
    if (status == 0 && self->transport.ended) return 0; /* CLEAT_OP_IGNORE_UNEXPECTED_EOF */
    cleat_connection_after_failure(self, status);
    return status < 0
               ? status
               : cleat_fail(CLEAT_EOF, 0, "the peer closed the connection without close_notify");
}

static int32_t buffer_close_notify(struct cleat_connection *self) {
    int result;
    if (self->closing) return CLEAT_OK;
    cleat_connection_begin(self, CLEAT_TRANSPORT_PLAIN);
    result = SSL_shutdown(self->ssl); /* the first call only sends */
    if (result < 0) return fail(self, result);
    if (result == 1) self->peer_closed = true;
    self->closing = true;
    return CLEAT_OK;
}

/* Whether another thread is waiting to read the data that the peer has sent before its close_notify; otherwise the data
 * is an error. If that thread reads none of it, as a second shutdown does, it does not get the turn again. */
static bool belongs_to_reader(const struct cleat_connection *self, int *left) {
    int pending = SSL_pending(self->ssl);
    bool belongs = self->turns.first != NULL && pending > 0 && pending != *left;
    *left = pending;
    return belongs;
}

/* checked: BoringSSL has just read everything that has arrived. */
static int32_t receive_close_notify(struct cleat_connection *self, cleat_deadline deadline,
                                    bool checked, unsigned *held) {
    int left = 0;
    while (!self->peer_closed) {
        int32_t status = CLEAT_WANTS_READ;
        if (!checked) {
            int result;
            cleat_connection_begin(self, CLEAT_TRANSPORT_PLAIN);
            result = SSL_shutdown(self->ssl);
            if (result == 1) break;
            if (belongs_to_reader(self, &left)) {
                cleat_connection_release(self, *held);
                status = cleat_connection_acquire(self, CLEAT_TURN_READ, deadline, held);
                if (status < 0) return status;
                continue;
            }
            status = fail(self, result);
            if (status == 0) break;
        }
        checked = false;
        if (!cleat_connection_is_want(status)) return status;
        status = cleat_connection_wait(self, status, deadline);
        if (status < 0) return status;
    }
    self->peer_closed = self->over = true;
    return CLEAT_OK;
}

/* Checks whether the peer's close_notify has arrived, before this side's is sent, so that the result of a call with
 * timeout 0 does not depend on whether the peer's reply arrives in time. CLEAT_OK; CLEAT_WANT_READ; or an error. */
static int32_t check_close_notify(struct cleat_connection *self) {
    int result;
    if (self->peer_closed) return CLEAT_OK;
    cleat_connection_begin(self, CLEAT_TRANSPORT_PLAIN);
    result = SSL_shutdown(self->ssl);
    self->peer_closed = result == 1;
    return result == 1 ? CLEAT_OK : fail(self, result);
}

/* Sends close_notify with the writer's turn. *checked: see receive_close_notify. */
static int32_t send_close_notify(struct cleat_connection *self, cleat_deadline deadline,
                                 bool *checked) {
    int32_t status = buffer_close_notify(self);
    if (status < 0) return status;
    if ((self->turns.held & CLEAT_TURN_READ) == 0 && self->turns.first == NULL) {
        status = check_close_notify(self);
        if (status < 0 && !cleat_connection_is_want(status)) return status;
        *checked = status < 0;
    }
    if (cleat_transport_flush(&self->transport)) return CLEAT_OK;
    *checked = false;
    return cleat_connection_flush(self, deadline);
}

static int32_t shut_down(struct cleat_connection *self, cleat_deadline deadline) {
    bool checked = false;
    unsigned held;
    int32_t sent;
    int32_t status = cleat_connection_acquire(self, CLEAT_TURN_WRITE, deadline, &held);
    if (status < 0) return status;
    sent = send_close_notify(self, deadline, &checked);
    cleat_connection_release(self, held);
    /* An alert or close_notify that the peer has sent before it closed its socket is more specific than EPIPE. */
    if (sent < 0 && (CLEAT_CLASS(sent) != CLEAT_SYS || !self->closing)) return sent;
    if (sent == CLEAT_STATUS(CLEAT_SYS, EINTR)) return sent;
    status = cleat_connection_acquire(self, CLEAT_TURN_READ, deadline, &held);
    if (status < 0) return status;
    status = receive_close_notify(self, deadline, checked, &held);
    cleat_connection_release(self, held);
    return status < 0 || sent >= 0 ? status : cleat_fail_errno(CLEAT_VALUE(sent));
}

int32_t cleat_connection_shutdown(int32_t connection, double timeout) {
    cleat_deadline deadline = cleat_deadline_after(timeout);
    int32_t status = CLEAT_OK;
    CLEAT_CHECK_TIMEOUT(2, timeout);
    CLEAT_BEGIN(connection);
    if (!self->established) {
        /* BoringSSL would report success without sending anything. */
        status = cleat_fail_usage(0, "shutdown before the handshake is done");
    } else {
        /* Even if a read has received the peer's close_notify, this side's may still have to be sent. */
        status = shut_down(self, deadline);
    }
    status = cleat_connection_closed_or(self, status);
    CLEAT_END(status);
}
