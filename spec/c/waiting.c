#include "waiting.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/handle.h"
#include "expect.h"
#include "identity.h"

#define NO_LIMIT (-1.0)
enum { MUCH = 4000000 };

static int32_t server_context;
static int32_t client_context;
static char directory[] = "/tmp/cleat-waiting.XXXXXX";
static const char bytes[MUCH];

void waiting_set_up(void) {
    EXPECT(mkdtemp(directory) != NULL);
    identity_contexts(&server_context, &client_context);
}

void waiting_tear_down(void) {
    EXPECT(cleat_close(server_context) == CLEAT_OK && cleat_close(client_context) == CLEAT_OK);
    EXPECT(rmdir(directory) == 0);
}

void waiting_close(struct waiting *self) {
    int i;
    for (i = 0; i < 4; i++) {
        if (self->ids[i] > 0) EXPECT(cleat_close(self->ids[i]) == CLEAT_OK);
        self->ids[i] = 0;
    }
    if (self->other > 0) EXPECT(cleat_close(self->other) == CLEAT_OK);
    self->other = 0;
    if (self->accepted > 0) EXPECT(cleat_close(self->accepted) == CLEAT_OK);
    self->accepted = 0;
    if (self->path[0] != '\0') unlink(self->path);
    self->path[0] = '\0';
}

bool waiting_is_inside(const struct waiting *self) {
    struct cleat_object *object = NULL;
    bool is_inside;
    if (self->ids[0] <= 0 || cleat_handle_find(self->ids[0], 0, &object) < 0) return true;
    is_inside = atomic_load(&object->waiting) > 0;
    cleat_handle_done(object);
    return is_inside;
}

static void open_pair(struct waiting *self) {
    EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &self->ids[0], &self->ids[1]) ==
           CLEAT_OK);
}

static int32_t call_recv(struct waiting *self) {
    char byte;
    return cleat_socket_recv(self->ids[0], &byte, 1, 0, NO_LIMIT);
}

static void send_byte(struct waiting *self) {
    EXPECT(cleat_socket_send(self->ids[1], "x", 1, 0, WAITING_PATIENCE) == 1);
}

static int32_t call_recv_until(struct waiting *self) {
    char byte;
    return cleat_socket_recv(self->ids[0], &byte, 1, 0, WAITING_PATIENCE);
}

static void open_full(struct waiting *self) {
    open_pair(self);
    while (cleat_socket_send(self->ids[0], bytes, MUCH, 0, 0) > 0) {
    }
}

static int32_t call_send(struct waiting *self) {
    return cleat_socket_send(self->ids[0], "x", 1, 0, NO_LIMIT);
}

static void receive_all(struct waiting *self) {
    static char room[MUCH];
    int32_t got = cleat_socket_recv(self->ids[1], room, MUCH, 0, WAITING_PATIENCE);
    EXPECT(got > 0);
    while (cleat_socket_recv(self->ids[1], room, MUCH, 0, 0) > 0) {
    }
}

static void listen_unix(struct waiting *self, int32_t *listener) {
    snprintf(self->path, sizeof self->path, "%s/socket", directory);
    *listener = cleat_socket_new(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0);
    EXPECT(cleat_socket_bind(*listener, self->path, (int32_t)strlen(self->path), 0) == CLEAT_OK);
    EXPECT(cleat_socket_listen(*listener, 0) == CLEAT_OK);
}

static void open_listener(struct waiting *self) {
    listen_unix(self, &self->ids[0]);
}

static int32_t call_accept(struct waiting *self) {
    int32_t result = cleat_socket_accept_guarded(self->ids[0], NO_LIMIT, &self->accepted);
    return result < 0 ? result : CLEAT_OK;
}

static void connect_one(struct waiting *self) {
    int32_t socket = cleat_socket_new(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0);
    EXPECT(cleat_socket_connect(socket, self->path, (int32_t)strlen(self->path), 0,
                                WAITING_PATIENCE) == CLEAT_OK);
    self->other = socket;
}

/* A queue of connections that has room for no more. */
static void open_busy_listener(struct waiting *self) {
    listen_unix(self, &self->ids[1]);
    self->ids[2] = cleat_socket_new(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0);
    EXPECT(cleat_socket_connect(self->ids[2], self->path, (int32_t)strlen(self->path), 0,
                                WAITING_PATIENCE) == CLEAT_OK);
    self->ids[0] = cleat_socket_new(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0);
}

static int32_t call_connect(struct waiting *self) {
    return cleat_socket_connect(self->ids[0], self->path, (int32_t)strlen(self->path), 0, NO_LIMIT);
}

static void accept_one(struct waiting *self) {
    int32_t socket = cleat_socket_accept(self->ids[1], WAITING_PATIENCE);
    EXPECT(socket > 0 && cleat_close(socket) == CLEAT_OK);
}

static int32_t call_poll(struct waiting *self) {
    int32_t fd = cleat_socket_fileno(self->ids[1]);
    int32_t events = CLEAT_POLLIN;
    int32_t revents = 0;
    return cleat_poll(&fd, 1, &events, 1, &revents, 1, NO_LIMIT);
}

/* The call waits in no object. */
static void open_poll(struct waiting *self) {
    EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &self->ids[1], &self->ids[2]) ==
           CLEAT_OK);
}

static void send_to_poll(struct waiting *self) {
    EXPECT(cleat_socket_send(self->ids[2], "x", 1, 0, WAITING_PATIENCE) == 1);
}

static void open_epoll(struct waiting *self) {
    open_poll(self);
    self->ids[0] = cleat_epoll_new();
    EXPECT(cleat_epoll_control(self->ids[0], CLEAT_EPOLL_CTL_ADD, cleat_socket_fileno(self->ids[1]),
                               CLEAT_EPOLLIN) == CLEAT_OK);
}

static int32_t call_epoll(struct waiting *self) {
    int32_t fds[2];
    int32_t events[2];
    return cleat_epoll_wait(self->ids[0], fds, 2, events, 2, NO_LIMIT);
}

static void open_connections(struct waiting *self) {
    int32_t sockets[2];
    EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &sockets[0], &sockets[1]) ==
           CLEAT_OK);
    self->ids[0] = cleat_connection_over_socket(client_context, sockets[0], 0, "localhost", 9);
    self->ids[1] = cleat_connection_over_socket(server_context, sockets[1], 1, NULL, 0);
    self->ids[2] = sockets[0];
    self->ids[3] = sockets[1];
    EXPECT(self->ids[0] > 0 && self->ids[1] > 0);
}

static int32_t call_handshake(struct waiting *self) {
    return cleat_connection_handshake(self->ids[0], NO_LIMIT);
}

/* The client has the server's part then, and needs no more. */
static void answer_handshake(struct waiting *self) {
    int32_t status;
    do {
        status = cleat_connection_handshake(self->ids[1], 0);
        EXPECT(status == CLEAT_OK || CLEAT_CLASS(status) == CLEAT_WANT_READ);
    } while (status != CLEAT_OK);
}

static void open_established(struct waiting *self) {
    int turn;
    open_connections(self);
    for (turn = 0; turn < 4; turn++) {
        cleat_connection_handshake(self->ids[0], 0);
        cleat_connection_handshake(self->ids[1], 0);
    }
    EXPECT(cleat_connection_established(self->ids[0]) == 1);
    EXPECT(cleat_connection_established(self->ids[1]) == 1);
}

static int32_t call_read(struct waiting *self) {
    char byte;
    return cleat_connection_read(self->ids[0], &byte, 1, NO_LIMIT);
}

static int32_t call_read_until(struct waiting *self) {
    char byte;
    return cleat_connection_read(self->ids[0], &byte, 1, WAITING_PATIENCE);
}

static void write_byte(struct waiting *self) {
    EXPECT(cleat_connection_write(self->ids[1], "x", 1, WAITING_PATIENCE) == 1);
}

static void open_full_connection(struct waiting *self) {
    open_established(self);
    while (cleat_connection_write(self->ids[0], bytes, MUCH, 0) > 0) {
    }
}

/* The bytes that the network has not taken come first. */
static int32_t call_write(struct waiting *self) {
    return cleat_connection_write(self->ids[0], bytes, 1, NO_LIMIT);
}

static void read_all(struct waiting *self) {
    static char room[MUCH];
    int32_t got = cleat_connection_read(self->ids[1], room, MUCH, WAITING_PATIENCE);
    while (got > 0) got = cleat_connection_read(self->ids[1], room, MUCH, 0);
    EXPECT(CLEAT_CLASS(got) == CLEAT_WANT_READ);
}

static int32_t call_shutdown(struct waiting *self) {
    return cleat_connection_shutdown(self->ids[0], NO_LIMIT);
}

static void answer_shutdown(struct waiting *self) {
    EXPECT(cleat_connection_shutdown(self->ids[1], WAITING_PATIENCE) == CLEAT_OK);
}

static void open_fifo(struct waiting *self) {
    snprintf(self->path, sizeof self->path, "%s/fifo", directory);
    EXPECT(mkfifo(self->path, 0600) == 0);
    self->ids[1] = cleat_context_new(CLEAT_PROTOCOL_TLS);
}

static int32_t call_load(struct waiting *self) {
    return cleat_context_load_verify_file(self->ids[1], self->path, (int32_t)strlen(self->path));
}

static void write_fifo(struct waiting *self) {
    int32_t len;
    const char *text = identity_text(IDENTITY_OTHER, &len);
    int fd = open(self->path, O_WRONLY | O_CLOEXEC);
    EXPECT(fd >= 0 && write(fd, text, (size_t)len) == len);
    close(fd);
}

struct waiting waiting_kinds[] = {
    {.name = "recv", .open = open_pair, .call = call_recv, .release = send_byte, .result = 1},
    {.name = "recv, a timeout",
     .open = open_pair,
     .call = call_recv_until,
     .release = send_byte,
     .result = 1},
    {.name = "send", .open = open_full, .call = call_send, .release = receive_all, .result = 1},
    {.name = "accept", .open = open_listener, .call = call_accept, .release = connect_one},
    {.name = "connect", .open = open_busy_listener, .call = call_connect, .release = accept_one},
    {.name = "poll", .open = open_poll, .call = call_poll, .release = send_to_poll, .result = 1},
    {.name = "epoll", .open = open_epoll, .call = call_epoll, .release = send_to_poll, .result = 1},
    {.name = "handshake",
     .open = open_connections,
     .call = call_handshake,
     .release = answer_handshake},
    {.name = "read",
     .open = open_established,
     .call = call_read,
     .release = write_byte,
     .result = 1},
    {.name = "read, a timeout",
     .open = open_established,
     .call = call_read_until,
     .release = write_byte,
     .result = 1},
    {.name = "write",
     .open = open_full_connection,
     .call = call_write,
     .release = read_all,
     .result = 1},
    {.name = "shutdown",
     .open = open_established,
     .call = call_shutdown,
     .release = answer_shutdown},
    {.name = "file", .open = open_fifo, .call = call_load, .release = write_fifo, .result = 1},
    {.open = NULL},
};
