/* test_transport.c: conditions that only C can create: a signal every 200 microseconds during every wait, writes that
 * are repeated with other lengths, and both ends at one byte at a time. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/time.h>

#include "expect.h"
#include "identity.h"
#include "load.h"

#define TIMEOUT 300.0

static int32_t server_context;
static int32_t client_context;

static void fill(char *block, int32_t len) {
    int32_t i;
    for (i = 0; i < len; i++) block[i] = (char)(i * 7 + i / 255);
}

static bool is_filled(const char *block, int32_t len) {
    int32_t i;
    for (i = 0; i < len; i++) {
        if (block[i] != (char)(i * 7 + i / 255)) return false;
    }
    return true;
}

/* Over memory, moving at most step bytes at a time. */
static void carry(int32_t from, int32_t to, int32_t step) {
    char bytes[4096];
    int32_t moved = cleat_connection_drain(from, bytes, step);
    EXPECT(moved >= 0);
    if (moved > 0) EXPECT(cleat_connection_feed(to, bytes, moved) == moved);
}

static void test_steps(int32_t step) {
    int32_t server = cleat_connection_over_memory(server_context, 1, NULL, 0);
    int32_t client = cleat_connection_over_memory(client_context, 0, "localhost", 9);
    char sent[20000];
    char got[20000];
    int32_t have = 0;
    bool done = false;
    fill(sent, sizeof sent);
    while (!done) {
        int32_t a = cleat_connection_handshake(client, 0);
        int32_t b = cleat_connection_handshake(server, 0);
        EXPECT(a == CLEAT_OK || CLEAT_CLASS(a) == CLEAT_WANT_READ);
        EXPECT(b == CLEAT_OK || CLEAT_CLASS(b) == CLEAT_WANT_READ);
        done = a == CLEAT_OK && b == CLEAT_OK;
        carry(client, server, step);
        carry(server, client, step);
    }
    EXPECT(cleat_connection_write(client, sent, sizeof sent, 0) == sizeof sent);
    while (have < (int32_t)sizeof got) {
        int32_t moved;
        carry(client, server, step);
        moved = cleat_connection_read(server, got + have, (int32_t)sizeof got - have, 0);
        EXPECT(moved > 0 || CLEAT_CLASS(moved) == CLEAT_WANT_READ);
        if (moved > 0) have += moved;
    }
    EXPECT(is_filled(got, have));
    EXPECT(cleat_close(server) == CLEAT_OK && cleat_close(client) == CLEAT_OK);
}

struct pair {
    int32_t sockets[2];
    int32_t server;
    int32_t client;
};

static void *shake_hands(void *argument) {
    EXPECT(cleat_connection_handshake(*(int32_t *)argument, TIMEOUT) == CLEAT_OK);
    return NULL;
}

static void open_pair(struct pair *pair) {
    pthread_t thread;
    EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &pair->sockets[0],
                             &pair->sockets[1]) == CLEAT_OK);
    EXPECT(cleat_socket_setsockopt(pair->sockets[1], CLEAT_SOL_SOCKET, CLEAT_SO_SNDBUF, 4096) ==
           CLEAT_OK);
    pair->server = cleat_connection_over_socket(server_context, pair->sockets[0], 1, NULL, 0);
    pair->client =
        cleat_connection_over_socket(client_context, pair->sockets[1], 0, "localhost", 9);
    EXPECT(pthread_create(&thread, NULL, shake_hands, &pair->server) == 0);
    EXPECT(cleat_connection_handshake(pair->client, TIMEOUT) == CLEAT_OK);
    pthread_join(thread, NULL);
}

static void close_pair(const struct pair *pair) {
    cleat_close(pair->client);
    cleat_close(pair->server);
    cleat_close(pair->sockets[0]);
    cleat_close(pair->sockets[1]);
}

enum { MUCH = 1000000 };

/* Each attempt passes another length, shorter ones too, and the bytes at another address. */
static void test_resumed_writes(void) {
    struct pair pair;
    char *sent = malloc(MUCH);
    char *got = malloc(MUCH);
    int32_t written = 0;
    int32_t have = 0;
    int32_t refused = 0;
    unsigned seed = 1;
    EXPECT(sent != NULL && got != NULL);
    fill(sent, MUCH);
    open_pair(&pair);
    while (have < MUCH || written < MUCH) {
        int32_t moved;
        if (written < MUCH) {
            int32_t len = (int32_t)((seed = seed * 1103515245 + 12345) >> 8) % 150000 + 1;
            char *copy;
            if (len > MUCH - written) len = MUCH - written;
            copy = malloc((size_t)len);
            EXPECT(copy != NULL);
            memcpy(copy, sent + written, (size_t)len);
            moved = cleat_connection_write(pair.client, copy, len, 0);
            free(copy);
            EXPECT(moved > 0 || CLEAT_CLASS(moved) == CLEAT_WANT_WRITE);
            if (moved > 0) written += moved;
            if (moved < 0) refused++;
        }
        if (have == MUCH) continue; /* the last bytes have arrived, but are not accepted yet */
        moved = cleat_connection_read(pair.server, got + have, MUCH - have, 0);
        EXPECT(moved > 0 || CLEAT_CLASS(moved) == CLEAT_WANT_READ);
        if (moved > 0) have += moved;
    }
    EXPECT(written == MUCH && refused > 0 && memcmp(sent, got, MUCH) == 0);
    close_pair(&pair);
    free(sent);
    free(got);
}

static void *send_much(void *argument) {
    char *sent = malloc(MUCH);
    EXPECT(sent != NULL);
    fill(sent, MUCH);
    EXPECT(cleat_connection_write(*(int32_t *)argument, sent, MUCH, TIMEOUT) == MUCH);
    free(sent);
    return NULL;
}

static atomic_int signals;

static void count_signal(int number) {
    int error = errno;
    (void)number;
    atomic_fetch_add(&signals, 1);
    errno = error;
}

static void storm(long microseconds) {
    struct itimerval timer = {{0, microseconds}, {0, microseconds}};
    EXPECT(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

/* No call fails or ends early because of a signal, and a timeout still ends on time. */
static void test_signals(void) {
    struct sigaction action = {.sa_handler = count_signal};
    struct pair pair;
    pthread_t thread;
    char *got = malloc(MUCH);
    char byte;
    int32_t have = 0;
    double before = 0;
    double after = 0;
    EXPECT(got != NULL && sigaction(SIGALRM, &action, NULL) == 0); /* without SA_RESTART */
    storm(200);
    open_pair(&pair);
    EXPECT(pthread_create(&thread, NULL, send_much, &pair.client) == 0);
    while (have < MUCH) {
        int32_t moved = cleat_connection_read(pair.server, got + have, MUCH - have, TIMEOUT);
        EXPECT(moved > 0);
        have += moved;
    }
    pthread_join(thread, NULL);
    EXPECT(is_filled(got, MUCH));

    EXPECT(cleat_monotonic(&before) == CLEAT_OK);
    EXPECT(CLEAT_CLASS(cleat_connection_read(pair.server, &byte, 1, 0.2)) == CLEAT_TIMEOUT);
    EXPECT(CLEAT_CLASS(cleat_socket_recv(pair.sockets[0], &byte, 1, 0, 0.1)) == CLEAT_TIMEOUT);
    EXPECT(cleat_poll(NULL, 0, NULL, 0, NULL, 0, 0.1) == 0);
    EXPECT(cleat_monotonic(&after) == CLEAT_OK);
    EXPECT(after - before >= 0.4 && after - before < load_bound(TIMEOUT));
    storm(0);
    EXPECT(atomic_load(&signals) > 100);
    close_pair(&pair);
    free(got);
}

int main(void) {
    identity_contexts(&server_context, &client_context);
    test_steps(1);
    test_steps(2);
    test_steps(511);
    test_steps(4096);
    test_resumed_writes();
    test_signals();
    cleat_close(server_context);
    cleat_close(client_context);
    EXPECT(cleat_handle_count() == 0);
    puts("steps, resumed writes, signals");
    return 0;
}
