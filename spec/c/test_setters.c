/* test_setters.c: every setter of a context is called at every step of a handshake of one of its connections, in both
 * roles, from the thread of the handshake and from another one. The connection must have the settings that its context
 * had when it was made, or, after a change of context at the server name, the other context's settings at that moment.
 * Every handshake is compared with one without setters. Finally setters are called all the time while other threads do
 * handshakes. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "expect.h"
#include "identity.h"

enum { PIECE_MOST = 20000 };

/* The configurations that are tried. */
struct kind {
    const char *name;
    int32_t version;
    bool npn; /* NPN instead of ALPN */
    bool untrusted; /* the client does not trust the server, and must refuse it */
    bool switched; /* the server switches to another context at the server name */
};

static const struct kind kinds[] = {
    {"TLS 1.2", CLEAT_TLS1_2_VERSION, false, false, false},
    {"TLS 1.3", CLEAT_TLS1_3_VERSION, false, false, false},
    {"NPN", CLEAT_TLS1_2_VERSION, true, false, false},
    {"untrusted, TLS 1.2", CLEAT_TLS1_2_VERSION, false, true, false},
    {"untrusted, TLS 1.3", CLEAT_TLS1_3_VERSION, false, true, false},
    {"switched, TLS 1.2", CLEAT_TLS1_2_VERSION, false, false, true},
    {"switched, TLS 1.3", CLEAT_TLS1_3_VERSION, false, false, true},
};

/* The contexts of one pair. */
struct contexts {
    int32_t client;
    int32_t server;
    int32_t other; /* the context to which the server switches, or 0 */
};

static const char *text(enum identity_part part, int32_t *len) {
    return identity_text(part, len);
}

/* The setters, each with a value that would change the result. */

static void set_options(int32_t context) {
    EXPECT(cleat_context_set_options(context, CLEAT_OP_ALL | CLEAT_OP_NO_TLSV1_2 |
                                                  CLEAT_OP_NO_TLSV1_3 | CLEAT_OP_NO_TICKET) == 0);
}

static void set_minimum(int32_t context) {
    EXPECT(cleat_context_set_minimum_version(context, CLEAT_TLS1_3_VERSION) == 0);
}

static void set_maximum(int32_t context) {
    EXPECT(cleat_context_set_maximum_version(context, CLEAT_TLS1_1_VERSION) == 0);
}

static void set_verify_none(int32_t context) {
    EXPECT(cleat_context_set_check_hostname(context, 0) == 0);
    EXPECT(cleat_context_set_verify_mode(context, CLEAT_CERT_NONE) == 0);
}

static void set_verify_required(int32_t context) {
    EXPECT(cleat_context_set_verify_mode(context, CLEAT_CERT_REQUIRED) == 0);
    EXPECT(cleat_context_set_check_hostname(context, 1) == 0);
}

static void set_verify_flags(int32_t context) {
    EXPECT(cleat_context_set_verify_flags(context, CLEAT_VERIFY_CRL_CHECK_CHAIN) == 0);
}

static void set_ciphers(int32_t context) {
    static const char list[] = "ECDHE-ECDSA-CHACHA20-POLY1305";
    EXPECT(cleat_context_set_ciphers(context, list, sizeof list - 1) == 0);
}

static void set_ecdh_curve(int32_t context) {
    EXPECT(cleat_context_set_ecdh_curve(context, "secp384r1", 9) == 0);
}

static void set_algorithms(int32_t context) {
    EXPECT(cleat_context_set_groups(context, "P-384:P-521", 11) == 0);
    EXPECT(cleat_context_set_server_sigalgs(context, "ECDSA+SHA384", 12) == 0);
    EXPECT(cleat_context_set_client_sigalgs(context, "ECDSA+SHA384", 12) == 0);
    EXPECT(cleat_context_set_grease(context, 1) == 0);
    EXPECT(cleat_context_set_policy(context, CLEAT_POLICY_NONE) == 0);
}

static void set_alpn(int32_t context) {
    EXPECT(cleat_context_set_alpn_protocols(context, "\1x", 2) == 0);
}

static void clear_alpn(int32_t context) {
    EXPECT(cleat_context_set_alpn_protocols(context, "", 0) == 0);
}

static void set_npn(int32_t context) {
    EXPECT(cleat_context_set_npn_protocols(context, "\1x", 2) == 0);
}

static void clear_npn(int32_t context) {
    EXPECT(cleat_context_set_npn_protocols(context, "", 0) == 0);
}

static void set_server_name_events(int32_t context) {
    EXPECT(cleat_context_set_server_name_events(context, 1) == 0);
}

static void clear_server_name_events(int32_t context) {
    EXPECT(cleat_context_set_server_name_events(context, 0) == 0);
}

static void set_chain_cache(int32_t context) {
    EXPECT(cleat_context_set_chain_cache_seconds(context, 0) == 0);
}

static void set_early_data(int32_t context) {
    EXPECT(cleat_context_set_early_data(context, 100) == 0);
}

static void set_key_log(int32_t context) {
    EXPECT(cleat_context_set_key_log_file(context, "/dev/null", 9) == 0);
}

static void clear_key_log(int32_t context) {
    EXPECT(cleat_context_set_key_log_file(context, NULL, 0) == 0);
}

static void set_verify_settings(int32_t context) {
    EXPECT(cleat_context_set_verify_depth(context, 3) == 0);
    EXPECT(cleat_context_set_verify_time(context, -1) == 0);
    EXPECT(cleat_context_set_checks_common_name(context, 0) == 0);
}

static void set_verify_time(int32_t context) {
    EXPECT(cleat_context_set_verify_time(context, 1) == 0);
}

static void set_verify_enforced(int32_t context) {
    EXPECT(cleat_context_set_verify_enforced(context, 0) == 0);
}

static void set_psk(int32_t context) {
    EXPECT(cleat_context_set_psk_client(context, 1) == 0);
    EXPECT(cleat_context_set_psk_server(context, 1, "hint", 4) == 0);
}

static void set_ask_ocsp(int32_t context) {
    EXPECT(cleat_context_set_ask_ocsp(context, 0) == 0);
    EXPECT(cleat_context_set_ask_scts(context, 1) == 0);
}

static void set_require_ocsp(int32_t context) {
    EXPECT(cleat_context_set_require_ocsp(context, 1) == 0);
}

static void set_verify_events(int32_t context) {
    EXPECT(cleat_context_set_verify_events(context, 1) == 0);
}

static void set_ech(int32_t context) {
    int32_t key = cleat_ech_key_new("public.example", 14, 1, 0);
    EXPECT(key > 0);
    EXPECT(cleat_context_set_ech_keys(context, &key, 1) == 0);
    EXPECT(cleat_close(key) == 0);
    EXPECT(cleat_context_set_ech_grease(context, 1) == 0);
}

static void set_client_sessions(int32_t context) {
    EXPECT(cleat_context_set_client_sessions(context, 10) == 0);
}

static void clear_ocsp_response(int32_t context) {
    EXPECT(cleat_context_set_ocsp_response(context, NULL, 0) == 0);
}

static void set_scts(int32_t context) {
    EXPECT(cleat_context_set_scts(context, "\0\5\0\3abc", 7) == 0);
}

static void set_message_events(int32_t context) {
    EXPECT(cleat_context_set_message_events(context, 1) == 0);
}

static void set_compression(int32_t context) {
    int32_t status = cleat_context_set_certificate_compression(context, 1);
    EXPECT(status == 0 || cleat_has_certificate_compression() == 0);
}

/* Two Ed25519 public keys, which no peer has, besides certificates; and a key of this side. */
static void set_raw_public_keys(int32_t context) {
    static const char keys[] = "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"
                               "0123456789abcdef0123456789abcdef"
                               "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"
                               "abcdef0123456789abcdef0123456789";
    int32_t status = cleat_context_set_peer_public_keys(context, CLEAT_PEER_KEYS_ALSO, keys,
                                                        (int32_t)sizeof keys - 1);
    int32_t len;
    const char *key = text(IDENTITY_KEY, &len);
    EXPECT(status == 0 || cleat_has_raw_public_keys() == 0);
    status = cleat_context_load_raw_public_key_data(context, key, len, NULL, 0);
    EXPECT(status == 0 || cleat_has_raw_public_keys() == 0);
}

static void set_session_settings(int32_t context) {
    EXPECT(cleat_context_set_num_tickets(context, 0) == 0);
    EXPECT(cleat_context_set_session_timeout(context, 1) == 0);
    EXPECT(cleat_context_set_session_id_context(context, "x", 1) == 0);
}

static void set_ticket_keys(int32_t context) {
    static const char keys[CLEAT_TICKET_KEY_SIZE] = "x";
    EXPECT(cleat_context_set_ticket_keys(context, keys, sizeof keys) == 0);
}

static void set_ticket_secrets(int32_t context) {
    static const char secret[2 + CLEAT_TICKET_SECRET_MIN] = {0, CLEAT_TICKET_SECRET_MIN};
    EXPECT(cleat_context_set_ticket_secrets(context, secret, sizeof secret, 1) == 0);
}

static void clear_ticket_keys(int32_t context) {
    EXPECT(cleat_context_set_ticket_keys(context, NULL, 0) == 0);
}

static void set_session_events(int32_t context) {
    EXPECT(cleat_context_set_session_events(context, CLEAT_SESSIONS_STORED) == 0);
}

static void load_cert_chain(int32_t context) {
    int32_t len;
    const char *other = text(IDENTITY_OTHER, &len);
    EXPECT(cleat_context_load_cert_chain_data(context, other, len, NULL, 0, NULL, 0) == 0);
}

static void load_another_type(int32_t context) {
    int32_t len;
    const char *other = text(IDENTITY_ED25519, &len);
    EXPECT(cleat_context_load_cert_chain_data(context, other, len, NULL, 0, NULL, 0) == 0);
}

static void load_cert_chain_wrong(int32_t context) {
    int32_t len;
    int32_t key_len;
    const char *certificate = text(IDENTITY_OTHER, &len);
    const char *key = text(IDENTITY_KEY, &key_len);
    EXPECT(cleat_context_load_cert_chain_data(context, certificate, len, key, key_len, NULL, 0) <
           0);
}

static void load_verify_data(int32_t context) {
    int32_t len;
    const char *certificate = text(IDENTITY_CERTIFICATE, &len);
    EXPECT(cleat_context_load_verify_data(context, certificate, len) == 1);
}

static void load_verify_crl(int32_t context) {
    int32_t len;
    const char *crl = text(IDENTITY_CRL, &len);
    EXPECT(cleat_context_load_verify_data(context, crl, len) < 0 ||
           cleat_context_cert_store_stats(context, &len, &len, &len) == 0);
}

static void load_verify_directory(int32_t context) {
    EXPECT(cleat_context_load_verify_directory(context, "/none", 5) == 0);
}

static void set_default_verify_paths(int32_t context) {
    EXPECT(cleat_context_set_default_verify_paths(context) == 0);
}

static const struct {
    const char *name;
    void (*call)(int32_t context);
} setters[] = {
    {"options", set_options},
    {"minimum_version", set_minimum},
    {"maximum_version", set_maximum},
    {"verify_mode none", set_verify_none},
    {"verify_mode required", set_verify_required},
    {"verify_flags", set_verify_flags},
    {"ciphers", set_ciphers},
    {"ecdh_curve", set_ecdh_curve},
    {"groups, sigalgs, grease", set_algorithms},
    {"alpn_protocols", set_alpn},
    {"alpn_protocols none", clear_alpn},
    {"npn_protocols", set_npn},
    {"npn_protocols none", clear_npn},
    {"server_name_events", set_server_name_events},
    {"server_name_events off", clear_server_name_events},
    {"chain_cache_seconds", set_chain_cache},
    {"early_data", set_early_data},
    {"key_log_file", set_key_log},
    {"key_log_file none", clear_key_log},
    {"verify_depth, checks_common_name", set_verify_settings},
    {"verify_time", set_verify_time},
    {"verify_enforced", set_verify_enforced},
    {"psk_client, psk_server", set_psk},
    {"ask_ocsp, ask_scts", set_ask_ocsp},
    {"require_ocsp", set_require_ocsp},
    {"verify_events", set_verify_events},
    {"ech_keys, ech_grease", set_ech},
    {"client_sessions", set_client_sessions},
    {"ocsp_response", clear_ocsp_response},
    {"scts", set_scts},
    {"certificate_compression", set_compression},
    {"message_events", set_message_events},
    {"num_tickets, session_timeout, session_id_context", set_session_settings},
    {"ticket_secrets", set_ticket_secrets},
    {"session_events", set_session_events},
    {"peer_public_keys, load_raw_public_key", set_raw_public_keys},
    {"load_cert_chain", load_cert_chain},
    {"load_cert_chain, another type of key", load_another_type},
    {"load_cert_chain, a wrong key", load_cert_chain_wrong},
    {"load_verify_data", load_verify_data},
    {"load_verify_data, a CRL", load_verify_crl},
    {"load_verify_directory", load_verify_directory},
    {"set_default_verify_paths", set_default_verify_paths},
};
enum { SETTERS = sizeof setters / sizeof setters[0], KINDS = sizeof kinds / sizeof kinds[0] };

static int32_t make_context(const struct kind *kind) {
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(context > 0);
    EXPECT(cleat_context_set_minimum_version(context, kind->version) == 0);
    EXPECT(cleat_context_set_maximum_version(context, kind->version) == 0);
    if (kind->npn) {
        EXPECT(cleat_context_set_npn_protocols(context, "\2h2", 3) == 0);
    } else {
        EXPECT(cleat_context_set_alpn_protocols(context, "\2h2\1y", 5) == 0);
    }
    return context;
}

static void open_contexts(struct contexts *contexts, const struct kind *kind) {
    int32_t len;
    const char *own = text(IDENTITY_CHAIN_AND_KEY, &len);
    int32_t other_len;
    const char *other = text(IDENTITY_OTHER, &other_len);
    contexts->server = make_context(kind);
    EXPECT(cleat_context_load_cert_chain_data(contexts->server, own, len, NULL, 0, NULL, 0) == 0);
    EXPECT(cleat_context_load_verify_data(contexts->server, own, len) == 1);
    EXPECT(cleat_context_set_verify_mode(contexts->server, CLEAT_CERT_OPTIONAL) == 0);
    contexts->other = 0;
    if (kind->switched) {
        contexts->other = make_context(kind);
        EXPECT(cleat_context_set_alpn_protocols(contexts->other, "\1y", 2) == 0);
        EXPECT(cleat_context_load_cert_chain_data(contexts->other, other, other_len, NULL, 0, NULL,
                                                  0) == 0);
        EXPECT(cleat_context_load_verify_data(contexts->other, own, len) == 1);
        EXPECT(cleat_context_set_server_name_events(contexts->server, 1) == 0);
    }
    contexts->client = make_context(kind);
    EXPECT(cleat_context_load_cert_chain_data(contexts->client, own, len, NULL, 0, NULL, 0) == 0);
    if (!kind->untrusted) {
        EXPECT(cleat_context_load_verify_data(contexts->client, own, len) == 1);
    }
    EXPECT(cleat_context_load_verify_data(contexts->client, other, other_len) == 1);
    EXPECT(cleat_context_set_verify_mode(contexts->client, CLEAT_CERT_REQUIRED) == 0);
    EXPECT(cleat_context_set_check_hostname(contexts->client, 1) == 0);
}

static void close_contexts(const struct contexts *contexts) {
    EXPECT(cleat_close(contexts->client) == 0);
    EXPECT(cleat_close(contexts->server) == 0);
    if (contexts->other != 0) EXPECT(cleat_close(contexts->other) == 0);
}

/* The result of one side. */
struct side {
    int32_t status;
    int32_t verify_mode;
    int32_t peer_serial; /* 0: no certificate */
    int32_t bits;
    char version[16];
    char cipher[64];
    char alpn[16];
    char npn[16];
};

static int32_t serial_of(int32_t connection) {
    char digits[64] = "";
    int32_t certificate = cleat_connection_peer_certificate(connection);
    int32_t len;
    EXPECT(certificate >= 0);
    if (certificate == 0) return 0;
    len = cleat_certificate_serial_number(certificate, digits, sizeof digits - 1);
    EXPECT(len > 0);
    EXPECT(cleat_close(certificate) == 0);
    return (int32_t)strtol(digits, NULL, 16);
}

static void look(int32_t connection, int32_t status, struct side *side) {
    memset(side, 0, sizeof *side);
    side->status = status;
    side->verify_mode = cleat_connection_verify_mode(connection);
    if (status != CLEAT_OK) return;
    side->peer_serial = serial_of(connection);
    EXPECT(cleat_connection_version(connection, side->version, sizeof side->version) > 0);
    EXPECT(cleat_connection_cipher(connection, side->cipher, sizeof side->cipher, &side->bits) > 0);
    EXPECT(cleat_connection_alpn_protocol(connection, side->alpn, sizeof side->alpn) >= 0);
    EXPECT(cleat_connection_npn_protocol(connection, side->npn, sizeof side->npn) >= 0);
}

struct outcome {
    struct side client;
    struct side server;
    int steps;
    int changed; /* the step at which the server's context was changed, or 0 */
};

/* When a setter is called, and in which thread. */
struct change {
    int setter; /* -1: none */
    int32_t context;
    int step; /* the number of the piece of bytes before which it is called, or before the handshake's next call */
    bool by_other_thread;
};

struct shaking {
    int32_t client;
    int32_t server;
    const struct contexts *contexts;
    const struct change *change;
    int32_t piece; /* the maximal number of bytes that are moved at once */
    int steps;
    int changed;
};

static void *call_setter(void *argument) {
    const struct change *change = argument;
    setters[change->setter].call(change->context);
    return NULL;
}

static void step(struct shaking *self) {
    const struct change *change = self->change;
    if (self->steps++ != change->step || change->setter < 0) return;
    if (change->by_other_thread) {
        pthread_t thread;
        struct change copy = *change;
        EXPECT(pthread_create(&thread, NULL, call_setter, &copy) == 0);
        pthread_join(thread, NULL);
    } else {
        setters[change->setter].call(change->context);
    }
}

static bool is_want(int32_t status) {
    return CLEAT_CLASS(status) == CLEAT_WANT_READ || CLEAT_CLASS(status) == CLEAT_WANT_WRITE;
}

static int32_t go_on(struct shaking *self, int32_t connection, int32_t status) {
    if (status == CLEAT_OK || !is_want(status)) return status;
    step(self);
    status = cleat_connection_handshake(connection, 0);
    if (CLEAT_CLASS(status) != CLEAT_WANT_SERVER_NAME) return status;
    EXPECT(self->contexts->other != 0); /* else it must not pause */
    step(self);
    EXPECT(cleat_connection_set_context(connection, self->contexts->other) == CLEAT_OK);
    self->changed = self->steps;
    step(self);
    EXPECT(cleat_connection_answer_server_name(connection, -1) == CLEAT_OK);
    step(self);
    return cleat_connection_handshake(connection, 0);
}

/* Moves a piece from one side to the other, which continues its handshake; returns whether there was one. */
static bool move(struct shaking *self, int32_t from, int32_t to, int32_t *status) {
    char bytes[PIECE_MOST];
    int32_t len = cleat_connection_drain(from, bytes, self->piece);
    EXPECT(len >= 0);
    if (len == 0) return false;
    step(self);
    EXPECT(cleat_connection_feed(to, bytes, len) == len);
    *status = go_on(self, to, *status);
    return true;
}

static void shake(const struct contexts *contexts, const struct change *change, int32_t piece,
                  struct outcome *outcome) {
    struct shaking self = {.contexts = contexts, .change = change, .piece = piece};
    int32_t client_status = -(CLEAT_WANT_READ << 16);
    int32_t server_status = -(CLEAT_WANT_READ << 16);
    bool moved;
    self.server = cleat_connection_over_memory(contexts->server, 1, NULL, 0);
    self.client = cleat_connection_over_memory(contexts->client, 0, "localhost", 9);
    EXPECT(self.server > 0 && self.client > 0);
    client_status = go_on(&self, self.client, client_status);
    do {
        moved = move(&self, self.client, self.server, &server_status);
        moved |= move(&self, self.server, self.client, &client_status);
    } while (moved);
    outcome->steps = self.steps;
    outcome->changed = self.changed;
    look(self.client, client_status, &outcome->client);
    look(self.server, server_status, &outcome->server);
    EXPECT(cleat_close(self.client) == CLEAT_OK);
    EXPECT(cleat_close(self.server) == CLEAT_OK);
}

static void show(const char *who, const struct side *side) {
    fprintf(stderr, "  %s: status %d:%d, verify mode %d, peer %d, %s, %s, ALPN '%s', NPN '%s'\n",
            who, (int)CLEAT_CLASS(side->status), (int)CLEAT_VALUE(side->status),
            (int)side->verify_mode, (int)side->peer_serial, side->version, side->cipher, side->alpn,
            side->npn);
}

static void compare(const struct kind *kind, const struct change *change, const char *role,
                    const struct outcome *wanted, const struct outcome *got) {
    if (memcmp(&wanted->client, &got->client, sizeof got->client) == 0 &&
        memcmp(&wanted->server, &got->server, sizeof got->server) == 0) {
        return;
    }
    fprintf(stderr, "%s: %s, set on the %s's context at step %d%s:\n", kind->name,
            setters[change->setter].name, role, change->step,
            change->by_other_thread ? " by another thread" : "");
    show("client", &wanted->client);
    show("server", &wanted->server);
    fprintf(stderr, " became\n");
    show("client", &got->client);
    show("server", &got->server);
    exit(1);
}

static void expect_outcome(const struct kind *kind, const struct outcome *outcome) {
    if (kind->untrusted) {
        EXPECT(CLEAT_CLASS(outcome->client.status) == CLEAT_VERIFY);
        return;
    }
    EXPECT(outcome->client.status == CLEAT_OK && outcome->server.status == CLEAT_OK);
    EXPECT(outcome->client.peer_serial == (kind->switched ? 2 : 1));
    EXPECT(outcome->server.peer_serial == 1);
    EXPECT(strcmp(outcome->client.alpn, kind->npn ? "" : kind->switched ? "y" : "h2") == 0);
    EXPECT(strcmp(outcome->client.npn, kind->npn ? "h2" : "") == 0);
}

/* One setter at one step. */
static void try_step(const struct kind *kind, struct change change, int role, int32_t piece,
                     const struct outcome *wanted) {
    static const char *const roles[] = {"client", "server", "other server"};
    struct contexts contexts;
    struct outcome got;
    open_contexts(&contexts, kind);
    change.context = role == 0 ? contexts.client : role == 1 ? contexts.server : contexts.other;
    shake(&contexts, &change, piece, &got);
    /* The other context's settings at the moment of the switch are used: setters before that have their effect. */
    if (role < 2 || change.step >= wanted->changed) {
        compare(kind, &change, roles[role], wanted, &got);
    }
    close_contexts(&contexts);
}

/* try_kind: each setter on each context at every stride'th step of a handshake in pieces. Returns the number of
 * handshakes. */
static int try_kind(const struct kind *kind, int32_t piece, int stride) {
    static const struct change none = {-1, 0, 0, false};
    struct contexts contexts;
    struct outcome wanted;
    int count = 0;
    open_contexts(&contexts, kind);
    shake(&contexts, &none, piece, &wanted);
    close_contexts(&contexts);
    expect_outcome(kind, &wanted);
    for (int role = 0; role < (kind->switched ? 3 : 2); role++) {
        for (int setter = 0; setter < SETTERS; setter++) {
            for (int at = setter % stride; at < wanted.steps; at += stride) {
                const struct change change = {setter, 0, at, (at / stride + setter) % 2 == 1};
                try_step(kind, change, role, piece, &wanted);
                count++;
            }
        }
    }
    return count;
}

/* The second part: setters all the time, during handshakes in two threads. */

static atomic_bool over;
static int handshakes = 150; /* of each thread */

/* Values with which every handshake succeeds, whichever it begins with. */
static void set_any(int32_t context, unsigned turn) {
    static const char *const lists[] = {"ECDHE+AESGCM", "HIGH:!aNULL",
                                        "ECDHE+AESGCM:ECDHE+CHACHA20"};
    const char *list = lists[turn % 3];
    char path[32];
    int32_t len;
    const char *chain = text(IDENTITY_CHAIN_AND_KEY, &len);
    EXPECT(cleat_context_set_ciphers(context, list, (int32_t)strlen(list)) == 0);
    EXPECT(cleat_context_set_alpn_protocols(context, "\2h2", turn % 2 ? 3 : 0) == 0);
    EXPECT(cleat_context_set_npn_protocols(context, "\2h2", turn % 3 ? 3 : 0) == 0);
    EXPECT(cleat_context_set_options(context, turn % 2 ? CLEAT_OP_ALL : CLEAT_OP_NO_TICKET) == 0);
    EXPECT(cleat_context_set_minimum_version(context, turn % 2 ? CLEAT_TLS1_VERSION
                                                               : CLEAT_TLS1_2_VERSION) == 0);
    EXPECT(cleat_context_set_maximum_version(context, CLEAT_TLS1_3_VERSION - turn / 2 % 2) == 0);
    EXPECT(cleat_context_set_verify_flags(context, turn % 2 ? CLEAT_VERIFY_X509_PARTIAL_CHAIN
                                                            : CLEAT_VERIFY_DEFAULT) == 0);
    EXPECT(cleat_context_set_ecdh_curve(context, "prime256v1", 10) == 0);
    EXPECT(cleat_context_set_groups(context, turn % 2 ? "P-521:P-256" : "P-256:P-384", 11) == 0);
    EXPECT(cleat_context_set_server_sigalgs(context,
                                            turn % 2 ? "ECDSA+SHA256" : "ECDSA+SHA256:ed25519",
                                            turn % 2 ? 12 : 20) == 0);
    EXPECT(cleat_context_set_grease(context, (int32_t)(turn % 2)) == 0);
    (turn % 3 == 0   ? set_ticket_keys
     : turn % 3 == 1 ? set_ticket_secrets
                     : clear_ticket_keys)(context);
    EXPECT(cleat_context_set_num_tickets(context, (int32_t)(turn % 5)) == 0);
    EXPECT(cleat_context_set_session_timeout(context, (int32_t)turn % 1000) == 0);
    EXPECT(cleat_context_set_session_id_context(context, turn % 2 ? "x" : NULL, turn % 2) == 0);
    if (turn % 8 == 0) {
        EXPECT(cleat_context_load_cert_chain_data(context, chain, len, NULL, 0, NULL, 0) == 0);
        EXPECT(cleat_context_load_verify_data(context, chain, len) == 1);
        len = snprintf(path, sizeof path, "/none-%u", turn % 5);
        EXPECT(cleat_context_load_verify_directory(context, path, len) == 0);
    }
    if (turn % 64 == 0) EXPECT(cleat_context_set_default_verify_paths(context) == 0);
    EXPECT(cleat_context_cipher_count(context) > 0);
    EXPECT(cleat_context_ca_count(context) > 0);
}

static void *set_all_the_time(void *argument) {
    const struct contexts *contexts = argument;
    for (unsigned turn = 0; !atomic_load(&over); turn++) {
        set_any(contexts->client, turn);
        set_any(contexts->server, turn);
        EXPECT(cleat_context_set_verify_mode(contexts->server, (int32_t)(turn % 2)) == 0);
        usleep(1000); /* the handshakes must make progress, on one processor as well */
    }
    return NULL;
}

static void *shake_many(void *argument) {
    static const struct change none = {-1, 0, 0, false};
    for (int turn = 0; turn < handshakes; turn++) {
        struct outcome outcome;
        shake(argument, &none, PIECE_MOST, &outcome);
        if (outcome.client.status != 0 || outcome.server.status != 0) {
            show("client", &outcome.client);
            show("server", &outcome.server);
        }
        EXPECT(outcome.client.status == 0 && outcome.server.status == 0);
        EXPECT(outcome.client.peer_serial == 1);
    }
    return NULL;
}

static void try_all_the_time(void) {
    static const struct kind any = {"", CLEAT_TLS1_2_VERSION, false, false, false};
    struct contexts contexts;
    pthread_t threads[3];
    open_contexts(&contexts, &any);
    EXPECT(pthread_create(&threads[2], NULL, set_all_the_time, &contexts) == 0);
    for (int i = 0; i < 2; i++) {
        EXPECT(pthread_create(&threads[i], NULL, shake_many, &contexts) == 0);
    }
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    atomic_store(&over, true);
    pthread_join(threads[2], NULL);
    close_contexts(&contexts);
}

int main(int argc, char **argv) {
    const int sparse =
        argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1; /* more: fewer steps, for slow builds */
    int32_t len;
    int count = 0;
    if (sparse > 100) handshakes = 30;
    (void)identity_text(IDENTITY_KEY, &len); /* before any thread starts */
    setenv("SSL_CERT_FILE", "/none", 1);
    setenv("SSL_CERT_DIR", "/none", 1);
    for (int kind = 0; kind < KINDS; kind++) {
        count += try_kind(&kinds[kind], PIECE_MOST, sparse);
        count += try_kind(&kinds[kind], 1, 211 * sparse);
    }
    try_all_the_time();
    EXPECT(cleat_handle_count() == 0);
    printf("%d handshakes with a setter in them, and %d during setters\n", count, 2 * handshakes);
    return 0;
}
