#include "ends.h"

#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "expect.h"

const char *const ends_names[ENDS_TRANSPORTS] = {"socket", "TCP", "descriptor", "memory"};

/* Moves the bytes that are available; a closed end is the end of the other's network. */
static bool carry(int32_t from, int32_t to, bool *ended) {
    char bytes[16384];
    int32_t moved;
    if (*ended) return false;
    moved = cleat_connection_drain(from, bytes, sizeof bytes);
    if (moved > 0) {
        cleat_connection_feed(to, bytes, moved);
        return true;
    }
    if (moved < 0) {
        *ended = true;
        cleat_connection_feed_eof(to);
    }
    return false;
}

static void *pump(void *argument) {
    struct ends *ends = argument;
    bool ended[2] = {false, false};
    while (!atomic_load(&ends->stop)) {
        bool moved = false;
        if (atomic_load(&ends->paused)) {
            atomic_store(&ends->idle, true);
        } else {
            moved = carry(ends->client, ends->server, &ended[0]);
            moved = carry(ends->server, ends->client, &ended[1]) || moved;
        }
        if (!moved) sched_yield();
    }
    return NULL;
}

static void open_tcp(int32_t sockets[2]) {
    int32_t listener = cleat_socket_new(CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0);
    int32_t port;
    int32_t unused;
    char host[64];
    EXPECT(cleat_socket_bind(listener, "127.0.0.1", 9, 0) == CLEAT_OK);
    EXPECT(cleat_socket_listen(listener, 1) == CLEAT_OK);
    EXPECT(cleat_socket_getsockname(listener, host, sizeof host, &port, &unused, &unused) > 0);
    sockets[1] = cleat_socket_new(CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0);
    EXPECT(cleat_socket_connect(sockets[1], "127.0.0.1", 9, port, ENDS_PATIENCE) == CLEAT_OK);
    sockets[0] = cleat_socket_accept(listener, ENDS_PATIENCE);
    EXPECT(sockets[0] > 0 && cleat_close(listener) == CLEAT_OK);
}

void ends_open(struct ends *ends, enum ends_transport transport, int32_t server_context,
               int32_t client_context, const char *hostname) {
    int32_t len = (int32_t)strlen(hostname);
    memset(ends, 0, sizeof *ends);
    ends->transport = transport;
    ends->fds[0] = ends->fds[1] = -1;
    if (transport == ENDS_MEMORY) {
        ends->server = cleat_connection_over_memory(server_context, 1, NULL, 0);
        ends->client = cleat_connection_over_memory(client_context, 0, hostname, len);
    } else if (transport == ENDS_FD) {
        EXPECT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends->fds) == 0);
        ends->server = cleat_connection_over_fd(server_context, ends->fds[0], 1, NULL, 0);
        ends->client = cleat_connection_over_fd(client_context, ends->fds[1], 0, hostname, len);
    } else {
        if (transport == ENDS_TCP) {
            open_tcp(ends->sockets);
        } else {
            EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &ends->sockets[0],
                                     &ends->sockets[1]) == CLEAT_OK);
        }
        ends->server = cleat_connection_over_socket(server_context, ends->sockets[0], 1, NULL, 0);
        ends->client =
            cleat_connection_over_socket(client_context, ends->sockets[1], 0, hostname, len);
    }
    EXPECT(ends->server > 0 && ends->client > 0);
    if (transport == ENDS_MEMORY) EXPECT(pthread_create(&ends->pump, NULL, pump, ends) == 0);
}

void ends_hang_up(const struct ends *ends) {
    cleat_close(ends->client);
    cleat_close(ends->server);
}

void ends_pause(struct ends *ends) {
    atomic_store(&ends->paused, true);
    while (!atomic_load(&ends->idle)) sched_yield();
}

void ends_close(struct ends *ends) {
    int side;
    ends_hang_up(ends);
    if (ends->transport == ENDS_MEMORY) {
        atomic_store(&ends->stop, true);
        pthread_join(ends->pump, NULL);
    }
    for (side = 0; side < 2; side++) {
        if (ends->sockets[side] > 0) cleat_close(ends->sockets[side]);
        if (ends->fds[side] >= 0) close(ends->fds[side]);
    }
}

static double now(void) {
    double seconds;
    EXPECT(cleat_monotonic(&seconds) == CLEAT_OK);
    return seconds;
}

static bool is_want(int32_t status) {
    return CLEAT_CLASS(status) == CLEAT_WANT_READ || CLEAT_CLASS(status) == CLEAT_WANT_WRITE;
}

/* Whether to repeat the call; otherwise *status is its result. */
static bool again(int32_t *status, double end) {
    if (*status >= 0 || !is_want(*status)) return false;
    if (now() > end) {
        *status = -(CLEAT_TIMEOUT << 16);
        return false;
    }
    sched_yield();
    return true;
}

/* The timeout to pass, and the rest to wait outside of the call. */
#define PATIENTLY(call)                                                                            \
    double end = now() + timeout;                                                                  \
    int32_t status;                                                                                \
    if (ends->transport == ENDS_MEMORY) timeout = 0;                                               \
    do {                                                                                           \
        status = (call);                                                                           \
    } while (ends->transport == ENDS_MEMORY && again(&status, end));                               \
    return status

int32_t ends_handshake(const struct ends *ends, int32_t id, double timeout) {
    PATIENTLY(cleat_connection_handshake(id, timeout));
}

int32_t ends_read(const struct ends *ends, int32_t id, char *buf, int32_t buf_cap, double timeout) {
    PATIENTLY(cleat_connection_read(id, buf, buf_cap, timeout));
}

int32_t ends_write(const struct ends *ends, int32_t id, const char *data, int32_t data_len,
                   double timeout) {
    PATIENTLY(cleat_connection_write(id, data, data_len, timeout));
}

int32_t ends_shutdown(const struct ends *ends, int32_t id, double timeout) {
    PATIENTLY(cleat_connection_shutdown(id, timeout));
}

static void *shake(void *argument) {
    const struct ends *ends = argument;
    EXPECT(ends_handshake(ends, ends->server, ENDS_PATIENCE) == CLEAT_OK);
    return NULL;
}

void ends_shake(struct ends *ends) {
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, shake, ends) == 0);
    EXPECT(ends_handshake(ends, ends->client, ENDS_PATIENCE) == CLEAT_OK);
    pthread_join(thread, NULL);
}

void ends_drive(const struct ends *ends, int32_t *client, int32_t *server) {
    int turn;
    for (turn = 0; turn < 6; turn++) {
        char byte;
        *client = cleat_connection_handshake(ends->client, 0);
        *server = cleat_connection_handshake(ends->server, 0);
        if (*client == CLEAT_OK && *server < 0) {
            int32_t status = cleat_connection_read(ends->client, &byte, 1, 0);
            if (status < 0 && CLEAT_CLASS(status) != CLEAT_WANT_READ) *client = status;
        }
    }
}
