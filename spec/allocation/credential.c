/* credential.c: several certificates in one context: adding, replacing, stapling, and choosing one. */
#include <string.h>

#include "../c/expect.h"
#include "../c/identity.h"
#include "scenario.h"

static int32_t server_context;
static int32_t client_context;
static int32_t server;
static int32_t client;

static int32_t load_part(int32_t context, enum identity_part part) {
    int32_t len;
    const char *text = identity_text(part, &len);
    return cleat_context_load_cert_chain_data(context, text, len, NULL, 0, NULL, 0);
}

/* The server has one certificate that the client cannot verify, because of its curve, and one that it can. */
static void open_two(void) {
    int32_t len;
    const char *trusted = identity_text(IDENTITY_ED25519, &len);
    server_context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    client_context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(load_part(server_context, IDENTITY_P384) == CLEAT_OK);
    EXPECT(cleat_context_set_scts(server_context, "\0\5\0\3abc", 7) == CLEAT_OK);
    EXPECT(load_part(server_context, IDENTITY_ED25519) == CLEAT_OK);
    EXPECT(cleat_context_set_scts(server_context, "\0\5\0\3def", 7) == CLEAT_OK);
    EXPECT(cleat_context_set_server_sigalgs(server_context, "ed25519:ECDSA+SHA384", 20) ==
           CLEAT_OK);
    EXPECT(cleat_context_load_verify_data(client_context, trusted, len) == 1);
    EXPECT(cleat_context_set_verify_mode(client_context, CLEAT_CERT_REQUIRED) == CLEAT_OK);
    EXPECT(cleat_context_set_chain_cache_seconds(client_context, 0) == CLEAT_OK);
    EXPECT(cleat_context_set_ask_scts(client_context, 1) == CLEAT_OK);
    EXPECT(cleat_context_set_maximum_version(client_context, CLEAT_TLS1_2_VERSION) == CLEAT_OK);
    EXPECT(cleat_context_set_ecdh_curve(client_context, "prime256v1", 10) == CLEAT_OK);
}

static void close_two(void) {
    cleat_close(server_context);
    cleat_close(client_context);
}

static int32_t act_add(void) {
    return load_part(server_context, IDENTITY_CHAIN_AND_KEY);
}

static int32_t act_replace(void) {
    return load_part(server_context, IDENTITY_P384);
}

static int32_t act_unstaple(void) {
    return cleat_context_set_scts(server_context, NULL, 0);
}

static void open_pair(void) {
    open_two();
    server = cleat_connection_over_memory(server_context, 1, NULL, 0);
    client = cleat_connection_over_memory(client_context, 0, "localhost", 9);
    EXPECT(server > 0 && client > 0);
}

static void close_pair(void) {
    cleat_close(server);
    cleat_close(client);
    close_two();
}

static bool is_want(int32_t status) {
    return status < 0 &&
           (CLEAT_CLASS(status) == CLEAT_WANT_READ || CLEAT_CLASS(status) == CLEAT_WANT_WRITE);
}

static int32_t carry(int32_t from, int32_t to) {
    static char bytes[20000];
    int32_t len = cleat_connection_drain(from, bytes, sizeof bytes);
    return len > 0 ? cleat_connection_feed(to, bytes, len) : len;
}

/* Whichever allocation fails, no other certificate is sent, and none without its staples. */
static int32_t act_choose(void) {
    int32_t a = -1;
    int32_t b = -1;
    char scts[8];
    int turn;
    for (turn = 0; turn < 20 && !(a == CLEAT_OK && b == CLEAT_OK); turn++) {
        int32_t moved;
        a = cleat_connection_handshake(client, 0);
        if (a < 0 && !is_want(a)) return a;
        moved = carry(client, server);
        if (moved < 0) return moved;
        b = cleat_connection_handshake(server, 0);
        if (b < 0 && !is_want(b)) return b;
        moved = carry(server, client);
        if (moved < 0) return moved;
    }
    EXPECT(a == CLEAT_OK && b == CLEAT_OK);
    EXPECT(cleat_connection_scts(client, scts, sizeof scts) == 7);
    EXPECT(memcmp(scts, "\0\5\0\3def", 7) == 0);
    return CLEAT_OK;
}

static char made_key[512];
static int32_t made_key_len;

static int32_t act_key(void) {
    char key[512];
    int32_t len = cleat_generate_key(CLEAT_REMOTE_KEY_P256, key, sizeof key);
    return len < 0 || (len > 100 && memcmp(key, "-----BEGIN", 10) == 0) ? len : 0;
}

static void make_key(void) {
    made_key_len = cleat_generate_key(CLEAT_REMOTE_KEY_ED25519, made_key, sizeof made_key);
    EXPECT(made_key_len > 0);
}

/* Whichever allocation fails, no certificate lacks a part. */
static int32_t act_certificate(void) {
    char pem[2048];
    int32_t certificate;
    int32_t count;
    int32_t len = cleat_generate_certificate(made_key, made_key_len, "localhost,127.0.0.1", 19,
                                             3600, pem, sizeof pem);
    if (len < 0) return len;
    certificate = cleat_certificate_from_pem(pem, len);
    if (certificate < 0) return certificate;
    count = cleat_certificate_alt_name_count(certificate);
    EXPECT(cleat_certificate_extension_count(certificate) == 5);
    EXPECT(count == 2 || count < 0);
    cleat_close(certificate);
    return count < 0 ? count : CLEAT_OK;
}

const struct scenario credential_scenarios[] = {
    {"context_load_cert_chain_data: another type", open_two, act_add, close_two, 0, true},
    {"context_load_cert_chain_data: the same type", open_two, act_replace, close_two, 0, true},
    {"context_set_scts: none, of two", open_two, act_unstaple, close_two, 0, true},
    {"generate_key", NULL, act_key, NULL, 0, true},
    {"generate_certificate", make_key, act_certificate, NULL, 0, true},
    {"handshake: one of two certificates", open_pair, act_choose, close_pair, 0, false},
    {NULL, NULL, NULL, NULL, 0, false},
};
