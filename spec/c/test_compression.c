/* test_compression.c: servers that send malformed compressed certificates to a client that accepts compressed ones, and
 * threads that compress at the same time. */
#include "ca.h"
#include "expect.h"
#include "raw.h"

#if CLEAT_HAS_ZLIB

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { ROOM = 12000, BOMB = 10 * 1024 * 1024 };

/* Compresses a message in one call, and returns the length. */
static size_t zip(uint8_t *out, const uint8_t *in, size_t len) {
    uLongf out_len = ROOM;
    EXPECT(compress2(out, &out_len, in, (uLong)len, 9) == Z_OK);
    return out_len;
}

/* The faults. Each function gets the message, and returns the one to send instead. */

static int rightly(SSL *ssl, CBB *out, const uint8_t *in, size_t len) {
    uint8_t bytes[ROOM];
    (void)ssl;
    return CBB_add_bytes(out, bytes, zip(bytes, in, len));
}

static int stored(SSL *ssl, CBB *out, const uint8_t *in, size_t len) {
    uint8_t bytes[ROOM];
    uLongf out_len = ROOM;
    (void)ssl;
    EXPECT(compress2(bytes, &out_len, in, (uLong)len, 0) == Z_OK);
    return CBB_add_bytes(out, bytes, out_len);
}

static int bomb(SSL *ssl, CBB *out, const uint8_t *in, size_t len) {
    uint8_t bytes[ROOM];
    uint8_t *zeros = calloc(1, BOMB);
    int added;
    (void)ssl;
    EXPECT(zeros != NULL);
    memcpy(zeros, in, len);
    added = CBB_add_bytes(out, bytes, zip(bytes, zeros, BOMB));
    free(zeros);
    return added;
}

static int longer(SSL *ssl, CBB *out, const uint8_t *in, size_t len) {
    uint8_t bytes[ROOM];
    uint8_t message[ROOM] = {0};
    (void)ssl;
    memcpy(message, in, len);
    return CBB_add_bytes(out, bytes, zip(bytes, message, len + 1));
}

static int shorter(SSL *ssl, CBB *out, const uint8_t *in, size_t len) {
    uint8_t bytes[ROOM];
    (void)ssl;
    return CBB_add_bytes(out, bytes, zip(bytes, in, len - 1));
}

static int cut(SSL *ssl, CBB *out, const uint8_t *in, size_t len) {
    uint8_t bytes[ROOM];
    (void)ssl;
    return CBB_add_bytes(out, bytes, zip(bytes, in, len) - 1);
}

static int with_more_behind(SSL *ssl, CBB *out, const uint8_t *in, size_t len) {
    return rightly(ssl, out, in, len) == 1 && CBB_add_u8(out, 0) == 1;
}

static int with_a_wrong_sum(SSL *ssl, CBB *out, const uint8_t *in, size_t len) {
    uint8_t bytes[ROOM];
    size_t count = zip(bytes, in, len);
    (void)ssl;
    bytes[count - 1] ^= 1;
    return CBB_add_bytes(out, bytes, count);
}

static int of_no_format(SSL *ssl, CBB *out, const uint8_t *in, size_t len) {
    (void)ssl;
    return CBB_add_bytes(out, in, len);
}

static int with_a_dictionary(SSL *ssl, CBB *out, const uint8_t *in, size_t len) {
    uint8_t bytes[ROOM];
    uint8_t message[ROOM];
    z_stream stream = {
        .next_in = message, .avail_in = (uInt)len, .next_out = bytes, .avail_out = ROOM};
    (void)ssl;
    memcpy(message, in, len);
    EXPECT(deflateInit(&stream, 9) == Z_OK);
    EXPECT(deflateSetDictionary(&stream, message, (uInt)len) == Z_OK);
    EXPECT(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    EXPECT(deflateEnd(&stream) == Z_OK);
    return CBB_add_bytes(out, bytes, ROOM - stream.avail_out);
}

static const struct {
    const char *name;
    ssl_cert_compression_func_t compress;
    bool good;
} kinds[] = {
    {"plain", NULL, true},
    {"compressed", rightly, true},
    {"stored", stored, true},
    {"a bomb", bomb, false},
    {"longer", longer, false},
    {"shorter", shorter, false},
    {"cut", cut, false},
    {"with trailing bytes", with_more_behind, false},
    {"with a wrong checksum", with_a_wrong_sum, false},
    {"in no known format", of_no_format, false},
    {"with a dictionary", with_a_dictionary, false},
};

static void try_kind(size_t kind, const struct ca_certificate *root,
                     const struct ca_certificate *leaf) {
    uint8_t *der = NULL;
    int len = i2d_X509(leaf->x509, &der);
    struct raw_peer peer = {
        .server = true, .certificate = der, .len = (size_t)len, .key = leaf->key};
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    int32_t connection;
    int32_t status;
    int error;
    peer.compress = kinds[kind].compress;
    EXPECT(cleat_context_set_certificate_compression(context, 1) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_mode(context, CLEAT_CERT_REQUIRED) == CLEAT_OK);
    ca_trust(context, root);
    connection = cleat_connection_over_memory(context, 0, "localhost", 9);
    status = raw_meet(connection, &peer, &error);
    if (kinds[kind].good) {
        EXPECT(status == CLEAT_OK && error == 0);
    } else {
        char reason[64] = "";
        EXPECT(CLEAT_CLASS(status) == CLEAT_SSL);
        EXPECT(cleat_error_reason(reason, sizeof reason - 1) > 0);
        if (strcmp(reason, "CERT_DECOMPRESSION_FAILED") != 0) {
            fprintf(stderr, "%s: %s\n", kinds[kind].name, reason);
            exit(1);
        }
    }
    EXPECT(cleat_close(connection) == CLEAT_OK && cleat_close(context) == CLEAT_OK);
    OPENSSL_free(der);
}

/* Threads do handshakes at the same time, with one server's context: they share the compressed certificate. */

struct shared {
    int32_t client;
    int32_t server;
};

static void *shake_hands(void *argument) {
    const struct shared *shared = argument;
    int turn;
    for (turn = 0; turn < 20; turn++) {
        static const int32_t want = -(CLEAT_WANT_READ << 16);
        int32_t client = cleat_connection_over_memory(shared->client, 0, "localhost", 9);
        int32_t server = cleat_connection_over_memory(shared->server, 1, NULL, 0);
        int32_t states[2] = {want, want};
        int step;
        for (step = 0; step < 4; step++) {
            char bytes[16384];
            int32_t len;
            if (states[0] == want) states[0] = cleat_connection_handshake(client, 0);
            len = cleat_connection_drain(client, bytes, sizeof bytes);
            EXPECT(cleat_connection_feed(server, bytes, len) == len);
            if (states[1] == want) states[1] = cleat_connection_handshake(server, 0);
            len = cleat_connection_drain(server, bytes, sizeof bytes);
            EXPECT(cleat_connection_feed(client, bytes, len) == len);
        }
        EXPECT(states[0] == CLEAT_OK && states[1] == CLEAT_OK);
        EXPECT(cleat_close(client) == CLEAT_OK && cleat_close(server) == CLEAT_OK);
    }
    return NULL;
}

static void test_threads(const struct ca_certificate *root, const struct ca_certificate *leaf) {
    struct shared shared = {cleat_context_new(CLEAT_PROTOCOL_TLS),
                            cleat_context_new(CLEAT_PROTOCOL_TLS)};
    pthread_t threads[4];
    size_t i;
    EXPECT(cleat_context_set_certificate_compression(shared.client, 1) == CLEAT_OK);
    EXPECT(cleat_context_set_certificate_compression(shared.server, 1) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_mode(shared.client, CLEAT_CERT_REQUIRED) == CLEAT_OK);
    ca_trust(shared.client, root);
    ca_load(shared.server, leaf);
    for (i = 0; i < 4; i++) EXPECT(pthread_create(&threads[i], NULL, shake_hands, &shared) == 0);
    for (i = 0; i < 4; i++) EXPECT(pthread_join(threads[i], NULL) == 0);
    EXPECT(cleat_close(shared.client) == CLEAT_OK && cleat_close(shared.server) == CLEAT_OK);
}

int main(void) {
    const struct ca_request ca = {
        .name = "root", .serial = 1, .begins = -10, .ends = 100000, .is_ca = true};
    const struct ca_request host = {
        .name = "localhost", .serial = 2, .begins = -10, .ends = 100000};
    struct ca_certificate root = ca_issue(&ca, NULL);
    struct ca_certificate leaf = ca_issue(&host, &root);
    size_t kind;
    for (kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) try_kind(kind, &root, &leaf);
    test_threads(&root, &leaf);
    ca_free(&leaf);
    ca_free(&root);
    EXPECT(cleat_handle_count() == 0);
    puts("malformed compressed certificates are refused");
    return 0;
}

#else

int main(void) {
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(cleat_has_certificate_compression() == 0);
    EXPECT(cleat_context_set_certificate_compression(context, 1) == -(CLEAT_UNSUPPORTED << 16));
    EXPECT(cleat_close(context) == CLEAT_OK);
    return 0;
}

#endif
