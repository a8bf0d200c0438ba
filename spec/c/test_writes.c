/* test_writes.c: the bytes of each write stay together, whatever other threads write at the same time, over each
 * transport; after a write that was short or failed only the same bytes are accepted; over memory writes stop at the
 * limit. */
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "ends.h"
#include "expect.h"
#include "identity.h"

static int32_t server_context;
static int32_t client_contexts[2]; /* TLS 1.2, 1.3 */

enum { THREADS = 6, LARGEST = 1024 * 1024 };

/* A writer's bytes: each message begins with a 0, its writer, its number and its length, and continues with bytes that
 * depend on these and are never 0; a shorter message consists of its writer's number alone. */
struct writer {
    const struct ends *ends;
    unsigned char number; /* from 1 */
    int32_t size;
    int messages;
};

enum { HEAD = 8 };

static void fill(unsigned char *message, const struct writer *writer, int number) {
    int32_t i;
    memset(message, writer->number, (size_t)writer->size);
    if (writer->size < HEAD) return;
    message[0] = 0;
    message[2] = (unsigned char)(number + 1);
    for (i = 0; i < 4; i++) message[3 + i] = (unsigned char)((unsigned)writer->size >> (8 * i));
    for (i = HEAD; i < writer->size; i++)
        message[i] = (unsigned char)(1 + (i * 7 + number + writer->number) % 255);
}

static void *write_messages(void *argument) {
    const struct writer *writer = argument;
    unsigned char *message = malloc((size_t)writer->size);
    int i;
    EXPECT(message != NULL);
    for (i = 0; i < writer->messages; i++) {
        fill(message, writer, i);
        EXPECT(ends_write(writer->ends, writer->ends->client, (const char *)message, writer->size,
                          ENDS_PATIENCE) == writer->size);
    }
    free(message);
    return NULL;
}

static void read_exactly(const struct ends *ends, unsigned char *bytes, int32_t len) {
    while (len > 0) {
        int32_t got = ends_read(ends, ends->server, (char *)bytes, len, ENDS_PATIENCE);
        EXPECT(got > 0);
        bytes += got;
        len -= got;
    }
}

/* Reads a message and checks that it is complete, and its writer's next. */
static void read_message(const struct ends *ends, const struct writer *writers, int *next,
                         unsigned char *got, unsigned char *wanted) {
    const struct writer *writer;
    read_exactly(ends, got, 1);
    if (got[0] == 0) read_exactly(ends, got + 1, HEAD - 1);
    EXPECT((got[0] == 0 ? got[1] : got[0]) >= 1 && (got[0] == 0 ? got[1] : got[0]) <= THREADS);
    writer = &writers[(got[0] == 0 ? got[1] : got[0]) - 1];
    if (writer->size > 1) {
        int32_t have = got[0] == 0 ? HEAD : 1;
        read_exactly(ends, got + have, writer->size - have);
    }
    fill(wanted, writer, next[writer->number - 1]++);
    EXPECT(memcmp(got, wanted, (size_t)writer->size) == 0);
}

static void test_together(enum ends_transport transport, int32_t client_context) {
    /* messages below HEAD bytes are not marked, so they are 1 byte */
    static const int32_t sizes[THREADS] = {1, 100, 16384, 16385, 200000, LARGEST};
    struct ends ends;
    struct writer writers[THREADS];
    pthread_t threads[THREADS];
    int next[THREADS] = {0};
    unsigned char *got = malloc(LARGEST);
    unsigned char *wanted = malloc(LARGEST);
    int total = 0;
    int i;
    EXPECT(got != NULL && wanted != NULL);
    ends_open(&ends, transport, server_context, client_context, "localhost");
    ends_shake(&ends);
    for (i = 0; i < THREADS; i++) {
        writers[i] =
            (struct writer){&ends, (unsigned char)(i + 1), sizes[i], sizes[i] > 100000 ? 3 : 60};
        total += writers[i].messages;
        EXPECT(pthread_create(&threads[i], NULL, write_messages, &writers[i]) == 0);
    }
    while (total-- > 0) read_message(&ends, writers, next, got, wanted);
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        EXPECT(next[i] == writers[i].messages);
    }
    ends_close(&ends);
    free(got);
    free(wanted);
}

static void expect_bad_retry(int32_t status) {
    char text[64];
    EXPECT(CLEAT_CLASS(status) == CLEAT_SSL);
    EXPECT(cleat_error_reason(text, sizeof text) == 15 && memcmp(text, "BAD_WRITE_RETRY", 15) == 0);
    EXPECT(cleat_error_library(text, sizeof text) == 3 && memcmp(text, "SSL", 3) == 0);
}

enum { MUCH = 4 * 1024 * 1024 };

/* Writes until the network accepts no more, and returns how many bytes were accepted. */
static int32_t fill_network(const struct ends *ends, const char *data, double timeout) {
    int32_t written = 0;
    for (;;) {
        int32_t moved =
            cleat_connection_write(ends->client, data + written, MUCH - written, timeout);
        if (moved < 0) {
            EXPECT(CLEAT_CLASS(moved) == (timeout == 0 ? CLEAT_WANT_WRITE : CLEAT_TIMEOUT));
            return written;
        }
        written += moved;
        EXPECT(written < MUCH);
    }
}

/* One write that did not finish; then others: of other bytes, fewer and more, and finally the right ones, in pieces. */
static void test_other_bytes(enum ends_transport transport, int32_t client_context,
                             double timeout) {
    struct ends ends;
    char *data = malloc(MUCH);
    char *got = malloc(MUCH);
    int32_t written;
    int32_t moved;
    int32_t have = 0;
    int32_t i;
    EXPECT(data != NULL && got != NULL);
    for (i = 0; i < MUCH; i++) data[i] = (char)(i * 7 + i / 255);
    ends_open(&ends, transport, server_context, client_context, "localhost");
    ends_shake(&ends);
    if (transport == ENDS_TCP) {
        EXPECT(cleat_socket_setsockopt(ends.sockets[0], CLEAT_SOL_SOCKET, CLEAT_SO_RCVBUF, 65536) ==
               CLEAT_OK);
        EXPECT(cleat_socket_setsockopt(ends.sockets[1], CLEAT_SOL_SOCKET, CLEAT_SO_SNDBUF, 65536) ==
               CLEAT_OK);
    }
    written = fill_network(&ends, data, timeout);
    data[written] ^= 1;
    expect_bad_retry(cleat_connection_write(ends.client, data + written, 1, timeout));
    expect_bad_retry(cleat_connection_write(ends.client, data + written, 10000, 0));
    expect_bad_retry(cleat_connection_write(ends.client, data + written, 200000, timeout));
    data[written] ^= 1;
    data[written + 5000] ^= 1;
    expect_bad_retry(cleat_connection_write(ends.client, data + written, 200000, 0));
    /* each of these writes may have sent encrypted bytes: TCP's buffers grow */
    moved = cleat_connection_write(ends.client, data + written, 5000, 0);
    EXPECT(moved == 5000 || CLEAT_CLASS(moved) == CLEAT_WANT_WRITE);
    data[written + 5000] ^= 1;
    if (moved > 0) written += moved;
    /* none of this has changed the connection: it continues with the right bytes, in any pieces */
    for (i = 0; written < MUCH || have < MUCH; i++) {
        int32_t len = i % 3 == 0 ? 1 + i : 50000;
        if (len > MUCH - written) len = MUCH - written;
        if (len > 0) {
            moved = cleat_connection_write(ends.client, data + written, len, 0);
            EXPECT(moved > 0 || CLEAT_CLASS(moved) == CLEAT_WANT_WRITE);
            if (moved > 0) written += moved;
        }
        if (have == MUCH) continue;
        moved = cleat_connection_read(ends.server, got + have, MUCH - have, 0);
        EXPECT(moved > 0 || CLEAT_CLASS(moved) == CLEAT_WANT_READ);
        if (moved > 0) have += moved;
    }
    EXPECT(memcmp(data, got, MUCH) == 0);
    /* after these any bytes are accepted */
    EXPECT(cleat_connection_write(ends.client, "other", 5, ENDS_PATIENCE) == 5);
    ends_close(&ends);
    free(data);
    free(got);
}

/* If the peer has closed, a write of other bytes returns EPIPE or ECONNRESET, and after shutdown CLEAT_CLOSED: that is
 * more precise. */
static void test_other_errors(int32_t client_context) {
    struct ends ends;
    char *data = calloc(1, MUCH);
    int32_t status;
    EXPECT(data != NULL);
    ends_open(&ends, ENDS_SOCKET, server_context, client_context, "localhost");
    ends_shake(&ends);
    fill_network(&ends, data, 0);
    EXPECT(cleat_close(ends.server) == CLEAT_OK && cleat_close(ends.sockets[0]) == CLEAT_OK);
    EXPECT(CLEAT_CLASS(cleat_connection_write(ends.client, "other", 5, ENDS_PATIENCE)) ==
           CLEAT_SYS);
    EXPECT(CLEAT_CLASS(cleat_connection_write(ends.client, "other", 5, ENDS_PATIENCE)) ==
           CLEAT_SYS);
    ends.sockets[0] = 0;
    ends_close(&ends);

    ends_open(&ends, ENDS_SOCKET, server_context, client_context, "localhost");
    ends_shake(&ends);
    fill_network(&ends, data, 0);
    status = cleat_connection_shutdown(ends.client, 0);
    EXPECT(CLEAT_CLASS(status) == CLEAT_WANT_WRITE);
    EXPECT(CLEAT_CLASS(cleat_connection_write(ends.client, "other", 5, 0)) == CLEAT_CLOSED);
    ends_close(&ends);
    free(data);
}

/* A write accepts all of its bytes or, once the limit is reached, none. */
static void test_limit(int32_t client_context) {
    enum { LIMIT = 100000, DEFAULT = 262144 };
    struct ends ends;
    char *data = calloc(1, MUCH);
    char byte;
    int32_t pending;
    EXPECT(data != NULL);
    ends_open(&ends, ENDS_MEMORY, server_context, client_context, "localhost");
    ends_shake(&ends);
    ends_pause(&ends);
    EXPECT(CLEAT_CLASS(cleat_connection_set_drain_limit(ends.client, -1)) == CLEAT_USAGE);
    EXPECT(cleat_connection_set_drain_limit(ends.client, LIMIT) == CLEAT_OK);
    EXPECT(cleat_connection_write(ends.client, data, LIMIT - 1000, 0) == LIMIT - 1000);
    EXPECT(cleat_connection_write(ends.client, data, MUCH, 0) == MUCH);
    pending = cleat_connection_drain_pending(ends.client);
    EXPECT(pending > MUCH + LIMIT - 1000);
    EXPECT(CLEAT_CLASS(cleat_connection_write(ends.client, data, 1, 0)) == CLEAT_WANT_WRITE);
    EXPECT(CLEAT_CLASS(cleat_connection_write(ends.client, data, 1, ENDS_PATIENCE)) ==
           CLEAT_WANT_WRITE); /* no waiting */
    EXPECT(cleat_connection_drain_pending(ends.client) == pending);
    EXPECT(CLEAT_CLASS(cleat_connection_read(ends.client, &byte, 1, 0)) == CLEAT_WANT_READ);
    EXPECT(cleat_connection_set_drain_limit(ends.client, INT32_MAX) == CLEAT_OK);
    EXPECT(cleat_connection_write(ends.client, data, 1, 0) == 1);
    EXPECT(cleat_connection_set_drain_limit(ends.client, 0) == CLEAT_OK);
    while (cleat_connection_drain_pending(ends.client) >= DEFAULT) {
        EXPECT(CLEAT_CLASS(cleat_connection_write(ends.client, data, 1, 0)) == CLEAT_WANT_WRITE);
        EXPECT(cleat_connection_drain(ends.client, data, 100000) == 100000);
    }
    EXPECT(cleat_connection_write(ends.client, data, 1, 0) == 1);
    /* close_notify is sent whatever the limit is */
    EXPECT(cleat_connection_set_drain_limit(ends.client, 1) == CLEAT_OK);
    EXPECT(CLEAT_CLASS(cleat_connection_shutdown(ends.client, 0)) == CLEAT_WANT_READ);
    ends_close(&ends);

    ends_open(&ends, ENDS_SOCKET, server_context, client_context, "localhost");
    EXPECT(CLEAT_CLASS(cleat_connection_set_drain_limit(ends.client, LIMIT)) == CLEAT_USAGE);
    ends_close(&ends);
    free(data);
}

int main(void) {
    int version;
    int transport;
    identity_contexts(&server_context, &client_contexts[1]);
    cleat_close(server_context);
    identity_contexts(&server_context, &client_contexts[0]);
    EXPECT(cleat_context_set_maximum_version(client_contexts[0], CLEAT_TLS1_2_VERSION) == CLEAT_OK);
    for (version = 0; version < 2; version++) {
        for (transport = 0; transport < ENDS_TRANSPORTS; transport++) {
            test_together((enum ends_transport)transport, client_contexts[version]);
        }
        test_other_bytes(ENDS_SOCKET, client_contexts[version], 0);
        test_other_bytes(ENDS_TCP, client_contexts[version], 0.05);
        test_other_bytes(ENDS_FD, client_contexts[version], 0);
        test_other_errors(client_contexts[version]);
        test_limit(client_contexts[version]);
        cleat_close(client_contexts[version]);
    }
    cleat_close(server_context);
    EXPECT(cleat_handle_count() == 0);
    puts("the bytes of a write stay together, other bytes are refused, memory has a limit");
    return 0;
}
