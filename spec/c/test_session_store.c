/* test_session_store.c: the pause in which a server gets sessions from its store and stores them, and the effects of
 * the clocks: keys of periods, and expired sessions. This program's clocks replace the system's, and stand still until
 * a test sets them, so that the program's run time has no effect. */
#undef _FORTIFY_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/error.h"
#include "expect.h"
#include "identity.h"
#include "resumer.h"
#include "still_clock.h"
#include "tls/connection.h"

enum { HOUR = 3600, DAY = 86400, KEY = 32, CAP = 8192 };

static void set_clocks(time_t passed) {
    atomic_store(&wall_clock, WALL + passed);
    atomic_store(&monotonic_clock, MONOTONIC + passed);
}

/* The ways in which a session can be stored. */
struct way {
    const char *name;
    uint16_t version;
    bool no_ticket;
};
static const struct way ways[] = {{"TLS 1.2, ticket", TLS1_2_VERSION, false},
                                  {"TLS 1.2, id", TLS1_2_VERSION, true},
                                  {"TLS 1.3", TLS1_3_VERSION, false}};
enum { WAYS = sizeof ways / sizeof ways[0] };

static struct resumer client;

static int32_t make_context(const struct way *way) {
    int32_t server;
    int32_t other;
    identity_contexts(&server, &other);
    EXPECT(cleat_close(other) == CLEAT_OK);
    if (way->no_ticket) {
        EXPECT(cleat_context_set_options(server, cleat_context_options(server) |
                                                     CLEAT_OP_NO_TICKET) == CLEAT_OK);
    }
    return server;
}

static int32_t make_stored(const struct way *way) {
    int32_t context = make_context(way);
    EXPECT(cleat_context_set_session_events(context, CLEAT_SESSIONS_STORED) == CLEAT_OK);
    return context;
}

static int32_t accept_client(int32_t context, SSL_SESSION *offer) {
    int32_t connection = cleat_connection_over_memory(context, 1, NULL, 0);
    EXPECT(connection > 0);
    resumer_start(&client, offer);
    return connection;
}

/* A store with one session. */
static struct {
    char key[KEY];
    char value[CAP];
    int32_t len;
    int32_t lifetime;
} stored;

static void store(int32_t connection) {
    EXPECT(cleat_connection_session_question(connection) == CLEAT_SESSION_QUESTION_PUT);
    EXPECT(cleat_connection_wanted_session(connection, stored.key, KEY) == KEY);
    stored.len = cleat_connection_stored_session(connection, stored.value, CAP, &stored.lifetime);
    EXPECT(stored.len > 0 && stored.len <= CAP);
    EXPECT(cleat_connection_answer_session(connection, NULL, 0) == CLEAT_OK);
}

static bool is_wanted(int32_t connection) {
    char key[KEY];
    return cleat_connection_session_question(connection) == CLEAT_SESSION_QUESTION_GET &&
           cleat_connection_wanted_session(connection, key, KEY) == KEY &&
           memcmp(key, stored.key, KEY) == 0;
}

/* A whole visit of the client. Returns whether it has resumed a session; sessions to store are stored. */
static bool visit(int32_t context, SSL_SESSION *offer) {
    int32_t connection = accept_client(context, offer);
    int32_t hits = cleat_context_session_stats(context, CLEAT_STAT_HITS);
    int32_t status;
    while ((status = resumer_run(&client, connection)) == CLEAT_WANTS_SESSION) {
        if (cleat_connection_session_question(connection) == CLEAT_SESSION_QUESTION_GET) {
            bool wanted = is_wanted(connection);
            EXPECT(cleat_connection_answer_session(connection, wanted ? stored.value : NULL,
                                                   wanted ? stored.len : 0) == CLEAT_OK);
        } else {
            store(connection);
        }
    }
    EXPECT(status == CLEAT_OK && client.done);
    if (client.given == 0) { /* tickets of TLS 1.3 are sent before the first read waits */
        char byte;
        EXPECT(cleat_connection_read(connection, &byte, 1, 0) == CLEAT_WANTS_READ);
        resumer_run(&client, connection);
    }
    EXPECT(cleat_close(connection) == CLEAT_OK);
    return cleat_context_session_stats(context, CLEAT_STAT_HITS) == hits + 1;
}

/* Returns the newest session of the client, which the caller frees. */
static SSL_SESSION *keep_session(void) {
    SSL_SESSION *session = client.session;
    EXPECT(session != NULL);
    client.session = NULL;
    return session;
}

/* All calls of a connection in the pause. */
static void expect_pause(int32_t id, int32_t context) {
    char byte = 0;
    int i;
    for (i = 0; i < 2; i++) {
        EXPECT(cleat_connection_handshake(id, 60) == CLEAT_WANTS_SESSION);
        EXPECT(cleat_connection_read(id, &byte, 1, 60) == CLEAT_WANTS_SESSION);
        EXPECT(cleat_connection_write(id, &byte, 1, 0) == CLEAT_WANTS_SESSION);
    }
    expect_usage(cleat_connection_answer_server_name(id, -1));
    expect_usage(cleat_connection_answer_verify(id, CLEAT_VERDICT_KEEP));
    expect_usage(cleat_connection_set_context(id, context));
    EXPECT(cleat_connection_established(id) == 0);
}

static void expect_no_question(int32_t id) {
    char bytes[KEY];
    int32_t lifetime;
    EXPECT(cleat_connection_session_question(id) == CLEAT_SESSION_QUESTION_NONE);
    expect_usage(cleat_connection_wanted_session(id, bytes, KEY));
    expect_usage(cleat_connection_stored_session(id, bytes, KEY, &lifetime));
    expect_usage(cleat_connection_answer_session(id, NULL, 0));
    expect_usage(cleat_connection_answer_session(id, bytes, KEY));
}

/* A session is stored before the client has it: with the bytes that were sent before the pause a TLS 1.2 client has not
 * finished its handshake, and has no ticket. */
static void test_store(const struct way *way) {
    int32_t context = make_stored(way);
    int32_t connection = accept_client(context, NULL);
    char byte;
    expect_no_question(connection);
    EXPECT(resumer_run(&client, connection) == CLEAT_WANTS_SESSION);
    EXPECT(client.given == 0 && client.done == (way->version == TLS1_3_VERSION));
    expect_pause(connection, context);
    expect_usage(cleat_connection_answer_session(connection, "x", 1));
    store(connection);
    if (way->version == TLS1_3_VERSION) {
        EXPECT(resumer_run(&client, connection) == CLEAT_WANTS_SESSION);
        store(connection);
    }
    EXPECT(stored.lifetime == (way->version == TLS1_3_VERSION ? 2 * DAY : 2 * HOUR));
    expect_no_question(connection);
    EXPECT(resumer_run(&client, connection) == CLEAT_OK && client.done);
    expect_no_question(connection);
    EXPECT(cleat_connection_read(connection, &byte, 1, 0) == CLEAT_WANTS_READ);
    resumer_run(&client, connection);
    EXPECT(client.given == (way->version == TLS1_3_VERSION ? 2 : 1));
    EXPECT(cleat_close(connection) == CLEAT_OK && cleat_close(context) == CLEAT_OK);
}

static void test_look_up(const struct way *way) {
    int32_t context = make_stored(way);
    int32_t connection;
    int32_t lifetime;
    SSL_SESSION *session;
    EXPECT(!visit(context, NULL));
    session = keep_session();
    connection = accept_client(context, session);
    EXPECT(resumer_run(&client, connection) == CLEAT_WANTS_SESSION);
    EXPECT(is_wanted(connection));
    expect_pause(connection, context);
    expect_usage(cleat_connection_stored_session(connection, NULL, 0, &lifetime));
    EXPECT(cleat_connection_answer_session(connection, stored.value, stored.len) == CLEAT_OK);
    expect_no_question(connection);
    while (resumer_run(&client, connection) == CLEAT_WANTS_SESSION) store(connection);
    EXPECT(client.done && SSL_session_reused(client.ssl));
    EXPECT(cleat_context_session_stats(context, CLEAT_STAT_HITS) == 1);
    EXPECT(cleat_close(connection) == CLEAT_OK);
    SSL_SESSION_free(session);
    EXPECT(cleat_close(context) == CLEAT_OK);
}

/* A connection that is closed in either pause: the context may live on, and the session to store is freed. */
static void test_close(const struct way *way) {
    int32_t context = make_stored(way);
    int32_t connection = accept_client(context, NULL);
    SSL_SESSION *session;
    EXPECT(resumer_run(&client, connection) == CLEAT_WANTS_SESSION);
    EXPECT(cleat_close(connection) == CLEAT_OK);
    EXPECT(CLEAT_CLASS(cleat_connection_answer_session(connection, NULL, 0)) == CLEAT_HANDLE);
    EXPECT(!visit(context, NULL));
    session = keep_session();
    connection = accept_client(context, session);
    EXPECT(resumer_run(&client, connection) == CLEAT_WANTS_SESSION);
    EXPECT(cleat_close(context) == CLEAT_OK);
    EXPECT(cleat_connection_answer_session(connection, stored.value, stored.len) == CLEAT_OK);
    EXPECT(cleat_close(connection) == CLEAT_OK);
    SSL_SESSION_free(session);
}

/* A store that is switched on or off meanwhile affects later connections only. */
static void test_switch(const struct way *way) {
    int32_t context = make_stored(way);
    int32_t connection = accept_client(context, NULL);
    EXPECT(cleat_context_set_session_events(context, CLEAT_SESSIONS_OWN) == CLEAT_OK);
    EXPECT(resumer_run(&client, connection) == CLEAT_WANTS_SESSION);
    EXPECT(cleat_close(connection) == CLEAT_OK);
    connection = accept_client(context, NULL);
    EXPECT(cleat_context_set_session_events(context, CLEAT_SESSIONS_STORED) == CLEAT_OK);
    EXPECT(resumer_run(&client, connection) == CLEAT_OK && client.done);
    EXPECT(cleat_close(connection) == CLEAT_OK && cleat_close(context) == CLEAT_OK);
    expect_usage(cleat_context_set_session_events(context, -1));
    expect_usage(cleat_context_set_session_events(context, 3));
}

/* Expired sessions are not resumed, and their handshakes succeed. */
static void test_timeouts(const struct way *way, bool with_store) {
    int32_t context = with_store ? make_stored(way) : make_context(way);
    SSL_SESSION *session;
    EXPECT(cleat_context_set_session_timeout(context, HOUR) == CLEAT_OK);
    EXPECT(!visit(context, NULL));
    session = keep_session();
    set_clocks(HOUR - 1);
    EXPECT(visit(context, session));
    EXPECT(cleat_context_session_stats(context, CLEAT_STAT_TIMEOUTS) == 0);
    if (with_store) {
        EXPECT(!visit(context, NULL));
        SSL_SESSION_free(session);
        session = keep_session();
        set_clocks(2 * HOUR - 1);
    } else {
        set_clocks(HOUR);
    }
    EXPECT(!visit(context, session));
    EXPECT(cleat_context_session_stats(context, CLEAT_STAT_TIMEOUTS) == 1);
    EXPECT(cleat_context_session_stats(context, CLEAT_STAT_MISSES) == 0);
    SSL_SESSION_free(session);
    EXPECT(cleat_close(context) == CLEAT_OK);
    set_clocks(0);
}

/* A ticket with one changed byte, or a truncated one: a full handshake, and no error. */
static void test_changed_tickets(const struct way *way, bool with_store) {
    int32_t context = with_store ? make_stored(way) : make_context(way);
    uint8_t ticket[CAP];
    const uint8_t *own;
    SSL_SESSION *session;
    size_t len;
    size_t at;
    int32_t misses = 0;
    EXPECT(!visit(context, NULL));
    session = keep_session();
    SSL_SESSION_get0_ticket(session, &own, &len);
    EXPECT(len < sizeof ticket);
    memcpy(ticket, own, len);
    for (at = 0; at < len; at += 7) {
        ticket[at] ^= 1;
        EXPECT(SSL_SESSION_set_ticket(session, ticket, len) == 1);
        EXPECT(!visit(context, session));
        EXPECT(cleat_context_session_stats(context, CLEAT_STAT_MISSES) == ++misses);
        ticket[at] ^= 1;
    }
    for (at = 1; at < len; at += 13) {
        EXPECT(SSL_SESSION_set_ticket(session, ticket, at) == 1);
        EXPECT(!visit(context, session));
    }
    EXPECT(cleat_context_session_stats(context, CLEAT_STAT_HITS) == 0);
    SSL_SESSION_free(session);
    EXPECT(cleat_close(context) == CLEAT_OK);
}

/* The client decides how often it offers a ticket, unless sessions are for single use: then they resume once, and those
 * of TLS 1.2 repeatedly. */
static void test_replay(const struct way *way) {
    int32_t context = make_stored(way);
    SSL_SESSION *session;
    int32_t connection;
    EXPECT(!visit(context, NULL));
    session = keep_session();
    connection = accept_client(context, session);
    EXPECT(resumer_run(&client, connection) == CLEAT_WANTS_SESSION && is_wanted(connection));
    EXPECT(cleat_connection_answer_session(connection, stored.value, stored.len) == CLEAT_OK);
    EXPECT(cleat_context_set_session_events(context, CLEAT_SESSIONS_SINGLE_USE) == CLEAT_OK);
    EXPECT(cleat_close(connection) == CLEAT_OK);
    connection = accept_client(context, session);
    EXPECT(resumer_run(&client, connection) == CLEAT_WANTS_SESSION && is_wanted(connection));
    EXPECT(cleat_connection_answer_session(connection, stored.value, stored.len) == CLEAT_OK);
    if (way->version == TLS1_3_VERSION) {
        char first[KEY];
        char key[KEY];
        memcpy(first, stored.key, KEY);
        EXPECT(resumer_run(&client, connection) == CLEAT_WANTS_SESSION);
        store(connection);
        store(connection);
        EXPECT(cleat_connection_session_question(connection) == CLEAT_SESSION_QUESTION_REMOVE);
        EXPECT(cleat_connection_wanted_session(connection, key, KEY) == KEY);
        EXPECT(memcmp(first, key, KEY) == 0);
        expect_usage(cleat_connection_answer_session(connection, "x", 1));
        EXPECT(cleat_connection_answer_session(connection, NULL, 0) == CLEAT_OK);
    }
    EXPECT(resumer_run(&client, connection) == CLEAT_OK && client.done);
    EXPECT(SSL_session_reused(client.ssl));
    SSL_SESSION_free(session);
    EXPECT(cleat_close(connection) == CLEAT_OK && cleat_close(context) == CLEAT_OK);
}

static const char secret[2 + 32] = {0, 32, 's', 'e', 'c', 'r', 'e', 't'};

static void set_secret(int32_t context, int32_t period) {
    EXPECT(cleat_context_set_ticket_secrets(context, secret, sizeof secret, period) == CLEAT_OK);
}

/* One server issues a ticket at 0, which is offered to the other one later, by its clock. */
static bool resumes_at(const struct way *way, int32_t period, int32_t timeout, time_t when) {
    int32_t first = make_context(way);
    int32_t second = make_context(way);
    SSL_SESSION *session;
    bool resumed;
    set_secret(first, period);
    set_secret(second, period);
    EXPECT(cleat_context_set_session_timeout(first, timeout) == CLEAT_OK);
    EXPECT(cleat_context_set_session_timeout(second, timeout) == CLEAT_OK);
    EXPECT(!visit(first, NULL));
    session = keep_session();
    set_clocks(when);
    resumed = visit(second, session);
    /* In TLS 1.2 a client gets a new ticket if its own is encrypted with the key of an older period. */
    if (resumed && way->version == TLS1_2_VERSION) {
        EXPECT(client.given == (when / period > 0 ? 1 : 0));
    }
    set_clocks(0);
    SSL_SESSION_free(session);
    EXPECT(cleat_close(first) == CLEAT_OK && cleat_close(second) == CLEAT_OK);
    return resumed;
}

static void test_periods(const struct way *way) {
    EXPECT(WALL % HOUR == 0); /* a period begins now */
    EXPECT(resumes_at(way, HOUR, DAY, 0));
    EXPECT(resumes_at(way, HOUR, DAY, HOUR - 1));
    EXPECT(resumes_at(way, HOUR, DAY, HOUR));
    EXPECT(resumes_at(way, HOUR, DAY, DAY - 1));
    EXPECT(!resumes_at(way, HOUR, DAY, DAY));
    EXPECT(resumes_at(way, 7, DAY, DAY - 1));
    EXPECT(resumes_at(way, 7 * DAY, HOUR, HOUR - 1));
}

/* The keys themselves, at the beginning and the end of their periods. */
static void test_key_window(void) {
    struct cleat_ticket_keys *keys = cleat_ticket_keys_new();
    struct cleat_ticket_key made;
    struct cleat_ticket_key found;
    EXPECT(cleat_ticket_keys_set_secrets(keys, secret, sizeof secret, HOUR) == CLEAT_OK);
    cleat_ticket_keys_set_timeout(keys, 2 * HOUR);
    EXPECT(cleat_ticket_keys_newest(keys, &made));
    EXPECT(cleat_ticket_keys_find(keys, made.name, &found) == CLEAT_TICKET_NEWEST);
    EXPECT(memcmp(&made, &found, sizeof made) == 0);
    set_clocks(-1); /* a clock that is late: for it the key is of the next period */
    EXPECT(cleat_ticket_keys_find(keys, made.name, &found) == CLEAT_TICKET_NEWEST);
    set_clocks(-HOUR);
    EXPECT(cleat_ticket_keys_find(keys, made.name, &found) == CLEAT_TICKET_NEWEST);
    set_clocks(-HOUR - 1);
    EXPECT(cleat_ticket_keys_find(keys, made.name, &found) == CLEAT_TICKET_UNKNOWN);
    set_clocks(HOUR);
    EXPECT(cleat_ticket_keys_find(keys, made.name, &found) == CLEAT_TICKET_OLDER);
    EXPECT(memcmp(&made, &found, sizeof made) == 0);
    set_clocks(3 * HOUR - 1); /* the last ticket of the period ends now */
    EXPECT(cleat_ticket_keys_find(keys, made.name, &found) == CLEAT_TICKET_OLDER);
    set_clocks(3 * HOUR);
    EXPECT(cleat_ticket_keys_find(keys, made.name, &found) == CLEAT_TICKET_UNKNOWN);
    made.name[0] ^= 1;
    set_clocks(0);
    EXPECT(cleat_ticket_keys_find(keys, made.name, &found) == CLEAT_TICKET_UNKNOWN);
    cleat_ticket_keys_free(keys);
}

/* All keys of a secret differ in all their parts. */
static void test_keys_differ(void) {
    struct cleat_ticket_keys *keys = cleat_ticket_keys_new();
    struct cleat_ticket_key made[4];
    int i;
    int k;
    EXPECT(cleat_ticket_keys_set_secrets(keys, secret, sizeof secret, HOUR) == CLEAT_OK);
    for (i = 0; i < 4; i++) {
        if (i == 2) {
            EXPECT(cleat_ticket_keys_set_secrets(keys, secret, sizeof secret, 1) == CLEAT_OK);
        }
        set_clocks(i % 2 * HOUR);
        EXPECT(cleat_ticket_keys_newest(keys, &made[i]));
    }
    set_clocks(0);
    for (i = 0; i < 4; i++) {
        EXPECT(memcmp(made[i].hmac, made[i].aes, sizeof made[i].aes) != 0);
        for (k = 0; k < i; k++) {
            EXPECT(memcmp(made[i].name, made[k].name, sizeof made[i].name) != 0);
            EXPECT(memcmp(made[i].hmac, made[k].hmac, sizeof made[i].hmac) != 0);
            EXPECT(memcmp(made[i].aes, made[k].aes, sizeof made[i].aes) != 0);
        }
    }
    cleat_ticket_keys_free(keys);
}

/* Random keys encrypt for two days, and decrypt for two more, or for the lifetime of sessions. */
static void test_random_keys(int32_t timeout, time_t last) {
    struct cleat_ticket_keys *keys = cleat_ticket_keys_new();
    struct cleat_ticket_key made;
    struct cleat_ticket_key found;
    cleat_ticket_keys_set_timeout(keys, timeout);
    EXPECT(cleat_ticket_keys_newest(keys, &made));
    set_clocks(2 * DAY - 1);
    EXPECT(cleat_ticket_keys_find(keys, made.name, &found) == CLEAT_TICKET_NEWEST);
    set_clocks(2 * DAY);
    EXPECT(cleat_ticket_keys_find(keys, made.name, &found) == CLEAT_TICKET_OLDER);
    if (last < 4 * DAY) {
        set_clocks(last - 1);
        EXPECT(cleat_ticket_keys_find(keys, made.name, &found) == CLEAT_TICKET_OLDER);
    }
    set_clocks(last);
    EXPECT(cleat_ticket_keys_find(keys, made.name, &found) == CLEAT_TICKET_UNKNOWN);
    cleat_ticket_keys_free(keys);
    set_clocks(0);
}

struct waiter {
    int32_t connection;
    int32_t status;
};

static void *wait_for_it(void *argument) {
    struct waiter *waiter = argument;
    waiter->status = cleat_connection_handshake(waiter->connection, 0);
    return NULL;
}

/* Two threads get the same pause; one answers, and either continues. */
static void test_threads(const struct way *way) {
    int32_t context = make_stored(way);
    int32_t connection;
    SSL_SESSION *session;
    struct waiter waiters[2];
    pthread_t threads[2];
    int i;
    EXPECT(!visit(context, NULL));
    session = keep_session();
    connection = accept_client(context, session);
    EXPECT(resumer_run(&client, connection) == CLEAT_WANTS_SESSION);
    for (i = 0; i < 2; i++) {
        waiters[i] = (struct waiter){connection, 0};
        EXPECT(pthread_create(&threads[i], NULL, wait_for_it, &waiters[i]) == 0);
    }
    for (i = 0; i < 2; i++) {
        EXPECT(pthread_join(threads[i], NULL) == 0);
        EXPECT(waiters[i].status == CLEAT_WANTS_SESSION || waiters[i].status == CLEAT_WANTS_READ);
    }
    EXPECT(cleat_connection_answer_session(connection, stored.value, stored.len) == CLEAT_OK);
    while (resumer_run(&client, connection) == CLEAT_WANTS_SESSION) store(connection);
    EXPECT(client.done && SSL_session_reused(client.ssl));
    SSL_SESSION_free(session);
    EXPECT(cleat_close(connection) == CLEAT_OK && cleat_close(context) == CLEAT_OK);
}

/* Ticket keys change all the time, while a client connects repeatedly. A ticket of the previous key is accepted. */
struct rotation {
    atomic_int number; /* of the newest key */
    atomic_int used; /* of the key whose ticket the client has, or a newer one */
    atomic_bool over;
    int32_t context;
};

static void *rotate(void *argument) {
    struct rotation *rotation = argument;
    char keys[2 * CLEAT_TICKET_KEY_SIZE] = {0};
    while (!atomic_load(&rotation->over)) {
        int number = atomic_load(&rotation->number) + 1;
        int32_t count = cleat_context_session_stats(rotation->context, CLEAT_STAT_NUMBER);
        EXPECT(count == 0);
        if (atomic_load(&rotation->used) < number - 1) continue;
        keys[0] = (char)number;
        keys[CLEAT_TICKET_KEY_SIZE] = (char)(number - 1);
        EXPECT(cleat_context_set_ticket_keys(rotation->context, keys, sizeof keys) == CLEAT_OK);
        atomic_store(&rotation->number, number);
    }
    return NULL;
}

static void test_rotation(const struct way *way) {
    struct rotation rotation = {.context = make_context(way)};
    SSL_SESSION *session = NULL;
    pthread_t thread;
    int visits = 0;
    EXPECT(pthread_create(&thread, NULL, rotate, &rotation) == 0);
    while (atomic_load(&rotation.number) < 1) {
    }
    for (; atomic_load(&rotation.number) < 50; visits++) {
        int number = atomic_load(
            &rotation.number); /* the ticket will be encrypted with this key, or with a later one */
        EXPECT(visit(rotation.context, session) == (session != NULL));
        if (client.session !=
            NULL) { /* if it has received none, its own is encrypted with the newest key */
            SSL_SESSION_free(session);
            session = keep_session();
        }
        atomic_store(&rotation.used, number);
    }
    atomic_store(&rotation.over, true);
    EXPECT(pthread_join(thread, NULL) == 0);
    EXPECT(cleat_context_session_stats(rotation.context, CLEAT_STAT_HITS) == visits - 1);
    SSL_SESSION_free(session);
    EXPECT(cleat_close(rotation.context) == CLEAT_OK);
}

static void test_way(const struct way *way) {
    resumer_open(&client, way->version);
    test_store(way);
    test_look_up(way);
    test_close(way);
    test_switch(way);
    test_timeouts(way, true);
    test_timeouts(way, false);
    test_replay(way);
    if (!way->no_ticket) test_changed_tickets(way, true);
    if (!way->no_ticket) test_changed_tickets(way, false);
    if (!way->no_ticket) test_periods(way);
    test_threads(way);
    if (!way->no_ticket) test_rotation(way);
    resumer_close(&client);
}

int main(void) {
    int i;
    for (i = 0; i < WAYS; i++) test_way(&ways[i]);
    test_key_window();
    test_keys_differ();
    test_random_keys(0, 4 * DAY);
    test_random_keys(HOUR, 4 * DAY);
    test_random_keys(7 * DAY, 9 * DAY);
    return 0;
}
