/* waiting_socket.c: calls on sockets that wait. */
#include <stdio.h>
#include <string.h>

#include "expect.h"
#include "waiting.h"

static void open_pair(struct waiting *self) {
    EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &self->ids[0], &self->ids[1]) ==
           CLEAT_OK);
}

static int32_t call_recv(struct waiting *self) {
    char byte;
    return cleat_socket_recv(self->ids[0], &byte, 1, 0, WAITING_NO_LIMIT);
}

static void send_byte(struct waiting *self) {
    EXPECT(cleat_socket_send(self->ids[1], "x", 1, 0, WAITING_PATIENCE) == 1);
}

static int32_t call_recv_until(struct waiting *self) {
    char byte;
    return cleat_socket_recv(self->ids[0], &byte, 1, 0, WAITING_PATIENCE);
}

static int32_t call_recvfrom(struct waiting *self) {
    char byte;
    return cleat_socket_recvfrom(self->ids[0], &byte, 1, 0, WAITING_NO_LIMIT, &self->accepted);
}

static int32_t call_recvmsg(struct waiting *self) {
    char byte;
    int32_t flags;
    return cleat_socket_recvmsg(self->ids[0], &byte, 1, 0, WAITING_NO_LIMIT, &flags,
                                &self->accepted);
}

static void open_full(struct waiting *self) {
    open_pair(self);
    while (cleat_socket_send(self->ids[0], waiting_bytes, WAITING_MUCH, 0, 0) > 0) {
    }
}

static int32_t call_send(struct waiting *self) {
    return cleat_socket_send(self->ids[0], "x", 1, 0, WAITING_NO_LIMIT);
}

static void receive_all(struct waiting *self) {
    static char room[WAITING_MUCH];
    int32_t got = cleat_socket_recv(self->ids[1], room, WAITING_MUCH, 0, WAITING_PATIENCE);
    EXPECT(got > 0);
    while (cleat_socket_recv(self->ids[1], room, WAITING_MUCH, 0, 0) > 0) {
    }
}

/* A datagram socket whose queue is full. */
static void open_full_datagrams(struct waiting *self) {
    int32_t sent;
    snprintf(self->path, sizeof self->path, "%s/socket", waiting_directory);
    self->ids[0] = cleat_socket_new(CLEAT_AF_UNIX, CLEAT_SOCK_DGRAM, 0);
    self->ids[1] = cleat_socket_new(CLEAT_AF_UNIX, CLEAT_SOCK_DGRAM, 0);
    EXPECT(cleat_socket_bind(self->ids[1], self->path, (int32_t)strlen(self->path), 0) == CLEAT_OK);
    do {
        sent = cleat_socket_sendto(self->ids[0], "x", 1, 0, self->path, (int32_t)strlen(self->path),
                                   0, 0);
    } while (sent == 1);
    EXPECT(CLEAT_CLASS(sent) == CLEAT_WANT_WRITE);
}

static int32_t call_sendto(struct waiting *self) {
    return cleat_socket_sendto(self->ids[0], "x", 1, 0, self->path, (int32_t)strlen(self->path), 0,
                               WAITING_NO_LIMIT);
}

static int32_t call_sendto_flow(struct waiting *self) {
    return cleat_socket_sendto_flow(self->ids[0], "x", 1, 0, self->path,
                                    (int32_t)strlen(self->path), 0, 0, WAITING_NO_LIMIT);
}

static void receive_datagrams(struct waiting *self) {
    char byte;
    EXPECT(cleat_socket_recv(self->ids[1], &byte, 1, 0, WAITING_PATIENCE) == 1);
    while (cleat_socket_recv(self->ids[1], &byte, 1, 0, 0) == 1) {
    }
}

static void listen_unix(struct waiting *self, int32_t *listener) {
    snprintf(self->path, sizeof self->path, "%s/socket", waiting_directory);
    *listener = cleat_socket_new(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0);
    EXPECT(cleat_socket_bind(*listener, self->path, (int32_t)strlen(self->path), 0) == CLEAT_OK);
    EXPECT(cleat_socket_listen(*listener, 0) == CLEAT_OK);
}

static void open_listener(struct waiting *self) {
    listen_unix(self, &self->ids[0]);
}

static int32_t call_accept(struct waiting *self) {
    int32_t result = cleat_socket_accept_guarded(self->ids[0], WAITING_NO_LIMIT, &self->accepted);
    return result < 0 ? result : CLEAT_OK;
}

static void connect_one(struct waiting *self) {
    int32_t socket = cleat_socket_new(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0);
    EXPECT(cleat_socket_connect(socket, self->path, (int32_t)strlen(self->path), 0,
                                WAITING_PATIENCE) == CLEAT_OK);
    self->other = socket;
}

/* A full backlog. */
static void open_busy_listener(struct waiting *self) {
    listen_unix(self, &self->ids[1]);
    self->ids[2] = cleat_socket_new(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0);
    EXPECT(cleat_socket_connect(self->ids[2], self->path, (int32_t)strlen(self->path), 0,
                                WAITING_PATIENCE) == CLEAT_OK);
    self->ids[0] = cleat_socket_new(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0);
}

static int32_t call_connect(struct waiting *self) {
    return cleat_socket_connect(self->ids[0], self->path, (int32_t)strlen(self->path), 0,
                                WAITING_NO_LIMIT);
}

static int32_t call_connect_flow(struct waiting *self) {
    return cleat_socket_connect_flow(self->ids[0], self->path, (int32_t)strlen(self->path), 0, 0,
                                     WAITING_NO_LIMIT);
}

static void accept_one(struct waiting *self) {
    int32_t socket = cleat_socket_accept(self->ids[1], WAITING_PATIENCE);
    EXPECT(socket > 0 && cleat_close(socket) == CLEAT_OK);
}

struct waiting waiting_socket_kinds[] = {
    {.name = "recv",
     .function = "cleat_socket_recv",
     .open = open_pair,
     .call = call_recv,
     .release = send_byte,
     .result = 1},
    {.name = "recv, a timeout",
     .open = open_pair,
     .call = call_recv_until,
     .release = send_byte,
     .result = 1},
    {.name = "recvfrom",
     .function = "cleat_socket_recvfrom",
     .open = open_pair,
     .call = call_recvfrom,
     .release = send_byte,
     .result = 1},
    {.name = "recvmsg",
     .function = "cleat_socket_recvmsg",
     .open = open_pair,
     .call = call_recvmsg,
     .release = send_byte,
     .result = 1},
    {.name = "send",
     .function = "cleat_socket_send",
     .open = open_full,
     .call = call_send,
     .release = receive_all,
     .result = 1},
    {.name = "sendto",
     .function = "cleat_socket_sendto",
     .open = open_full_datagrams,
     .call = call_sendto,
     .release = receive_datagrams,
     .result = 1},
    {.name = "sendto_flow",
     .function = "cleat_socket_sendto_flow",
     .open = open_full_datagrams,
     .call = call_sendto_flow,
     .release = receive_datagrams,
     .result = 1},
    {.name = "accept",
     .function = "cleat_socket_accept",
     .open = open_listener,
     .call = call_accept,
     .release = connect_one},
    {.name = "connect",
     .function = "cleat_socket_connect",
     .open = open_busy_listener,
     .call = call_connect,
     .release = accept_one},
    {.name = "connect_flow",
     .function = "cleat_socket_connect_flow",
     .open = open_busy_listener,
     .call = call_connect_flow,
     .release = accept_one},
    {.open = NULL},
};
