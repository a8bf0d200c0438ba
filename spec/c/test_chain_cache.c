/* test_chain_cache.c: the cache of verified chains, by handshakes: which verifications it may replace, and which not.
 * The counters show whether the cache was used. This program's clocks replace the system's, and stand still until a
 * test sets them, so that the program's run time has no effect. */
#undef _FORTIFY_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "ca.h"
#include "expect.h"
#include "raw.h"
#include "still_clock.h"
#include "tls/connection.h"

static void pass(time_t wall, time_t monotonic) {
    atomic_fetch_add(&wall_clock, wall);
    atomic_fetch_add(&monotonic_clock, monotonic);
}

static void reset_clocks(void) {
    atomic_store(&wall_clock, WALL);
    atomic_store(&monotonic_clock, MONOTONIC);
}

enum {
    EXPIRED = 10,
    NOT_YET = 9,
    LIST_EXPIRED = 12,
    NO_LIST = 3,
    REVOKED = 23,
    NO_ISSUER = 20,
    NO_PURPOSE = 26,
    WRONG_NAME = 62,
    BAD_SIGNATURE = 7,
    UNTRUSTED_ROOT = 19
};
enum { DAY = 86400 };

/* Contexts of both sides, over memory. */
struct outcome {
    int32_t client;
    int32_t server;
    bool resumed;
    int32_t sent_last; /* bytes that the server has sent after its handshake: tickets, in TLS 1.3 */
};

static int32_t move(int32_t from, int32_t to) {
    char bytes[65536];
    int32_t len = cleat_connection_drain(from, bytes, sizeof bytes);
    EXPECT(len >= 0 && len < (int32_t)sizeof bytes);
    if (len > 0) EXPECT(cleat_connection_feed(to, bytes, len) == len);
    return len;
}

static bool is_pending(int32_t status) {
    return status < 0 && CLEAT_CLASS(status) == CLEAT_WANT_READ;
}

/* The handshakes of both sides; the client reads the records after it. Both are closed. */
static struct outcome shake_hands(int32_t client, int32_t server) {
    struct outcome outcome = {CLEAT_STATUS(CLEAT_WANT_READ, 0), CLEAT_STATUS(CLEAT_WANT_READ, 0),
                              false, 0};
    int turn;
    EXPECT(client > 0 && server > 0);
    for (turn = 0; turn < 4; turn++) {
        int32_t sent;
        char byte;
        if (is_pending(outcome.client)) outcome.client = cleat_connection_handshake(client, 0);
        move(client, server);
        if (is_pending(outcome.server)) outcome.server = cleat_connection_handshake(server, 0);
        sent = move(server, client);
        if (outcome.server == CLEAT_OK) outcome.sent_last += sent;
        if (outcome.client == CLEAT_OK) (void)cleat_connection_read(client, &byte, 1, 0);
    }
    outcome.resumed = cleat_connection_session_reused(client) == 1;
    EXPECT(cleat_close(client) == CLEAT_OK && cleat_close(server) == CLEAT_OK);
    return outcome;
}

static struct outcome meet(int32_t client_context, int32_t server_context, const char *name) {
    int32_t client = cleat_connection_over_memory(client_context, 0, name, (int32_t)strlen(name));
    return shake_hands(client, cleat_connection_over_memory(server_context, 1, NULL, 0));
}

struct counters {
    int32_t hits;
    int32_t misses;
};

static struct counters count(int32_t context) {
    struct counters counters = {-1, -1};
    EXPECT(cleat_context_chain_cache_stats(context, &counters.hits, &counters.misses) == CLEAT_OK);
    return counters;
}

enum way { HIT, MISS, UNUSED };

static void expect_way(int32_t context, struct counters before, enum way way) {
    struct counters after = count(context);
    EXPECT(after.hits - before.hits == (way == HIT ? 1 : 0));
    EXPECT(after.misses - before.misses == (way == MISS ? 1 : 0));
}

/* A client's handshake, verified with this use of the cache, and which succeeds if code is 0. */
static void visit(int32_t client, int32_t server, const char *name, enum way way, int32_t code) {
    struct counters before = count(client);
    struct outcome outcome = meet(client, server, name);
    expect_way(client, before, way);
    EXPECT(outcome.client == (code == 0 ? CLEAT_OK : CLEAT_STATUS(CLEAT_VERIFY, code)));
    EXPECT((code == 0) == (outcome.server == CLEAT_OK));
}

/* Each test has separate CA certificates and contexts, so that entries of other tests do not match. */
struct scene {
    struct ca_certificate root;
    struct ca_certificate leaf; /* for "localhost", serial number 7 */
    int32_t client; /* trusts the root, and verifies names */
    int32_t server; /* has the leaf */
};

static int32_t new_client(const struct ca_certificate *root) {
    int32_t client = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(client > 0);
    if (root != NULL) ca_trust(client, root);
    EXPECT(cleat_context_set_verify_mode(client, CLEAT_CERT_REQUIRED) == CLEAT_OK);
    EXPECT(cleat_context_set_check_hostname(client, 1) == CLEAT_OK);
    return client;
}

static int32_t new_server(const struct ca_certificate *leaf) {
    int32_t server = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(server > 0);
    ca_load(server, leaf);
    return server;
}

static struct scene open_with(long root_ends, long leaf_ends, int purpose) {
    const struct ca_request root = {"root", 1, -DAY, root_ends, true, 0};
    const struct ca_request leaf = {"localhost", 7, -DAY, leaf_ends, false, purpose};
    struct scene scene;
    reset_clocks();
    scene.root = ca_issue(&root, NULL);
    scene.leaf = ca_issue(&leaf, &scene.root);
    scene.client = new_client(&scene.root);
    scene.server = new_server(&scene.leaf);
    return scene;
}

static struct scene open_scene(void) {
    return open_with(DAY, DAY, 0);
}

static void close_scene(struct scene *scene) {
    EXPECT(cleat_close(scene->client) == CLEAT_OK && cleat_close(scene->server) == CLEAT_OK);
    ca_free(&scene->root);
    ca_free(&scene->leaf);
    reset_clocks();
}

static void test_hits(int32_t version) {
    struct scene scene = open_scene();
    int32_t other = new_client(&scene.root);
    int i;
    EXPECT(cleat_context_set_maximum_version(scene.client, version) == CLEAT_OK);
    visit(scene.client, scene.server, "localhost", MISS, 0);
    for (i = 0; i < 3; i++) visit(scene.client, scene.server, "localhost", HIT, 0);
    /* Another context with the same trust uses the same entry. */
    visit(other, scene.server, "localhost", HIT, 0);
    EXPECT(cleat_close(other) == CLEAT_OK);
    close_scene(&scene);
}

static void test_switched_off(void) {
    struct scene scene = open_scene();
    EXPECT(cleat_context_chain_cache_seconds(scene.client) == CLEAT_CHAIN_CACHE_DEFAULT);
    EXPECT(cleat_context_set_chain_cache_seconds(scene.client, 0) == CLEAT_OK);
    EXPECT(cleat_context_chain_cache_seconds(scene.client) == 0);
    visit(scene.client, scene.server, "localhost", UNUSED, 0);
    visit(scene.client, scene.server, "localhost", UNUSED, 0);
    EXPECT(cleat_context_set_chain_cache_seconds(scene.client, 10) == CLEAT_OK);
    visit(scene.client, scene.server, "localhost", MISS, 0); /* nothing was cached */
    EXPECT(cleat_context_set_chain_cache_seconds(scene.client, 0) == CLEAT_OK);
    visit(scene.client, scene.server, "localhost", UNUSED, 0); /* and the cache is not queried */
    EXPECT(CLEAT_CLASS(cleat_context_set_chain_cache_seconds(scene.client, -1)) == CLEAT_USAGE);
    EXPECT(CLEAT_CLASS(cleat_context_set_chain_cache_seconds(scene.client, CLEAT_CHAIN_CACHE_MAX +
                                                                               1)) == CLEAT_USAGE);
    EXPECT(cleat_context_set_chain_cache_seconds(scene.client, CLEAT_CHAIN_CACHE_MAX) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_mode(scene.server, CLEAT_CERT_NONE) == CLEAT_OK);
    EXPECT(cleat_context_set_check_hostname(scene.client, 0) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_mode(scene.client, CLEAT_CERT_NONE) == CLEAT_OK);
    visit(scene.client, scene.server, "localhost", UNUSED, 0);
    close_scene(&scene);
}

static void test_another_name(void) {
    struct scene scene = open_scene();
    visit(scene.client, scene.server, "localhost", MISS, 0);
    visit(scene.client, scene.server, "other.test", MISS, WRONG_NAME);
    visit(scene.client, scene.server, "other.test", MISS, WRONG_NAME); /* failures are not cached */
    visit(scene.client, scene.server, "127.0.0.1", MISS, 64);
    visit(scene.client, scene.server, "localhost", HIT, 0);
    /* A result without a name does not match a verification with one. */
    EXPECT(cleat_context_set_check_hostname(scene.client, 0) == CLEAT_OK);
    visit(scene.client, scene.server, "other.test", MISS, 0);
    visit(scene.client, scene.server, "third.test", HIT, 0);
    EXPECT(cleat_context_set_check_hostname(scene.client, 1) == CLEAT_OK);
    visit(scene.client, scene.server, "other.test", MISS, WRONG_NAME);
    close_scene(&scene);
}

static void test_other_trust(void) {
    struct scene scene = open_scene();
    struct scene another = open_scene();
    visit(scene.client, scene.server, "localhost", MISS, 0);
    visit(another.client, scene.server, "localhost", MISS, BAD_SIGNATURE);
    /* A context without one of the CA certificates is a new one; adding one to a context makes it verify again. */
    ca_trust(scene.client, &another.root);
    visit(scene.client, scene.server, "localhost", MISS, 0);
    visit(scene.client, another.server, "localhost", MISS, 0);
    close_scene(&another);
    close_scene(&scene);
}

/* Both contexts trust the certificate, but one for clients only. */
static void test_trust_beside_a_certificate(void) {
    struct scene scene = open_scene();
    int32_t wary = new_client(NULL);
    BIO *bio = BIO_new(BIO_s_mem());
    const uint8_t *bytes = NULL;
    size_t len = 0;
    visit(scene.client, scene.server, "localhost", MISS, 0);
    EXPECT(X509_add1_reject_object(scene.root.x509, OBJ_nid2obj(NID_server_auth)) == 1);
    EXPECT(PEM_write_bio_X509_AUX(bio, scene.root.x509) == 1 &&
           BIO_mem_contents(bio, &bytes, &len) == 1);
    EXPECT(cleat_context_load_verify_data(wary, (const char *)bytes, (int32_t)len) == 1);
    visit(wary, scene.server, "localhost", MISS, 28);
    BIO_free(bio);
    EXPECT(cleat_close(wary) == CLEAT_OK);
    close_scene(&scene);
}

static void test_flags_and_lists(void) {
    struct scene scene = open_scene();
    visit(scene.client, scene.server, "localhost", MISS, 0);
    EXPECT(cleat_context_set_verify_flags(scene.client, CLEAT_VERIFY_CRL_CHECK_LEAF) == CLEAT_OK);
    visit(scene.client, scene.server, "localhost", MISS, NO_LIST);
    ca_trust_list(scene.client, &scene.root, -100, 100, 0);
    visit(scene.client, scene.server, "localhost", MISS, 0);
    visit(scene.client, scene.server, "localhost", HIT, 0);
    pass(99, 99);
    visit(scene.client, scene.server, "localhost", HIT, 0);
    pass(1, 1); /* until its end */
    visit(scene.client, scene.server, "localhost", MISS, LIST_EXPIRED);
    pass(-100, -100);
    visit(scene.client, scene.server, "localhost", HIT, 0);
    ca_trust_list(scene.client, &scene.root, -50, 100, 7); /* the newer list revokes it */
    visit(scene.client, scene.server, "localhost", MISS, REVOKED);
    visit(scene.client, scene.server, "localhost", MISS, REVOKED);
    EXPECT(cleat_context_set_verify_flags(scene.client, CLEAT_VERIFY_X509_STRICT) == CLEAT_OK);
    visit(scene.client, scene.server, "localhost", MISS, 85);
    close_scene(&scene);
}

/* A list whose validity begins after the verification ends the results without it. */
static void test_a_list_to_come(void) {
    struct scene scene = open_scene();
    EXPECT(cleat_context_set_verify_flags(scene.client, CLEAT_VERIFY_CRL_CHECK_LEAF) == CLEAT_OK);
    ca_trust_list(scene.client, &scene.root, -100, DAY, 0);
    ca_trust_list(scene.client, &scene.root, 100, DAY, 7);
    visit(scene.client, scene.server, "localhost", MISS, 0);
    pass(99, 99);
    visit(scene.client, scene.server, "localhost", HIT, 0);
    pass(1, 1);
    visit(scene.client, scene.server, "localhost", MISS, REVOKED);
    close_scene(&scene);
}

/* The first end of any certificate in the chain counts. */
static void test_expiry(long root_ends, long leaf_ends) {
    struct scene scene = open_with(root_ends, leaf_ends, 0);
    visit(scene.client, scene.server, "localhost", MISS, 0);
    pass(99, 99);
    visit(scene.client, scene.server, "localhost", HIT, 0);
    pass(1, 1);
    visit(scene.client, scene.server, "localhost", MISS, EXPIRED);
    pass(-50, 0); /* set back to a time at which it is valid, after the verification */
    visit(scene.client, scene.server, "localhost", HIT, 0);
    close_scene(&scene);
}

static void test_age(void) {
    struct scene scene = open_scene();
    visit(scene.client, scene.server, "localhost", MISS, 0);
    pass(290, 290);
    visit(scene.client, scene.server, "localhost", HIT, 0); /* a hit does not renew the entry */
    pass(0, 10);
    visit(scene.client, scene.server, "localhost", MISS, 0); /* the wall clock stands still */
    visit(scene.client, scene.server, "localhost", HIT, 0);
    pass(300, 0);
    visit(scene.client, scene.server, "localhost", MISS, 0); /* the machine was suspended */
    EXPECT(cleat_context_set_chain_cache_seconds(scene.client, 5) == CLEAT_OK);
    pass(5, 5);
    visit(scene.client, scene.server, "localhost", MISS, 0);
    EXPECT(cleat_context_set_chain_cache_seconds(scene.client, 600) == CLEAT_OK);
    pass(599, 599);
    visit(scene.client, scene.server, "localhost", HIT, 0);
    close_scene(&scene);
}

static void test_clock_set_back(void) {
    struct scene scene = open_scene();
    visit(scene.client, scene.server, "localhost", MISS, 0);
    pass(-60, 0);
    visit(scene.client, scene.server, "localhost", MISS, 0);
    pass(-2 * DAY, 0);
    visit(scene.client, scene.server, "localhost", MISS, NOT_YET);
    close_scene(&scene);
}

/* Every bit of a chain is part of the key: here the last one of the signature. */
static void test_changed_byte(void) {
    struct scene scene = open_scene();
    uint8_t *der = NULL;
    int len = i2d_X509(scene.leaf.x509, &der);
    const uint8_t *at = der;
    struct ca_certificate changed = {scene.leaf.key, NULL};
    int32_t server;
    visit(scene.client, scene.server, "localhost", MISS, 0);
    EXPECT(len > 0);
    der[len - 1] ^= 1;
    changed.x509 = d2i_X509(NULL, &at, len);
    EXPECT(changed.x509 != NULL);
    server = new_server(&changed);
    visit(scene.client, server, "localhost", MISS, BAD_SIGNATURE);
    visit(scene.client, scene.server, "localhost", HIT, 0);
    X509_free(changed.x509);
    OPENSSL_free(der);
    EXPECT(cleat_close(server) == CLEAT_OK);
    close_scene(&scene);
}

/* A server that sends the chain, and signs with the key. */
static int32_t meet_thief(int32_t client_context, X509 *leaf, EVP_PKEY *key) {
    uint8_t *der = NULL;
    int len = i2d_X509(leaf, &der);
    const struct raw_peer thief = {true, der, (size_t)len, key, NULL};
    int32_t client = cleat_connection_over_memory(client_context, 0, "localhost", 9);
    int error;
    int32_t status = raw_meet(client, &thief, &error);
    EXPECT((status < 0) == (error == SSL_AD_REASON_OFFSET + SSL_AD_DECRYPT_ERROR));
    /* The verified chain is leaf and root; a peer that has not proved that it has the key has no verified chain. */
    EXPECT(cleat_connection_chain_count(client, CLEAT_CHAIN_SENT) == 1);
    EXPECT(cleat_connection_chain_count(client, CLEAT_CHAIN_VERIFIED) == (status < 0 ? 0 : 2));
    EXPECT(cleat_close(client) == CLEAT_OK);
    OPENSSL_free(der);
    return status;
}

static void test_wrong_key(int32_t version) {
    struct scene scene = open_scene();
    struct scene another = open_scene();
    struct counters before;
    EXPECT(cleat_context_set_maximum_version(scene.client, version) == CLEAT_OK);
    visit(scene.client, scene.server, "localhost", MISS, 0);
    before = count(scene.client);
    EXPECT(meet_thief(scene.client, scene.leaf.x509, scene.leaf.key) == CLEAT_OK); /* the control */
    expect_way(scene.client, before, HIT);
    before = count(scene.client);
    EXPECT(meet_thief(scene.client, scene.leaf.x509, another.leaf.key) ==
           CLEAT_STATUS(CLEAT_SSL, SSL_R_BAD_SIGNATURE));
    expect_way(scene.client, before, HIT);
    close_scene(&another);
    close_scene(&scene);
}

/* A certificate for servers is not valid for clients, though the same CA is trusted for both. */
static void test_role(void) {
    struct scene scene = open_with(DAY, DAY, NID_server_auth);
    struct counters before;
    struct outcome outcome;
    ca_trust(scene.server, &scene.root);
    EXPECT(cleat_context_set_verify_mode(scene.server, CLEAT_CERT_OPTIONAL) == CLEAT_OK);
    visit(scene.client, scene.server, "localhost", MISS, 0); /* the client has no certificate */
    EXPECT(cleat_context_set_check_hostname(scene.client, 0) == CLEAT_OK);
    visit(scene.client, scene.server, "localhost", MISS, 0);
    ca_load(scene.client, &scene.leaf);
    before = count(scene.server);
    outcome = meet(scene.client, scene.server, "localhost");
    expect_way(scene.server, before, MISS);
    EXPECT(outcome.server == CLEAT_STATUS(CLEAT_VERIFY, NO_PURPOSE));
    close_scene(&scene);
}

static void test_clients(void) {
    struct scene scene = open_with(100, DAY, 0);
    struct counters before;
    struct outcome outcome;
    ca_trust(scene.server, &scene.root);
    ca_load(scene.client, &scene.leaf);
    EXPECT(cleat_context_set_verify_mode(scene.server, CLEAT_CERT_REQUIRED) == CLEAT_OK);
    outcome = meet(scene.client, scene.server, "localhost");
    EXPECT(outcome.client == CLEAT_OK && outcome.server == CLEAT_OK &&
           count(scene.server).misses == 1);
    outcome = meet(scene.client, scene.server, "localhost");
    EXPECT(outcome.client == CLEAT_OK && outcome.server == CLEAT_OK &&
           count(scene.server).hits == 1);
    EXPECT(cleat_context_set_check_hostname(scene.client, 0) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_mode(scene.client, CLEAT_CERT_NONE) == CLEAT_OK);
    pass(100, 100);
    before = count(scene.server);
    outcome = meet(scene.client, scene.server, "localhost");
    expect_way(scene.server, before, MISS);
    EXPECT(outcome.server == CLEAT_STATUS(CLEAT_VERIFY, EXPIRED));
    close_scene(&scene);
}

/* A client with very many certificates gets no ticket, because the ticket would contain them all. This must not depend
 * on whether the cache was used. */
static void test_tickets(void) {
    struct scene scene = open_scene();
    struct outcome outcome;
    enum way way;
    int many;
    ca_trust(scene.server, &scene.root);
    EXPECT(cleat_context_set_verify_mode(scene.server, CLEAT_CERT_REQUIRED) == CLEAT_OK);
    for (many = 0; many <= 60; many += 60) {
        ca_load_chain(scene.client, &scene.leaf, &scene.root, many);
        for (way = MISS;; way = HIT) {
            struct counters before = count(scene.server);
            outcome = meet(scene.client, scene.server, "localhost");
            expect_way(scene.server, before, way);
            EXPECT(outcome.client == CLEAT_OK && outcome.server == CLEAT_OK);
            EXPECT((outcome.sent_last > 0) == (many == 0));
            if (way == HIT) break;
        }
    }
    close_scene(&scene);
}

/* A client that resumes a session verifies the server's chain again, as if it had been sent. This test takes the
 * session from BoringSSL. */
static SSL_SESSION *taken;

static int take_session(SSL *ssl, SSL_SESSION *session) {
    (void)ssl;
    SSL_SESSION_free(taken);
    taken = session;
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

static int32_t new_resuming(int32_t context, const char *name) {
    int32_t client = cleat_connection_over_memory(context, 0, name, (int32_t)strlen(name));
    EXPECT(client > 0 && SSL_set_session(ssl_of(client), taken) == 1);
    return client;
}

static void resume(int32_t context, int32_t server, const char *name, enum way way, int32_t code) {
    struct counters before = count(context);
    struct outcome outcome =
        shake_hands(new_resuming(context, name), cleat_connection_over_memory(server, 1, NULL, 0));
    expect_way(context, before, way);
    EXPECT(outcome.client == (code == 0 ? CLEAT_OK : CLEAT_STATUS(CLEAT_VERIFY, code)));
    EXPECT(outcome.resumed == (code == 0));
}

static void get_session(const struct scene *scene) {
    int32_t client = cleat_connection_over_memory(scene->client, 0, "localhost", 9);
    SSL_CTX *ssl_ctx = SSL_get_SSL_CTX(ssl_of(client));
    SSL_CTX_set_session_cache_mode(ssl_ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ssl_ctx, take_session);
    shake_hands(client, cleat_connection_over_memory(scene->server, 1, NULL, 0));
    EXPECT(taken != NULL);
}

static void test_resumption(int32_t version) {
    struct scene scene = open_with(DAY, 1000, 0);
    struct scene another = open_scene();
    int32_t none = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(cleat_context_set_maximum_version(scene.server, version) == CLEAT_OK);
    get_session(&scene);
    resume(scene.client, scene.server, "localhost", HIT, 0);
    resume(scene.client, scene.server, "other.test", MISS, WRONG_NAME);
    resume(another.client, scene.server, "localhost", MISS, BAD_SIGNATURE);
    resume(none, scene.server, "localhost", UNUSED, 0);
    EXPECT(cleat_context_set_verify_flags(scene.client, CLEAT_VERIFY_CRL_CHECK_LEAF) == CLEAT_OK);
    resume(scene.client, scene.server, "localhost", MISS, NO_LIST);
    EXPECT(cleat_context_set_verify_flags(scene.client, 0) == CLEAT_OK);
    pass(1000, 1000);
    resume(scene.client, scene.server, "localhost", MISS, EXPIRED);
    SSL_SESSION_free(taken);
    taken = NULL;
    EXPECT(cleat_close(none) == CLEAT_OK);
    close_scene(&another);
    close_scene(&scene);
}

/* With a directory, CA certificates that are loaded may be used from the cache; those that only the directory has are
 * read each time. */
static void test_directories(void) {
    struct scene scene = open_scene();
    int32_t other = new_client(NULL);
    static char directory[] = "/tmp/cleat-test.XXXXXX";
    char path[128];
    FILE *file;
    EXPECT(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/%08x.0", directory,
             (unsigned)X509_NAME_hash(X509_get_subject_name(scene.root.x509)));
    file = fopen(path, "w");
    EXPECT(file != NULL && PEM_write_X509(file, scene.root.x509) == 1 && fclose(file) == 0);
    EXPECT(cleat_context_load_verify_directory(scene.client, directory,
                                               (int32_t)strlen(directory)) == CLEAT_OK);
    EXPECT(cleat_context_load_verify_directory(other, directory, (int32_t)strlen(directory)) ==
           CLEAT_OK);
    visit(scene.client, scene.server, "localhost", MISS, 0);
    visit(scene.client, scene.server, "localhost", HIT, 0);
    visit(other, scene.server, "localhost", MISS, 0);
    visit(other, scene.server, "localhost", MISS, 0);
    EXPECT(unlink(path) == 0 && rmdir(directory) == 0);
    visit(other, scene.server, "localhost", MISS, NO_ISSUER);
    visit(scene.client, scene.server, "localhost", HIT, 0);
    /* A list may be added to the directory at any time. */
    EXPECT(cleat_context_set_verify_flags(scene.client, CLEAT_VERIFY_CRL_CHECK_LEAF) == CLEAT_OK);
    ca_trust_list(scene.client, &scene.root, -100, DAY, 0);
    visit(scene.client, scene.server, "localhost", UNUSED, 0);
    visit(scene.client, scene.server, "localhost", UNUSED, 0);
    EXPECT(cleat_close(other) == CLEAT_OK);
    close_scene(&scene);
}

static void test_fork(void) {
    struct scene scene = open_scene();
    pid_t child;
    int status = -1;
    visit(scene.client, scene.server, "localhost", MISS, 0);
    child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        EXPECT(cleat_context_set_check_hostname(scene.client, 0) == CLEAT_OK);
        visit(scene.client, scene.server, "localhost", MISS, 0);
        visit(scene.client, scene.server, "localhost", HIT, 0);
        EXPECT(cleat_context_set_check_hostname(scene.client, 1) == CLEAT_OK);
        visit(scene.client, scene.server, "localhost", HIT, 0);
        _exit(0);
    }
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    visit(scene.client, scene.server, "localhost", HIT, 0);
    EXPECT(cleat_context_set_check_hostname(scene.client, 0) == CLEAT_OK);
    visit(scene.client, scene.server, "localhost", MISS,
          0); /* the child's entry is in the child only */
    close_scene(&scene);
}

/* Several threads fill and query the cache; one of them connects to servers that must be refused. */
struct worker {
    const struct scene *scene;
    const char *name;
    int32_t code;
};

enum { THREADS = 3, VISITS = 40 };

static void *work(void *argument) {
    const struct worker *worker = argument;
    int i;
    for (i = 0; i < VISITS; i++) {
        struct outcome outcome = meet(worker->scene->client, worker->scene->server, worker->name);
        EXPECT(outcome.client ==
               (worker->code == 0 ? CLEAT_OK : CLEAT_STATUS(CLEAT_VERIFY, worker->code)));
    }
    return NULL;
}

static void test_threads(void) {
    struct scene scene = open_scene();
    struct worker workers[THREADS] = {
        {&scene, "localhost", 0}, {&scene, "localhost", 0}, {&scene, "other.test", WRONG_NAME}};
    pthread_t threads[THREADS];
    struct counters counters;
    int i;
    for (i = 0; i < THREADS; i++) EXPECT(pthread_create(&threads[i], NULL, work, &workers[i]) == 0);
    for (i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    counters = count(scene.client);
    EXPECT(counters.hits + counters.misses == THREADS * VISITS);
    EXPECT(counters.misses > VISITS && counters.hits > 0);
    close_scene(&scene);
}

int main(void) {
    test_hits(CLEAT_TLS1_2_VERSION);
    test_hits(CLEAT_TLS1_3_VERSION);
    test_switched_off();
    test_another_name();
    test_other_trust();
    test_trust_beside_a_certificate();
    test_flags_and_lists();
    test_a_list_to_come();
    test_expiry(DAY, 100);
    test_expiry(100, DAY);
    test_age();
    test_clock_set_back();
    test_changed_byte();
    test_wrong_key(CLEAT_TLS1_2_VERSION);
    test_wrong_key(CLEAT_TLS1_3_VERSION);
    test_role();
    test_clients();
    test_tickets();
    test_resumption(CLEAT_TLS1_2_VERSION);
    test_resumption(CLEAT_TLS1_3_VERSION);
    test_directories();
    test_fork();
    test_threads();
    EXPECT(cleat_handle_count() == 0);
    puts("names, trust, flags, lists, dates, clocks, bytes, keys, roles, tickets, directories, "
         "fork, "
         "threads");
    return 0;
}
