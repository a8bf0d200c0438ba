/* test_signatures.c: remote private keys: the pause for a signature, its answers, and signing with a local key.
 * spec/ssl/remote_key_spec.lua tests the types of keys. */
#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "ends.h"
#include "expect.h"
#include "identity.h"
#include "tls/connection.h"

enum { ECDSA = CLEAT_SIGNATURE_ECDSA_SECP256R1_SHA256, INTERNAL = 80, ROOM = 4096 };

static int32_t server_context; /* its key is remote */
static int32_t client_context; /* trusts it and verifies the name; its key is remote too */
static const char *const names[] = {"localhost", NULL};

static void load_remote_key(int32_t context, enum identity_part part) {
    int32_t len;
    const char *chain = identity_text(part, &len);
    EXPECT(cleat_context_load_cert_chain_remote_key_data(context, chain, len) ==
           CLEAT_REMOTE_KEY_P256);
}

static void open_contexts(int32_t version) {
    int32_t len;
    const char *root = identity_text(IDENTITY_CERTIFICATE, &len);
    identity_contexts(&server_context, &client_context);
    EXPECT(cleat_context_load_verify_data(server_context, root, len) == 1);
    load_remote_key(server_context, IDENTITY_CERTIFICATE);
    load_remote_key(client_context, IDENTITY_CERTIFICATE);
    EXPECT(cleat_context_set_maximum_version(client_context, version) == CLEAT_OK);
}

static void close_contexts(void) {
    EXPECT(cleat_close(client_context) == CLEAT_OK && cleat_close(server_context) == CLEAT_OK);
}

static struct ends open_pair(void) {
    struct ends ends;
    ends_open(&ends, ENDS_SOCKET, server_context, client_context, names[0]);
    return ends;
}

static void expect_reason(int32_t status, const char *wanted) {
    char reason[64];
    int32_t len = cleat_error_reason(reason, sizeof reason);
    EXPECT(CLEAT_CLASS(status) == CLEAT_SSL);
    EXPECT(len == (int32_t)strlen(wanted) && memcmp(reason, wanted, (size_t)len) == 0);
}

/* All calls of a connection in the pause. */
static void expect_pause(int32_t id) {
    char byte = 0;
    int i;
    for (i = 0; i < 2; i++) {
        EXPECT(cleat_connection_handshake(id, ENDS_PATIENCE) == CLEAT_WANTS_SIGNATURE);
        EXPECT(cleat_connection_read(id, &byte, 1, ENDS_PATIENCE) == CLEAT_WANTS_SIGNATURE);
        EXPECT(cleat_connection_write(id, &byte, 1, 0) == CLEAT_WANTS_SIGNATURE);
    }
    expect_usage(cleat_connection_answer_server_name(id, -1));
    expect_usage(cleat_connection_answer_verify(id, CLEAT_VERDICT_KEEP));
    expect_usage(cleat_connection_set_context(id, client_context));
    expect_usage(cleat_connection_answer_signature(id, NULL, 1));
    expect_usage(cleat_connection_answer_signature(id, "", -1));
    EXPECT(cleat_connection_established(id) == 0);
}

/* A connection that waits for no signature. */
static void expect_nothing(int32_t id) {
    char room[ROOM];
    EXPECT(cleat_connection_signature_algorithm(id) == 0);
    EXPECT(cleat_connection_signature_key(id) == 0);
    expect_usage(cleat_connection_signature_input(id, room, ROOM));
    expect_usage(cleat_connection_signature_digest(id, room, ROOM));
    expect_usage(cleat_connection_signature_public_key(id, room, ROOM));
    expect_usage(cleat_connection_answer_signature(id, "x", 1));
    expect_usage(cleat_connection_answer_signature(id, NULL, 0));
}

/* The right signature, made by the key of an identity. */
static int32_t make_signature(int32_t id, enum identity_part part, char *signature) {
    static char input[65536];
    uint8_t hash[SHA256_DIGEST_LENGTH];
    char digest[64];
    int32_t key_len;
    const char *key = identity_text(part, &key_len);
    int32_t len = cleat_connection_signature_input(id, input, sizeof input);
    EXPECT(len > 64 && len < (int32_t)sizeof input);
    EXPECT(cleat_connection_signature_input(id, NULL, 0) == len);
    EXPECT(cleat_connection_signature_algorithm(id) == ECDSA);
    EXPECT(cleat_connection_signature_key(id) == CLEAT_REMOTE_KEY_P256);
    SHA256((const uint8_t *)input, (size_t)len, hash);
    EXPECT(cleat_connection_signature_digest(id, digest, sizeof digest) == sizeof hash);
    EXPECT(memcmp(digest, hash, sizeof hash) == 0);
    EXPECT(cleat_connection_signature_public_key(id, NULL, 0) == 91); /* of P-256 */
    return cleat_sign_data(key, key_len, NULL, 0, ECDSA, input, len, signature, ROOM);
}

static void answer(int32_t id) {
    char signature[ROOM];
    int32_t len = make_signature(id, IDENTITY_KEY, signature);
    EXPECT(len > 0 && cleat_connection_answer_signature(id, signature, len) == CLEAT_OK);
    expect_nothing(id);
}

/* side: 0 for the server; the client sends a certificate too if mutual. */
static void test_answer(bool mutual) {
    int32_t client;
    int32_t server;
    struct ends ends;
    EXPECT(cleat_context_set_verify_mode(server_context, mutual ? CLEAT_CERT_REQUIRED
                                                                : CLEAT_CERT_NONE) == CLEAT_OK);
    ends = open_pair();
    expect_nothing(ends.server);
    ends_drive(&ends, &client, &server);
    EXPECT(client == CLEAT_WANTS_READ && server == CLEAT_WANTS_SIGNATURE);
    expect_pause(ends.server);
    answer(ends.server);
    ends_drive(&ends, &client, &server);
    if (mutual) {
        EXPECT(client == CLEAT_WANTS_SIGNATURE && server == CLEAT_WANTS_READ);
        expect_pause(ends.client);
        answer(ends.client);
        ends_drive(&ends, &client, &server);
    }
    EXPECT(client == CLEAT_OK && server == CLEAT_OK);
    expect_nothing(ends.server);
    expect_nothing(ends.client);
    ends_close(&ends);
}

enum wrong { REFUSED, CHANGED, EMPTY, LONG, RAW, OTHERS, WRONGS };

static int32_t make_wrong(int32_t id, enum wrong wrong, char *signature) {
    int32_t len = make_signature(id, wrong == OTHERS ? IDENTITY_OTHER : IDENTITY_KEY, signature);
    EXPECT(len > 64 && len < 80);
    if (wrong == CHANGED) signature[len - 1] = (char)(signature[len - 1] ^ 1);
    if (wrong == EMPTY) len = 0;
    if (wrong == LONG) len = 1000;
    if (wrong == RAW) len = 64;
    return len;
}

/* A wrong answer of one side (0: the server's) is an alert to the other, whatever is answered afterwards. */
static void test_wrong(int side, enum wrong wrong) {
    char signature[ROOM];
    int32_t status[2];
    int32_t id;
    int32_t len;
    struct ends ends;
    EXPECT(cleat_context_set_verify_mode(server_context, side == 1 ? CLEAT_CERT_REQUIRED
                                                                   : CLEAT_CERT_NONE) == CLEAT_OK);
    ends = open_pair();
    id = side == 0 ? ends.server : ends.client;
    ends_drive(&ends, &status[1], &status[0]);
    if (side == 1) {
        answer(ends.server);
        ends_drive(&ends, &status[1], &status[0]);
    }
    EXPECT(status[side] == CLEAT_WANTS_SIGNATURE);
    if (wrong == REFUSED) {
        EXPECT(cleat_connection_answer_signature(id, NULL, 0) == CLEAT_OK);
    } else {
        len = make_wrong(id, wrong, signature);
        expect_reason(cleat_connection_answer_signature(id, signature, len), "BAD_SIGNATURE");
    }
    expect_nothing(id);
    ends_drive(&ends, &status[1], &status[0]);
    EXPECT(status[1 - side] == CLEAT_STATUS(CLEAT_ALERT, INTERNAL));
    expect_reason(cleat_connection_handshake(id, 0), "PRIVATE_KEY_OPERATION_FAILED");
    expect_reason(cleat_connection_read(id, signature, 1, 0), "PRIVATE_KEY_OPERATION_FAILED");
    expect_reason(cleat_connection_write(id, "x", 1, 0), "PRIVATE_KEY_OPERATION_FAILED");
    ends_close(&ends);
}

static void *shake(void *id) {
    EXPECT(cleat_connection_handshake(*(int32_t *)id, ENDS_PATIENCE) == CLEAT_WANTS_SIGNATURE);
    return NULL;
}

/* Several threads in one handshake: each of them gets the status. Then the connection is closed in its pause. */
static void test_threads(void) {
    enum { THREADS = 3 };
    pthread_t threads[THREADS];
    struct ends ends = open_pair();
    int i;
    for (i = 0; i < THREADS; i++)
        EXPECT(pthread_create(&threads[i], NULL, shake, &ends.server) == 0);
    while (cleat_connection_signature_algorithm(ends.server) == 0) {
        (void)cleat_connection_handshake(ends.client, 0);
    }
    for (i = 0; i < THREADS; i++) EXPECT(pthread_join(threads[i], NULL) == 0);
    ends_close(&ends);
    EXPECT(CLEAT_CLASS(cleat_connection_answer_signature(ends.server, "x", 1)) == CLEAT_HANDLE);
}

static void *answer_wrongly(void *id) {
    int32_t status = cleat_connection_answer_signature(*(int32_t *)id, "wrong", 5);
    EXPECT(CLEAT_CLASS(status) == CLEAT_SSL || CLEAT_CLASS(status) == CLEAT_USAGE);
    return NULL;
}

/* Two answers at once: one of them is too late. */
static void test_two_answers(void) {
    pthread_t thread;
    int32_t client;
    int32_t server;
    char signature[ROOM];
    int32_t status;
    struct ends ends = open_pair();
    ends_drive(&ends, &client, &server);
    status = make_signature(ends.server, IDENTITY_KEY, signature);
    EXPECT(pthread_create(&thread, NULL, answer_wrongly, &ends.server) == 0);
    status = cleat_connection_answer_signature(ends.server, signature, status);
    EXPECT(pthread_join(thread, NULL) == 0);
    ends_drive(&ends, &client, &server);
    if (status == CLEAT_OK) {
        EXPECT(client == CLEAT_OK && server == CLEAT_OK);
    } else {
        expect_usage(status);
        EXPECT(client == CLEAT_STATUS(CLEAT_ALERT, INTERNAL));
    }
    ends_close(&ends);
}

/* The context gets another certificate in the pause: the connection keeps the one that it has sent. */
static void test_context_changed(void) {
    int32_t client;
    int32_t server;
    char signature[ROOM];
    struct ends ends = open_pair();
    load_remote_key(server_context, IDENTITY_OTHER);
    ends_drive(&ends, &client, &server);
    EXPECT(server == CLEAT_WANTS_SIGNATURE);
    load_remote_key(server_context, IDENTITY_OTHER);
    answer(ends.server);
    ends_drive(&ends, &client, &server);
    EXPECT(client == CLEAT_OK && server == CLEAT_OK);
    ends_close(&ends);
    /* The next connection uses the other key. */
    ends = open_pair();
    ends_drive(&ends, &client, &server);
    expect_reason(cleat_connection_answer_signature(
                      ends.server, signature, make_signature(ends.server, IDENTITY_KEY, signature)),
                  "BAD_SIGNATURE");
    ends_close(&ends);
    load_remote_key(server_context, IDENTITY_CERTIFICATE);
}

/* The pauses of one handshake: the server name, which is answered with another context; TLS 1.2 or 1.3, the signature,
 * the verdict on the client; on the client the verdict, and the signature. */
static void test_order(void) {
    int32_t client;
    int32_t server;
    int32_t other = server_context;
    struct ends ends;
    int32_t len;
    const char *text = identity_text(IDENTITY_CHAIN_AND_KEY, &len);
    server_context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(cleat_context_load_cert_chain_data(server_context, text, len, NULL, 0, NULL, 0) ==
           CLEAT_OK);
    EXPECT(cleat_context_set_server_name_events(server_context, 1) == CLEAT_OK);
    EXPECT(cleat_context_load_verify_data(other, text, len) == 1);
    EXPECT(cleat_context_set_verify_mode(other, CLEAT_CERT_REQUIRED) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_events(other, CLEAT_VERDICTS_GOOD) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_events(client_context, CLEAT_VERDICTS_GOOD) == CLEAT_OK);
    ends = open_pair();
    ends_drive(&ends, &client, &server);
    EXPECT(server == CLEAT_WANTS_SERVER_NAME);
    expect_nothing(ends.server);
    EXPECT(cleat_connection_set_context(ends.server, other) == CLEAT_OK);
    EXPECT(cleat_connection_answer_server_name(ends.server, -1) == CLEAT_OK);
    ends_drive(&ends, &client, &server);
    EXPECT(server == CLEAT_WANTS_SIGNATURE && client == CLEAT_WANTS_READ);
    answer(ends.server);
    ends_drive(&ends, &client, &server);
    EXPECT(server == CLEAT_WANTS_READ && client == CLEAT_WANTS_VERIFY);
    expect_nothing(ends.client);
    EXPECT(cleat_connection_answer_verify(ends.client, CLEAT_VERDICT_KEEP) == CLEAT_OK);
    ends_drive(&ends, &client, &server);
    EXPECT(server == CLEAT_WANTS_READ && client == CLEAT_WANTS_SIGNATURE);
    answer(ends.client);
    ends_drive(&ends, &client, &server);
    EXPECT(server == CLEAT_WANTS_VERIFY);
    EXPECT(cleat_connection_answer_verify(ends.server, CLEAT_VERDICT_KEEP) == CLEAT_OK);
    ends_drive(&ends, &client, &server);
    EXPECT(client == CLEAT_OK && server == CLEAT_OK);
    ends_close(&ends);
    EXPECT(cleat_close(server_context) == CLEAT_OK);
    server_context = other;
    EXPECT(cleat_context_set_verify_events(client_context, CLEAT_VERDICTS_NONE) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_events(server_context, CLEAT_VERDICTS_NONE) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_mode(server_context, CLEAT_CERT_NONE) == CLEAT_OK);
}

static SSL_SESSION *kept;

static int keep(SSL *ssl, SSL_SESSION *session) {
    (void)ssl;
    SSL_SESSION_free(kept);
    kept = session;
    return 1;
}

static SSL *ssl_of(int32_t connection) {
    struct cleat_object *found;
    SSL *ssl;
    EXPECT(cleat_handle_find(connection, CLEAT_KIND_CONNECTION, &found) == CLEAT_OK);
    ssl = ((struct cleat_connection *)(void *)found)->ssl;
    cleat_handle_done(found);
    return ssl;
}

/* A resumed handshake needs no signature. */
static void test_resumed(void) {
    int round;
    for (round = 0; round < 2; round++) {
        int32_t client;
        int32_t server;
        char byte;
        struct ends ends = open_pair();
        SSL *ssl = ssl_of(ends.client);
        SSL_CTX_set_session_cache_mode(SSL_get_SSL_CTX(ssl),
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(SSL_get_SSL_CTX(ssl), keep);
        if (round == 1) EXPECT(SSL_set_session(ssl, kept) == 1);
        ends_drive(&ends, &client, &server);
        if (round == 0) {
            EXPECT(server == CLEAT_WANTS_SIGNATURE);
            answer(ends.server);
            ends_drive(&ends, &client, &server);
        }
        EXPECT(client == CLEAT_OK && server == CLEAT_OK);
        EXPECT(cleat_connection_session_reused(ends.client) == round);
        EXPECT(cleat_connection_write(ends.server, "x", 1, 0) ==
               1); /* tickets are sent before it */
        EXPECT(cleat_connection_read(ends.client, &byte, 1, ENDS_PATIENCE) == 1);
        EXPECT(kept != NULL);
        ends_close(&ends);
    }
    SSL_SESSION_free(kept);
    kept = NULL;
}

/* A failed load changes nothing; a private key in the chain's text is ignored. */
static void test_loading(void) {
    int32_t client;
    int32_t server;
    int32_t len;
    struct ends ends;
    const char *text = identity_text(IDENTITY_KEY, &len);
    expect_reason(cleat_context_load_cert_chain_remote_key_data(server_context, text, len),
                  "NO_START_LINE");
    expect_usage(cleat_context_load_cert_chain_remote_key(server_context, text, len));
    EXPECT(CLEAT_CLASS(cleat_context_load_cert_chain_remote_key(server_context, "/none", 5)) ==
           CLEAT_SYS);
    EXPECT(CLEAT_CLASS(cleat_context_load_cert_chain_remote_key_data(-1, "", 0)) == CLEAT_HANDLE);
    load_remote_key(server_context, IDENTITY_CHAIN_AND_KEY);
    ends = open_pair();
    ends_drive(&ends, &client, &server);
    EXPECT(server == CLEAT_WANTS_SIGNATURE);
    ends_close(&ends);
    /* And the context can get the private key itself. */
    text = identity_text(IDENTITY_CHAIN_AND_KEY, &len);
    EXPECT(cleat_context_load_cert_chain_data(server_context, text, len, NULL, 0, NULL, 0) ==
           CLEAT_OK);
    ends = open_pair();
    ends_drive(&ends, &client, &server);
    EXPECT(client == CLEAT_OK && server == CLEAT_OK);
    ends_close(&ends);
    load_remote_key(server_context, IDENTITY_CERTIFICATE);
}

static void test_sign(void) {
    char signature[ROOM];
    int32_t len;
    const char *key = identity_text(IDENTITY_KEY, &len);
    int32_t encrypted_len;
    const char *encrypted = identity_text(IDENTITY_ENCRYPTED_KEY, &encrypted_len);
    EXPECT(cleat_sign_data(key, len, NULL, 0, ECDSA, "", 0, signature, ROOM) > 64);
    EXPECT(cleat_sign_data(key, len, NULL, 0, ECDSA, "x", 1, NULL, 0) > 64);
    EXPECT(cleat_sign_data(key, len, "unused", 6, CLEAT_SIGNATURE_ECDSA_SECP384R1_SHA384, "x", 1,
                           signature, ROOM) > 64); /* TLS 1.2 has this for a key of P-256, too */
    expect_reason(cleat_sign_data(key, len, NULL, 0, CLEAT_SIGNATURE_ED25519, "x", 1, signature, 1),
                  "WRONG_SIGNATURE_TYPE");
    expect_reason(cleat_sign_data(key, len, NULL, 0, CLEAT_SIGNATURE_RSA_PSS_RSAE_SHA256, "x", 1,
                                  signature, ROOM),
                  "WRONG_SIGNATURE_TYPE");
    expect_usage(cleat_sign_data(key, len, NULL, 0, 0, "x", 1, signature, ROOM));
    expect_usage(cleat_sign_data(key, len, NULL, 0, 0x10000 + ECDSA, "x", 1, signature, ROOM));
    expect_usage(cleat_sign_data(key, len, NULL, 0, -ECDSA, "x", 1, signature, ROOM));
    expect_usage(cleat_sign_data(key, len, NULL, 0, ECDSA, NULL, 1, signature, ROOM));
    expect_usage(cleat_sign(key, len, NULL, 0, ECDSA, "x", 1, signature, ROOM));
    EXPECT(cleat_sign("/none", 5, NULL, 0, ECDSA, "x", 1, signature, ROOM) ==
           CLEAT_STATUS(CLEAT_SYS, 2));
    EXPECT(cleat_sign_data(encrypted, encrypted_len, NULL, 0, ECDSA, "x", 1, signature, ROOM) ==
           CLEAT_STATUS(CLEAT_NEED_PASSWORD, 0));
    expect_reason(
        cleat_sign_data(encrypted, encrypted_len, "wrong", 5, ECDSA, "x", 1, signature, ROOM),
        "BAD_DECRYPT");
    EXPECT(cleat_sign_data(encrypted, encrypted_len, "secret", 6, ECDSA, "x", 1, signature, ROOM) >
           64);
}

int main(void) {
    static const int32_t versions[] = {CLEAT_TLS1_2_VERSION, CLEAT_TLS1_3_VERSION};
    int i;
    for (i = 0; i < 2; i++) {
        int side;
        enum wrong wrong;
        open_contexts(versions[i]);
        test_answer(false);
        for (side = 0; side < 2; side++) {
            for (wrong = REFUSED; wrong < WRONGS; wrong++) {
                if (side == 0 || wrong <= CHANGED) test_wrong(side, wrong);
            }
        }
        EXPECT(cleat_context_set_verify_mode(server_context, CLEAT_CERT_NONE) == CLEAT_OK);
        test_threads();
        test_two_answers();
        test_context_changed();
        test_resumed();
        test_loading();
        test_order();
        test_answer(true);
        close_contexts();
    }
    test_sign();
    return 0;
}
