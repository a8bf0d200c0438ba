/* connection_memory.c: moves the bytes of connections over memory. */
#include "base/argument.h"
#include "tls/connection.h"

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
