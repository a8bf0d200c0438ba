/* test_back_pressure.c: a peer that does not read. Bytes that cannot be sent are kept, in the handshake, in a write,
 * during a read and in shutdown; the call returns CLEAT_WANT_WRITE or times out, and continues there when it is
 * repeated. */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "expect.h"
#include "identity.h"

#define TIMEOUT 300.0
#define SHORT 0.05 /* for calls that cannot succeed */

enum { MUCH = 2000000, SMALL = 4096 };

static int32_t server_context;
static int32_t client_context;
static char data[MUCH];
static char got[MUCH];

struct pair {
    int fds[2]; /* the server's and the client's */
    int32_t server;
    int32_t client;
};

static void open_pair(struct pair *pair) {
    int size = SMALL;
    int i;
    EXPECT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair->fds) == 0);
    for (i = 0; i < 2; i++) {
        EXPECT(setsockopt(pair->fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size) == 0);
    }
    pair->server = cleat_connection_over_fd(server_context, pair->fds[0], 1, NULL, 0);
    pair->client = cleat_connection_over_fd(client_context, pair->fds[1], 0, "localhost", 9);
    EXPECT(pair->server > 0 && pair->client > 0);
}

static void close_pair(const struct pair *pair) {
    EXPECT(cleat_close(pair->client) == CLEAT_OK && cleat_close(pair->server) == CLEAT_OK);
    close(pair->fds[0]);
    close(pair->fds[1]);
}

static bool is_class(int32_t status, int32_t class) {
    return status < 0 && CLEAT_CLASS(status) == class;
}

/* Fills the descriptor's send buffer, so that nothing more can be sent; returns the number of bytes. */
static size_t fill(int fd) {
    size_t filled = 0;
    for (;;) {
        ssize_t moved = send(fd, data, 256, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (moved < 0) break;
        filled += (size_t)moved;
    }
    EXPECT(errno == EAGAIN && filled > 0);
    return filled;
}

/* Reads so many bytes from the other end. */
static void take(int fd, size_t count) {
    while (count > 0) {
        ssize_t moved = recv(fd, got, count < sizeof got ? count : sizeof got, 0);
        EXPECT(moved > 0);
        count -= (size_t)moved;
    }
}

static void shake(const struct pair *pair) {
    int32_t client, server;
    do {
        client = cleat_connection_handshake(pair->client, 0);
        server = cleat_connection_handshake(pair->server, 0);
        EXPECT(client == CLEAT_OK || is_class(client, CLEAT_WANT_READ) ||
               is_class(client, CLEAT_WANT_WRITE));
        EXPECT(server == CLEAT_OK || is_class(server, CLEAT_WANT_READ) ||
               is_class(server, CLEAT_WANT_WRITE));
    } while (client != CLEAT_OK || server != CLEAT_OK);
}

/* The ClientHello does not fit; once it does, the handshake continues. So do a write and a read that begin with it. */
static void test_client_hello(void) {
    struct pair pair;
    size_t filled;
    char byte;
    open_pair(&pair);
    filled = fill(pair.fds[1]);
    EXPECT(is_class(cleat_connection_handshake(pair.client, 0), CLEAT_WANT_WRITE));
    EXPECT(is_class(cleat_connection_handshake(pair.client, SHORT), CLEAT_TIMEOUT));
    EXPECT(is_class(cleat_connection_write(pair.client, "x", 1, 0), CLEAT_WANT_WRITE));
    EXPECT(is_class(cleat_connection_write(pair.client, "x", 1, SHORT), CLEAT_TIMEOUT));
    EXPECT(is_class(cleat_connection_read(pair.client, &byte, 1, 0), CLEAT_WANT_WRITE));
    take(pair.fds[0], filled);
    EXPECT(is_class(cleat_connection_handshake(pair.client, 0), CLEAT_WANT_READ));
    shake(&pair);
    close_pair(&pair);
}

/* The server's flight does not fit. */
static void test_server_flight(void) {
    struct pair pair;
    size_t filled;
    open_pair(&pair);
    EXPECT(is_class(cleat_connection_handshake(pair.client, 0), CLEAT_WANT_READ));
    filled = fill(pair.fds[0]);
    EXPECT(is_class(cleat_connection_handshake(pair.server, 0), CLEAT_WANT_WRITE));
    EXPECT(is_class(cleat_connection_handshake(pair.server, SHORT), CLEAT_TIMEOUT));
    take(pair.fds[1], filled);
    shake(&pair);
    close_pair(&pair);
}

static int32_t read_all(int32_t connection, int32_t have, double timeout) {
    while (have < MUCH) {
        int32_t moved = cleat_connection_read(connection, got + have, MUCH - have, timeout);
        if (moved <= 0) break;
        have += moved;
    }
    return have;
}

static void *read_much(void *argument) {
    EXPECT(read_all(*(int32_t *)argument, 0, TIMEOUT) == MUCH);
    return NULL;
}

/* A write that waits inside the call until the peer has read everything, with a deadline and without one. */
static void test_waiting_write(double timeout) {
    struct pair pair;
    pthread_t thread;
    open_pair(&pair);
    shake(&pair);
    memset(got, 0, sizeof got);
    EXPECT(pthread_create(&thread, NULL, read_much, &pair.server) == 0);
    EXPECT(cleat_connection_write(pair.client, data, MUCH, timeout) == MUCH);
    pthread_join(thread, NULL);
    EXPECT(memcmp(got, data, MUCH) == 0);
    close_pair(&pair);
}

/* Fills the network with a write's bytes; returns how many of them were accepted. Further ones are encrypted and kept.
 * */
static int32_t write_full(const struct pair *pair) {
    int32_t written = 0;
    for (;;) {
        int32_t moved = cleat_connection_write(pair->client, data + written, MUCH - written, 0);
        if (moved < 0) {
            EXPECT(is_class(moved, CLEAT_WANT_WRITE));
            return written;
        }
        EXPECT(moved > 0 && written + moved < MUCH);
        written += moved;
    }
}

/* A write times out and then refuses other bytes; a read meanwhile sends the kept bytes, and no byte arrives twice. */
static void test_interrupted_write(void) {
    struct pair pair;
    int32_t written, have, before, i;
    char byte;
    open_pair(&pair);
    shake(&pair);
    memset(got, 0, sizeof got);
    written = write_full(&pair);
    EXPECT(is_class(cleat_connection_write(pair.client, data + written, MUCH - written, SHORT),
                    CLEAT_TIMEOUT));
    EXPECT(is_class(cleat_connection_write(pair.client, "other bytes", 11, 0), CLEAT_SSL));
    EXPECT(is_class(cleat_connection_write(pair.client, data + written, MUCH - written, 0),
                    CLEAT_WANT_WRITE));

    have = read_all(pair.server, 0, 0);
    do { /* each read of the client sends as much as fits */
        before = have;
        for (i = 0; i < 64; i++) {
            EXPECT(is_class(cleat_connection_read(pair.client, &byte, 1, 0), CLEAT_WANT_READ));
            have = read_all(pair.server, have, 0);
        }
    } while (have > before);
    EXPECT(have > written); /* encrypted, but not accepted yet */
    while (have < MUCH) {
        int32_t moved = cleat_connection_write(pair.client, data + written, MUCH - written, 0);
        EXPECT(moved > 0 || is_class(moved, CLEAT_WANT_WRITE));
        if (moved > 0) written += moved;
        have = read_all(pair.server, have, 0);
    }
    EXPECT(written == MUCH || cleat_connection_write(pair.client, data + written, MUCH - written,
                                                     0) == MUCH - written);
    EXPECT(memcmp(got, data, MUCH) == 0);
    close_pair(&pair);
}

/* The peer closes while a write's bytes are kept: writing the same and other bytes reports that. */
static void test_peer_gone(void) {
    struct pair pair;
    int32_t written, status;
    open_pair(&pair);
    shake(&pair);
    written = write_full(&pair);
    EXPECT(shutdown(pair.fds[1], SHUT_RDWR) == 0);
    status = cleat_connection_write(pair.client, "other bytes", 11, 0);
    EXPECT(is_class(status, CLEAT_SYS) && CLEAT_VALUE(status) == CLEAT_EPIPE);
    status = cleat_connection_write(pair.client, data + written, MUCH - written, 0);
    EXPECT(is_class(status, CLEAT_SYS) && CLEAT_VALUE(status) == CLEAT_EPIPE);
    close_pair(&pair);
}

/* close_notify does not fit. It follows the bytes that an earlier write has left. */
static void test_shutdown(bool leftover) {
    struct pair pair;
    size_t filled = 0;
    int32_t counted = 0;
    int32_t have = 0;
    int32_t status;
    open_pair(&pair);
    shake(&pair);
    if (leftover) {
        counted = write_full(&pair);
    } else {
        filled = fill(pair.fds[1]);
    }
    EXPECT(is_class(cleat_connection_shutdown(pair.client, 0), CLEAT_WANT_WRITE));
    EXPECT(is_class(cleat_connection_shutdown(pair.client, SHORT), CLEAT_TIMEOUT));
    EXPECT(is_class(cleat_connection_write(pair.client, "x", 1, 0), CLEAT_CLOSED));
    if (filled > 0) take(pair.fds[0], filled);
    do {
        have = read_all(pair.server, have, 0);
        status = cleat_connection_shutdown(pair.client, 0);
    } while (is_class(status, CLEAT_WANT_WRITE));
    EXPECT(is_class(status, CLEAT_WANT_READ)); /* close_notify was sent */
    have = read_all(pair.server, have, 0);
    EXPECT(have >= counted && memcmp(got, data, (size_t)have) == 0);
    EXPECT(cleat_connection_read(pair.server, got, 1, 0) == 0);
    EXPECT(cleat_connection_shutdown(pair.server, 0) == CLEAT_OK);
    EXPECT(cleat_connection_shutdown(pair.client, 0) == CLEAT_OK);
    close_pair(&pair);
}

static void carry(int32_t from, int32_t to) {
    char bytes[16384];
    int32_t moved;
    while ((moved = cleat_connection_drain(from, bytes, sizeof bytes)) > 0) {
        EXPECT(cleat_connection_feed(to, bytes, moved) == moved);
    }
    EXPECT(moved == 0);
}

/* Over memory a write that begins at the limit accepts nothing, and one that begins below it accepts everything. */
static void test_memory(int32_t limit) {
    int32_t server = cleat_connection_over_memory(server_context, 1, NULL, 0);
    int32_t client = cleat_connection_over_memory(client_context, 0, "localhost", 9);
    int32_t bound = limit > 0 ? limit : 262144;
    int32_t written = 0, pending = 0, status = CLEAT_OK;
    bool shaken = false;
    EXPECT(cleat_connection_set_drain_limit(client, limit) == CLEAT_OK);
    while (!shaken) {
        bool client_done = cleat_connection_handshake(client, 0) == CLEAT_OK;
        shaken = cleat_connection_handshake(server, 0) == CLEAT_OK && client_done;
        carry(client, server);
        carry(server, client);
    }
    while (status >= 0) {
        pending = cleat_connection_drain_pending(client);
        EXPECT(pending < bound + 2000);
        status = cleat_connection_write(client, data + written, 1000, 0);
        EXPECT(pending < bound ? status == 1000 : is_class(status, CLEAT_WANT_WRITE));
        if (status > 0) written += status;
    }
    EXPECT(cleat_connection_drain_pending(client) == pending);
    carry(client, server);
    EXPECT(read_all(server, 0, 0) == written && memcmp(got, data, (size_t)written) == 0);
    EXPECT(cleat_connection_write(client, data, 1000, 0) == 1000);
    EXPECT(cleat_close(server) == CLEAT_OK && cleat_close(client) == CLEAT_OK);
}

int main(void) {
    int32_t i;
    for (i = 0; i < MUCH; i++) data[i] = (char)(i * 7 + i / 255);
    identity_contexts(&server_context, &client_context);
    test_client_hello();
    test_server_flight();
    test_waiting_write(TIMEOUT);
    test_waiting_write(-1);
    test_interrupted_write();
    test_peer_gone();
    test_shutdown(false);
    test_shutdown(true);
    test_memory(0);
    test_memory(1);
    test_memory(50000);
    cleat_close(server_context);
    cleat_close(client_context);
    EXPECT(cleat_handle_count() == 0);
    puts("handshake, write, read, shutdown, memory");
    return 0;
}
