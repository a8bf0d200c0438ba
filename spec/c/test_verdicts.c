/* test_verdicts.c: the pause for the caller's verdict on a verified peer, verification that is not enforced, and the
 * settings of a verification: depth, time, common name. */
#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "ca.h"
#include "ends.h"
#include "expect.h"
#include "tls/connection.h"

enum {
    NOT_YET = 9,
    EXPIRED = 10,
    NO_ISSUER = 20,
    TOO_LONG = 22,
    APPLICATION = 50,
    WRONG_NAME = 62,
    DAY = 86400,
    YEAR = 365 * DAY,
    REVOKED_ALERT = CLEAT_ALERT_DESCRIPTION_CERTIFICATE_REVOKED,
};

static struct ca_certificate root;
static struct ca_certificate middle;
static struct ca_certificate leaf; /* by root */
static struct ca_certificate deep; /* by middle */
static struct ca_certificate stranger; /* signed by itself */
static int32_t client_context; /* trusts root, verifies names, has leaf */
static int32_t server_context; /* has leaf, trusts root */

static struct ca_certificate issue(const char *name, bool is_ca,
                                   const struct ca_certificate *issuer) {
    const struct ca_request request = {name, 7, -DAY, DAY, is_ca, 0};
    return ca_issue(&request, issuer);
}

static void open_contexts(int32_t version) {
    client_context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    server_context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    ca_trust(client_context, &root);
    ca_trust(server_context, &root);
    ca_load(client_context, &leaf);
    ca_load(server_context, &leaf);
    EXPECT(cleat_context_set_verify_mode(client_context, CLEAT_CERT_REQUIRED) == CLEAT_OK);
    EXPECT(cleat_context_set_check_hostname(client_context, 1) == CLEAT_OK);
    EXPECT(cleat_context_set_maximum_version(client_context, version) == CLEAT_OK);
}

static void close_contexts(void) {
    EXPECT(cleat_close(client_context) == CLEAT_OK && cleat_close(server_context) == CLEAT_OK);
}

static struct ends open_pair(const char *name) {
    struct ends ends;
    ends_open(&ends, ENDS_SOCKET, server_context, client_context, name);
    return ends;
}

/* All calls of a connection in the pause. */
static void expect_pause(int32_t id) {
    char byte = 0;
    int i;
    for (i = 0; i < 2; i++) {
        EXPECT(cleat_connection_handshake(id, ENDS_PATIENCE) == CLEAT_WANTS_VERIFY);
        EXPECT(cleat_connection_read(id, &byte, 1, ENDS_PATIENCE) == CLEAT_WANTS_VERIFY);
        EXPECT(cleat_connection_write(id, &byte, 1, 0) == CLEAT_WANTS_VERIFY);
    }
    expect_usage(cleat_connection_answer_server_name(id, -1));
    expect_usage(cleat_connection_answer_verify(id, CLEAT_ALERT_DESCRIPTION_CLOSE_NOTIFY));
    expect_usage(cleat_connection_answer_verify(id, 256));
    expect_usage(cleat_connection_answer_verify(id, -3));
    expect_usage(cleat_connection_set_context(id, client_context));
    EXPECT(cleat_connection_established(id) == 0);
}

static void test_accept(void) {
    int32_t client;
    int32_t server;
    struct ends ends;
    EXPECT(cleat_context_set_verify_events(client_context, CLEAT_VERDICTS_GOOD) == CLEAT_OK);
    ends = open_pair("localhost");
    expect_usage(cleat_connection_answer_verify(ends.client, CLEAT_VERDICT_ACCEPT));
    expect_usage(cleat_connection_verify_result(ends.client));
    ends_drive(&ends, &client, &server);
    EXPECT(client == CLEAT_WANTS_VERIFY && server == CLEAT_WANTS_READ);
    expect_pause(ends.client);
    EXPECT(cleat_connection_verify_result(ends.client) == 0);
    EXPECT(cleat_connection_verify_error_count(ends.client) == 0);
    EXPECT(cleat_connection_answer_verify(ends.client, CLEAT_VERDICT_ACCEPT) == CLEAT_OK);
    expect_usage(cleat_connection_answer_verify(ends.client, REVOKED_ALERT));
    ends_drive(&ends, &client, &server);
    EXPECT(client == CLEAT_OK && server == CLEAT_OK);
    expect_usage(cleat_connection_answer_verify(ends.client, REVOKED_ALERT));
    EXPECT(cleat_connection_verify_result(ends.client) == 0);
    expect_usage(cleat_connection_verify_result(ends.server)); /* it has requested no certificate */
    ends_close(&ends);
    EXPECT(cleat_context_set_verify_events(client_context, CLEAT_VERDICTS_NONE) == CLEAT_OK);
}

/* side: 0 for the server. Its peer receives the alert. */
static void test_refuse(int side, int32_t events, int32_t alert) {
    int32_t status[2];
    struct ends ends;
    int32_t context = side == 0 ? server_context : client_context;
    int32_t id;
    EXPECT(cleat_context_set_verify_events(context, events) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_mode(context, CLEAT_CERT_REQUIRED) == CLEAT_OK);
    ends = open_pair("localhost");
    id = side == 0 ? ends.server : ends.client;
    ends_drive(&ends, &status[1], &status[0]);
    EXPECT(status[side] == CLEAT_WANTS_VERIFY);
    expect_pause(id);
    EXPECT(cleat_connection_answer_verify(id, alert) == CLEAT_OK);
    ends_drive(&ends, &status[1], &status[0]);
    EXPECT(status[side] == CLEAT_STATUS(CLEAT_VERIFY, APPLICATION));
    EXPECT(CLEAT_CLASS(status[1 - side]) == CLEAT_ALERT && CLEAT_VALUE(status[1 - side]) == alert);
    EXPECT(cleat_connection_handshake(id, 0) == CLEAT_STATUS(CLEAT_VERIFY, APPLICATION));
    expect_usage(cleat_connection_answer_verify(id, CLEAT_VERDICT_ACCEPT));
    EXPECT(cleat_connection_handshake(id, 0) == CLEAT_STATUS(CLEAT_VERIFY, APPLICATION));
    EXPECT(cleat_connection_verify_result(id) == APPLICATION);
    ends_close(&ends);
    EXPECT(cleat_context_set_verify_events(context, CLEAT_VERDICTS_NONE) == CLEAT_OK);
    if (side == 0) EXPECT(cleat_context_set_verify_mode(context, CLEAT_CERT_NONE) == CLEAT_OK);
}

/* With GOOD the caller is not asked about peers whose verification fails. */
static void test_no_question(void) {
    int32_t client;
    int32_t server;
    struct ends ends;
    EXPECT(cleat_context_set_verify_events(client_context, CLEAT_VERDICTS_GOOD) == CLEAT_OK);
    ends = open_pair("wrong.test");
    ends_drive(&ends, &client, &server);
    EXPECT(client == CLEAT_STATUS(CLEAT_VERIFY, WRONG_NAME));
    EXPECT(server == CLEAT_STATUS(CLEAT_ALERT, CLEAT_ALERT_DESCRIPTION_BAD_CERTIFICATE));
    expect_usage(cleat_connection_answer_verify(ends.client, CLEAT_VERDICT_ACCEPT));
    EXPECT(cleat_connection_handshake(ends.client, 0) < 0);
    EXPECT(cleat_connection_verify_result(ends.client) == WRONG_NAME);
    EXPECT(cleat_connection_verify_error_count(ends.client) == 1);
    ends_close(&ends);
    EXPECT(cleat_context_set_check_hostname(client_context, 0) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_mode(client_context, CLEAT_CERT_NONE) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_events(client_context, CLEAT_VERDICTS_ALL) == CLEAT_OK);
    ends = open_pair("wrong.test");
    ends_drive(&ends, &client, &server);
    EXPECT(client == CLEAT_OK && server == CLEAT_OK);
    expect_usage(cleat_connection_verify_result(ends.client));
    ends_close(&ends);
    EXPECT(cleat_context_set_verify_events(client_context, CLEAT_VERDICTS_NONE) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_mode(client_context, CLEAT_CERT_REQUIRED) == CLEAT_OK);
    EXPECT(cleat_context_set_check_hostname(client_context, 1) == CLEAT_OK);
}

static bool has_error(int32_t id, int32_t wanted, int32_t wanted_depth) {
    int32_t count = cleat_connection_verify_error_count(id);
    int32_t i;
    char text[256];
    for (i = 0; i < count; i++) {
        int32_t code = -1;
        int32_t depth = -1;
        EXPECT(cleat_connection_verify_error(id, i, text, sizeof text, &code, &depth) > 0);
        if (i == 0) EXPECT(code == cleat_connection_verify_result(id));
        if (code == wanted && depth == wanted_depth) return true;
    }
    expect_usage(cleat_connection_verify_error(id, count, text, sizeof text, &count, &count));
    expect_usage(cleat_connection_verify_error(id, -1, text, sizeof text, &count, &count));
    return false;
}

/* An untrusted chain, about which the caller is asked. */
static void test_bad_chain(int32_t answer, bool accepted, int32_t alert) {
    int32_t client;
    int32_t server;
    struct ends ends;
    ca_load(server_context, &stranger);
    EXPECT(cleat_context_set_verify_events(client_context, CLEAT_VERDICTS_ALL) == CLEAT_OK);
    ends = open_pair("wrong.test");
    ends_drive(&ends, &client, &server);
    EXPECT(client == CLEAT_WANTS_VERIFY);
    expect_pause(ends.client);
    EXPECT(cleat_connection_verify_result(ends.client) == 18); /* self-signed */
    EXPECT(has_error(ends.client, 18, 0) && has_error(ends.client, WRONG_NAME, 0));
    EXPECT(cleat_connection_answer_verify(ends.client, answer) == CLEAT_OK);
    ends_drive(&ends, &client, &server);
    EXPECT(client == (accepted ? CLEAT_OK : CLEAT_STATUS(CLEAT_VERIFY, 18)));
    EXPECT(server == (accepted ? CLEAT_OK : CLEAT_STATUS(CLEAT_ALERT, alert)));
    EXPECT(cleat_connection_verify_result(ends.client) == 18);
    ends_close(&ends);
    ca_load(server_context, &leaf);
    EXPECT(cleat_context_set_verify_events(client_context, CLEAT_VERDICTS_NONE) == CLEAT_OK);
}

static void test_not_enforced(void) {
    int32_t client;
    int32_t server;
    struct ends ends;
    ca_load(server_context, &stranger);
    EXPECT(cleat_context_verify_enforced(client_context) == 1);
    EXPECT(cleat_context_set_verify_enforced(client_context, 0) == CLEAT_OK);
    EXPECT(cleat_context_verify_enforced(client_context) == 0);
    ends = open_pair("wrong.test");
    ends_drive(&ends, &client, &server);
    EXPECT(client == CLEAT_OK && server == CLEAT_OK);
    EXPECT(cleat_connection_verify_result(ends.client) == 18);
    EXPECT(has_error(ends.client, 18, 0) && has_error(ends.client, WRONG_NAME, 0));
    ends_close(&ends);
    ca_load(server_context, &leaf);
    ends = open_pair("localhost");
    ends_drive(&ends, &client, &server);
    EXPECT(client == CLEAT_OK && cleat_connection_verify_result(ends.client) == 0);
    EXPECT(cleat_connection_verify_error_count(ends.client) == 0);
    ends_close(&ends);
    EXPECT(cleat_context_set_verify_enforced(client_context, 1) == CLEAT_OK);
    ends = open_pair("wrong.test");
    ends_drive(&ends, &client, &server);
    EXPECT(client == CLEAT_STATUS(CLEAT_VERIFY, WRONG_NAME));
    ends_close(&ends);
}

/* A server pauses for the name, switches to a context, and pauses for the verdict. An untrusted chain is accepted, or
 * not enforced, only if both contexts say so. */
static void test_two_pauses(int32_t first, int32_t second, int32_t mode_second, bool bad,
                            int32_t wanted) {
    int32_t client;
    int32_t server;
    struct ends ends;
    int32_t other = cleat_context_new(CLEAT_PROTOCOL_TLS);
    ca_load(other, &leaf);
    ca_trust(other, &root);
    if (bad) ca_load(client_context, &stranger);
    EXPECT(cleat_context_set_server_name_events(server_context, 1) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_mode(server_context, CLEAT_CERT_OPTIONAL) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_mode(other, mode_second) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_events(server_context, first) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_events(other, second) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_enforced(other, 0) == CLEAT_OK);
    ends = open_pair("localhost");
    ends_drive(&ends, &client, &server);
    EXPECT(server == CLEAT_WANTS_SERVER_NAME);
    expect_usage(cleat_connection_answer_verify(ends.server, CLEAT_VERDICT_ACCEPT));
    EXPECT(cleat_connection_set_context(ends.server, other) == CLEAT_OK);
    EXPECT(cleat_connection_answer_server_name(ends.server, -1) == CLEAT_OK);
    ends_drive(&ends, &client, &server);
    EXPECT(server == wanted);
    if (wanted == CLEAT_WANTS_VERIFY) {
        expect_pause(ends.server);
        EXPECT(cleat_connection_answer_verify(ends.server, CLEAT_VERDICT_ACCEPT) == CLEAT_OK);
        ends_drive(&ends, &client, &server);
        EXPECT(client == CLEAT_OK && server == CLEAT_OK);
    }
    ends_close(&ends);
    EXPECT(cleat_close(other) == CLEAT_OK);
    ca_load(client_context, &leaf);
    EXPECT(cleat_context_set_server_name_events(server_context, 0) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_mode(server_context, CLEAT_CERT_NONE) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_events(server_context, 0) == CLEAT_OK);
}

static void *shake(void *id) {
    static _Thread_local int32_t status;
    status = cleat_connection_handshake(*(int32_t *)id, ENDS_PATIENCE);
    EXPECT(status == CLEAT_WANTS_VERIFY);
    return NULL;
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

/* A pair whose client offers the session that was stored last, and stores those that it receives. */
static struct ends open_resuming(void) {
    struct ends ends = open_pair("localhost");
    SSL *ssl = ssl_of(ends.client);
    SSL_CTX_set_session_cache_mode(SSL_get_SSL_CTX(ssl),
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(SSL_get_SSL_CTX(ssl), keep);
    if (kept != NULL) EXPECT(SSL_set_session(ssl, kept) == 1);
    return ends;
}

static void get_session(void) {
    int32_t client;
    int32_t server;
    char byte;
    struct ends ends = open_resuming();
    ends_drive(&ends, &client, &server);
    EXPECT(client == CLEAT_OK && server == CLEAT_OK);
    EXPECT(cleat_connection_write(ends.server, "x", 1, 0) == 1); /* tickets are sent before it */
    EXPECT(cleat_connection_read(ends.client, &byte, 1, ENDS_PATIENCE) == 1);
    EXPECT(kept != NULL);
    ends_close(&ends);
}

/* A resumed session needs a verdict as well, from the server (side 0) and the client. */
static void test_resumed(int side) {
    int32_t status[2];
    int32_t context = side == 0 ? server_context : client_context;
    int round;
    EXPECT(cleat_context_set_verify_mode(server_context, CLEAT_CERT_REQUIRED) == CLEAT_OK);
    get_session();
    EXPECT(cleat_context_set_verify_events(context, CLEAT_VERDICTS_GOOD) == CLEAT_OK);
    for (round = 0; round < 2; round++) {
        struct ends ends = open_resuming();
        int32_t id = side == 0 ? ends.server : ends.client;
        ends_drive(&ends, &status[1], &status[0]);
        EXPECT(status[side] == CLEAT_WANTS_VERIFY);
        expect_pause(id);
        EXPECT(cleat_connection_verify_result(id) == 0);
        EXPECT(cleat_connection_answer_verify(id, round == 0 ? CLEAT_VERDICT_ACCEPT
                                                             : REVOKED_ALERT) == CLEAT_OK);
        ends_drive(&ends, &status[1], &status[0]);
        EXPECT(SSL_session_reused(ssl_of(id)) == 1);
        if (round == 0) {
            EXPECT(status[0] == CLEAT_OK && status[1] == CLEAT_OK);
        } else {
            EXPECT(status[side] == CLEAT_STATUS(CLEAT_VERIFY, APPLICATION));
            EXPECT(status[1 - side] == CLEAT_STATUS(CLEAT_ALERT, REVOKED_ALERT));
            EXPECT(cleat_connection_handshake(id, 0) == CLEAT_STATUS(CLEAT_VERIFY, APPLICATION));
        }
        ends_close(&ends);
    }
    EXPECT(cleat_context_set_verify_events(context, CLEAT_VERDICTS_NONE) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_mode(server_context, CLEAT_CERT_NONE) == CLEAT_OK);
    SSL_SESSION_free(kept);
    kept = NULL;
}

/* Several threads in one handshake: each of them gets the status. Then the connection is closed in its pause. */
static void test_threads(void) {
    enum { THREADS = 3 };
    pthread_t threads[THREADS];
    struct ends ends;
    int i;
    EXPECT(cleat_context_set_verify_events(client_context, CLEAT_VERDICTS_GOOD) == CLEAT_OK);
    ends = open_pair("localhost");
    for (i = 0; i < THREADS; i++)
        EXPECT(pthread_create(&threads[i], NULL, shake, &ends.client) == 0);
    while (cleat_connection_verify_result(ends.client) < 0) {
        (void)cleat_connection_handshake(ends.server, 0);
    }
    for (i = 0; i < THREADS; i++) EXPECT(pthread_join(threads[i], NULL) == 0);
    ends_close(&ends);
    EXPECT(CLEAT_CLASS(cleat_connection_answer_verify(ends.client, -1)) == CLEAT_HANDLE);
    EXPECT(cleat_context_set_verify_events(client_context, CLEAT_VERDICTS_NONE) == CLEAT_OK);
}

/* A handshake with the expected result: 0 or the verify code. */
static void expect_code(int32_t code) {
    int32_t client;
    int32_t server;
    struct ends ends = open_pair("localhost");
    ends_drive(&ends, &client, &server);
    EXPECT(client == (code == 0 ? CLEAT_OK : CLEAT_STATUS(CLEAT_VERIFY, code)));
    ends_close(&ends);
}

static void test_depth(void) {
    EXPECT(cleat_context_verify_depth(client_context) == CLEAT_DEPTH_MAX);
    ca_load_chain(server_context, &deep, &middle, 1);
    expect_code(0);
    EXPECT(cleat_context_set_verify_depth(client_context, 0) == CLEAT_OK);
    expect_code(TOO_LONG); /* and not the cached result */
    EXPECT(cleat_context_set_verify_depth(client_context, 1) == CLEAT_OK);
    expect_code(0);
    ca_load(server_context, &leaf);
    EXPECT(cleat_context_set_verify_depth(client_context, 0) == CLEAT_OK);
    expect_code(0);
    EXPECT(cleat_context_verify_depth(client_context) == 0);
    expect_usage(cleat_context_set_verify_depth(client_context, -1));
    expect_usage(cleat_context_set_verify_depth(client_context, CLEAT_DEPTH_MAX + 1));
    EXPECT(cleat_context_set_verify_depth(client_context, CLEAT_DEPTH_MAX) == CLEAT_OK);
}

static void test_time(void) {
    double now = (double)time(NULL);
    double set = 0;
    EXPECT(cleat_context_verify_time(client_context, &set) == CLEAT_OK && set == -1);
    expect_code(0);
    EXPECT(cleat_context_set_verify_time(client_context, now - YEAR) == CLEAT_OK);
    expect_code(NOT_YET);
    EXPECT(cleat_context_set_verify_time(client_context, now + YEAR) == CLEAT_OK);
    expect_code(EXPIRED);
    EXPECT(cleat_context_set_verify_time(client_context, 253402300799.0) == CLEAT_OK);
    expect_code(EXPIRED);
    EXPECT(cleat_context_set_verify_time(client_context, 0) == CLEAT_OK);
    expect_code(NOT_YET);
    EXPECT(cleat_context_set_verify_time(client_context, now + 3600.75) == CLEAT_OK);
    EXPECT(cleat_context_verify_time(client_context, &set) == CLEAT_OK && set == now + 3600);
    expect_code(0);
    expect_usage(cleat_context_set_verify_time(client_context, 253402300800.0));
    expect_usage(cleat_context_set_verify_time(client_context, 0.0 / 0.0));
    EXPECT(cleat_context_set_verify_time(client_context, -7) == CLEAT_OK);
    EXPECT(cleat_context_verify_time(client_context, &set) == CLEAT_OK && set == -1);
    expect_code(0);
}

/* A certificate that expired long ago. */
static void test_time_past(void) {
    const struct ca_request request = {"localhost", 9, -3 * YEAR, -2 * YEAR, false, 0};
    const struct ca_request above = {"old root", 1, -3 * YEAR, -YEAR, true, 0};
    struct ca_certificate old_root = ca_issue(&above, NULL);
    struct ca_certificate old = ca_issue(&request, &old_root);
    ca_trust(client_context, &old_root);
    ca_load(server_context, &old);
    expect_code(EXPIRED);
    EXPECT(cleat_context_set_verify_time(client_context, (double)time(NULL) - 2.5 * YEAR) ==
           CLEAT_OK);
    expect_code(0);
    EXPECT(cleat_context_set_verify_time(client_context, -1) == CLEAT_OK);
    expect_code(EXPIRED); /* the cache has no entry for it */
    ca_load(server_context, &leaf);
    ca_free(&old);
    ca_free(&old_root);
}

static void test_common_name(void) {
    struct ca_certificate named = issue("localhost", true, &root); /* without alternative names */
    EXPECT(cleat_context_checks_common_name(client_context) == 1);
    ca_load(server_context, &named);
    expect_code(0);
    EXPECT(cleat_context_set_checks_common_name(client_context, 0) == CLEAT_OK);
    EXPECT(cleat_context_checks_common_name(client_context) == 0);
    expect_code(WRONG_NAME); /* and not the cached result */
    ca_load(server_context, &leaf);
    expect_code(0);
    expect_usage(cleat_context_set_checks_common_name(client_context, 2));
    EXPECT(cleat_context_set_checks_common_name(client_context, 1) == CLEAT_OK);
    ca_free(&named);
}

static void test_arguments(void) {
    expect_usage(cleat_context_set_verify_events(client_context, 3));
    expect_usage(cleat_context_set_verify_events(client_context, -1));
    expect_usage(cleat_context_set_verify_enforced(client_context, 2));
    expect_usage(cleat_context_verify_time(client_context, NULL));
}

static void test_version(int32_t version) {
    int side;
    open_contexts(version);
    test_arguments();
    test_accept();
    test_accept(); /* the second time with the cache of verified chains */
    for (side = 0; side < 2; side++) {
        test_refuse(side, CLEAT_VERDICTS_GOOD, REVOKED_ALERT);
        test_refuse(side, CLEAT_VERDICTS_ALL, CLEAT_ALERT_DESCRIPTION_INTERNAL_ERROR);
    }
    test_no_question();
    test_bad_chain(CLEAT_VERDICT_ACCEPT, true, 0);
    test_bad_chain(CLEAT_VERDICT_KEEP, false, CLEAT_ALERT_DESCRIPTION_UNKNOWN_CA);
    test_bad_chain(REVOKED_ALERT, false, REVOKED_ALERT);
    test_not_enforced();
    test_two_pauses(1, 0, CLEAT_CERT_NONE, false, CLEAT_WANTS_VERIFY);
    test_two_pauses(0, 1, CLEAT_CERT_REQUIRED, false, CLEAT_WANTS_VERIFY);
    test_two_pauses(2, 2, CLEAT_CERT_NONE, true, CLEAT_WANTS_VERIFY);
    test_two_pauses(2, 0, CLEAT_CERT_NONE, true, CLEAT_STATUS(CLEAT_VERIFY, 18));
    test_two_pauses(0, 2, CLEAT_CERT_NONE, true, CLEAT_STATUS(CLEAT_VERIFY, 18));
    test_two_pauses(0, 0, CLEAT_CERT_REQUIRED, true, CLEAT_STATUS(CLEAT_VERIFY, 18));
    test_resumed(0);
    test_resumed(1);
    test_threads();
    test_depth();
    test_time();
    test_time_past();
    test_common_name();
    close_contexts();
}

int main(void) {
    root = issue("root", true, NULL);
    middle = issue("middle", true, &root);
    leaf = issue("localhost", false, &root);
    deep = issue("localhost", false, &middle);
    stranger = issue("localhost", false, NULL);
    test_version(CLEAT_TLS1_2_VERSION);
    test_version(CLEAT_TLS1_3_VERSION);
    ca_free(&root);
    ca_free(&middle);
    ca_free(&leaf);
    ca_free(&deep);
    ca_free(&stranger);
    EXPECT(cleat_handle_count() == 0);
    puts("verdicts: accepted, refused, repeated; not enforced; depth, time, common name");
    return 0;
}
