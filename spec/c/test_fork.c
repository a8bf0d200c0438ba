/* test_fork.c: after fork() parent and child both go on.
 *
 * Rows of the contract: "RAND-06 SEC-09 random bytes differ after fork". */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "identity.h"

#define TIMEOUT 30.0

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
    EXPECT(cleat_random_bytes(ours, 16) == 16); /* the generator is in use before the fork */
    EXPECT(pipe(pipes) == 0);
    child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        alarm(30);
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
        alarm(30);
        for (turn = 0; turn < 20; turn++) talk();
        EXPECT(cleat_close(server_context) == CLEAT_OK);
        EXPECT(cleat_close(client_context) == CLEAT_OK);
        EXPECT(cleat_handle_count() == 0);
        _exit(0);
    }
    for (status = 0; status < 20; status++) talk();
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    talk(); /* what the child closed is still open here */
}

/* A connection that the parent has made goes on in the child, and the parent's closing it does not disturb that. */
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
        alarm(30);
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
    test_connection();
    cleat_close(server_context);
    cleat_close(client_context);
    EXPECT(cleat_handle_count() == 0);
    puts("random, contexts, connection");
    return 0;
}
