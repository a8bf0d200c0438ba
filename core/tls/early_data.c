/* early_data.c: early data of TLS 1.3.
 *
 * During early data SSL_do_handshake reports success, and SSL_read and SSL_write silently continue into ordinary
 * data. To keep the two apart, a client encrypts early data while its transport returns nothing to read, so that the
 * handshake cannot continue during the call; a server uses SSL_peek, and reads data only if it is early. Other data
 * stays for cleat_connection_read. */
#include "tls/early_data.h"

#include "base/argument.h"
#include "tls/context.h"

_Static_assert((int)CLEAT_EARLY_DATA_LIMIT <= (int)CLEAT_RECORD, "a record can contain all of it");

int32_t cleat_context_early_data(int32_t context) {
    CLEAT_CONTEXT_BEGIN(context);
    CLEAT_CONTEXT_END(self->settings.early_data);
}

int32_t cleat_context_set_early_data(int32_t context, int32_t most) {
    CLEAT_CHECK_RANGE(2, most, 0, CLEAT_EARLY_DATA_LIMIT);
    CLEAT_CONTEXT_BEGIN(context);
    self->settings.early_data = most;
    cleat_context_changed(self);
    CLEAT_CONTEXT_END(CLEAT_OK);
}

int32_t cleat_connection_early_data(int32_t connection) {
    CLEAT_BEGIN(connection);
    CLEAT_END(self->early_state);
}

void cleat_early_data_refused(struct cleat_connection *connection) {
    SSL_reset_early_data_reject(connection->ssl);
    connection->early_state = CLEAT_EARLY_DATA_REFUSED;
}

void cleat_early_data_finish(struct cleat_connection *connection) {
    if (SSL_early_data_accepted(connection->ssl) == 1) {
        connection->early_state = CLEAT_EARLY_DATA_ACCEPTED;
    } else if (connection->early_offered) {
        connection->early_state = CLEAT_EARLY_DATA_REFUSED;
    }
    connection->early_over = true;
}

/* Reserves memory for all early data first, so that no allocation can fail after a part of it was read. */
static bool reserve(struct cleat_connection *self) {
    size_t len = cleat_queue_len(&self->early);
    return cleat_queue_reserve(&self->early, CLEAT_EARLY_DATA_LIMIT - len);
}

void cleat_early_data_free(struct cleat_connection *connection) {
    struct cleat_queue *queue = &connection->early;
    if (queue->bytes != NULL) OPENSSL_cleanse(queue->bytes, queue->room);
    cleat_queue_free(queue);
}

/* Removes early data from the queue, and copies it to buf. */
static int32_t pop(struct cleat_connection *self, char *buf, int32_t buf_cap) {
    size_t len = cleat_queue_len(&self->early);
    if (len > (size_t)buf_cap) {
        return (int32_t)cleat_queue_pop(&self->early, buf, (size_t)buf_cap);
    }
    if (len > 0) memcpy(buf, self->early.bytes + self->early.start, len);
    cleat_early_data_free(self);
    return (int32_t)len;
}

static void end(struct cleat_connection *self) {
    self->early_state = CLEAT_EARLY_DATA_ACCEPTED;
    self->early_over = true;
}

/* Called when SSL_peek has returned no early data. If early data has ended, the handshake continues elsewhere, and a
 * later read reports what has failed after the handshake. */
static int32_t end_or_fail(struct cleat_connection *self, int result) {
    int32_t status = cleat_connection_map_error(self, result, "SSL_peek");
    bool early = SSL_in_early_data(self->ssl) == 1;
    bool ended = !early && (cleat_connection_is_want(status) || SSL_in_init(self->ssl) == 0);
    if (!ended && status != 0) return status;
    if (!ended) return cleat_fail(CLEAT_EOF, 0, "the peer closed the handshake");
    cleat_error_clear_queue();
    end(self);
    return CLEAT_OK;
}

int32_t cleat_early_data_receive(struct cleat_connection *connection) {
    connection->early_state = CLEAT_EARLY_DATA_OPEN;
    if (!reserve(connection)) return cleat_fail_nomem();
    while (!connection->early_over) {
        char bytes[2048];
        int result;
        cleat_connection_begin(connection, CLEAT_TRANSPORT_PLAIN);
        result = SSL_peek(connection->ssl, bytes, sizeof bytes);
        if (result <= 0) return end_or_fail(connection, result);
        if (SSL_in_early_data(connection->ssl) != 1) {
            end(connection);
        } else {
            SSL_read(connection->ssl, bytes, result); /* removes what SSL_peek has returned */
            cleat_queue_append(&connection->early, bytes, (size_t)result);
        }
        OPENSSL_cleanse(bytes, sizeof bytes);
    }
    return CLEAT_OK;
}

/* How many more bytes a client may send; its ticket may allow fewer. */
static int32_t allowance(const struct cleat_connection *self) {
    int32_t limit = self->configuration->settings.early_data;
    return (limit == 0 ? INT32_MAX : limit) - self->early_sent;
}

/* Encrypts one record. CLEAT_WANT_READ: the ticket allows no more. */
static int32_t encrypt(struct cleat_connection *self, const char *data, int32_t data_len) {
    int result;
    int32_t status;
    cleat_connection_begin(self, CLEAT_TRANSPORT_NO_INPUT);
    if (!cleat_transport_reserve(&self->transport, (size_t)data_len + CLEAT_CHUNK_OVERHEAD)) {
        return cleat_fail_nomem();
    }
    SSL_set_mode(self->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE);
    result = SSL_write(self->ssl, data, data_len);
    SSL_clear_mode(self->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE);
    if (result > 0) return result;
    status = cleat_connection_map_error(self, result, "SSL_write");
    if (!cleat_connection_is_want(status)) cleat_connection_after_failure(self, status);
    return status == 0 ? cleat_fail_shut_down() : status;
}

static int32_t encrypt_all(struct cleat_connection *self, const char *data, int32_t data_len) {
    int32_t done = 0;
    int32_t status = CLEAT_OK;
    if (data_len > allowance(self)) data_len = allowance(self);
    while (done < data_len && status >= 0) {
        int32_t left = data_len - done;
        status = encrypt(self, data + done, left < CLEAT_RECORD ? left : CLEAT_RECORD);
        if (status > 0) done += status;
    }
    self->early_sent += done;
    self->early_over = self->early_over || status == CLEAT_WANTS_READ;
    /* Otherwise the next call reports it. */
    if (status < 0 && status != CLEAT_WANTS_READ && done == 0) return status;
    cleat_transport_begin(&self->transport, CLEAT_TRANSPORT_PLAIN);
    cleat_transport_flush(&self->transport);
    return self->transport.error != 0 ? cleat_fail_errno(self->transport.error) : done;
}

static int32_t write_early(struct cleat_connection *self, const char *data, int32_t data_len) {
    int32_t status;
    if (self->established || self->early_over) return 0;
    if (!self->begun) SSL_set_early_data_enabled(self->ssl, 1);
    if (self->early_state == CLEAT_EARLY_DATA_NONE) {
        status = cleat_connection_step(self, CLEAT_TRANSPORT_PLAIN);
        if (status < 0 && (!cleat_connection_is_want(status) || cleat_connection_is_pause(status)))
            return status;
        self->early_over = self->early_state != CLEAT_EARLY_DATA_OPEN;
        if (self->early_over) return 0;
    }
    return encrypt_all(self, data, data_len);
}

int32_t cleat_connection_write_early(int32_t connection, const char *data, int32_t data_len,
                                     double timeout) {
    cleat_deadline deadline = cleat_deadline_after(timeout);
    int32_t status = CLEAT_OK;
    unsigned held;
    CLEAT_CHECK_IN(2, data, data_len);
    CLEAT_CHECK_TIMEOUT(4, timeout);
    CLEAT_BEGIN(connection);
    if (self->server_side) {
        status = cleat_fail_usage(0, "only a client sends early data");
    } else if (!self->established && data_len > 0) {
        status = cleat_connection_acquire(self, CLEAT_TURN_NONE, deadline, &held);
        if (status >= 0) {
            status = write_early(self, data, data_len);
            cleat_connection_release(self, held);
        }
    }
    status = cleat_connection_closed_or(self, status);
    CLEAT_END(status);
}

static bool can_return(const struct cleat_connection *self) {
    return cleat_queue_len(&self->early) > 0 || self->early_over;
}

/* Continues the handshake until early data has arrived, or none can arrive any more. */
static int32_t await(struct cleat_connection *self, cleat_deadline deadline) {
    while (!can_return(self)) {
        int32_t status = cleat_connection_step(self, CLEAT_TRANSPORT_PLAIN);
        if (can_return(self)) return CLEAT_OK; /* a failure is reported by the next call */
        if (cleat_connection_is_pause(status)) return status;
        if (cleat_connection_is_want(status))
            status = cleat_connection_wait(self, status, deadline);
        if (status < 0) return status;
    }
    return CLEAT_OK;
}

int32_t cleat_connection_read_early(int32_t connection, char *buf, int32_t buf_cap,
                                    double timeout) {
    cleat_deadline deadline = cleat_deadline_after(timeout);
    int32_t status = CLEAT_OK;
    unsigned held;
    CLEAT_CHECK_OUT(2, buf, buf_cap);
    CLEAT_CHECK_TIMEOUT(4, timeout);
    CLEAT_BEGIN(connection);
    if (!self->server_side) {
        status = cleat_fail_usage(0, "only a server receives early data");
    } else if (buf_cap > 0 && !(self->established && cleat_queue_len(&self->early) == 0)) {
        status = cleat_connection_acquire(self, CLEAT_TURN_READ, deadline, &held);
        if (status >= 0) {
            status = await(self, deadline);
            if (status >= 0) status = pop(self, buf, buf_cap);
            cleat_connection_release(self, held);
        }
    }
    status = cleat_connection_closed_or(self, status);
    CLEAT_END(status);
}
