/* connection_io.c: read and write.
 *
 * Each call holds its turn (turn.h) until it returns, and the connection's lock only while BoringSSL runs, so that
 * one thread can read while another writes.
 *
 * A write encrypts up to CLEAT_CHUNK bytes, sends them, and encrypts more when the network has accepted all of them.
 * If the network accepts only some and the call must not wait longer, the rest stays encrypted and buffered: these
 * bytes are not counted, and are `unacknowledged`. The next write must begin with the same bytes, which are then
 * counted but not encrypted again. Other bytes are refused: the peer would receive both, but the caller would count
 * only one. */
#include "base/argument.h"
#include "tls/connection.h"

static int32_t read_some(struct cleat_connection *self, char *buf, int32_t buf_cap,
                         cleat_deadline deadline) {
    struct cleat_transport *transport = &self->transport;
    if (deadline == CLEAT_DEADLINE_NEVER && self->between_records && !self->over &&
        cleat_transport_is_empty(transport) && SSL_pending(self->ssl) == 0) {
        int32_t status = cleat_transport_receive_ahead(transport, &self->object, &self->lock);
        if (status < 0) return status;
    }
    for (;;) {
        int32_t status;
        int result;
        if (self->over) return cleat_fail_shut_down();
        cleat_connection_begin(self, CLEAT_TRANSPORT_PLAIN);
        result = SSL_read(self->ssl, buf, buf_cap);
        self->between_records = result > 0;
        self->unread_tickets = false;
        if (result > 0) return result;
        status = cleat_connection_map_error(self, result, "SSL_read");
        if (status == 0) {
            self->peer_closed = true;
            self->over = self->closing;
            return self->over ? cleat_fail_shut_down() : 0;
        }
        if (!cleat_connection_is_want(status)) {
            cleat_connection_after_failure(self, status);
            return status;
        }
        /* Session tickets or bytes of an earlier write are buffered: the peer may be waiting for them. */
        if (cleat_queue_len(&transport->out) > 0 && (self->turns.held & CLEAT_TURN_WRITE) == 0) {
            cleat_transport_flush_quietly(transport);
        }
        status = cleat_connection_wait(self, status, deadline);
        if (status < 0) return status;
    }
}

/* A caller that does not expect early data must not receive it as ordinary data. */
static int32_t fail_early(void) {
    return cleat_fail_usage(
        0, "early data must be read first (cleat_connection_read_early, recv_early)");
}

int32_t cleat_connection_read(int32_t connection, char *buf, int32_t buf_cap, double timeout) {
    cleat_deadline deadline = cleat_deadline_after(timeout);
    int32_t status = CLEAT_OK;
    unsigned held;
    CLEAT_CHECK_OUT(2, buf, buf_cap);
    CLEAT_CHECK_TIMEOUT(4, timeout);
    CLEAT_BEGIN_IN_MEMORY(connection);
    CLEAT_NO_CANCEL_IF(self->transport.fd >= 0 || !self->established);
    if (buf_cap > 0) {
        status = cleat_connection_acquire(self, CLEAT_TURN_READ, deadline, &held);
        if (status >= 0) {
            if (!self->established) status = cleat_connection_establish(self, deadline);
            if (status >= 0 && cleat_queue_len(&self->early) > 0) status = fail_early();
            if (status >= 0) {
                if (held != CLEAT_TURN_READ) cleat_connection_release(self, CLEAT_TURN_WRITE);
                held = CLEAT_TURN_READ;
                status = read_some(self, buf, buf_cap, deadline);
            }
            cleat_connection_release(self, held);
        }
    }
    status = cleat_connection_closed_or(self, status);
    CLEAT_END(status);
}

static int32_t fail_other_bytes(struct cleat_connection *self) {
    if (self->closing) return cleat_fail_shut_down();
    cleat_transport_begin(&self->transport, CLEAT_TRANSPORT_PLAIN);
    cleat_transport_flush(&self->transport);
    if (self->transport.error != 0) return cleat_fail_errno(self->transport.error);
    return cleat_fail_named("SSL", "BAD_WRITE_RETRY", "bad write retry");
}

/* Continues to send the bytes of an earlier write. Returns how many bytes of data they are. */
static int32_t resume(struct cleat_connection *self, const char *data, int32_t data_len,
                      cleat_deadline deadline) {
    int32_t len = cleat_unacknowledged_len(&self->unacknowledged);
    int32_t status;
    if (len > data_len) len = data_len;
    if (!cleat_unacknowledged_matches(&self->unacknowledged, data, data_len)) {
        return fail_other_bytes(self);
    }
    status = cleat_connection_flush(self, deadline);
    if (status < 0) return status;
    cleat_unacknowledged_count(&self->unacknowledged, len);
    return len;
}

/* Encrypts up to a chunk, and returns how many bytes that was. */
static int32_t encrypt(struct cleat_connection *self, const char *data, int32_t data_len) {
    struct cleat_transport *transport = &self->transport;
    int32_t chunk = data_len < CLEAT_CHUNK ? data_len : CLEAT_CHUNK;
    /* A single record is sent without buffering. */
    bool direct = transport->fd >= 0 && chunk <= CLEAT_RECORD;
    int32_t status;
    int result;
    if (self->closing) return cleat_fail_shut_down();
    cleat_connection_begin(self, direct ? CLEAT_TRANSPORT_DIRECT : CLEAT_TRANSPORT_PLAIN);
    if (!direct && !cleat_transport_reserve(transport, (size_t)chunk + CLEAT_CHUNK_OVERHEAD)) {
        return cleat_fail_nomem();
    }
    result = SSL_write(self->ssl, data, chunk);
    if (result > 0) return result;
    status = cleat_connection_map_error(self, result, "SSL_write");
    if (!cleat_connection_is_want(status)) cleat_connection_after_failure(self, status);
    return status == 0 ? cleat_fail_shut_down() : status;
}

/* Returns how many bytes of data the transport has accepted. The bytes before `sent` are sent; those from `sent` to
 * `done` are encrypted. Over memory a write accepts all bytes or, if the transport is full, none. */
static int32_t write_all(struct cleat_connection *self, const char *data, int32_t data_len,
                         cleat_deadline deadline) {
    int32_t done = cleat_unacknowledged_len(&self->unacknowledged) == 0
                       ? 0
                       : resume(self, data, data_len, deadline);
    int32_t sent = done;
    int32_t status = CLEAT_OK;
    if (done < 0 || done == data_len) return done;
    if (cleat_transport_is_full(&self->transport)) return CLEAT_WANTS_WRITE;
    while (sent < data_len) {
        status = encrypt(self, data + done, data_len - done);
        if (status < 0) break;
        done += status;
        if (self->transport.error != 0) {
            status = cleat_fail_errno(self->transport.error);
        } else if (cleat_queue_len(&self->transport.out) > 0) {
            status = cleat_connection_flush(self, deadline);
        }
        if (status < 0) break;
        sent = done;
    }
    if (done > sent &&
        !cleat_unacknowledged_keep(&self->unacknowledged, data + sent, done - sent)) {
        status = cleat_fail_nomem();
    }
    return sent > 0 ? sent : status;
}

int32_t cleat_connection_write(int32_t connection, const char *data, int32_t data_len,
                               double timeout) {
    cleat_deadline deadline = cleat_deadline_after(timeout);
    int32_t status = CLEAT_OK;
    unsigned held;
    CLEAT_CHECK_IN(2, data, data_len);
    CLEAT_CHECK_TIMEOUT(4, timeout);
    CLEAT_BEGIN_IN_MEMORY(connection);
    CLEAT_NO_CANCEL_IF(self->transport.fd >= 0 || !self->established);
    if (data_len > 0) {
        status = cleat_connection_acquire(self, CLEAT_TURN_WRITE, deadline, &held);
        if (status >= 0) {
            if (!self->established) status = cleat_connection_establish(self, deadline);
            if (status >= 0) {
                if (held != CLEAT_TURN_WRITE) cleat_connection_release(self, CLEAT_TURN_READ);
                held = CLEAT_TURN_WRITE;
                status = write_all(self, data, data_len, deadline);
            }
            cleat_connection_release(self, held);
        }
    }
    status = cleat_connection_closed_or(self, status);
    CLEAT_END(status);
}
