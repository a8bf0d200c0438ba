/* test_early_data.c: early data of TLS 1.3: accepted, refused in each way, replayed by an attacker. It is not sent to a
 * peer that was not verified, and it is never mixed with other data. */
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "ends.h"
#include "expect.h"
#include "identity.h"
#include "tls/connection.h"

enum { LIMIT = CLEAT_EARLY_DATA_LIMIT, NONE = CLEAT_EARLY_DATA_NONE, OPEN = CLEAT_EARLY_DATA_OPEN };
enum { ACCEPTED = CLEAT_EARLY_DATA_ACCEPTED, REFUSED = CLEAT_EARLY_DATA_REFUSED };

static int32_t client_context;
static int32_t server_context;
static int32_t client;
static int32_t server;
static char large[LIMIT + 4000];
static char got[sizeof large];

static void open_contexts(void) {
    identity_contexts(&server_context, &client_context);
    EXPECT(cleat_context_early_data(server_context) == 0);
    EXPECT(cleat_context_set_early_data(server_context, LIMIT) == CLEAT_OK);
    EXPECT(cleat_context_early_data(server_context) == LIMIT);
}

static void close_contexts(void) {
    EXPECT(cleat_close(server_context) == CLEAT_OK && cleat_close(client_context) == CLEAT_OK);
}

static void open_pair(void) {
    client = cleat_connection_over_memory(client_context, 0, "localhost", 9);
    server = cleat_connection_over_memory(server_context, 1, NULL, 0);
    EXPECT(client > 0 && server > 0);
}

static void close_pair(void) {
    EXPECT(cleat_close(client) == CLEAT_OK && cleat_close(server) == CLEAT_OK);
}

/* Returns how many bytes went from one end to the other. */
static int32_t carry(int32_t from, int32_t to) {
    static char bytes[65536];
    int32_t moved = cleat_connection_drain(from, bytes, sizeof bytes);
    EXPECT(moved >= 0 && cleat_connection_feed(to, bytes, moved) == moved);
    return moved;
}

/* Both handshakes, as far as they succeed. */
static void shake(int32_t *one, int32_t *other) {
    int turn;
    for (turn = 0; turn < 6; turn++) {
        *one = cleat_connection_handshake(client, 0);
        carry(client, server);
        *other = cleat_connection_handshake(server, 0);
        carry(server, client);
    }
}

static void finish(void) {
    int32_t one;
    int32_t other;
    shake(&one, &other);
    EXPECT(one == CLEAT_OK && other == CLEAT_OK);
}

/* Bytes in each direction, by the usual calls. */
static void exchange(void) {
    char bytes[8];
    EXPECT(cleat_connection_write(client, "one", 3, 0) == 3);
    carry(client, server);
    EXPECT(cleat_connection_read(server, bytes, sizeof bytes, 0) == 3 &&
           memcmp(bytes, "one", 3) == 0);
    EXPECT(cleat_connection_write(server, "two!", 4, 0) == 4);
    carry(server, client);
    EXPECT(cleat_connection_read(client, bytes, sizeof bytes, 0) == 4 &&
           memcmp(bytes, "two!", 4) == 0);
}

/* A session of the two contexts with their settings. */
static int32_t new_session(void) {
    int32_t session;
    open_pair();
    finish();
    EXPECT(cleat_connection_early_data(client) == NONE);
    exchange();
    session = cleat_connection_session(client);
    EXPECT(session > 0);
    close_pair();
    return session;
}

/* The pair of a client that offers the session, which this closes. */
static void open_with(int32_t session) {
    open_pair();
    EXPECT(cleat_connection_set_session(client, session) == CLEAT_OK);
    EXPECT(cleat_close(session) == CLEAT_OK);
}

static void expect_states(int32_t one, int32_t other) {
    EXPECT(cleat_connection_early_data(client) == one);
    EXPECT(cleat_connection_early_data(server) == other);
}

static void expect_reason(int32_t status, const char *expected) {
    char reason[64];
    int32_t len = cleat_error_reason(reason, sizeof reason);
    EXPECT(CLEAT_CLASS(status) == CLEAT_SSL || CLEAT_CLASS(status) == CLEAT_VERIFY);
    EXPECT(len == (int32_t)strlen(expected) && memcmp(reason, expected, strlen(expected)) == 0);
}

static void expect_early(const char *expected) {
    int32_t len = (int32_t)strlen(expected);
    EXPECT(cleat_connection_read_early(server, got, sizeof got, 0) == len);
    EXPECT(memcmp(got, expected, strlen(expected)) == 0);
}

/* Before the handshake is done, on both sides. */
static void test_accepted(void) {
    char text[64];
    int32_t number;
    open_with(new_session());
    EXPECT(cleat_connection_read_early(server, got, sizeof got, 0) == CLEAT_WANTS_READ);
    EXPECT(cleat_connection_write_early(client, "early", 5, 0) == 5);
    EXPECT(cleat_connection_write_early(client, " data", 5, 0) == 5);
    EXPECT(cleat_connection_established(client) == 0);
    EXPECT(cleat_connection_version(client, text, sizeof text) == 0);
    EXPECT(cleat_connection_cipher(client, text, sizeof text, &number) == 0);
    EXPECT(cleat_connection_session_reused(client) == 0);
    expect_usage(cleat_connection_peer_certificate(client));
    expect_states(OPEN, NONE);
    carry(client, server);
    expect_early("early data");
    EXPECT(cleat_connection_established(server) == 0);
    EXPECT(cleat_connection_version(server, text, sizeof text) == 0);
    expect_states(OPEN, OPEN);
    EXPECT(cleat_connection_read_early(server, got, sizeof got, 0) == CLEAT_WANTS_READ);
    EXPECT(cleat_connection_write(server, "late", 4, 0) == CLEAT_WANTS_READ);
    expect_usage(cleat_connection_shutdown(server, 0));
    carry(server, client);
    EXPECT(cleat_connection_handshake(client, 0) == CLEAT_OK);
    EXPECT(cleat_connection_write(client, "after", 5, 0) == 5);
    carry(client, server);
    /* the end of early data, and bytes after it, arrive together */
    EXPECT(cleat_connection_read_early(server, got, sizeof got, 0) == 0);
    EXPECT(cleat_connection_read_early(server, got, sizeof got, 0) == 0);
    EXPECT(cleat_connection_read(server, got, sizeof got, 0) == 5 && memcmp(got, "after", 5) == 0);
    EXPECT(cleat_connection_write_early(client, "x", 1, 0) == 0);
    expect_states(ACCEPTED, ACCEPTED);
    EXPECT(cleat_connection_session_reused(client) == 1);
    exchange();
    close_pair();
}

/* A server that makes only the usual calls: no byte is lost or mixed. */
static void test_kept(void) {
    open_with(new_session());
    EXPECT(cleat_connection_write_early(client, "early", 5, 0) == 5);
    finish();
    expect_states(ACCEPTED, ACCEPTED);
    EXPECT(cleat_connection_write(client, "later", 5, 0) == 5);
    carry(client, server);
    expect_usage(cleat_connection_read(server, got, sizeof got, 0));
    EXPECT(cleat_connection_read_early(server, got, 0, 0) == 0);
    EXPECT(cleat_connection_read_early(server, got, 3, 0) == 3 && memcmp(got, "ear", 3) == 0);
    expect_usage(cleat_connection_read(server, got, sizeof got, 0));
    expect_early("ly");
    EXPECT(cleat_connection_read_early(server, got, sizeof got, 0) == 0);
    EXPECT(cleat_connection_read(server, got, sizeof got, 0) == 5 && memcmp(got, "later", 5) == 0);
    exchange();
    close_pair();
}

static void test_wrong_side(void) {
    open_pair();
    expect_usage(cleat_connection_write_early(server, "x", 1, 0));
    expect_usage(cleat_connection_read_early(client, got, 1, 0));
    expect_usage(cleat_context_set_early_data(server_context, -1));
    expect_usage(cleat_context_set_early_data(server_context, LIMIT + 1));
    close_pair();
}

/* Without a session that allows it no early data is sent. */
static void test_no_session(void) {
    int32_t session;
    open_pair();
    EXPECT(cleat_connection_write_early(client, "early", 5, 0) == 0);
    EXPECT(cleat_connection_write_early(client, "early", 5, 0) == 0);
    finish();
    expect_states(NONE, NONE);
    EXPECT(cleat_connection_read_early(server, got, sizeof got, 0) == 0);
    exchange();
    close_pair();
    /* the server has made it without early data */
    EXPECT(cleat_context_set_early_data(server_context, 0) == CLEAT_OK);
    session = new_session();
    EXPECT(cleat_context_set_early_data(server_context, LIMIT) == CLEAT_OK);
    open_with(session);
    EXPECT(cleat_connection_write_early(client, "early", 5, 0) == 0);
    finish();
    expect_states(NONE, NONE);
    EXPECT(cleat_connection_session_reused(client) == 1);
    exchange();
    close_pair();
    /* another call has begun the handshake */
    open_with(new_session());
    EXPECT(cleat_connection_handshake(client, 0) == CLEAT_WANTS_READ);
    EXPECT(cleat_connection_write_early(client, "early", 5, 0) == 0);
    finish();
    expect_states(NONE, NONE);
    exchange();
    close_pair();
    /* and continues it */
    open_with(new_session());
    EXPECT(cleat_connection_write_early(client, "early", 5, 0) == 5);
    EXPECT(cleat_connection_handshake(client, 0) == CLEAT_WANTS_READ);
    EXPECT(cleat_connection_write_early(client, "more", 4, 0) == 0);
    finish();
    expect_early("early");
    close_pair();
}

/* Early data that a server refuses is discarded; the client sends it again. */
static void expect_refusal(bool reused) {
    EXPECT(cleat_connection_write_early(client, "early", 5, 0) == 5);
    finish();
    expect_states(REFUSED, REFUSED);
    EXPECT(cleat_connection_session_reused(client) == (reused ? 1 : 0));
    EXPECT(cleat_connection_session_reused(server) == (reused ? 1 : 0));
    EXPECT(cleat_connection_read_early(server, got, sizeof got, 0) == 0);
    EXPECT(cleat_connection_read(server, got, sizeof got, 0) == CLEAT_WANTS_READ);
    EXPECT(cleat_connection_write_early(client, "early", 5, 0) == 0);
    exchange();
    close_pair();
}

static void test_refused(void) {
    int32_t session = new_session();
    int32_t first = server_context;
    int32_t unused;
    EXPECT(cleat_context_set_early_data(server_context, 0) == CLEAT_OK);
    open_with(session);
    expect_refusal(true);
    EXPECT(cleat_context_set_early_data(server_context, LIMIT) == CLEAT_OK);
    /* another protocol than the session's */
    session = new_session();
    EXPECT(cleat_context_set_alpn_protocols(client_context, "\2h2", 3) == CLEAT_OK);
    EXPECT(cleat_context_set_alpn_protocols(server_context, "\2h2", 3) == CLEAT_OK);
    open_with(session);
    expect_refusal(true);
    /* the session's protocol: the control */
    open_with(new_session());
    EXPECT(cleat_connection_write_early(client, "h2", 2, 0) == 2);
    finish();
    expect_early("h2");
    close_pair();
    EXPECT(cleat_context_set_alpn_protocols(client_context, NULL, 0) == CLEAT_OK);
    EXPECT(cleat_context_set_alpn_protocols(server_context, NULL, 0) == CLEAT_OK);
    /* another group: the server requests another ClientHello */
    session = new_session();
    EXPECT(cleat_context_set_ecdh_curve(server_context, "secp384r1", 9) == CLEAT_OK);
    open_with(session);
    expect_refusal(true);
    EXPECT(cleat_context_set_ecdh_curve(server_context, "X25519", 6) == CLEAT_OK);
    /* a server without the ticket's key */
    session = new_session();
    {
        int32_t len;
        const char *text = identity_text(IDENTITY_CHAIN_AND_KEY, &len);
        server_context = cleat_context_new(CLEAT_PROTOCOL_TLS);
        EXPECT(cleat_context_load_cert_chain_data(server_context, text, len, NULL, 0, NULL, 0) ==
               CLEAT_OK);
        EXPECT(cleat_context_set_early_data(server_context, LIMIT) == CLEAT_OK);
    }
    open_with(session);
    expect_refusal(false);
    EXPECT(cleat_close(server_context) == CLEAT_OK);
    server_context = first;
    /* a server without TLS 1.3 */
    session = new_session();
    EXPECT(cleat_context_set_maximum_version(server_context, CLEAT_TLS1_2_VERSION) == CLEAT_OK);
    open_with(session);
    EXPECT(cleat_connection_write_early(client, "early", 5, 0) == 5);
    carry(client, server);
    cleat_connection_handshake(server, 0);
    carry(server, client);
    expect_reason(cleat_connection_handshake(client, 0), "WRONG_VERSION_ON_EARLY_DATA");
    unused = cleat_connection_write(client, "early", 5, 0);
    EXPECT(CLEAT_CLASS(unused) == CLEAT_SSL);
    close_pair();
    EXPECT(cleat_context_set_maximum_version(server_context, CLEAT_TLS1_3_VERSION) == CLEAT_OK);
}

static void test_limits(void) {
    int32_t len = 0;
    int32_t status;
    size_t i;
    for (i = 0; i < sizeof large; i++) large[i] = (char)(i * 7 + i / 251);
    open_with(new_session());
    EXPECT(cleat_connection_write_early(client, large, 10000, 0) == 10000);
    EXPECT(cleat_connection_write_early(client, large + 10000, 8000, 0) == LIMIT - 10000);
    EXPECT(cleat_connection_write_early(client, large, 1, 0) == 0);
    carry(client, server);
    while ((status = cleat_connection_read_early(server, got + len, 1000, 0)) > 0) len += status;
    EXPECT(status == CLEAT_WANTS_READ && len == LIMIT && memcmp(got, large, LIMIT) == 0);
    finish();
    exchange();
    close_pair();
    EXPECT(cleat_context_set_early_data(client_context, 100) == CLEAT_OK);
    open_with(new_session());
    EXPECT(cleat_connection_write_early(client, large, 90, 0) == 90);
    EXPECT(cleat_connection_write_early(client, large, 90, 0) == 10);
    EXPECT(cleat_connection_write_early(client, large, 90, 0) == 0);
    finish();
    EXPECT(cleat_connection_read_early(server, got, sizeof got, 0) == 100);
    EXPECT(cleat_context_set_early_data(client_context, 0) == CLEAT_OK);
    close_pair();
}

/* An attacker sends a recorded flight of a client to the server again: documented as DANGEROUS. */
static void test_replay(void) {
    static char recorded[4096];
    int32_t len;
    int i;
    open_with(new_session());
    EXPECT(cleat_connection_write_early(client, "early", 5, 0) == 5);
    len = cleat_connection_drain(client, recorded, sizeof recorded);
    for (i = 0; i < 2; i++) {
        EXPECT(cleat_connection_feed(server, recorded, len) == len);
        expect_early("early");
        EXPECT(cleat_close(server) == CLEAT_OK);
        server = cleat_connection_over_memory(server_context, 1, NULL, 0);
    }
    close_pair();
}

/* The server's certificate is verified before the first byte of early data is sent. */
static void test_not_verified(void) {
    int32_t session = new_session();
    int32_t status;
    EXPECT(cleat_context_set_verify_time(client_context, 1e9) == CLEAT_OK);
    open_with(session);
    expect_reason(cleat_connection_write_early(client, "early", 5, 0), "CERTIFICATE_VERIFY_FAILED");
    carry(client, server);
    EXPECT(cleat_connection_read_early(server, got, sizeof got, 0) == CLEAT_WANTS_READ);
    expect_reason(cleat_connection_handshake(client, 0), "CERTIFICATE_VERIFY_FAILED");
    carry(client, server);
    EXPECT(cleat_connection_read_early(server, got, sizeof got, 0) == CLEAT_WANTS_READ);
    close_pair();
    EXPECT(cleat_context_set_verify_time(client_context, -1) == CLEAT_OK);
    /* another host */
    session = new_session();
    open_pair();
    EXPECT(cleat_close(client) == CLEAT_OK);
    client = cleat_connection_over_memory(client_context, 0, "other.test", 10);
    EXPECT(cleat_connection_set_session(client, session) == CLEAT_OK);
    EXPECT(cleat_close(session) == CLEAT_OK);
    status = cleat_connection_write_early(client, "early", 5, 0);
    EXPECT(CLEAT_CLASS(status) == CLEAT_VERIFY);
    close_pair();
}

static void test_client_pause(void) {
    int32_t session = new_session();
    int32_t before;
    EXPECT(cleat_context_set_verify_events(client_context, 1) == CLEAT_OK);
    open_with(session);
    EXPECT(cleat_connection_write_early(client, "early", 5, 0) == CLEAT_WANTS_VERIFY);
    EXPECT(cleat_connection_write_early(client, "early", 5, 0) == CLEAT_WANTS_VERIFY);
    EXPECT(cleat_connection_handshake(client, 0) == CLEAT_WANTS_VERIFY);
    carry(client, server);
    EXPECT(cleat_connection_read_early(server, got, sizeof got, 0) == CLEAT_WANTS_READ);
    EXPECT(cleat_connection_answer_verify(client, CLEAT_VERDICT_KEEP) == CLEAT_OK);
    before = cleat_connection_handshake(client, 0);
    EXPECT(before == CLEAT_WANTS_READ); /* the handshake is in progress: early data is too late */
    EXPECT(cleat_connection_write_early(client, "early", 5, 0) == 0);
    finish();
    expect_states(ACCEPTED, ACCEPTED);
    EXPECT(cleat_connection_read_early(server, got, sizeof got, 0) == 0);
    exchange();
    session = cleat_connection_session(client);
    close_pair();
    open_with(session);
    EXPECT(cleat_connection_write_early(client, "early", 5, 0) == CLEAT_WANTS_VERIFY);
    EXPECT(cleat_connection_answer_verify(client, CLEAT_VERDICT_KEEP) == CLEAT_OK);
    EXPECT(cleat_connection_write_early(client, "early", 5, 0) == 5);
    finish();
    expect_early("early");
    exchange();
    session = cleat_connection_session(client);
    close_pair();
    open_with(session);
    EXPECT(cleat_connection_write_early(client, "early", 5, 0) == CLEAT_WANTS_VERIFY);
    EXPECT(cleat_connection_answer_verify(client, CLEAT_ALERT_DESCRIPTION_CERTIFICATE_UNKNOWN) ==
           CLEAT_OK);
    expect_reason(cleat_connection_write_early(client, "early", 5, 0), "CERTIFICATE_VERIFY_FAILED");
    carry(client, server);
    EXPECT(cleat_connection_read_early(server, got, sizeof got, 0) < 0);
    close_pair();
    EXPECT(cleat_context_set_verify_events(client_context, 0) == CLEAT_OK);
}

/* A server whose client has a certificate: it is verified again before the early data is returned. */
static void test_server_pause(void) {
    int32_t len;
    int32_t session;
    const char *text = identity_text(IDENTITY_CHAIN_AND_KEY, &len);
    EXPECT(cleat_context_load_cert_chain_data(client_context, text, len, NULL, 0, NULL, 0) ==
           CLEAT_OK);
    EXPECT(cleat_context_load_verify_data(server_context, text, len) >= 0);
    EXPECT(cleat_context_set_verify_mode(server_context, CLEAT_CERT_REQUIRED) == CLEAT_OK);
    session = new_session();
    EXPECT(cleat_context_set_verify_events(server_context, 1) == CLEAT_OK);
    open_with(session);
    EXPECT(cleat_connection_write_early(client, "early", 5, 0) == 5);
    carry(client, server);
    EXPECT(cleat_connection_read_early(server, got, sizeof got, 0) == CLEAT_WANTS_VERIFY);
    EXPECT(cleat_connection_read_early(server, got, sizeof got, 0) == CLEAT_WANTS_VERIFY);
    EXPECT(cleat_connection_answer_verify(server, CLEAT_VERDICT_KEEP) == CLEAT_OK);
    expect_early("early");
    finish();
    exchange();
    session = cleat_connection_session(client);
    close_pair();
    open_with(session);
    EXPECT(cleat_connection_write_early(client, "early", 5, 0) == 5);
    carry(client, server);
    EXPECT(cleat_connection_read_early(server, got, sizeof got, 0) == CLEAT_WANTS_VERIFY);
    EXPECT(cleat_connection_answer_verify(server, CLEAT_ALERT_DESCRIPTION_UNKNOWN_CA) == CLEAT_OK);
    expect_reason(cleat_connection_read_early(server, got, sizeof got, 0),
                  "CERTIFICATE_VERIFY_FAILED");
    carry(server, client);
    EXPECT(cleat_connection_handshake(client, 0) == CLEAT_OK);
    EXPECT(cleat_connection_read(client, got, sizeof got, 0) ==
           CLEAT_STATUS(CLEAT_ALERT, CLEAT_ALERT_DESCRIPTION_UNKNOWN_CA));
    close_pair();
    EXPECT(cleat_context_set_verify_events(server_context, 0) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_mode(server_context, CLEAT_CERT_NONE) == CLEAT_OK);
}

/* A server that switches its context by name: both contexts must allow early data. */
static void test_server_name(void) {
    int32_t other;
    int32_t unused;
    int allowed;
    identity_contexts(&other, &unused);
    EXPECT(cleat_context_set_server_name_events(server_context, 1) == CLEAT_OK);
    for (allowed = 0; allowed < 2; allowed++) {
        int32_t session;
        EXPECT(cleat_context_set_server_name_events(server_context, 0) == CLEAT_OK);
        session = new_session();
        EXPECT(cleat_context_set_server_name_events(server_context, 1) == CLEAT_OK);
        EXPECT(cleat_context_set_early_data(other, allowed * LIMIT) == CLEAT_OK);
        open_with(session);
        EXPECT(cleat_connection_write_early(client, "early", 5, 0) == 5);
        carry(client, server);
        EXPECT(cleat_connection_read_early(server, got, 9, 0) == CLEAT_WANTS_SERVER_NAME);
        EXPECT(cleat_connection_set_context(server, other) == CLEAT_OK);
        EXPECT(cleat_connection_answer_server_name(server, -1) == CLEAT_OK);
        if (allowed == 1) expect_early("early");
        finish();
        expect_states(allowed == 1 ? ACCEPTED : REFUSED, allowed == 1 ? ACCEPTED : REFUSED);
        exchange();
        close_pair();
    }
    EXPECT(cleat_context_set_server_name_events(server_context, 0) == CLEAT_OK);
    EXPECT(cleat_close(other) == CLEAT_OK && cleat_close(unused) == CLEAT_OK);
}

/* A client that closes in the middle. */
static void test_end(void) {
    open_with(new_session());
    EXPECT(cleat_connection_write_early(client, "early", 5, 0) == 5);
    carry(client, server);
    EXPECT(cleat_connection_feed_eof(server) == CLEAT_OK);
    expect_early("early");
    EXPECT(CLEAT_CLASS(cleat_connection_read_early(server, got, 9, 0)) == CLEAT_EOF);
    EXPECT(CLEAT_CLASS(cleat_connection_handshake(server, 0)) == CLEAT_EOF);
    close_pair();
}

/* Over sockets, with threads. */
struct task {
    int32_t id;
    int32_t result;
    int kind; /* 0: read_early, 1: handshake, 2: read */
    char bytes[64];
};

static void *run(void *argument) {
    struct task *task = argument;
    switch (task->kind) {
        case 0:
            task->result = cleat_connection_read_early(task->id, task->bytes, sizeof task->bytes,
                                                       ENDS_PATIENCE);
            break;
        case 1: task->result = cleat_connection_handshake(task->id, ENDS_PATIENCE); break;
        default:
            task->result =
                cleat_connection_read(task->id, task->bytes, sizeof task->bytes, ENDS_PATIENCE);
            break;
    }
    return NULL;
}

static struct ends open_sockets(enum ends_transport transport) {
    int32_t session = new_session();
    struct ends ends;
    ends_open(&ends, transport, server_context, client_context, "localhost");
    EXPECT(cleat_connection_set_session(ends.client, session) == CLEAT_OK);
    EXPECT(cleat_close(session) == CLEAT_OK);
    return ends;
}

static void test_threads(enum ends_transport transport) {
    struct ends ends = open_sockets(transport);
    struct task tasks[3] = {
        {.id = ends.server, .kind = 0},
        {.id = ends.server, .kind = 1},
        {.id = ends.client, .kind = 1},
    };
    pthread_t threads[3];
    int i;
    EXPECT(cleat_connection_read_early(ends.server, got, 9, 0.001) ==
           CLEAT_STATUS(CLEAT_TIMEOUT, 0));
    EXPECT(cleat_connection_write_early(ends.client, "early", 5, 0) == 5);
    for (i = 0; i < 3; i++) EXPECT(pthread_create(&threads[i], NULL, run, &tasks[i]) == 0);
    for (i = 0; i < 3; i++) EXPECT(pthread_join(threads[i], NULL) == 0);
    EXPECT(tasks[0].result == 5 && memcmp(tasks[0].bytes, "early", 5) == 0);
    EXPECT(tasks[1].result == CLEAT_OK && tasks[2].result == CLEAT_OK);
    EXPECT(cleat_connection_read_early(ends.server, got, 9, ENDS_PATIENCE) == 0);
    EXPECT(cleat_connection_write(ends.client, "x", 1, ENDS_PATIENCE) == 1);
    EXPECT(cleat_connection_read(ends.server, got, 9, ENDS_PATIENCE) == 1);
    ends_close(&ends);
}

/* A call waits for the end of early data, and the connection is closed. */
static void test_closing(enum ends_transport transport, int kind) {
    struct ends ends = open_sockets(transport);
    struct task task = {.id = ends.server, .kind = kind};
    pthread_t thread;
    EXPECT(cleat_connection_write_early(ends.client, "early", 5, 0) == 5);
    EXPECT(cleat_connection_read_early(ends.server, got, 9, ENDS_PATIENCE) == 5);
    EXPECT(pthread_create(&thread, NULL, run, &task) == 0);
    while (cleat_connection_read_early(ends.server, got, 9, 0) != CLEAT_WANTS_READ) {
    }
    EXPECT(cleat_close(ends.server) == CLEAT_OK);
    EXPECT(pthread_join(thread, NULL) == 0);
    EXPECT(CLEAT_CLASS(task.result) == CLEAT_CLOSED || CLEAT_CLASS(task.result) == CLEAT_HANDLE);
    ends_close(&ends);
}

/* A peer that does not read accepts nothing from the client: the call does not wait for it. */
static void test_not_reading(void) {
    struct ends ends = open_sockets(ENDS_SOCKET);
    int room = 1;
    char byte = 0;
    int fd = cleat_socket_fileno(ends.sockets[1]);
    int filled = 0;
    EXPECT(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
    while (send(fd, &byte, 1, MSG_DONTWAIT) == 1) filled++;
    EXPECT(cleat_connection_write_early(ends.client, large, LIMIT, ENDS_PATIENCE) == LIMIT);
    EXPECT(cleat_connection_handshake(ends.client, 0.001) == CLEAT_STATUS(CLEAT_TIMEOUT, 0));
    for (; filled > 0; filled--) {
        EXPECT(recv(cleat_socket_fileno(ends.sockets[0]), &byte, 1, 0) == 1);
    }
    {
        struct task task = {.id = ends.client, .kind = 1};
        pthread_t thread;
        int32_t len = 0;
        int32_t status;
        EXPECT(pthread_create(&thread, NULL, run, &task) == 0);
        while ((status = cleat_connection_read_early(ends.server, got + len, LIMIT - len + 1,
                                                     ENDS_PATIENCE)) > 0) {
            len += status;
        }
        EXPECT(status == 0 && len == LIMIT && memcmp(got, large, LIMIT) == 0);
        EXPECT(pthread_join(thread, NULL) == 0 && task.result == CLEAT_OK);
    }
    ends_close(&ends);
}

int main(void) {
    int transport;
    open_contexts();
    test_accepted();
    test_kept();
    test_wrong_side();
    test_no_session();
    test_refused();
    test_limits();
    test_replay();
    test_not_verified();
    test_client_pause();
    test_server_pause();
    test_server_name();
    test_end();
    for (transport = 0; transport < ENDS_MEMORY; transport++) {
        test_threads((enum ends_transport)transport);
        test_closing((enum ends_transport)transport, 0);
        test_closing((enum ends_transport)transport, 1);
        test_closing((enum ends_transport)transport, 2);
    }
    test_not_reading();
    close_contexts();
    EXPECT(cleat_handle_count() == 0);
    return 0;
}
