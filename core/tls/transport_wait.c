/* transport_wait.c: waits for the network, in poll or in recv. The connection's lock is released meanwhile, so that
 * another thread can read or write. */
#include <errno.h>
#include <sys/socket.h>

#include "net/wait.h"
#include "tls/transport.h"

/* With an infinite timeout on a blocking descriptor, blocks in recv: one system call instead of three. It receives
 * at most a record's header, or what cleat_transport_prepare allows during the handshake, and stores it for
 * BoringSSL. False if the descriptor is non-blocking. */
static bool receive(struct cleat_transport *self, struct cleat_object *object,
                    pthread_mutex_t *lock, int32_t *status) {
    char bytes[CLEAT_EXPECTED_MAX + CLEAT_AHEAD];
    int wanted = self->wanted < CLEAT_HEAD ? self->wanted : CLEAT_HEAD;
    int most = cleat_transport_prepare(self, wanted);
    ssize_t got = -1;
    int error = EINTR;
    pthread_mutex_unlock(lock);
    *status = cleat_wait_enter(object, true);
    if (*status >= 0) {
        got = recv(self->fd, bytes, (size_t)most, 0);
        error = errno;
        *status = cleat_wait_leave(object, true);
    }
    pthread_mutex_lock(lock);
    cleat_transport_split(self, bytes, (int)got, NULL, 0);
    if (*status < 0) return true;
    if (got < 0 && error == EAGAIN) return false;
    if (got < 0 && error != EINTR) *status = cleat_fail_errno(error);
    return true;
}

int32_t cleat_transport_receive_ahead(struct cleat_transport *transport,
                                      struct cleat_object *object, pthread_mutex_t *lock) {
    int32_t status = CLEAT_OK;
    transport->wanted = CLEAT_HEAD;
    receive(transport, object, lock, &status);
    return status;
}

int32_t cleat_transport_wait(struct cleat_transport *transport, struct cleat_object *object,
                             pthread_mutex_t *lock, int32_t want, bool sends,
                             cleat_deadline deadline) {
    bool reads = want == CLEAT_STATUS(CLEAT_WANT_READ, 0);
    short events = reads ? POLLIN : POLLOUT;
    int32_t status;
    if (transport->fd < 0 || deadline == CLEAT_DEADLINE_NOW) return want;
    sends = sends && cleat_queue_len(&transport->out) > 0;
    if (reads && !sends && deadline == CLEAT_DEADLINE_NEVER && transport->wanted > 0 &&
        receive(transport, object, lock, &status)) {
        return status;
    }
    if (sends) events |= POLLOUT;
    transport->sends = !reads;
    pthread_mutex_unlock(lock);
    status = cleat_wait(object, transport->fd, events, deadline);
    pthread_mutex_lock(lock);
    return status;
}

void cleat_transport_interrupt(const struct cleat_transport *transport) {
    if (transport->fd >= 0) shutdown(transport->fd, SHUT_RDWR);
}
