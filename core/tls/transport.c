#include "tls/transport.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"

/* How much may wait to be sent before the TLS library is told that the network is full. One
 * write is cut to less than this by its caller; only a peer that asks for answers and does not
 * read them gets here. */
#define GATHERED_MAX ((size_t)256 * 1024)

/* Room for the records of one large write. One block of that size is kept in the process while
 * no queue has it: the heap would give its pages back, and ask for them again, at each write. */
#define LARGE_ROOM ((size_t)CLEAT_CHUNK + CLEAT_CHUNK_OVERHEAD)

static _Atomic(uint8_t *) spare;

static void release(uint8_t *bytes, size_t room) {
    uint8_t *none = NULL;
    if (room == LARGE_ROOM && atomic_compare_exchange_strong(&spare, &none, bytes)) return;
    cleat_release_public(bytes);
}

bool cleat_queue_reserve(struct cleat_queue *queue, size_t len) {
    size_t used = queue->end - queue->start;
    uint8_t *larger;
    size_t room;
    if (queue->room - queue->end >= len) return true;
    if (queue->start > 0 && queue->room - used >= len) {
        memmove(queue->bytes, queue->bytes + queue->start, used);
        queue->start = 0;
        queue->end = used;
        return true;
    }
    room = queue->end + len;
    if (room < queue->room * 2) room = queue->room * 2;
    if (queue->bytes == NULL && room == LARGE_ROOM) {
        larger = atomic_exchange(&spare, NULL);
        if (larger == NULL) larger = cleat_resize_public(NULL, room);
    } else {
        larger = cleat_resize_public(queue->bytes, room);
    }
    if (larger == NULL) return false;
    queue->bytes = larger;
    queue->room = room;
    return true;
}

bool cleat_queue_append(struct cleat_queue *queue, const void *bytes, size_t len) {
    if (len == 0) return true;
    if (!cleat_queue_reserve(queue, len)) return false;
    memcpy(queue->bytes + queue->end, bytes, len);
    queue->end += len;
    return true;
}

static void drop(struct cleat_queue *queue, size_t len) {
    queue->start += len;
    if (queue->start == queue->end) cleat_queue_free(queue);
}

size_t cleat_queue_take(struct cleat_queue *queue, void *bytes, size_t len) {
    size_t available = queue->end - queue->start;
    if (len > available) len = available;
    if (len == 0) return 0;
    memcpy(bytes, queue->bytes + queue->start, len);
    drop(queue, len);
    return len;
}

void cleat_queue_free(struct cleat_queue *queue) {
    release(queue->bytes, queue->room);
    memset(queue, 0, sizeof *queue);
}

static int read_memory(struct cleat_transport *self, char *buffer, int len) {
    size_t taken = cleat_queue_take(&self->in, buffer, (size_t)len);
    if (taken > 0 || self->ended) return (int)taken;
    return -1;
}

static int read_head(struct cleat_transport *self, char *buffer, int len) {
    int there = self->head_end - self->head_start;
    if (len > there) len = there;
    memcpy(buffer, self->head + self->head_start, (size_t)len);
    self->head_start = (uint8_t)(self->head_start + len);
    return len;
}

static int read_fd(struct cleat_transport *self, char *buffer, int len) {
    for (;;) {
        ssize_t got = recv(self->fd, buffer, (size_t)len, MSG_DONTWAIT);
        if (got == 0) self->ended = true;
        if (got >= 0) return (int)got;
        if (errno == EAGAIN) return -1;
        if (errno != EINTR) {
            self->error = errno;
            return -1;
        }
    }
}

int cleat_transport_receive(int fd, uint8_t *bytes, size_t len, int *error) {
    ssize_t got = recv(fd, bytes, len, 0);
    *error = errno;
    return (int)got;
}

static void keep_tail(struct cleat_transport *self, const char *bytes, size_t len) {
    if (len > CLEAT_TAIL) {
        bytes += len - CLEAT_TAIL;
        len = CLEAT_TAIL;
    }
    memmove(self->tail, self->tail + len, CLEAT_TAIL - len);
    memcpy(self->tail + CLEAT_TAIL - len, bytes, len);
}

bool cleat_transport_ended_in_alert(const struct cleat_transport *transport, int32_t *alert) {
    /* record of type alert, version 3.x, length 2; level fatal */
    const uint8_t *tail = transport->tail;
    if (tail[0] != 21 || tail[1] != 3 || tail[3] != 0 || tail[4] != 2 || tail[5] != 2) return false;
    *alert = tail[6];
    return true;
}

static int transport_read(BIO *bio, char *buffer, int len) {
    struct cleat_transport *self = BIO_get_data(bio);
    int got;
    BIO_clear_retry_flags(bio);
    if (len <= 0) return 0;
    if (self->fd < 0 || cleat_queue_len(&self->in) > 0) {
        got = read_memory(self, buffer, len);
    } else if (self->head_start < self->head_end) {
        got = read_head(self, buffer, len);
    } else if (self->receiving || self->reads++ == CLEAT_READS) {
        /* What comes now is another thread's. Or the peer sends what is of no use, faster than
         * it is read: it must not keep the call here. */
        got = -1;
        self->wanted = 0;
    } else {
        /* A flight of the handshake that was not even sent has no answer: save the system call. */
        bool early = self->keeps_tail && self->fresh;
        got = early || self->waits ? -1 : read_fd(self, buffer, len);
        self->wanted = len;
    }
    if (got < 0 && self->error == 0) BIO_set_retry_read(bio);
    if (got > 0 && self->keeps_tail) keep_tail(self, buffer, (size_t)got);
    return got;
}

/* How many of the bytes the network took at once: none if it is full. */
static size_t send_now(struct cleat_transport *self, const char *bytes, size_t len) {
    for (;;) {
        ssize_t moved = send(self->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (moved >= 0) return (size_t)moved;
        if (errno == EINTR) continue;
        if (errno != EAGAIN) self->error = errno;
        return 0;
    }
}

static int transport_write(BIO *bio, const char *bytes, int len) {
    struct cleat_transport *self = BIO_get_data(bio);
    size_t now = 0;
    BIO_clear_retry_flags(bio);
    if (len <= 0) return 0;
    if (self->direct && cleat_queue_len(&self->out) == 0) now = send_now(self, bytes, (size_t)len);
    if (self->error != 0) return -1;
    if (self->fd >= 0 && cleat_queue_len(&self->out) > GATHERED_MAX) {
        BIO_set_retry_write(bio);
        return -1;
    }
    if (!cleat_queue_append(&self->out, bytes + now, (size_t)len - now)) {
        self->error = ENOMEM;
        return -1;
    }
    self->sent += (int64_t)now;
    self->gathered += len;
    self->fresh = true;
    return len;
}

static long transport_control(BIO *bio, int command, long number, void *pointer) {
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0; /* the connection flushes, when it is time */
}

/* The one method of all transports, made by the first. */
static _Atomic(BIO_METHOD *) shared_method;

static const BIO_METHOD *get_method(void) {
    BIO_METHOD *method = atomic_load(&shared_method);
    BIO_METHOD *expected = NULL;
    if (method != NULL) return method;
    method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "cleat");
    if (method == NULL) return NULL;
    BIO_meth_set_read(method, transport_read);
    BIO_meth_set_write(method, transport_write);
    BIO_meth_set_ctrl(method, transport_control);
    if (atomic_compare_exchange_strong(&shared_method, &expected, method)) return method;
    BIO_meth_free(method); /* another thread was first */
    return expected;
}

bool cleat_transport_attach(struct cleat_transport *transport, SSL *ssl) {
    const BIO_METHOD *method = get_method();
    BIO *bio = method == NULL ? NULL : BIO_new(method);
    if (bio == NULL) return false;
    BIO_set_data(bio, transport);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    return true;
}

bool cleat_transport_flush(struct cleat_transport *transport) {
    struct cleat_queue *out = &transport->out;
    if (transport->fd < 0) return true;
    transport->fresh = false;
    while (cleat_queue_len(out) > 0) {
        size_t moved =
            send_now(transport, (const char *)out->bytes + out->start, cleat_queue_len(out));
        if (moved == 0) return false;
        transport->sent += (int64_t)moved;
        drop(out, moved);
    }
    return true;
}

void cleat_transport_free(struct cleat_transport *transport) {
    cleat_queue_free(&transport->in);
    cleat_queue_free(&transport->out);
}
