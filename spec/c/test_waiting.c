/* test_waiting.c: reads without a timeout, which wait in the kernel: two readers of one connection get each byte once,
 * while a thread writes; a non-blocking descriptor; bytes after close_notify stay in the socket. And a descriptor is
 * readable after a handshake if data has arrived with it. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "expect.h"
#include "identity.h"

enum { NUMBERS = 20000, READERS = 2 };

struct pair {
    int fds[2];
    int32_t client;
    int32_t server;
};

static void *shake_hands(void *argument) {
    EXPECT(cleat_connection_handshake(*(int32_t *)argument, -1) == CLEAT_OK);
    return NULL;
}

static void open_pair(struct pair *pair, int32_t server_context, int32_t client_context,
                      int flags) {
    pthread_t thread;
    EXPECT(socketpair(AF_UNIX, SOCK_STREAM | flags, 0, pair->fds) == 0);
    pair->server = cleat_connection_over_fd(server_context, pair->fds[0], 1, NULL, 0);
    pair->client = cleat_connection_over_fd(client_context, pair->fds[1], 0, "localhost", 9);
    EXPECT(pair->server > 0 && pair->client > 0);
    EXPECT(pthread_create(&thread, NULL, shake_hands, &pair->server) == 0);
    EXPECT(cleat_connection_handshake(pair->client, -1) == CLEAT_OK);
    pthread_join(thread, NULL);
}

static void close_pair(const struct pair *pair) {
    cleat_close(pair->client);
    cleat_close(pair->server);
    close(pair->fds[0]);
    close(pair->fds[1]);
}

/* Each record is a number, and each is returned to one of the readers. A 0 tells one to stop. */
struct reader {
    int32_t id;
    int32_t got;
    int64_t sum;
};

static void *read_numbers(void *argument) {
    struct reader *reader = argument;
    int32_t number;
    for (;;) {
        int32_t moved = cleat_connection_read(reader->id, (char *)&number, sizeof number, -1);
        EXPECT(moved == sizeof number);
        if (number == 0) return NULL;
        reader->got++;
        reader->sum += number;
    }
}

static void *write_numbers(void *argument) {
    int32_t id = *(int32_t *)argument;
    int32_t turn;
    for (turn = 1; turn <= NUMBERS + READERS; turn++) {
        int32_t number = turn <= NUMBERS ? turn : 0;
        EXPECT(cleat_connection_write(id, (const char *)&number, sizeof number, -1) ==
               sizeof number);
    }
    return NULL;
}

static void test_two_readers(int32_t server_context, int32_t client_context, int flags) {
    struct pair pair;
    struct reader readers[READERS];
    struct reader answers;
    pthread_t threads[READERS];
    pthread_t writer;
    pthread_t back;
    int32_t got = 0;
    int64_t sum = 0;
    int i;
    open_pair(&pair, server_context, client_context, flags);
    for (i = 0; i < READERS; i++) {
        readers[i] = (struct reader){pair.client, 0, 0};
        EXPECT(pthread_create(&threads[i], NULL, read_numbers, &readers[i]) == 0);
    }
    answers = (struct reader){pair.server, 0, 0};
    EXPECT(pthread_create(&back, NULL, read_numbers, &answers) == 0);
    EXPECT(pthread_create(&writer, NULL, write_numbers, &pair.client) == 0);
    write_numbers(&pair.server);
    pthread_join(writer, NULL);
    for (i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
        got += readers[i].got;
        sum += readers[i].sum;
    }
    pthread_join(back, NULL);
    EXPECT(got == NUMBERS);
    EXPECT(sum == (int64_t)NUMBERS * (NUMBERS + 1) / 2);
    EXPECT(answers.got == NUMBERS && answers.sum == sum);
    close_pair(&pair);
}

static void test_nothing_read_ahead(int32_t server_context, int32_t client_context) {
    struct pair pair;
    char bytes[16] = {0};
    open_pair(&pair, server_context, client_context, 0);
    EXPECT(cleat_connection_write(pair.server, "last", 4, -1) == 4);
    EXPECT(CLEAT_CLASS(cleat_connection_shutdown(pair.server, 0)) == CLEAT_WANT_READ);
    EXPECT(send(pair.fds[0], "plain", 5, 0) == 5);
    EXPECT(cleat_connection_read(pair.client, bytes, sizeof bytes, -1) == 4);
    EXPECT(memcmp(bytes, "last", 4) == 0);
    EXPECT(cleat_connection_read(pair.client, bytes, sizeof bytes, -1) == 0);
    EXPECT(cleat_connection_fed_pending(pair.client) <= 0);
    EXPECT(recv(pair.fds[1], bytes, sizeof bytes, MSG_DONTWAIT) == 5);
    EXPECT(memcmp(bytes, "plain", 5) == 0);
    close_pair(&pair);
}

/* Handshakes over the same contexts in turn, by version, group, and whether they resume a session. */
struct way {
    int32_t version;
    const char *group;
    bool resumes;
    int blocks_from; /* this turn and later ones have no timeout, and their bytes have arrived */
};

static int32_t timeout_of(const struct way *way, int turn) {
    return turn < way->blocks_from ? 0 : -1;
}

/* Each end writes a byte as soon as its handshake is done, so that the other one may receive it with the last bytes of
 * its own handshake. It must not be read ahead, or programs that wait for the descriptor would not be woken. */
static void open_readable(const int32_t contexts[2], const struct way *way, bool resumes,
                          bool blocks) {
    bool done[2] = {false, false};
    int32_t ids[2];
    int fds[2];
    int turn;
    int end;
    EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    ids[0] = cleat_connection_over_fd(contexts[0], fds[0], 0, "localhost", 9);
    ids[1] = cleat_connection_over_fd(contexts[1], fds[1], 1, NULL, 0);
    for (turn = 0; turn < 20 && !(done[0] && done[1]); turn++) {
        end = turn % 2;
        if (done[end]) continue;
        done[end] =
            cleat_connection_handshake(ids[end], blocks ? timeout_of(way, turn) : 0) == CLEAT_OK;
        if (done[end]) EXPECT(cleat_connection_write(ids[end], "x", 1, 0) == 1);
    }
    EXPECT(done[0] && done[1]);
    EXPECT(cleat_connection_session_reused(ids[0]) == (resumes ? 1 : 0));
    for (end = 0; end < 2; end++) {
        struct pollfd event = {fds[end], POLLIN, 0};
        char byte = 0;
        EXPECT(poll(&event, 1, 0) == 1);
        EXPECT(cleat_connection_read(ids[end], &byte, 1, 0) == 1 && byte == 'x');
        event.revents = 0;
        EXPECT(poll(&event, 1, 0) == 0);
    }
    cleat_close(ids[0]);
    cleat_close(ids[1]);
    close(fds[0]);
    close(fds[1]);
}

static void test_stays_readable(int32_t server_context, int32_t client_context) {
    static const struct way ways[] = {
        {CLEAT_TLS1_2_VERSION, "X25519", false, 3}, {CLEAT_TLS1_2_VERSION, "prime256v1", false, 3},
        {CLEAT_TLS1_3_VERSION, "X25519", false, 2}, {CLEAT_TLS1_3_VERSION, "secp384r1", false, 4},
        {CLEAT_TLS1_2_VERSION, "X25519", true, 2},  {CLEAT_TLS1_3_VERSION, "X25519", true, 2},
    };
    static const char *const ciphers[] = {"ECDHE+CHACHA20", "ECDHE+AESGCM", "ECDHE+AES"};
    const int32_t contexts[2] = {client_context, server_context};
    size_t i;
    for (i = 0; i < sizeof ways / sizeof ways[0] * 6; i++) {
        const struct way *way = &ways[i / 6];
        const char *suites = ciphers[i % 3];
        EXPECT(cleat_context_set_maximum_version(client_context, way->version) == CLEAT_OK);
        EXPECT(cleat_context_set_ciphers(client_context, suites, (int32_t)strlen(suites)) >= 0);
        EXPECT(cleat_context_set_ecdh_curve(server_context, way->group,
                                            (int32_t)strlen(way->group)) == CLEAT_OK);
        EXPECT(cleat_context_set_client_sessions(client_context, way->resumes ? 4 : 0) == CLEAT_OK);
        open_readable(contexts, way, false, !way->resumes && i % 6 >= 3);
        if (way->resumes) open_readable(contexts, way, true, i % 6 >= 3);
    }
}

int main(void) {
    int32_t server_context;
    int32_t client_context;
    identity_contexts(&server_context, &client_context);
    test_two_readers(server_context, client_context, 0);
    test_two_readers(server_context, client_context, SOCK_NONBLOCK);
    test_nothing_read_ahead(server_context, client_context);
    test_stays_readable(server_context, client_context);
    cleat_close(server_context);
    cleat_close(client_context);
    EXPECT(cleat_handle_count() == 0);
    puts("two readers, a descriptor that does not block, nothing read ahead, readable after a "
         "handshake");
    return 0;
}
