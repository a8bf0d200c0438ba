#include "tls/transport.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include "net/socket.h"

enum {
    ROOM = 4096, /* for a record of the handshake; longer records are received separately */
    SMALLEST = 21 /* the shortest record with data: a header and an AEAD tag */
};
_Static_assert((int)CLEAT_AHEAD < (int)SMALLEST, "a whole record with data is never read ahead");

void cleat_transport_init(struct cleat_transport *transport, int fd) {
    transport->fd = fd;
    transport->handshaking = true;
    transport->limit = CLEAT_DRAIN_LIMIT;
}

void cleat_transport_free(struct cleat_transport *transport) {
    cleat_queue_free(&transport->in);
    cleat_queue_free(&transport->out);
}

void cleat_transport_handshake_done(struct cleat_transport *transport) {
    transport->handshaking = false;
}

static int read_memory(struct cleat_transport *self, char *buffer, int len) {
    size_t taken = cleat_queue_pop(&self->in, buffer, (size_t)len);
    if (taken > 0 || self->ended) return (int)taken;
    return -1;
}

static int read_head(struct cleat_transport *self, char *buffer, int len) {
    int available = self->head_end - self->head_start;
    if (len > available) len = available;
    memcpy(buffer, self->head + self->head_start, (size_t)len);
    self->head_start = (uint8_t)(self->head_start + len);
    return len;
}

void cleat_transport_expect(struct cleat_transport *transport, int len) {
    transport->expected = len;
}

/* Returns how many bytes to receive when BoringSSL wants len. During the handshake this is more, which saves a
 * system call for each record's header and for short records: the bytes that certainly belong to the handshake, and
 * CLEAT_AHEAD more. That never includes a whole record with data, so the descriptor remains readable while there is
 * data, as programs that poll it expect; nor a whole close_notify, so bytes behind that are never received. */
int cleat_transport_prepare(struct cleat_transport *transport, int len) {
    int most = len > transport->expected ? len : transport->expected;
    if (!transport->handshaking || len > ROOM) return len;
    most += CLEAT_AHEAD;
    if (most <= len + CLEAT_AHEAD || cleat_queue_reserve(&transport->in, (size_t)most)) return most;
    return len + CLEAT_AHEAD;
}

/* cleat_transport_prepare has reserved room for bytes that do not fit into head. */
static void keep(struct cleat_transport *self, const char *bytes, int len) {
    if (len > (int)sizeof self->head) {
        (void)cleat_queue_append(&self->in, bytes, (size_t)len);
        return;
    }
    memcpy(self->head, bytes, (size_t)len);
    self->head_start = 0;
    self->head_end = (uint8_t)len;
    cleat_queue_free(&self->in);
}

int cleat_transport_split(struct cleat_transport *transport, const char *bytes, int got,
                          char *buffer, int len) {
    if (got <= 0) {
        cleat_queue_free(&transport->in);
        return got;
    }
    transport->expected -= got < transport->expected ? got : transport->expected;
    if (got < len) len = got;
    if (len > 0) memcpy(buffer, bytes, (size_t)len);
    keep(transport, bytes + len, got - len);
    return len;
}

static int read_fd(struct cleat_transport *self, char *buffer, int len) {
    char room[ROOM + CLEAT_EXPECTED_MAX];
    int most = cleat_transport_prepare(self, len);
    char *into = most > len ? room : buffer;
    ssize_t got;
    do {
        got = recv(self->fd, into, (size_t)most, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && errno != EAGAIN) self->error = errno;
    if (got == 0) self->ended = true;
    return into == room ? cleat_transport_split(self, room, (int)got, buffer, len) : (int)got;
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
    if (!transport->handshaking) return false;
    if (tail[0] != 21 || tail[1] != 3 || tail[3] != 0 || tail[4] != 2 || tail[5] != 2) return false;
    *alert = tail[6];
    return true;
}

static int receive(struct cleat_transport *self, char *buffer, int len) {
    bool early;
    if (self->head_start < self->head_end) return read_head(self, buffer, len);
    if (self->fd < 0 || cleat_queue_len(&self->in) > 0) return read_memory(self, buffer, len);
    if (self->reads++ == CLEAT_READS) {
        /* A peer that sends records without data faster than they are read must not keep the call from returning. */
        self->wanted = 0;
        return -1;
    }
    self->wanted = len;
    /* The current flight has not been sent, so no reply can be pending: skip recv. */
    early = self->handshaking && self->fresh;
    return early || self->mode == CLEAT_TRANSPORT_WAITS ? -1 : read_fd(self, buffer, len);
}

/* The same, without the byte that the tap withholds. */
static int receive_tapped(struct cleat_transport *self, char *buffer, int len) {
    struct cleat_handshake_tap *tap = self->tap;
    int got;
    self->wanted = 0;
    if (tap->withholds) return -1;
    if (tap->released) {
        buffer[0] = (char)tap->withheld;
        tap->released = false;
        return 1;
    }
    got = receive(self, buffer, cleat_handshake_tap_room(tap, len));
    if (got <= 0 || !cleat_handshake_tap_follow(tap, (const uint8_t *)buffer, (size_t)got)) {
        return got;
    }
    self->wanted = 0;
    return -1;
}

static int transport_read(BIO *bio, char *buffer, int len) {
    struct cleat_transport *self = BIO_get_data(bio);
    int got = -1;
    BIO_clear_retry_flags(bio);
    if (len <= 0) return 0;
    if (self->mode != CLEAT_TRANSPORT_NO_INPUT) {
        got = self->tap == NULL ? receive(self, buffer, len) : receive_tapped(self, buffer, len);
    }
    if (got < 0 && self->error == 0) BIO_set_retry_read(bio);
    if (got > 0 && self->handshaking) keep_tail(self, buffer, (size_t)got);
    return got;
}

/* Returns how many bytes the network accepts without waiting; 0 if it is full, or on an error. */
static size_t send_now(struct cleat_transport *self, const char *bytes, size_t len) {
    for (;;) {
        ssize_t moved = send(self->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (moved >= 0) return (size_t)moved;
        if (errno == EINTR) continue;
        if (errno != EAGAIN) self->error = errno;
        return 0;
    }
}

/* A network error is stored in error for the caller; the record is buffered nevertheless, so that BoringSSL never
 * has a partly written record. */
static int transport_write(BIO *bio, const char *bytes, int len) {
    struct cleat_transport *self = BIO_get_data(bio);
    size_t now = 0;
    BIO_clear_retry_flags(bio);
    if (len <= 0) return 0;
    if (self->mode == CLEAT_TRANSPORT_DIRECT && cleat_queue_len(&self->out) == 0) {
        now = send_now(self, bytes, (size_t)len);
    }
    if (self->out_of_memory || !cleat_queue_append(&self->out, bytes + now, (size_t)len - now)) {
        self->out_of_memory = true;
        self->error = ENOMEM;
        return -1;
    }
    self->sent += (int64_t)now;
    self->buffered += len;
    self->fresh = true;
    return len;
}

static long transport_control(BIO *bio, int command, long number, void *pointer) {
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0; /* ignored: the connection flushes explicitly */
}

/* The BIO method of all transports, created with the first. */
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

void cleat_transport_set_tap(struct cleat_transport *transport, struct cleat_handshake_tap *tap) {
    transport->tap = tap;
}

void cleat_transport_release(struct cleat_transport *transport) {
    transport->tap->withholds = false;
    transport->tap->released = true;
}

bool cleat_transport_reserve(struct cleat_transport *transport, size_t len) {
    return cleat_queue_reserve(&transport->out, len);
}

static void shut_down(struct cleat_transport *self) {
    self->shut = true;
    self->inode = cleat_socket_inode(self->fd);
    shutdown(self->fd, SHUT_WR);
    cleat_socket_discard_input(self->fd);
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
        cleat_queue_pop(out, NULL, moved);
    }
    if (transport->final && !transport->shut) shut_down(transport);
    return true;
}

void cleat_transport_flush_quietly(struct cleat_transport *transport) {
    int error = transport->error;
    cleat_transport_flush(transport);
    transport->error = error;
}

void cleat_transport_finish(struct cleat_transport *transport) {
    transport->final = true;
    cleat_transport_flush_quietly(transport);
}

void cleat_transport_discard(struct cleat_transport *transport) {
    if (!transport->shut || cleat_socket_inode(transport->fd) != transport->inode) return;
    cleat_socket_discard_input(transport->fd);
}

bool cleat_transport_feed(struct cleat_transport *transport, const char *data, int32_t data_len) {
    return cleat_queue_append(&transport->in, data, (size_t)data_len);
}

void cleat_transport_feed_eof(struct cleat_transport *transport) {
    transport->ended = true;
}

int32_t cleat_transport_drain(struct cleat_transport *transport, char *buf, int32_t buf_cap) {
    int32_t moved = (int32_t)cleat_queue_pop(&transport->out, buf, (size_t)buf_cap);
    transport->sent += moved;
    return moved;
}

void cleat_transport_set_limit(struct cleat_transport *transport, int32_t limit) {
    transport->limit = (size_t)limit;
}
