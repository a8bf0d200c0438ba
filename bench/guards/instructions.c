/* instructions.c: a fixed piece of work over memory, for callgrind (run.lua, instructions).
 * instructions WORK COUNT PKI does WORK, handshake or echo, COUNT times between a client and a
 * server in this process, with the certificates of the directory PKI; what callgrind counts is in
 * measured(). */
#include "contexts.h"

enum { ROOM = 65536, MESSAGE = 64 };

static void carry(int32_t from, int32_t to) {
    static char bytes[ROOM];
    int32_t len = check(cleat_connection_drain(from, bytes, ROOM), "drain");
    if (len > 0) check(cleat_connection_feed(to, bytes, len), "feed");
}

static void open_pair(int32_t *client, int32_t *server) {
    int32_t near = -1;
    int32_t far = -1;
    int turn;
    *client = check(cleat_connection_over_memory(client_context, 0, "localhost", 9), "client");
    *server = check(cleat_connection_over_memory(server_context, 1, NULL, 0), "server");
    for (turn = 0; turn < 10 && (near < 0 || far < 0); turn++) {
        if (near < 0) near = cleat_connection_handshake(*client, 0);
        if (near < 0 && CLEAT_CLASS(near) != CLEAT_WANT_READ) check(near, "client's handshake");
        carry(*client, *server);
        if (far < 0) far = cleat_connection_handshake(*server, 0);
        if (far < 0 && CLEAT_CLASS(far) != CLEAT_WANT_READ) check(far, "server's handshake");
        carry(*server, *client);
    }
    check(near, "client's handshake");
    check(far, "server's handshake");
}

static void pass(int32_t from, int32_t to) {
    static char message[MESSAGE];
    check(cleat_connection_write(from, message, MESSAGE, 0), "write");
    carry(from, to);
    if (check(cleat_connection_read(to, message, MESSAGE, 0), "read") != MESSAGE) abort();
}

__attribute__((noinline)) static void measured(const char *work, int count, int32_t client,
                                               int32_t server) {
    for (; count > 0; count--) {
        if (work[0] == 'e') {
            pass(client, server);
            pass(server, client);
        } else {
            open_pair(&client, &server);
            cleat_close(client);
            cleat_close(server);
        }
    }
    __asm__ volatile("" ::: "memory"); /* it stays a separate function, which returns here */
}

int main(int argc, char **argv) {
    int32_t client;
    int32_t server;
    if (argc != 4) return 2;
    make_contexts(argv[3]);

    open_pair(&client, &server); /* the first one makes what the others find */
    pass(server, client);
    measured(argv[1], atoi(argv[2]), client, server);
    return 0;
}
