/* connection.c: connections over memory and over a socket: making them, the handshakes of both sides, data, the end. */
#include <string.h>

#include "../c/expect.h"
#include "../c/identity.h"
#include "base/boringssl.h"
#include "failing.h"
#include "scenario.h"
#include "tls/connection.h"
#include "tls/transport.h"

enum { PART = 100000 }; /* more than one record, and more than one chunk */

static int32_t server_context;
static int32_t client_context;
static int32_t stranger_context; /* trusts no CA */
static int32_t client;
static int32_t server;
static int32_t sockets[2];
static char sent[PART];
static char got[PART];

static int32_t new_server_context(void) {
    int32_t len;
    const char *text = identity_text(IDENTITY_CHAIN_AND_KEY, &len);
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(cleat_context_load_cert_chain_data(context, text, len, NULL, 0, NULL, 0) == CLEAT_OK);
    EXPECT(cleat_context_load_verify_data(context, text, len) == 1);
    EXPECT(cleat_context_set_alpn_protocols(context, "\2h2\10http/1.1", 12) == CLEAT_OK);
    EXPECT(cleat_context_set_chain_cache_seconds(context, 0) ==
           CLEAT_OK); /* each run verifies the chain */
    return context;
}

static void open_contexts(void) {
    server_context = new_server_context();
    client_context = new_server_context();
    EXPECT(cleat_context_set_verify_mode(client_context, CLEAT_CERT_REQUIRED) == CLEAT_OK);
    EXPECT(cleat_context_set_check_hostname(client_context, 1) == CLEAT_OK);
    stranger_context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(cleat_context_set_verify_mode(stranger_context, CLEAT_CERT_REQUIRED) == CLEAT_OK);
}

static void close_contexts(void) {
    cleat_close(server_context);
    cleat_close(client_context);
    cleat_close(stranger_context);
}

void connection_scenarios_begin(void) {
    int i;
    open_contexts();
    for (i = 0; i < PART; i++) sent[i] = (char)(i * 7 + i / 253);
}

void connection_scenarios_end(void) {
    close_contexts();
}

/* Moves a block of bytes from one side to the other; only the chosen allocation fails. */
static int32_t carry(int32_t from, int32_t to) {
    static char bytes[PART * 2];
    int32_t fed;
    int32_t moved = cleat_connection_drain(from, bytes, sizeof bytes);
    if (moved <= 0) return moved;
    /* It has accepted all or nothing. */
    fed = cleat_connection_feed(to, bytes, moved);
    if (fed < 0) {
        EXPECT(cleat_connection_fed_pending(to) == 0);
        return fed;
    }
    EXPECT(fed == moved);
    return moved;
}

static bool is_want(int32_t status) {
    int32_t class = status < 0 ? CLEAT_CLASS(status) : 0;
    return class == CLEAT_WANT_READ || class == CLEAT_WANT_WRITE;
}

/* The server's store, which has one session. */
static struct {
    char key[32];
    char value[8192];
    int32_t len;
} stored;

/* The server's queries of its store. An answer that failed for lack of memory can be repeated, or not. */
static int32_t answer_session(void) {
    int32_t lifetime;
    int32_t len;
    int32_t status = CLEAT_OK;
    char key[32];
    while (cleat_connection_session_question(server) != CLEAT_SESSION_QUESTION_NONE) {
        bool known;
        EXPECT(cleat_connection_wanted_session(server, key, sizeof key) == sizeof key);
        known = memcmp(key, stored.key, sizeof key) == 0;
        if (cleat_connection_session_question(server) == CLEAT_SESSION_QUESTION_PUT) {
            len = cleat_connection_stored_session(server, got, sizeof got, &lifetime);
            EXPECT(len > 0 && len < (int32_t)sizeof stored.value && lifetime > 0);
            memcpy(stored.key, key, sizeof key);
            memcpy(stored.value, got, (size_t)len);
            stored.len = len;
            known = false;
        }
        status = cleat_connection_answer_session(server, known ? stored.value : NULL,
                                                 known ? stored.len : 0);
        if (status < 0) return status;
    }
    return cleat_connection_handshake(server, 0);
}

/* Signs with the key of the identity, and returns the next result of the handshake. */
static int32_t sign(int32_t id) {
    static char input[PART];
    char signature[100];
    int32_t key_len;
    const char *key = identity_text(IDENTITY_KEY, &key_len);
    int32_t len = cleat_connection_signature_input(id, input, sizeof input);
    int32_t status = len;
    if (status >= 0) status = cleat_connection_signature_digest(id, signature, sizeof signature);
    if (status >= 0) status = cleat_connection_signature_public_key(id, NULL, 0);
    if (status >= 0) {
        status = cleat_sign_data(key, key_len, NULL, 0, cleat_connection_signature_algorithm(id),
                                 input, len, signature, sizeof signature);
    }
    if (status >= 0) status = cleat_connection_answer_signature(id, signature, status);
    return status < 0 ? status : cleat_connection_handshake(id, 0);
}

static int32_t answer_psk(int32_t id) {
    bool is_client = id == client;
    int32_t status = is_client ? cleat_connection_psk_hint(id, got, PART)
                               : cleat_connection_psk_identity(id, got, PART);
    EXPECT(status == 4 && memcmp(got, is_client ? "hint" : "name", 4) == 0);
    status =
        cleat_connection_answer_psk(id, is_client ? "name" : NULL, is_client ? 4 : 0, "key", 3);
    return status < 0 ? status : cleat_connection_handshake(id, 0);
}

static int32_t shake_hands(void) {
    int32_t a = -1;
    int32_t b = -1;
    int turn;
    for (turn = 0; turn < 20 && !(a == CLEAT_OK && b == CLEAT_OK); turn++) {
        int32_t moved;
        a = cleat_connection_handshake(client, 0);
        if (a == CLEAT_STATUS(CLEAT_WANT_VERIFY, 0)) {
            EXPECT(cleat_connection_answer_verify(client, CLEAT_VERDICT_ACCEPT) == CLEAT_OK);
            a = cleat_connection_handshake(client, 0);
        }
        if (a == CLEAT_STATUS(CLEAT_WANT_SIGNATURE, 0)) a = sign(client);
        if (a == CLEAT_STATUS(CLEAT_WANT_PSK, 0)) a = answer_psk(client);
        if (a < 0 && !is_want(a)) return a;
        moved = carry(client, server);
        if (moved < 0) return moved;
        b = cleat_connection_handshake(server, 0);
        if (b < 0 && CLEAT_CLASS(b) == CLEAT_WANT_SERVER_NAME) {
            b = cleat_connection_set_context(server, client_context);
            if (b >= 0) EXPECT(cleat_connection_offered_alpn(server, got, PART) == 12);
            if (b >= 0) b = cleat_connection_set_alpn_protocols(server, "\2h2", 3);
            if (b >= 0) b = cleat_connection_answer_server_name(server, -1);
            if (b >= 0) b = cleat_connection_handshake(server, 0);
        }
        if (b == CLEAT_STATUS(CLEAT_WANT_SIGNATURE, 0)) b = sign(server);
        if (b == CLEAT_STATUS(CLEAT_WANT_PSK, 0)) b = answer_psk(server);
        if (b == CLEAT_STATUS(CLEAT_WANT_VERIFY, 0)) {
            EXPECT(cleat_connection_answer_verify(server, CLEAT_VERDICT_KEEP) == CLEAT_OK);
            b = cleat_connection_handshake(server, 0);
        }
        if (b == CLEAT_STATUS(CLEAT_WANT_SESSION, 0)) b = answer_session();
        if (b < 0 && !is_want(b)) return b;
        moved = carry(server, client);
        if (moved < 0) return moved;
    }
    EXPECT(a == CLEAT_OK && b == CLEAT_OK);
    return CLEAT_OK;
}

static void expect_bytes(int32_t have, int32_t len) {
    EXPECT(have == len && memcmp(sent, got, (size_t)len) == 0);
}

/* Moves all bytes from one side to the other. A call that failed for lack of memory is repeated. */
static int32_t transfer(int32_t from, int32_t to, int32_t len) {
    int32_t written = 0;
    int32_t have = 0;
    while (have < len) {
        int32_t moved = 0;
        if (written < len) moved = cleat_connection_write(from, sent + written, len - written, 0);
        if (moved < 0) return moved;
        written += moved;
        moved = carry(from, to);
        if (moved < 0) return moved;
        do {
            moved = cleat_connection_read(to, got + have, PART - have, 0);
            if (moved > 0) have += moved;
        } while (moved > 0 && have < len);
        if (moved < 0 && !is_want(moved)) return moved;
    }
    expect_bytes(have, len);
    return CLEAT_OK;
}

static void open_with(int32_t make_server, int32_t make_client) {
    server = cleat_connection_over_memory(make_server, 1, NULL, 0);
    client = cleat_connection_over_memory(make_client, 0, "localhost", 9);
    EXPECT(server > 0 && client > 0);
}

static void configure(int32_t version, int32_t verify, int32_t events) {
    EXPECT(cleat_context_set_maximum_version(server_context, version) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_mode(server_context, verify) == CLEAT_OK);
    EXPECT(cleat_context_set_server_name_events(server_context, events) == CLEAT_OK);
}

static void open_1_3(void) {
    configure(CLEAT_TLS1_3_VERSION, CLEAT_CERT_NONE, 0);
    open_with(server_context, client_context);
}

static void open_1_2(void) {
    configure(CLEAT_TLS1_2_VERSION, CLEAT_CERT_NONE, 0);
    open_with(server_context, client_context);
}

static void open_client_certificate(void) {
    configure(CLEAT_TLS1_3_VERSION, CLEAT_CERT_REQUIRED, 0);
    open_with(server_context, client_context);
}

static void open_client_certificate_1_2(void) {
    configure(CLEAT_TLS1_2_VERSION, CLEAT_CERT_REQUIRED, 0);
    open_with(server_context, client_context);
}

static void open_events(void) {
    configure(CLEAT_TLS1_3_VERSION, CLEAT_CERT_NONE, 1);
    open_with(server_context, client_context);
}

/* The contexts are new, so that the key of the cache is computed again, too. The entry is the control's. */
static void open_known(void) {
    close_contexts();
    open_contexts();
    EXPECT(cleat_context_set_chain_cache_seconds(client_context, 300) == CLEAT_OK);
    EXPECT(cleat_context_set_chain_cache_seconds(server_context, 300) == CLEAT_OK);
    configure(CLEAT_TLS1_3_VERSION, CLEAT_CERT_REQUIRED, 0);
    open_with(server_context, client_context);
}

/* Both sides have raw public keys, if BoringSSL supports them. */
static void open_raw_keys(void) {
    char key[200];
    int32_t key_len = sizeof key;
    int32_t len;
    const char *own = identity_text(IDENTITY_CHAIN_AND_KEY, &len);
    int32_t certificate = cleat_certificate_from_pem(own, len);
    close_contexts();
    open_contexts();
    EXPECT(certificate > 0);
    key_len = cleat_certificate_public_key_der(certificate, key, sizeof key);
    EXPECT(key_len > 0 && cleat_close(certificate) == CLEAT_OK);
    if (cleat_has_raw_public_keys() == 1) {
        const int32_t contexts[] = {client_context, server_context};
        int i;
        for (i = 0; i < 2; i++) {
            EXPECT(cleat_context_load_raw_public_key_data(contexts[i], own, len, NULL, 0) == 0);
            EXPECT(cleat_context_set_peer_public_keys(contexts[i], CLEAT_PEER_KEYS_ONLY, key,
                                                      key_len) == CLEAT_OK);
        }
    }
    configure(CLEAT_TLS1_3_VERSION, CLEAT_CERT_REQUIRED, 0);
    open_with(server_context, client_context);
}

/* Both certificates are compressed, and not in the cache: the contexts are new. */
static void open_compressed(void) {
    close_contexts();
    open_contexts();
    if (cleat_has_certificate_compression() == 1) {
        EXPECT(cleat_context_set_certificate_compression(client_context, 1) == CLEAT_OK);
        EXPECT(cleat_context_set_certificate_compression(server_context, 1) == CLEAT_OK);
    }
    configure(CLEAT_TLS1_3_VERSION, CLEAT_CERT_REQUIRED, 0);
    open_with(server_context, client_context);
}

/* A server whose sessions are in a store, encrypted. */
static void open_stored(void) {
    static const char secret[2 + CLEAT_TICKET_SECRET_MIN] = {0, CLEAT_TICKET_SECRET_MIN, 's'};
    configure(CLEAT_TLS1_3_VERSION, CLEAT_CERT_REQUIRED, 0);
    EXPECT(cleat_context_set_session_events(server_context, CLEAT_SESSIONS_STORED) == CLEAT_OK);
    EXPECT(cleat_context_set_ticket_secrets(server_context, secret, sizeof secret, 60) == CLEAT_OK);
    open_with(server_context, client_context);
}

/* The second connection of a client to such a server. */
static void open_stored_again(void) {
    int32_t session;
    open_stored();
    EXPECT(shake_hands() == CLEAT_OK);
    EXPECT(transfer(server, client, 1) == CLEAT_OK); /* this reads the tickets */
    session = cleat_connection_session(client);
    EXPECT(session > 0);
    cleat_close(client);
    cleat_close(server);
    open_with(server_context, client_context);
    EXPECT(cleat_connection_set_session(client, session) == CLEAT_OK);
    cleat_close(session);
}

static void open_stored_id(void) {
    configure(CLEAT_TLS1_2_VERSION, CLEAT_CERT_REQUIRED, 0);
    EXPECT(cleat_context_set_options(server_context, CLEAT_OP_NO_TICKET) == CLEAT_OK);
    EXPECT(cleat_context_set_session_events(server_context, CLEAT_SESSIONS_STORED) == CLEAT_OK);
    open_with(server_context, client_context);
}

static void open_remote_keys(int32_t version) {
    int32_t len;
    const char *chain = identity_text(IDENTITY_CERTIFICATE, &len);
    close_contexts();
    open_contexts();
    EXPECT(cleat_context_load_cert_chain_remote_key_data(client_context, chain, len) ==
           CLEAT_REMOTE_KEY_P256);
    EXPECT(cleat_context_load_cert_chain_remote_key_data(server_context, chain, len) ==
           CLEAT_REMOTE_KEY_P256);
    configure(version, CLEAT_CERT_REQUIRED, 0);
    open_with(server_context, client_context);
}

static void open_remote_1_3(void) {
    open_remote_keys(CLEAT_TLS1_3_VERSION);
}

static void open_remote_1_2(void) {
    open_remote_keys(CLEAT_TLS1_2_VERSION);
}

static void open_psk(void) {
    static const char suite[] = "ECDHE-PSK-CHACHA20-POLY1305";
    close_contexts();
    open_contexts();
    EXPECT(cleat_context_set_ciphers(client_context, suite, sizeof suite - 1) == CLEAT_OK);
    EXPECT(cleat_context_set_ciphers(server_context, suite, sizeof suite - 1) == CLEAT_OK);
    EXPECT(cleat_context_set_psk_client(client_context, 1) == CLEAT_OK);
    EXPECT(cleat_context_set_psk_server(server_context, 1, "hint", 4) == CLEAT_OK);
    configure(CLEAT_TLS1_2_VERSION, CLEAT_CERT_REQUIRED, 0);
    open_with(server_context, client_context);
}

/* A client that accepts a peer whose verification has failed, and a server that asks its caller about an accepted peer.
 * */
static void open_verdicts(void) {
    configure(CLEAT_TLS1_3_VERSION, CLEAT_CERT_REQUIRED, 0);
    EXPECT(cleat_context_set_verify_events(server_context, CLEAT_VERDICTS_GOOD) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_events(client_context, CLEAT_VERDICTS_ALL) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_time(client_context, 1) == CLEAT_OK);
    open_with(server_context, client_context);
}

static void open_not_enforced(void) {
    configure(CLEAT_TLS1_3_VERSION, CLEAT_CERT_NONE, 0);
    EXPECT(cleat_context_set_verify_enforced(stranger_context, 0) == CLEAT_OK);
    open_with(server_context, stranger_context);
}

static void open_stranger(void) {
    configure(CLEAT_TLS1_3_VERSION, CLEAT_CERT_NONE, 0);
    open_with(server_context, stranger_context);
}

static void open_shaken(void) {
    open_1_3();
    EXPECT(shake_hands() == CLEAT_OK);
    EXPECT(transfer(server, client, 1) == CLEAT_OK); /* this reads the tickets */
}

static void open_shaken_1_2(void) {
    open_1_2();
    EXPECT(shake_hands() == CLEAT_OK);
}

/* A client with a session for early data, which may be refused. */
static void open_early(void) {
    int32_t session;
    EXPECT(cleat_context_set_early_data(server_context, CLEAT_EARLY_DATA_LIMIT) == CLEAT_OK);
    open_shaken();
    session = cleat_connection_session(client);
    EXPECT(session > 0 && cleat_close(client) == CLEAT_OK && cleat_close(server) == CLEAT_OK);
    open_with(server_context, client_context);
    EXPECT(cleat_connection_set_session(client, session) == CLEAT_OK);
    EXPECT(cleat_close(session) == CLEAT_OK);
}

static void open_early_refused(void) {
    open_early();
    EXPECT(cleat_close(server) == CLEAT_OK);
    EXPECT(cleat_context_set_early_data(server_context, 0) == CLEAT_OK);
    server = cleat_connection_over_memory(server_context, 1, NULL, 0);
    EXPECT(server > 0);
}

/* The memory of an idle client connection. The parsed certificates of its peer would be 50 blocks each. */
enum { IDLE_BLOCKS = 30 };
static long live_before;

static void open_idle(void) {
    open_1_3();
    cleat_close(client);
    cleat_close(server);
    live_before = failing_live(); /* the contexts' configurations exist now */
    open_with(server_context, client_context);
    EXPECT(shake_hands() == CLEAT_OK);
    EXPECT(transfer(server, client, 1) == CLEAT_OK);
}

static int32_t act_idle(void) {
    cleat_close(server);
    ERR_clear_error();
    EXPECT(failing_live() > live_before);
    EXPECT(failing_live() <= live_before + IDLE_BLOCKS);
    return CLEAT_OK;
}

/* Every call on a failed connection returns, without a crash and without data. */
static void poke(int32_t id) {
    int32_t bits;
    (void)cleat_connection_handshake(id, 0);
    EXPECT(cleat_connection_read(id, got, sizeof got, 0) <= 0);
    (void)cleat_connection_write(id, sent, PART, 0);
    (void)cleat_connection_shutdown(id, 0);
    (void)cleat_connection_cipher(id, got, sizeof got, &bits);
    (void)cleat_connection_drain(id, got, sizeof got);
}

/* The process's block for large writes is always allocated, so that it is no leak. Contexts keep sessions and their
 * keys, so each run has new ones. */
static void keep_spare(void) {
    struct cleat_queue queue = {.bytes = NULL};
    EXPECT(cleat_queue_reserve(&queue, CLEAT_CHUNK + CLEAT_CHUNK_OVERHEAD));
    cleat_queue_free(&queue);
}

static void close_all(void) {
    if (client > 0) cleat_close(client);
    if (server > 0) cleat_close(server);
    if (sockets[0] > 0) cleat_close(sockets[0]);
    if (sockets[1] > 0) cleat_close(sockets[1]);
    client = server = sockets[0] = sockets[1] = 0;
    keep_spare();
    close_contexts();
    open_contexts();
}

static void poke_and_close(void) {
    poke(client);
    poke(server);
    close_all();
}

static void close_known(void) {
    poke_and_close();
    EXPECT(cleat_context_set_chain_cache_seconds(client_context, 0) == CLEAT_OK);
    EXPECT(cleat_context_set_chain_cache_seconds(server_context, 0) == CLEAT_OK);
}

static void close_psk(void) {
    poke_and_close();
    close_contexts();
    open_contexts();
}

static int32_t act_new(void) {
    client = cleat_connection_over_memory(client_context, 0, "localhost", 9);
    return client;
}

static int32_t act_new_server(void) {
    server = cleat_connection_over_memory(server_context, 1, NULL, 0);
    return server;
}

static void open_sockets(void) {
    EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &sockets[0], &sockets[1]) ==
           CLEAT_OK);
}

static int32_t act_new_over_socket(void) {
    client = cleat_connection_over_socket(client_context, sockets[0], 0, "127.0.0.1", 9);
    return client;
}

/* The results of the handshake are the same as without failures. */
static int32_t act_handshake(void) {
    char text[64];
    int32_t bits;
    int32_t status = shake_hands();
    if (status < 0) return status;
    note_text(text, cleat_connection_version(client, text, sizeof text));
    note_text(text, cleat_connection_cipher(server, text, sizeof text, &bits));
    note_text(text, cleat_connection_alpn_protocol(client, text, sizeof text));
    note(cleat_connection_verify_mode(server));
    return CLEAT_OK;
}

/* The fields of the refused certificate can be read. */
static int32_t act_refused_verification(void) {
    int32_t status = shake_hands();
    int32_t verification;
    int32_t certificate;
    if (CLEAT_CLASS(status) != CLEAT_VERIFY) return status;
    verification = cleat_connection_verification(client);
    if (verification < 0) return verification;
    note(cleat_verification_chain_count(verification, CLEAT_CHAIN_SENT));
    certificate = cleat_verification_error_certificate(verification, 0);
    EXPECT(certificate != 0);
    cleat_close(verification);
    if (certificate < 0) return certificate;
    cleat_close(certificate);
    return status;
}

/* The data arrives completely and in order, or not at all. */
static int32_t act_early(void) {
    enum { EARLY = 5000 };
    int32_t have = 0;
    int32_t status = cleat_connection_write_early(client, sent, EARLY, 0);
    if (status < 0) return status;
    EXPECT(status == EARLY);
    status = shake_hands();
    if (status < 0) return status;
    do {
        status = cleat_connection_read_early(server, got + have, 3000, 0);
        if (status > 0) have += status;
    } while (status > 0);
    if (status < 0) return status;
    EXPECT(have == 0 || (have == EARLY && memcmp(sent, got, EARLY) == 0));
    /* Without memory the server may not recognise the ticket; both know whether the early data was accepted. */
    EXPECT(cleat_connection_early_data(client) ==
           (have > 0 ? CLEAT_EARLY_DATA_ACCEPTED : CLEAT_EARLY_DATA_REFUSED));
    EXPECT(cleat_connection_early_data(server) == cleat_connection_early_data(client));
    return CLEAT_OK;
}

/* A refused certificate is still refused. */
static int32_t act_refused(void) {
    int32_t status = shake_hands();
    EXPECT(status < 0 && cleat_connection_established(client) == 0);
    return status;
}

/* After a failure the same bytes are sent again, and they arrive unchanged. */
static int32_t act_transfer(void) {
    return transfer(client, server, PART);
}

static int32_t act_transfer_back(void) {
    return transfer(server, client, PART);
}

static int32_t act_certificate(void) {
    int32_t id = cleat_connection_peer_certificate(client);
    int32_t len;
    if (id < 0) return id;
    EXPECT(id > 0);
    len = cleat_certificate_der(id, got, sizeof got);
    cleat_close(id);
    if (len >= 0) note_text(got, len);
    return len;
}

static int32_t act_binding(void) {
    int32_t binding;
    int32_t len = 0;
    for (binding = 1; len >= 0 && binding <= CLEAT_BINDING_TLS_SERVER_END_POINT; binding++) {
        len = cleat_connection_channel_binding(server, binding, got, PART);
        if (len < 0) break;
        note(len);
        len = cleat_connection_channel_binding(client, binding, got, PART);
        if (len >= 0) note(len);
    }
    if (len < 0) return len;
    return cleat_connection_export_keying_material(client, "x", 1, "context", 7, got, 48);
}

static int32_t act_key_update(void) {
    int32_t status = cleat_connection_key_update(client, 1, 0);
    return status < 0 ? status : act_transfer();
}

static int32_t act_set_context(void) {
    return cleat_connection_set_context(server, client_context);
}

/* A server that waits for the choice of a context. */
static void open_switch(void) {
    configure(CLEAT_TLS1_3_VERSION, CLEAT_CERT_NONE, 1);
    open_with(server_context, client_context);
    EXPECT(is_want(cleat_connection_handshake(client, 0)) && carry(client, server) >= 0);
    EXPECT(cleat_connection_handshake(server, 0) == CLEAT_STATUS(CLEAT_WANT_SERVER_NAME, 0));
}

/* If the switch has failed in the middle, the handshake does not continue. */
static void close_switch(void) {
    struct cleat_object *found;
    const struct cleat_connection *self;
    bool mixed;
    bool refused;
    int32_t status;
    EXPECT(cleat_handle_find(server, CLEAT_KIND_CONNECTION, &found) == CLEAT_OK);
    self = (const void *)found;
    mixed = SSL_get_SSL_CTX(self->ssl) != self->configuration->ssl_ctx;
    refused = self->refused_at != CLEAT_PAUSE_NONE;
    cleat_handle_done(found);
    EXPECT(cleat_connection_answer_server_name(server, -1) == CLEAT_OK);
    status = cleat_connection_handshake(server, 0);
    EXPECT(refused ? CLEAT_CLASS(status) == CLEAT_SSL : is_want(status) && !mixed);
    close_all();
}

static int32_t act_shutdown(void) {
    int32_t a = cleat_connection_shutdown(client, 0);
    int32_t b;
    if (a < 0 && !is_want(a)) return a;
    b = carry(client, server);
    if (b < 0) return b;
    b = cleat_connection_shutdown(server, 0);
    if (b < 0 && !is_want(b)) return b;
    b = carry(server, client);
    if (b < 0) return b;
    return cleat_connection_shutdown(client, 0);
}

#define REFUSED (-(CLEAT_VERIFY << 16 | 18)) /* self-signed certificate */

const struct scenario connection_scenarios[] = {
    {"connection_over_memory", NULL, act_new, close_all, 0, true},
    {"connection_over_memory: server", NULL, act_new_server, close_all, 0, true},
    {"connection_over_socket", open_sockets, act_new_over_socket, close_all, 0, true},
    {"handshake: TLS 1.3", open_1_3, act_handshake, poke_and_close, 0, false},
    {"handshake: TLS 1.2", open_1_2, act_handshake, poke_and_close, 0, false},
    {"handshake: client certificate", open_client_certificate, act_handshake, poke_and_close, 0,
     false},
    {"handshake: client certificate, TLS 1.2", open_client_certificate_1_2, act_handshake,
     poke_and_close, 0, false},
    {"handshake: server name, other context", open_events, act_handshake, poke_and_close, 0, false},
    {"handshake: both certificates known", open_known, act_handshake, close_known, 0, false},
    {"handshake: verdicts", open_verdicts, act_handshake, poke_and_close, 0, false},
    {"handshake: stored sessions", open_stored, act_handshake, poke_and_close, 0, false},
    {"handshake: a stored session resumes", open_stored_again, act_handshake, poke_and_close, 0,
     false},
    {"handshake: sessions stored by id", open_stored_id, act_handshake, poke_and_close, 0, false},
    {"handshake: remote keys", open_remote_1_3, act_handshake, close_known, 0, false},
    {"handshake: remote keys, TLS 1.2", open_remote_1_2, act_handshake, close_known, 0, false},
    {"handshake: pre-shared key", open_psk, act_handshake, close_psk, 0, false},
    {"handshake: not enforced", open_not_enforced, act_handshake, poke_and_close, 0, false},
    {"handshake: compressed certificates", open_compressed, act_handshake, close_known, 0, false},
    {"handshake: raw public keys", open_raw_keys, act_handshake, close_known, 0, false},
    {"handshake: refused certificate", open_stranger, act_refused, poke_and_close, REFUSED, false},
    {"handshake: refused certificate, read", open_stranger, act_refused_verification,
     poke_and_close, REFUSED, false},
    {"early data", open_early, act_early, poke_and_close, 0, false},
    {"early data, refused", open_early_refused, act_early, poke_and_close, 0, false},
    {"transfer to the server", open_shaken, act_transfer, close_all, 0, false},
    {"transfer to the client", open_shaken, act_transfer_back, close_all, 0, false},
    {"transfer to the client, TLS 1.2", open_shaken_1_2, act_transfer_back, close_all, 0, false},
    {"connection_peer_certificate", open_shaken, act_certificate, close_all, 0, true},
    {"connection_channel_binding", open_shaken_1_2, act_binding, close_all, 0, true},
    {"connection_channel_binding, TLS 1.3", open_shaken, act_binding, close_all, 0, true},
    {"connection_key_update", open_shaken, act_key_update, close_all, 0, false},
    {"connection_set_context", open_1_3, act_set_context, close_all, 0, true},
    {"connection_switch_context", open_switch, act_set_context, close_switch, 0, false},
    {"an idle client", open_idle, act_idle, close_all, 0, true},
    {"connection_shutdown", open_shaken, act_shutdown, poke_and_close, 0, false},
    {NULL, NULL, NULL, NULL, 0, false},
};
