/* waiting_connection.c: calls on connections that wait. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "expect.h"
#include "waiting.h"

static void open_connections(struct waiting *self) {
    int32_t sockets[2];
    EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &sockets[0], &sockets[1]) ==
           CLEAT_OK);
    self->ids[0] =
        cleat_connection_over_socket(waiting_client_context, sockets[0], 0, "localhost", 9);
    self->ids[1] = cleat_connection_over_socket(waiting_server_context, sockets[1], 1, NULL, 0);
    self->ids[2] = sockets[0];
    self->ids[3] = sockets[1];
    EXPECT(self->ids[0] > 0 && self->ids[1] > 0);
}

static int32_t call_handshake(struct waiting *self) {
    return cleat_connection_handshake(self->ids[0], WAITING_NO_LIMIT);
}

/* Then the client has the server's part, and needs no more. */
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
    return cleat_connection_read(self->ids[0], &byte, 1, WAITING_NO_LIMIT);
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
    while (cleat_connection_write(self->ids[0], waiting_bytes, WAITING_MUCH, 0) > 0) {
    }
}

/* The bytes that the network has not accepted are sent first. */
static int32_t call_write(struct waiting *self) {
    return cleat_connection_write(self->ids[0], waiting_bytes, 1, WAITING_NO_LIMIT);
}

static void read_all(struct waiting *self) {
    static char room[WAITING_MUCH];
    int32_t got = cleat_connection_read(self->ids[1], room, WAITING_MUCH, WAITING_PATIENCE);
    while (got > 0) got = cleat_connection_read(self->ids[1], room, WAITING_MUCH, 0);
    EXPECT(CLEAT_CLASS(got) == CLEAT_WANT_READ);
}

static int32_t call_shutdown(struct waiting *self) {
    return cleat_connection_shutdown(self->ids[0], WAITING_NO_LIMIT);
}

static void answer_shutdown(struct waiting *self) {
    EXPECT(cleat_connection_shutdown(self->ids[1], WAITING_PATIENCE) == CLEAT_OK);
}

static void open_server(struct waiting *self) {
    int32_t client;
    open_connections(self);
    client = self->ids[0];
    self->ids[0] = self->ids[1];
    self->ids[1] = client;
}

static int32_t call_read_early(struct waiting *self) {
    char byte;
    return cleat_connection_read_early(self->ids[0], &byte, 1, WAITING_NO_LIMIT);
}

/* The client sends no early data. */
static void do_handshake(struct waiting *self) {
    EXPECT(cleat_connection_handshake(self->ids[1], WAITING_PATIENCE) == CLEAT_OK);
}

static void *hold_turn(void *argument) {
    struct waiting *self = argument;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    EXPECT(cleat_connection_handshake(self->ids[0], WAITING_PATIENCE) == CLEAT_OK);
    return NULL;
}

/* Another thread has the turn. */
static void open_held(struct waiting *self) {
    open_connections(self);
    EXPECT(pthread_create(&self->holder, NULL, hold_turn, self) == 0);
    while (!waiting_is_inside(self)) sched_yield();
}

static int32_t call_write_early(struct waiting *self) {
    return cleat_connection_write_early(self->ids[0], "x", 1, WAITING_NO_LIMIT);
}

static void release_turn(struct waiting *self) {
    answer_handshake(self);
    EXPECT(pthread_join(self->holder, NULL) == 0);
}

static int32_t call_key_update(struct waiting *self) {
    return cleat_connection_key_update(self->ids[0], 0, WAITING_NO_LIMIT);
}

struct waiting waiting_connection_kinds[] = {
    {.name = "handshake",
     .function = "cleat_connection_handshake",
     .open = open_connections,
     .call = call_handshake,
     .release = answer_handshake},
    {.name = "read",
     .function = "cleat_connection_read",
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
     .function = "cleat_connection_write",
     .open = open_full_connection,
     .call = call_write,
     .release = read_all,
     .result = 1},
    {.name = "read_early",
     .function = "cleat_connection_read_early",
     .open = open_server,
     .call = call_read_early,
     .release = do_handshake},
    {.name = "write_early",
     .function = "cleat_connection_write_early",
     .open = open_held,
     .call = call_write_early,
     .release = release_turn,
     .is_held = true},
    {.name = "key_update",
     .function = "cleat_connection_key_update",
     .open = open_full_connection,
     .call = call_key_update,
     .release = read_all},
    {.name = "shutdown",
     .function = "cleat_connection_shutdown",
     .open = open_established,
     .call = call_shutdown,
     .release = answer_shutdown},
    {.open = NULL},
};
