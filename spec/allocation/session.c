/* session.c: sessions of clients: as objects, as bytes, offered, and in a context's cache. */
#include <stdbool.h>
#include <string.h>

#include "../c/expect.h"
#include "../c/identity.h"
#include "base/boringssl.h"
#include "base/error.h"
#include "scenario.h"

static int32_t contexts[2]; /* the client's and the server's */
static int32_t ends[2]; /* their connections */
static int32_t session;
static char bytes[8192];
static int32_t bytes_len;

static bool is_pending(int32_t status) {
    return status < 0 && CLEAT_CLASS(status) == CLEAT_WANT_READ;
}

static int32_t carry(int from) {
    static char moved[65536];
    int32_t len = cleat_connection_drain(ends[from], moved, sizeof moved);
    return len <= 0 ? len : cleat_connection_feed(ends[1 - from], moved, len);
}

/* The handshakes, and one read of the client, which receives the tickets. */
static int32_t shake_hands(void) {
    int32_t status[2] = {CLEAT_STATUS(CLEAT_WANT_READ, 0), CLEAT_STATUS(CLEAT_WANT_READ, 0)};
    char byte;
    int turn;
    int end;
    for (turn = 0; turn < 4; turn++) {
        for (end = 0; end < 2; end++) {
            int32_t carried;
            if (is_pending(status[end])) status[end] = cleat_connection_handshake(ends[end], 0);
            if (status[end] < 0 && !is_pending(status[end])) return status[end];
            carried = carry(end);
            if (carried < 0) return carried;
        }
    }
    EXPECT(status[0] == CLEAT_OK && status[1] == CLEAT_OK);
    status[0] = cleat_connection_read(ends[0], &byte, 1, 0);
    return is_pending(status[0]) ? CLEAT_OK : status[0];
}

static int32_t connect_both(void) {
    ends[0] = cleat_connection_over_memory(contexts[0], 0, "localhost", 9);
    if (ends[0] < 0) return ends[0];
    ends[1] = cleat_connection_over_memory(contexts[1], 1, NULL, 0);
    return ends[1] < 0 ? ends[1] : CLEAT_OK;
}

static void close_both(void) {
    int end;
    for (end = 0; end < 2; end++) {
        if (ends[end] > 0) EXPECT(cleat_close(ends[end]) == CLEAT_OK);
        ends[end] = 0;
    }
    ERR_clear_error();
}

/* A client with a cache of sessions that has made a connection. */
static void meet(int32_t version) {
    identity_contexts(&contexts[1], &contexts[0]);
    EXPECT(cleat_context_set_maximum_version(contexts[0], version) == CLEAT_OK);
    EXPECT(cleat_context_set_chain_cache_seconds(contexts[0], 0) == CLEAT_OK);
    EXPECT(cleat_context_set_client_sessions(contexts[0], 8) == CLEAT_OK);
    EXPECT(connect_both() == CLEAT_OK && shake_hands() == CLEAT_OK);
    session = cleat_connection_session(ends[0]);
    EXPECT(session > 0);
    bytes_len = cleat_session_bytes(session, bytes, sizeof bytes);
    EXPECT(bytes_len > 0 && bytes_len <= (int32_t)sizeof bytes);
}

static void open_12(void) {
    meet(CLEAT_TLS1_2_VERSION);
}

static void open_13(void) {
    meet(CLEAT_TLS1_3_VERSION);
}

static void open_again_12(void) {
    open_12();
    close_both();
}

static void open_again_13(void) {
    open_13();
    close_both();
}

static void close_all(void) {
    close_both();
    EXPECT(cleat_close(session) == CLEAT_OK);
    EXPECT(cleat_close(contexts[0]) == CLEAT_OK && cleat_close(contexts[1]) == CLEAT_OK);
}

static int32_t act_session(void) {
    int32_t id = cleat_connection_session(ends[0]);
    char text[64];
    if (id < 0) return id;
    note(cleat_session_has_ticket(id));
    note_text(text, cleat_session_version(id, text, sizeof text));
    EXPECT(cleat_close(id) == CLEAT_OK);
    return CLEAT_OK;
}

static int32_t act_bytes(void) {
    static char encoded[8192];
    int32_t len = cleat_session_bytes(session, encoded, sizeof encoded);
    if (len >= 0) EXPECT(len == bytes_len && memcmp(encoded, bytes, (size_t)len) == 0);
    return len < 0 ? len : CLEAT_OK;
}

static int32_t act_from_bytes(void) {
    int32_t id = cleat_session_from_bytes(contexts[0], bytes, bytes_len);
    if (id < 0) return id;
    EXPECT(cleat_close(id) == CLEAT_OK);
    return CLEAT_OK;
}

/* Whether it resumes depends on the server's memory, too; it is verified in any case. */
static int32_t act_connect(void) {
    int32_t status = connect_both();
    if (status >= 0) status = shake_hands();
    if (status < 0) return status;
    EXPECT(cleat_connection_verify_result(ends[0]) == 0);
    return CLEAT_OK;
}

static int32_t act_offer(void) {
    int32_t status = connect_both();
    if (status >= 0) status = cleat_connection_set_session(ends[0], session);
    if (status >= 0) status = shake_hands();
    if (status < 0) return status;
    EXPECT(cleat_connection_verify_result(ends[0]) == 0);
    return CLEAT_OK;
}

static int32_t act_limit(void) {
    return cleat_context_set_client_sessions(contexts[0], 5000);
}

const struct scenario session_scenarios[] = {
    {"connection_session", open_13, act_session, close_all, 0, true},
    {"session_bytes", open_13, act_bytes, close_all, 0, true},
    {"session_from_bytes", open_13, act_from_bytes, close_all, 0, true},
    {"context_set_client_sessions", open_13, act_limit, close_all, 0, true},
    {"a session from the cache, TLS 1.2", open_again_12, act_connect, close_all, 0, false},
    {"a session from the cache, TLS 1.3", open_again_13, act_connect, close_all, 0, false},
    {"a session from the caller, TLS 1.2", open_again_12, act_offer, close_all, 0, false},
    {"a session from the caller, TLS 1.3", open_again_13, act_offer, close_all, 0, false},
    {NULL, NULL, NULL, NULL, 0, false},
};
