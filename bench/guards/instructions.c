/* instructions.c: a fixed piece of work over memory, for callgrind (run.lua, instructions).
 * instructions WORK COUNT PKI does WORK, handshake or echo, COUNT times between a client and a
 * server in this process, with the certificates of the directory PKI; what callgrind counts is in
 * measured(). */
#include <cleat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 65536, MESSAGE = 64 };

static int32_t client_context;
static int32_t server_context;

static int32_t check(int32_t result, const char *what) {
    char text[512];
    int32_t len;
    if (result >= 0) return result;
    len = cleat_error_message(text, sizeof text);
    fprintf(stderr, "%s: %d: %.*s\n", what, (int)result, (int)(len < 512 ? len : 512), text);
    exit(1);
}

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
    char root[512];
    char chain[512];
    char key[512];
    int32_t client;
    int32_t server;
    if (argc != 4) return 2;
    snprintf(root, sizeof root, "%s/root.pem", argv[3]);
    snprintf(chain, sizeof chain, "%s/server-ec.pem", argv[3]);
    snprintf(key, sizeof key, "%s/server-ec.key", argv[3]);

    client_context = check(cleat_context_new(CLEAT_PROTOCOL_TLS), "context");
    server_context = check(cleat_context_new(CLEAT_PROTOCOL_TLS), "context");
    check(cleat_context_load_verify_file(client_context, root, (int32_t)strlen(root)), root);
    check(cleat_context_set_verify_mode(client_context, CLEAT_CERT_REQUIRED), "verify_mode");
    check(cleat_context_set_check_hostname(client_context, 1), "check_hostname");
    check(cleat_context_load_cert_chain(server_context, chain, (int32_t)strlen(chain), key,
                                        (int32_t)strlen(key), NULL, 0),
          chain);
    check(cleat_context_set_ecdh_curve(client_context, "X25519", 6), "curve");
    check(cleat_context_set_ecdh_curve(server_context, "X25519", 6), "curve");

    open_pair(&client, &server); /* the first one makes what the others find */
    pass(server, client);
    measured(argv[1], atoi(argv[2]), client, server);
    return 0;
}
