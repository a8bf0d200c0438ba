/* connection_wait.c: how a connection waits for the network: without its lock, so that another thread
 * can read or write meanwhile; in poll, or in recv itself. */
#include <errno.h>
#include <string.h>

#include "net/wait.h"
#include "tls/connection.h"

/* With all the time there is, and a descriptor that blocks, the kernel does the waiting: one
 * system call in place of three. It receives no more than the library wants, a record's header
 * mostly, and leaves it where the library looks next. False: the descriptor does not block. */
static bool receive(struct cleat_connection *self, int32_t *status) {
    struct cleat_transport *transport = &self->transport;
    uint8_t bytes[CLEAT_HEAD];
    size_t len = transport->wanted < CLEAT_HEAD ? (size_t)transport->wanted : CLEAT_HEAD;
    int got = -1;
    int error = EINTR;
    transport->receiving = true;
    pthread_mutex_unlock(&self->lock);
    if (cleat_object_wait_begin(&self->object)) {
        got = cleat_transport_receive(transport->fd, bytes, len, &error);
        cleat_object_wait_end(&self->object);
    }
    pthread_mutex_lock(&self->lock);
    transport->receiving = false;
    *status = CLEAT_OK;
    if (got > 0) {
        memcpy(transport->head, bytes, (size_t)got);
        transport->head_start = 0;
        transport->head_end = (uint8_t)got;
    }
    if (atomic_load_explicit(&self->object.closed, memory_order_relaxed)) {
        *status = cleat_fail_closed();
    } else if (got < 0 && error == EAGAIN) {
        return false;
    } else if (got < 0 && error != EINTR) {
        *status = cleat_fail_errno(error);
    }
    return true;
}

int32_t cleat_connection_await(struct cleat_connection *self, int32_t want,
                               cleat_deadline deadline) {
    bool gathered = cleat_queue_len(&self->transport.out) > 0;
    short events = want == CLEAT_STATUS(CLEAT_WANT_READ, 0) ? POLLIN : POLLOUT;
    int32_t status;
    if (self->transport.fd < 0 || deadline == CLEAT_DEADLINE_NOW) return want;
    if (want == CLEAT_STATUS(CLEAT_WANT_READ, 0) && !gathered && deadline == CLEAT_DEADLINE_NEVER &&
        self->transport.wanted > 0 && receive(self, &status)) {
        return status;
    }
    if (gathered) events |= POLLOUT;
    pthread_mutex_unlock(&self->lock);
    status = cleat_wait(&self->object, self->transport.fd, events, deadline);
    pthread_mutex_lock(&self->lock);
    return status;
}

int32_t cleat_connection_receive_ahead(struct cleat_connection *self) {
    struct cleat_transport *transport = &self->transport;
    int32_t status = CLEAT_OK;
    if (self->between_records && !self->over && !transport->receiving &&
        transport->head_start == transport->head_end && SSL_pending(self->ssl) == 0 &&
        cleat_queue_len(&transport->in) == 0 && cleat_queue_len(&transport->out) == 0) {
        transport->wanted = CLEAT_HEAD;
        receive(self, &status);
    }
    return status;
}
