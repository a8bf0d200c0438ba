/* test_fork.c: after fork() parent and child both continue to work.
 *
 * Rows of the contract: "RAND-06 SEC-09 random bytes differ after fork". */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "identity.h"
#include "load.h"

#define TIMEOUT 300.0

static int32_t server_context;
static int32_t client_context;

/* Both ends in one process, with contexts that were made before the fork. */
static void talk(void) {
    int32_t server = cleat_connection_over_memory(server_context, 1, NULL, 0);
    int32_t client = cleat_connection_over_memory(client_context, 0, "localhost", 9);
    char bytes[8192];
    int turn;
    EXPECT(server > 0 && client > 0);
    for (turn = 0; turn < 4; turn++) {
        int32_t moved;
        cleat_connection_handshake(client, 0);
        moved = cleat_connection_drain(client, bytes, sizeof bytes);
        cleat_connection_feed(server, bytes, moved);
        cleat_connection_handshake(server, 0);
        moved = cleat_connection_drain(server, bytes, sizeof bytes);
        cleat_connection_feed(client, bytes, moved);
    }
    EXPECT(cleat_connection_established(client) == 1 && cleat_connection_established(server) == 1);
    cleat_close(server);
    cleat_close(client);
}

static void test_random(void) {
    char ours[16];
    char theirs[16];
    int pipes[2];
    pid_t child;
    int status = 0;
    EXPECT(cleat_random_bytes(ours, 16) == 16); /* the generator was used before the fork */
    EXPECT(pipe(pipes) == 0);
    child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        load_alarm(30);
        EXPECT(cleat_random_bytes(theirs, 16) == 16);
        _exit(write(pipes[1], theirs, 16) == 16 ? 0 : 1);
    }
    EXPECT(cleat_random_bytes(ours, 16) == 16);
    EXPECT(read(pipes[0], theirs, 16) == 16);
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    EXPECT(memcmp(ours, theirs, 16) != 0);
    close(pipes[0]);
    close(pipes[1]);
}

static void test_contexts(void) {
    int status = 0;
    pid_t child;
    talk();
    child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        int turn;
        load_alarm(30);
        for (turn = 0; turn < 20; turn++) talk();
        EXPECT(cleat_close(server_context) == CLEAT_OK);
        EXPECT(cleat_close(client_context) == CLEAT_OK);
        EXPECT(cleat_handle_count() == 0);
        _exit(0);
    }
    for (status = 0; status < 20; status++) talk();
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    talk(); /* connections that the child has closed are open in the parent */
}

/* connect_to connects to the server with the client's context, as any program does, and checks that its bytes are
 * echoed. */
static void connect_to(int32_t port) {
    int32_t sock = cleat_socket_new(CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0);
    int32_t client;
    char got[6];
    EXPECT(cleat_socket_connect(sock, "127.0.0.1", 9, port, TIMEOUT) == CLEAT_OK);
    client = cleat_connection_over_socket(client_context, sock, 0, "localhost", 9);
    EXPECT(cleat_connection_handshake(client, TIMEOUT) == CLEAT_OK);
    EXPECT(cleat_connection_write(client, "echoed", 6, TIMEOUT) == 6);
    EXPECT(cleat_connection_read(client, got, 6, TIMEOUT) == 6 && memcmp(got, "echoed", 6) == 0);
    cleat_close(client);
    cleat_close(sock);
}

/* The server, in a third process. */
static void serve(int32_t listener, int count) {
    while (count-- > 0) {
        int32_t sock = cleat_socket_accept(listener, TIMEOUT);
        int32_t server = cleat_connection_over_socket(server_context, sock, 1, NULL, 0);
        char got[6];
        EXPECT(cleat_connection_handshake(server, TIMEOUT) == CLEAT_OK);
        EXPECT(cleat_connection_read(server, got, 6, TIMEOUT) == 6);
        EXPECT(cleat_connection_write(server, got, 6, TIMEOUT) == 6);
        cleat_close(server);
        cleat_close(sock);
    }
}

/* Both processes connect with the same context, made and used before the fork. */
static void test_connecting(void) {
    enum { EACH = 20 };
    int32_t listener = cleat_socket_new(CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0);
    int32_t port = 0;
    char host[64];
    int32_t unused = 0;
    pid_t server;
    pid_t child;
    int status = 0;
    int turn;
    EXPECT(cleat_socket_bind(listener, "127.0.0.1", 9, 0) == CLEAT_OK);
    EXPECT(cleat_socket_listen(listener, 64) == CLEAT_OK);
    EXPECT(cleat_socket_getsockname(listener, host, sizeof host, &port, &unused, &unused) > 0);
    server = fork();
    EXPECT(server >= 0);
    if (server == 0) {
        load_alarm(60);
        serve(listener, 1 + 2 * EACH);
        _exit(0);
    }
    connect_to(port);
    child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        load_alarm(60);
        for (turn = 0; turn < EACH; turn++) connect_to(port);
        _exit(0);
    }
    for (turn = 0; turn < EACH; turn++) connect_to(port);
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    EXPECT(waitpid(server, &status, 0) == server && status == 0);
    cleat_close(listener);
}

/* A connection that the parent has made continues in the child, also after the parent has closed it. */
static void test_connection(void) {
    int32_t first = 0;
    int32_t second = 0;
    int32_t server;
    int32_t client;
    int status = 0;
    char byte = 0;
    pid_t child;
    int turn;
    EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &first, &second) == CLEAT_OK);
    server = cleat_connection_over_socket(server_context, first, 1, NULL, 0);
    client = cleat_connection_over_socket(client_context, second, 0, "localhost", 9);
    for (turn = 0; turn < 4; turn++) {
        cleat_connection_handshake(client, 0);
        cleat_connection_handshake(server, 0);
    }
    EXPECT(cleat_connection_established(server) == 1);
    child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        load_alarm(30);
        cleat_close(client);
        cleat_close(second);
        EXPECT(cleat_connection_read(server, &byte, 1, TIMEOUT) == 1 && byte == '?');
        EXPECT(cleat_connection_write(server, "!", 1, TIMEOUT) == 1);
        _exit(0);
    }
    cleat_close(server);
    cleat_close(first);
    EXPECT(cleat_connection_write(client, "?", 1, TIMEOUT) == 1);
    EXPECT(cleat_connection_read(client, &byte, 1, TIMEOUT) == 1 && byte == '!');
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    cleat_close(client);
    cleat_close(second);
}

int main(void) {
    identity_contexts(&server_context, &client_context);
    test_random();
    test_contexts();
    test_connecting();
    test_connection();
    cleat_close(server_context);
    cleat_close(client_context);
    EXPECT(cleat_handle_count() == 0);
    puts("random, contexts, connecting, connection");
    return 0;
}
