/* test_threads.c: one thread reads from a connection while another one writes to it; closing an id wakes the calls that
 * wait on it; one thread reads a context's settings while another one changes them. */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "cleat/verify.h"
#include "expect.h"
#include "identity.h"
#include "tls/connection.h"

#define TIMEOUT 300.0
#define SYSTEM(number) (-((CLEAT_SYS << 16) | (number)))
enum { TOTAL = 4 * 1024 * 1024 };

struct end {
    int32_t id;
    unsigned char salt;
};

static unsigned char byte_at(int64_t position, unsigned char salt) {
    return (unsigned char)((position * 31 + position / 251) ^ salt);
}

static void *write_side(void *argument) {
    const struct end *end = argument;
    static const int32_t sizes[] = {1, 100, 16384, 16385, 65536, 200000};
    char *block = malloc(200000);
    int64_t written = 0;
    int turn = 0;
    EXPECT(block != NULL);
    while (written < TOTAL) {
        int32_t size = sizes[turn++ % 6];
        int32_t moved;
        int32_t i;
        if (size > TOTAL - written) size = (int32_t)(TOTAL - written);
        for (i = 0; i < size; i++) block[i] = (char)byte_at(written + i, end->salt);
        moved = cleat_connection_write(end->id, block, size, TIMEOUT);
        EXPECT(moved == size);
        written += moved;
    }
    free(block);
    return NULL;
}

static void *read_side(void *argument) {
    const struct end *end = argument;
    char *block = malloc(50000);
    int64_t got = 0;
    EXPECT(block != NULL);
    while (got < TOTAL) {
        int32_t moved = cleat_connection_read(end->id, block, 50000, TIMEOUT);
        int32_t i;
        EXPECT(moved > 0);
        for (i = 0; i < moved; i++) {
            EXPECT((unsigned char)block[i] == byte_at(got + i, end->salt));
        }
        got += moved;
    }
    EXPECT(got == TOTAL);
    free(block);
    return NULL;
}

struct pair {
    int32_t sockets[2];
    int32_t client;
    int32_t server;
};

static void *shake_hands(void *argument) {
    EXPECT(cleat_connection_handshake(*(int32_t *)argument, TIMEOUT) == CLEAT_OK);
    return NULL;
}

static void open_pair(struct pair *pair, int32_t server_context, int32_t client_context) {
    pthread_t thread;
    EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &pair->sockets[0],
                             &pair->sockets[1]) == CLEAT_OK);
    pair->server = cleat_connection_over_socket(server_context, pair->sockets[0], 1, NULL, 0);
    pair->client =
        cleat_connection_over_socket(client_context, pair->sockets[1], 0, "localhost", 9);
    EXPECT(pair->server > 0 && pair->client > 0);
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

/* Four threads: both ends write and read megabytes at the same time. */
static void test_both_ways(int32_t server_context, int32_t client_context) {
    struct pair pair;
    struct end ends[4];
    pthread_t threads[4];
    int i;
    open_pair(&pair, server_context, client_context);
    ends[0] = (struct end){pair.client, 0x55};
    ends[1] = (struct end){pair.server, 0xaa};
    ends[2] = (struct end){pair.client, 0xaa};
    ends[3] = (struct end){pair.server, 0x55};
    for (i = 0; i < 4; i++) {
        EXPECT(pthread_create(&threads[i], NULL, i < 2 ? write_side : read_side, &ends[i]) == 0);
    }
    for (i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    close_pair(&pair);
}

struct wait {
    int32_t id;
    int32_t (*call)(int32_t id);
    int32_t result;
};

static int32_t call_read(int32_t id) {
    char byte;
    return cleat_connection_read(id, &byte, 1, TIMEOUT);
}

static int32_t call_read_without_limit(int32_t id) {
    char byte;
    return cleat_connection_read(id, &byte, 1, -1);
}

static int32_t call_recv_without_limit(int32_t id) {
    char byte;
    return cleat_socket_recv(id, &byte, 1, 0, -1);
}

static int32_t call_accept(int32_t id) {
    return cleat_socket_accept(id, TIMEOUT);
}

static void *wait_in(void *argument) {
    struct wait *wait = argument;
    wait->result = wait->call(wait->id);
    return NULL;
}

/* The close may happen before, while or after the thread begins to wait: a little work varies it. */
static void expect_woken(int32_t id, int32_t (*call)(int32_t id), int turn) {
    struct wait wait = {id, call, 0};
    pthread_t thread;
    volatile int work = 0;
    EXPECT(pthread_create(&thread, NULL, wait_in, &wait) == 0);
    while (work < turn * 20000) work = work + 1;
    EXPECT(cleat_close(id) == CLEAT_OK);
    pthread_join(thread, NULL);
    /* If the close was first, the id was not found at all. */
    EXPECT(CLEAT_CLASS(wait.result) == CLEAT_CLOSED || CLEAT_CLASS(wait.result) == CLEAT_HANDLE);
}

static void test_close_wakes(int32_t server_context, int32_t client_context) {
    int turn;
    for (turn = 0; turn < 40; turn++) {
        struct pair pair;
        int32_t listener;
        open_pair(&pair, server_context, client_context);
        expect_woken(pair.client, turn % 2 == 0 ? call_read : call_read_without_limit, turn);
        close_pair(&pair);

        EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &pair.sockets[0],
                                 &pair.sockets[1]) == CLEAT_OK);
        expect_woken(pair.sockets[0], call_recv_without_limit, turn);
        cleat_close(pair.sockets[1]);

        listener = cleat_socket_new(CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0);
        EXPECT(cleat_socket_bind(listener, "127.0.0.1", 9, 0) == CLEAT_OK);
        EXPECT(cleat_socket_listen(listener, 1) == CLEAT_OK);
        expect_woken(listener, call_accept, turn);
    }
}

/* A stream that continues until the connection is closed. */
struct stream {
    int32_t id;
    int32_t (*step)(int32_t id, char *bytes, int32_t len);
    int32_t steps;
    int32_t result; /* of the last step */
};

static int32_t step_read(int32_t id, char *bytes, int32_t len) {
    return cleat_connection_read(id, bytes, len, TIMEOUT);
}

static int32_t step_write(int32_t id, char *bytes, int32_t len) {
    return cleat_connection_write(id, bytes, len, TIMEOUT);
}

static void *run_stream(void *argument) {
    struct stream *stream = argument;
    char bytes[20000] = {0};
    do {
        stream->result = stream->step(stream->id, bytes, sizeof bytes);
        stream->steps++;
    } while (stream->result > 0);
    return NULL;
}

/* One thread reads, one writes, and this one closes the connection during their calls: both calls report that it was
 * closed, and the peer reports the end. */
static void test_close_in_use(int32_t server_context, int32_t client_context) {
    int turn;
    int32_t steps = 0;
    for (turn = 0; turn < 60; turn++) {
        struct pair pair;
        struct stream streams[4];
        pthread_t threads[4];
        volatile int work = 0;
        int i;
        open_pair(&pair, server_context, client_context);
        streams[0] = (struct stream){pair.client, step_read, 0, 0};
        streams[1] = (struct stream){pair.client, step_write, 0, 0};
        streams[2] = (struct stream){pair.server, step_read, 0, 0};
        streams[3] = (struct stream){pair.server, step_write, 0, 0};
        for (i = 0; i < 4; i++) {
            EXPECT(pthread_create(&threads[i], NULL, run_stream, &streams[i]) == 0);
        }
        while (work < turn * 50000) work = work + 1;
        EXPECT(cleat_close(pair.client) == CLEAT_OK);
        pthread_join(threads[0], NULL);
        pthread_join(threads[1], NULL);
        for (i = 0; i < 2; i++) {
            int32_t class = CLEAT_CLASS(streams[i].result);
            EXPECT(class == CLEAT_CLOSED || class == CLEAT_HANDLE);
            steps += streams[i].steps;
        }
        EXPECT(cleat_close(pair.sockets[1]) == CLEAT_OK);
        pthread_join(threads[2], NULL);
        pthread_join(threads[3], NULL);
        EXPECT(CLEAT_CLASS(streams[2].result) == CLEAT_EOF ||
               streams[2].result == SYSTEM(CLEAT_ECONNRESET));
        EXPECT(streams[3].result == SYSTEM(CLEAT_EPIPE) ||
               streams[3].result == SYSTEM(CLEAT_ECONNRESET));
        cleat_close(pair.server);
        cleat_close(pair.sockets[0]);
    }
    EXPECT(steps > 60); /* some were closed while data moved */
}

static bool reader_waits(const struct cleat_connection *connection) {
    return connection->turns.first != NULL;
}

static bool reads(const struct cleat_connection *connection) {
    return (connection->turns.held & CLEAT_TURN_READ) != 0;
}

/* Waits until a connection is in a state. */
static void wait_until(int32_t id, bool (*is)(const struct cleat_connection *connection)) {
    const struct timespec moment = {0, 1000000};
    bool reached = false;
    while (!reached) {
        struct cleat_object *object;
        struct cleat_connection *connection;
        EXPECT(cleat_handle_find(id, CLEAT_KIND_CONNECTION, &object) >= 0);
        connection = (struct cleat_connection *)object;
        pthread_mutex_lock(&connection->lock);
        reached = is(connection);
        pthread_mutex_unlock(&connection->lock);
        cleat_handle_done(object);
        if (!reached) nanosleep(&moment, NULL);
    }
}

static int32_t call_shutdown(int32_t id) {
    return cleat_connection_shutdown(id, TIMEOUT);
}

static int32_t call_read_four(int32_t id) {
    char bytes[8];
    int32_t got = cleat_connection_read(id, bytes, sizeof bytes, TIMEOUT);
    EXPECT(got != 4 || memcmp(bytes, "data", 4) == 0);
    return got;
}

/* One thread waits for the peer's close_notify when another begins to read: the reader gets the data that the peer
 * sends before that. Without a reader that data is an error. */
static void test_shutdown(int32_t server_context, int32_t client_context, bool with_reader) {
    struct pair pair;
    struct wait closing = {0, call_shutdown, 0};
    struct wait reading = {0, call_read_four, 0};
    pthread_t threads[2];
    open_pair(&pair, server_context, client_context);
    closing.id = reading.id = pair.client;
    EXPECT(pthread_create(&threads[0], NULL, wait_in, &closing) == 0);
    wait_until(pair.client, reads);
    if (with_reader) {
        EXPECT(pthread_create(&threads[1], NULL, wait_in, &reading) == 0);
        wait_until(pair.client, reader_waits);
    }
    EXPECT(cleat_connection_write(pair.server, "data", 4, TIMEOUT) == 4);
    if (with_reader) {
        pthread_join(threads[1], NULL);
        EXPECT(reading.result == 4);
        EXPECT(cleat_connection_shutdown(pair.server, 0) == CLEAT_OK);
    }
    pthread_join(threads[0], NULL);
    EXPECT(with_reader ? closing.result == CLEAT_OK : CLEAT_CLASS(closing.result) == CLEAT_SSL);
    close_pair(&pair);
}

static void *read_settings(void *argument) {
    int32_t id = *(const int32_t *)argument;
    while (cleat_context_protocol(id) >= 0) {
        (void)cleat_context_options(id);
        (void)cleat_context_verify_depth(id);
        (void)cleat_context_check_hostname(id);
    }
    return NULL;
}

/* One thread reads the settings of a context while another sets them, and closes the context. The thread sanitizer
 * reports a getter that reads after it has unlocked the context, or after it has released it. */
static void test_settings(void) {
    pthread_t thread;
    int32_t id = cleat_context_new(CLEAT_PROTOCOL_TLS);
    int i;
    EXPECT(id > 0);
    EXPECT(pthread_create(&thread, NULL, read_settings, &id) == 0);
    for (i = 0; i < 1000; i++) {
        EXPECT(cleat_context_set_options(id, i) == CLEAT_OK);
        EXPECT(cleat_context_set_verify_depth(id, i % 100) == CLEAT_OK);
        EXPECT(cleat_context_set_verify_mode(id, CLEAT_CERT_REQUIRED) == CLEAT_OK);
        EXPECT(cleat_context_set_check_hostname(id, i % 2) == CLEAT_OK);
    }
    cleat_close(id);
    pthread_join(thread, NULL);
}

int main(void) {
    int32_t server_context;
    int32_t client_context;
    identity_contexts(&server_context, &client_context);
    test_both_ways(server_context, client_context);
    test_close_wakes(server_context, client_context);
    test_close_in_use(server_context, client_context);
    test_shutdown(server_context, client_context, true);
    test_shutdown(server_context, client_context, false);
    test_settings();
    cleat_close(server_context);
    cleat_close(client_context);
    EXPECT(cleat_handle_count() == 0);
    puts("both ways at once, close wakes, close in use, settings");
    return 0;
}
