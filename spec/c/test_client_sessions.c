/* test_client_sessions.c: a context's cache of its clients' sessions: clocks, forked processes, threads, and which
 * sessions it returns. This program's clocks replace the system's, and stand still until a test sets them. */
#undef _FORTIFY_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "ca.h"
#include "expect.h"
#include "still_clock.h"
#include "tls/client_sessions.h"

enum { HOUR = 3600, DAY = 86400, EXPIRED = 10 };

static void pass(time_t seconds) {
    atomic_fetch_add(&wall_clock, seconds);
    atomic_fetch_add(&monotonic_clock, seconds);
}

static void move(int32_t from, int32_t to) {
    char bytes[65536];
    int32_t len = cleat_connection_drain(from, bytes, sizeof bytes);
    EXPECT(len >= 0 && len < (int32_t)sizeof bytes);
    if (len > 0) EXPECT(cleat_connection_feed(to, bytes, len) == len);
}

static bool is_pending(int32_t status) {
    return status < 0 && CLEAT_CLASS(status) == CLEAT_WANT_READ;
}

struct outcome {
    int32_t client; /* the status of its handshake */
    int32_t session; /* its session, if the caller wants it, which closes it; 0 if there is none */
    bool resumed;
};

/* One connection, in which the client offers a session (0: none), and afterwards reads if reads is true. */
static struct outcome meet(int32_t client_context, int32_t server_context, int32_t session,
                           bool reads) {
    int32_t client = cleat_connection_over_memory(client_context, 0, "localhost", 9);
    int32_t server = cleat_connection_over_memory(server_context, 1, NULL, 0);
    struct outcome outcome = {CLEAT_STATUS(CLEAT_WANT_READ, 0), 0, false};
    int32_t other = outcome.client;
    int turn;
    EXPECT(client > 0 && server > 0);
    if (session != 0) EXPECT(cleat_connection_set_session(client, session) == CLEAT_OK);
    for (turn = 0; turn < 4; turn++) {
        char byte;
        if (is_pending(outcome.client)) outcome.client = cleat_connection_handshake(client, 0);
        move(client, server);
        if (is_pending(other)) other = cleat_connection_handshake(server, 0);
        move(server, client);
        if (outcome.client == CLEAT_OK && reads) (void)cleat_connection_read(client, &byte, 1, 0);
    }
    outcome.resumed = cleat_connection_session_reused(client) == 1;
    if (reads) outcome.session = cleat_connection_session(client);
    EXPECT(cleat_close(client) == CLEAT_OK && cleat_close(server) == CLEAT_OK);
    return outcome;
}

struct scene {
    struct ca_certificate root;
    struct ca_certificate leaf;
    int32_t client;
    int32_t server;
};

static struct scene open_scene(int32_t version, long leaf_ends) {
    const struct ca_request root = {"root", 1, -DAY, 100L * DAY, true, 0};
    const struct ca_request leaf = {"localhost", 7, -DAY, leaf_ends, false, 0};
    struct scene scene;
    atomic_store(&wall_clock, WALL);
    atomic_store(&monotonic_clock, MONOTONIC);
    scene.root = ca_issue(&root, NULL);
    scene.leaf = ca_issue(&leaf, &scene.root);
    scene.client = cleat_context_new(CLEAT_PROTOCOL_TLS);
    scene.server = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(scene.client > 0 && scene.server > 0);
    ca_trust(scene.client, &scene.root);
    EXPECT(cleat_context_set_verify_mode(scene.client, CLEAT_CERT_REQUIRED) == CLEAT_OK);
    EXPECT(cleat_context_set_check_hostname(scene.client, 1) == CLEAT_OK);
    EXPECT(cleat_context_set_maximum_version(scene.client, version) == CLEAT_OK);
    EXPECT(cleat_context_set_client_sessions(scene.client, 8) == CLEAT_OK);
    ca_load(scene.server, &scene.leaf);
    return scene;
}

static void close_scene(struct scene *scene) {
    EXPECT(cleat_close(scene->client) == CLEAT_OK && cleat_close(scene->server) == CLEAT_OK);
    ca_free(&scene->root);
    ca_free(&scene->leaf);
}

/* A visit that succeeds; returns whether it has resumed. */
static bool visit(const struct scene *scene, bool reads) {
    struct outcome outcome = meet(scene->client, scene->server, 0, reads);
    EXPECT(outcome.client == CLEAT_OK);
    if (outcome.session > 0) EXPECT(cleat_close(outcome.session) == CLEAT_OK);
    return outcome.resumed;
}

/* A session is not offered after its end, nor if the clock was set back to before it was made. */
static void test_end(int32_t version) {
    struct scene scene = open_scene(version, 90L * DAY);
    int32_t timeout;
    struct outcome first = meet(scene.client, scene.server, 0, true);
    EXPECT(first.client == CLEAT_OK && !first.resumed && first.session > 0);
    timeout = cleat_session_timeout(first.session);
    EXPECT(timeout >= HOUR);
    pass(timeout - 1);
    EXPECT(visit(&scene, false)); /* no new ticket is read */
    pass(1);
    EXPECT(!visit(&scene, true));
    EXPECT(visit(&scene, true));
    pass(-1);
    EXPECT(!visit(&scene, true));
    EXPECT(cleat_close(first.session) == CLEAT_OK);
    close_scene(&scene);
}

/* The server has a new certificate when the session's certificate expires: a resumed handshake would fail, a full one
 * succeeds. A session that the caller sets is always offered, and then verified. */
static void test_end_of_certificate(int32_t version) {
    struct scene scene = open_scene(version, HOUR);
    const struct ca_request renewed = {"localhost", 8, -DAY, 90L * DAY, false, 0};
    struct ca_certificate leaf = ca_issue(&renewed, &scene.root);
    struct outcome first = meet(scene.client, scene.server, 0, true);
    struct outcome last;
    EXPECT(first.client == CLEAT_OK && !first.resumed && first.session > 0);
    ca_load(scene.server, &leaf);
    EXPECT(visit(&scene, false));
    pass(HOUR + 1);
    EXPECT(!visit(&scene, true));
    EXPECT(visit(&scene, true));
    last = meet(scene.client, scene.server, first.session, true);
    EXPECT(last.client == CLEAT_STATUS(CLEAT_VERIFY, EXPIRED));
    EXPECT(last.session == 0);
    EXPECT(!visit(&scene, true)); /* the failure has discarded the others */
    EXPECT(visit(&scene, true));
    EXPECT(cleat_close(first.session) == CLEAT_OK);
    ca_free(&leaf);
    close_scene(&scene);
}

/* A forked process does not offer the sessions that its parent may offer, too. */
static void test_fork(int32_t version) {
    struct scene scene = open_scene(version, 90L * DAY);
    int status = -1;
    pid_t child;
    EXPECT(!visit(&scene, true));
    child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        EXPECT(!visit(&scene, true));
        EXPECT(visit(&scene, true));
        _exit(0);
    }
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    EXPECT(visit(&scene, true));
    close_scene(&scene);
}

/* ---- several threads over one context ---- */

enum { VISITS = 40, THREADS = 3 };

static void *visit_often(void *argument) {
    const struct scene *scene = argument;
    int i;
    for (i = 0; i < VISITS; i++) (void)visit(scene, i % 2 == 0);
    return NULL;
}

static void *change_often(void *argument) {
    const struct scene *scene = argument;
    int i;
    for (i = 0; i < VISITS; i++) {
        EXPECT(cleat_context_set_verify_depth(scene->client, 3 + i % 2) == CLEAT_OK);
        EXPECT(cleat_context_set_client_sessions(scene->client, 1 + i % 3) == CLEAT_OK);
        EXPECT(cleat_context_client_sessions(scene->client) == 1 + i % 3);
    }
    return NULL;
}

static void run_threads(struct scene *scene, bool changes) {
    pthread_t threads[THREADS];
    int i;
    for (i = 0; i < THREADS; i++) {
        void *(*body)(void *) = changes && i == 0 ? change_often : visit_often;
        EXPECT(pthread_create(&threads[i], NULL, body, scene) == 0);
    }
    for (i = 0; i < THREADS; i++) EXPECT(pthread_join(threads[i], NULL) == 0);
}

static void test_threads(int32_t version) {
    struct scene scene = open_scene(version, 90L * DAY);
    int32_t hits;
    run_threads(&scene, false);
    hits = cleat_context_session_stats(scene.client, CLEAT_STAT_HITS);
    EXPECT(hits >= VISITS && hits < THREADS * VISITS);
    run_threads(&scene, true);
    close_scene(&scene);
}

/* ---- the table by itself ---- */

static struct cleat_server_key key_of(int number) {
    struct cleat_server_key key = {3, {0, (char)(number / 200), (char)(number % 200)}};
    return key;
}

/* A session of TLS 1.3, or else of TLS 1.2, that lasts for an hour. */
static SSL_SESSION *new_session(SSL_CTX *ssl_ctx, bool single_use, size_t ticket_len) {
    static const uint8_t ticket[20000] = {1};
    SSL_SESSION *session = SSL_SESSION_new(ssl_ctx);
    EXPECT(session != NULL && SSL_SESSION_set_protocol_version(
                                  session, single_use ? TLS1_3_VERSION : TLS1_2_VERSION) == 1);
    EXPECT(SSL_SESSION_set_ticket(session, ticket, ticket_len) == 1);
    SSL_SESSION_set_time(session, (uint64_t)atomic_load(&wall_clock));
    SSL_SESSION_set_timeout(session, HOUR);
    return session;
}

static void put(struct cleat_client_sessions *cache, int server, SSL_SESSION *session) {
    struct cleat_server_key key = key_of(server);
    cleat_client_sessions_put(cache, cleat_client_sessions_epoch(cache), &key, session, INT64_MAX);
}

static SSL_SESSION *take(struct cleat_client_sessions *cache, int server) {
    struct cleat_server_key key = key_of(server);
    return cleat_client_sessions_take(cache, cleat_client_sessions_epoch(cache), &key);
}

/* How many sessions there are of servers from 0 on; those of TLS 1.3 are removed by this. */
static int count(struct cleat_client_sessions *cache, int servers) {
    int found = 0;
    int i;
    for (i = 0; i < servers; i++) {
        SSL_SESSION *session;
        while ((session = take(cache, i)) != NULL) {
            bool ends = SSL_SESSION_should_be_single_use(session) == 0;
            SSL_SESSION_free(session);
            found++;
            if (ends) break;
        }
    }
    return found;
}

static void test_capacity(SSL_CTX *ssl_ctx, int capacity, int servers) {
    struct cleat_client_sessions *cache = cleat_client_sessions_new();
    int round;
    int i;
    EXPECT(cache != NULL);
    cleat_client_sessions_limit(cache, capacity);
    for (round = 0; round < 6; round++) {
        for (i = 0; i < servers; i++) {
            SSL_SESSION *session = new_session(ssl_ctx, true, 100);
            put(cache, i, session);
            SSL_SESSION_free(session);
        }
    }
    EXPECT(count(cache, servers) == (capacity < 4 * servers ? capacity : 4 * servers));
    EXPECT(count(cache, servers) == 0);
    cleat_client_sessions_unref(cache);
}

static void test_what_is_not_stored(SSL_CTX *ssl_ctx) {
    struct cleat_client_sessions *cache = cleat_client_sessions_new();
    SSL_SESSION *session = new_session(ssl_ctx, true, 100);
    SSL_SESSION *great = new_session(ssl_ctx, true, 20000);
    struct cleat_server_key key = key_of(1);
    uint32_t epoch = cleat_client_sessions_epoch(cache);
    put(cache, 1, session); /* the cache is off */
    cleat_client_sessions_limit(cache, 4);
    EXPECT(count(cache, 2) == 0);
    put(cache, 1, great);
    EXPECT(count(cache, 2) == 0);
    cleat_client_sessions_put(cache, epoch, &key, session, WALL); /* its chain has expired */
    EXPECT(count(cache, 2) == 0);
    cleat_client_sessions_put(cache, epoch + 1, &key, session, INT64_MAX);
    EXPECT(count(cache, 2) == 0);
    cleat_client_sessions_put(cache, epoch, &key, session, WALL + 1);
    EXPECT(count(cache, 2) == 1);
    put(cache, 1, session);
    cleat_client_sessions_empty(cache);
    EXPECT(cleat_client_sessions_epoch(cache) == epoch + 1);
    EXPECT(count(cache, 2) == 0);
    put(cache, 1, session);
    cleat_client_sessions_remove(cache, &key, great);
    EXPECT(count(cache, 2) == 1);
    put(cache, 1, session);
    cleat_client_sessions_remove(cache, &key, session);
    EXPECT(count(cache, 2) == 0);
    SSL_SESSION_free(session);
    SSL_SESSION_free(great);
    cleat_client_sessions_unref(cache);
}

/* The least recently used session is replaced; a lookup is a use. */
static void test_order(SSL_CTX *ssl_ctx) {
    struct cleat_client_sessions *cache = cleat_client_sessions_new();
    SSL_SESSION *session = new_session(ssl_ctx, false, 100);
    SSL_SESSION *found;
    cleat_client_sessions_limit(cache, 2);
    put(cache, 1, session);
    put(cache, 2, session);
    found = take(cache, 1);
    EXPECT(found == session);
    SSL_SESSION_free(found);
    put(cache, 3, session);
    EXPECT(take(cache, 2) == NULL);
    EXPECT(count(cache, 4) == 2);
    pass(HOUR); /* expired sessions are not counted */
    EXPECT(count(cache, 4) == 0);
    SSL_SESSION_free(session);
    cleat_client_sessions_unref(cache);
}

/* Each ticket is taken by one thread. */
struct takers {
    struct cleat_client_sessions *cache;
    SSL_CTX *ssl_ctx;
    atomic_int put;
    atomic_int taken;
};

static void *put_and_take(void *argument) {
    struct takers *takers = argument;
    int i;
    for (i = 0; i < 300; i++) {
        SSL_SESSION *session = new_session(takers->ssl_ctx, true, 100);
        SSL_SESSION *found;
        put(takers->cache, i % 3, session);
        SSL_SESSION_free(session);
        atomic_fetch_add(&takers->put, 1);
        found = take(takers->cache, (i + 1) % 3);
        if (found == NULL) continue;
        atomic_fetch_add(&takers->taken, 1);
        /* This reference is the only one: no other thread has it. */
        EXPECT(SSL_SESSION_get_timeout(found) == HOUR);
        SSL_SESSION_set_timeout(found, 1);
        SSL_SESSION_free(found);
    }
    return NULL;
}

static void test_single_use(SSL_CTX *ssl_ctx) {
    struct takers takers = {cleat_client_sessions_new(), ssl_ctx, 0, 0};
    pthread_t threads[THREADS];
    int i;
    cleat_client_sessions_limit(takers.cache, 12);
    for (i = 0; i < THREADS; i++) {
        EXPECT(pthread_create(&threads[i], NULL, put_and_take, &takers) == 0);
    }
    for (i = 0; i < THREADS; i++) EXPECT(pthread_join(threads[i], NULL) == 0);
    EXPECT(atomic_load(&takers.put) == THREADS * 300);
    EXPECT(atomic_load(&takers.taken) > 0);
    EXPECT(count(takers.cache, 3) <= 12);
    cleat_client_sessions_unref(takers.cache);
}

static void test_table(void) {
    SSL_CTX *ssl_ctx = SSL_CTX_new(TLS_with_buffers_method());
    EXPECT(ssl_ctx != NULL);
    atomic_store(&wall_clock, WALL);
    test_capacity(ssl_ctx, 1, 3);
    test_capacity(ssl_ctx, 64, 10);
    test_capacity(ssl_ctx, 64, 100);
    test_capacity(ssl_ctx, 5000, 1000);
    test_what_is_not_stored(ssl_ctx);
    test_order(ssl_ctx);
    atomic_store(&wall_clock, WALL);
    test_single_use(ssl_ctx);
    SSL_CTX_free(ssl_ctx);
}

int main(void) {
    static const int32_t versions[] = {CLEAT_TLS1_2_VERSION, CLEAT_TLS1_3_VERSION};
    size_t i;
    test_table();
    for (i = 0; i < 2; i++) {
        test_end(versions[i]);
        test_end_of_certificate(versions[i]);
        test_fork(versions[i]);
        test_threads(versions[i]);
    }
    EXPECT(cleat_handle_count() == 0);
    puts("sessions of clients: clocks, forks, threads and the table");
    return 0;
}
