/* echo_server.c: a TLS echo server: echo_server CERTFILE KEYFILE [PORT]
 *
 * One thread serves many clients: no call waits but cleat_poll. It is C11 and C++17. */
#include <cleat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENTS = 100 };

struct client {
    int32_t socket, connection;
    char buffer[16384];
    int32_t size, written; /* what is in buffer, and how much of it was sent back */
    int ending; /* the client has sent close_notify */
};

static struct client *clients[CLIENTS];
/* what cleat_poll waits for: the listener, and after it each client */
static int32_t fds[1 + CLIENTS], events[1 + CLIENTS], revents[1 + CLIENTS];
static int32_t count;

static void say_failure(void) {
    char message[512], filename[512];
    int32_t length = cleat_error_message(message, sizeof message);
    if (length > (int32_t)sizeof message) length = sizeof message;
    int32_t filename_length = cleat_error_filename(filename, sizeof filename);
    if (filename_length > (int32_t)sizeof filename) filename_length = sizeof filename;
    fprintf(stderr, "echo_server: %.*s%s%.*s\n", (int)length, message,
            filename_length > 0 ? ": " : "", (int)filename_length, filename);
}

/* check returns the result of a call, and ends the program if it is a status. */
static int32_t check(int32_t result) {
    if (result >= 0) return result;
    say_failure();
    exit(1);
}

static void welcome(int32_t context, int32_t listener) {
    int32_t socket = cleat_socket_accept(listener, 0);
    if (CLEAT_CLASS(socket) == CLEAT_WANT_READ) return; /* the client is gone already */
    check(socket);
    struct client *client = (struct client *)calloc(1, sizeof *client);
    int32_t connection = cleat_connection_over_socket(context, socket, 1, NULL, 0);
    if (!client || connection < 0 || count == CLIENTS) {
        if (connection > 0) cleat_close(connection);
        cleat_close(socket);
        free(client);
        return;
    }
    client->socket = socket;
    client->connection = connection;
    clients[count++] = client;
    fds[count] = check(cleat_socket_fileno(socket));
    events[count] = CLEAT_POLLIN; /* a client speaks first */
}

/* step serves a client until a call would block or fails, and returns that status, or CLEAT_OK after
 * close_notify in both directions. Reads and writes do the handshake. */
static int32_t step(struct client *client) {
    while (!client->ending) {
        int32_t done;
        if (client->written < client->size) {
            done = cleat_connection_write(client->connection, client->buffer + client->written,
                                          client->size - client->written, 0);
            if (done > 0) client->written += done;
        } else {
            done =
                cleat_connection_read(client->connection, client->buffer, sizeof client->buffer, 0);
            client->written = 0;
            client->size = done > 0 ? done : 0;
            client->ending = done == 0;
        }
        if (done < 0) return done;
    }
    return cleat_connection_shutdown(client->connection, 0);
}

static void dismiss(int32_t i) {
    cleat_close(clients[i]->connection);
    cleat_close(clients[i]->socket);
    free(clients[i]);
    count--;
    clients[i] = clients[count];
    fds[1 + i] = fds[1 + count];
    events[1 + i] = events[1 + count];
    revents[1 + i] = revents[1 + count];
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: echo_server CERTFILE KEYFILE [PORT]\n");
        return 2;
    }
    int32_t context = check(cleat_context_new(CLEAT_PROTOCOL_TLS));
    check(cleat_context_set_minimum_version(context, CLEAT_TLS1_2_VERSION));
    check(cleat_context_load_cert_chain(context, argv[1], (int32_t)strlen(argv[1]), argv[2],
                                        (int32_t)strlen(argv[2]), NULL, 0));
    int32_t listener = check(cleat_socket_new(CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0));
    check(cleat_socket_setsockopt(listener, CLEAT_SOL_SOCKET, CLEAT_SO_REUSEADDR, 1));
    check(cleat_socket_bind(listener, "127.0.0.1", 9, argc > 3 ? atoi(argv[3]) : 0));
    check(cleat_socket_listen(listener, 16));
    int32_t port, flowinfo, scope;
    check(cleat_socket_getsockname(listener, NULL, 0, &port, &flowinfo, &scope));
    printf("listening on %d\n", (int)port);
    fflush(stdout);
    fds[0] = check(cleat_socket_fileno(listener));
    events[0] = CLEAT_POLLIN;

    for (;;) {
        check(cleat_poll(fds, 1 + count, events, 1 + count, revents, 1 + count, -1));
        for (int32_t i = count - 1; i >= 0; i--) { /* backwards: dismiss moves the last one */
            if (!revents[1 + i]) continue;
            int32_t status = step(clients[i]);
            if (CLEAT_CLASS(status) == CLEAT_WANT_READ) {
                events[1 + i] = CLEAT_POLLIN;
            } else if (CLEAT_CLASS(status) == CLEAT_WANT_WRITE) {
                events[1 + i] = CLEAT_POLLOUT;
            } else {
                if (status != CLEAT_OK) say_failure();
                dismiss(i);
            }
        }
        if (revents[0]) welcome(context, listener);
    }
}
