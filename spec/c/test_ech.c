/* test_ech.c: Encrypted ClientHello where a fault would send the name in plaintext or leave a key in memory: damaged
 * configurations, a BoringSSL that ignores them, keys that change under load, memory. spec/ssl/ech_spec.lua tests the
 * rest. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/handle.h"
#include "ends.h"
#include "expect.h"
#include "identity.h"
#include "search.h"
#include "tls/connection.h"

enum { ROOM = 4096, ROUNDS = 40, THREADS = 3 };

static const char hidden[] = "hidden.test";
static const char public_name[] = "localhost"; /* the certificate's */

static int32_t new_key(void) {
    int32_t key = cleat_ech_key_new(public_name, (int32_t)sizeof public_name - 1, -1, 0);
    EXPECT(key > 0 && cleat_kind(key) == CLEAT_KIND_ECH_KEY);
    return key;
}

static int32_t list_of(int32_t key, char *list) {
    int32_t len = cleat_ech_config_list(&key, 1, list, ROOM);
    EXPECT(len > 2 && len <= ROOM);
    return len;
}

static bool has_reason(const char *wanted) {
    char reason[64];
    int32_t len = cleat_error_reason(reason, sizeof reason);
    return len == (int32_t)strlen(wanted) && memcmp(reason, wanted, (size_t)len) == 0;
}

/* Whether a client with these configurations sends the name in plaintext; -1 if they are refused. */
static int shows_name(int32_t context, const char *list, int32_t len) {
    char sent[ROOM];
    int32_t client = cleat_connection_over_memory(context, 0, hidden, (int32_t)sizeof hidden - 1);
    int32_t status = cleat_connection_set_ech_configs(client, list, len);
    int result = -1;
    if (status >= 0) {
        status = cleat_connection_handshake(client, 0);
        len = cleat_connection_drain(client, sent, sizeof sent);
        EXPECT(len >= 0);
        result = memmem(sent, (size_t)len, hidden, sizeof hidden - 1) != NULL;
        /* BoringSSL cannot use a key whose shared secret is zero, for example. */
        EXPECT(CLEAT_CLASS(status) == CLEAT_WANT_READ || len == 0 || result == 0);
    } else {
        EXPECT(has_reason("INVALID_ECH_CONFIG_LIST") || has_reason("NO_SUPPORTED_ECH_CONFIG"));
    }
    EXPECT(cleat_close(client) == CLEAT_OK);
    return result;
}

/* Each byte of a list with other values, and each prefix of it. */
static void test_damaged(void) {
    static const uint8_t masks[] = {0x01, 0x80, 0xff};
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    int32_t key = new_key();
    char list[ROOM];
    int32_t len = list_of(key, list);
    int refused = 0;
    int32_t i;
    size_t k;
    EXPECT(shows_name(context, list, len) == 0);
    for (i = 0; i < len; i++) {
        EXPECT(shows_name(context, list, i) == -1);
        for (k = 0; k < sizeof masks; k++) {
            int shown;
            list[i] = (char)(list[i] ^ masks[k]);
            shown = shows_name(context, list, len);
            list[i] = (char)(list[i] ^ masks[k]);
            EXPECT(shown <= 0);
            if (shown < 0) refused++;
        }
    }
    EXPECT(refused > 20);
    EXPECT(cleat_close(key) == CLEAT_OK && cleat_close(context) == CLEAT_OK);
}

/* A connection that BoringSSL makes without encryption is not used. */
static void test_ignored(void) {
    struct cleat_object *found = NULL;
    struct ends ends;
    int32_t server_context;
    int32_t client_context;
    int32_t key = new_key();
    int32_t client;
    int32_t server;
    char list[ROOM];
    identity_contexts(&server_context, &client_context);
    ends_open(&ends, ENDS_SOCKET, server_context, client_context, public_name);
    EXPECT(cleat_connection_set_ech_configs(ends.client, list, list_of(key, list)) == CLEAT_OK);
    EXPECT(cleat_handle_find(ends.client, CLEAT_KIND_CONNECTION, &found) == CLEAT_OK);
    EXPECT(SSL_set_max_proto_version(((struct cleat_connection *)(void *)found)->ssl,
                                     TLS1_2_VERSION) == 1);
    cleat_handle_done(found);
    ends_drive(&ends, &client, &server);
    EXPECT(CLEAT_CLASS(client) == CLEAT_SSL && has_reason("ECH_NOT_OFFERED"));
    EXPECT(cleat_connection_established(ends.client) == 0);
    EXPECT(CLEAT_CLASS(cleat_connection_write(ends.client, "x", 1, 0)) == CLEAT_SSL);
    ends_close(&ends);
    EXPECT(cleat_close(server_context) == CLEAT_OK && cleat_close(client_context) == CLEAT_OK);
    EXPECT(cleat_close(key) == CLEAT_OK);
}

struct load {
    int32_t server_context;
    int32_t client_context;
    int32_t key; /* is always among the server's */
    char list[ROOM];
    int32_t list_len;
    atomic_int left;
};

static void *connect_often(void *argument) {
    struct load *load = argument;
    int i;
    for (i = 0; i < ROUNDS; i++) {
        struct ends ends;
        ends_open(&ends, ENDS_SOCKET, load->server_context, load->client_context, public_name);
        EXPECT(cleat_connection_set_ech_configs(ends.client, load->list, load->list_len) ==
               CLEAT_OK);
        ends_shake(&ends);
        EXPECT(cleat_connection_ech_accepted(ends.client) == 1);
        EXPECT(cleat_connection_ech_accepted(ends.server) == 1);
        ends_close(&ends);
    }
    atomic_fetch_sub(&load->left, 1);
    return NULL;
}

/* Keys change while servers use them. */
static void test_rotation(void) {
    struct load load;
    pthread_t threads[THREADS];
    int i;
    identity_contexts(&load.server_context, &load.client_context);
    load.key = new_key();
    load.list_len = list_of(load.key, load.list);
    atomic_init(&load.left, THREADS);
    EXPECT(cleat_context_set_ech_keys(load.server_context, &load.key, 1) == CLEAT_OK);
    for (i = 0; i < THREADS; i++) {
        EXPECT(pthread_create(&threads[i], NULL, connect_often, &load) == 0);
    }
    do {
        int32_t keys[2] = {new_key(), load.key};
        EXPECT(cleat_context_set_ech_keys(load.server_context, keys, 2) == CLEAT_OK);
        EXPECT(cleat_close(keys[0]) == CLEAT_OK);
        usleep(1000); /* memcheck runs one thread at a time, and would not switch to the others */
    } while (atomic_load(&load.left) > 0);
    for (i = 0; i < THREADS; i++) EXPECT(pthread_join(threads[i], NULL) == 0);
    EXPECT(cleat_close(load.key) == CLEAT_OK && cleat_close(load.server_context) == CLEAT_OK);
    EXPECT(cleat_close(load.client_context) == CLEAT_OK);
}

/* The private key, raw and as in the PEM text. */
static int32_t make_known_key(struct secret *raw, struct secret *text) {
    uint8_t bytes[32];
    uint8_t piece[24];
    char pem[ROOM];
    size_t len = sizeof bytes;
    int32_t key = new_key();
    int32_t pem_len = cleat_ech_key_pem(key, pem, sizeof pem);
    BIO *bio = BIO_new_mem_buf(pem, pem_len);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    EXPECT(pem_len > 0 && pkey != NULL);
    EXPECT(EVP_PKEY_get_raw_private_key(pkey, bytes, &len) == 1 && len == sizeof bytes);
    secret_keep(raw, bytes, sizeof bytes);
    memcpy(piece, strchr(pem, '\n') + 1 + 30, sizeof piece);
    secret_keep(text, piece, sizeof piece);
    EVP_PKEY_free(pkey);
    BIO_free(bio);
    OPENSSL_cleanse(pem, sizeof pem);
    return key;
}

static void test_secret(void) {
    struct secret raw;
    struct secret text;
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    int32_t key = make_known_key(&raw, &text);
    int32_t server;
    char pem[ROOM];
    int32_t copy = cleat_ech_key_load_data(pem, cleat_ech_key_pem(key, pem, sizeof pem));
    EXPECT(copy > 0);
    OPENSSL_cleanse(pem, sizeof pem);
    EXPECT(cleat_context_set_ech_keys(context, &copy, 1) == CLEAT_OK);
    server = cleat_connection_over_memory(context, 1, NULL, 0);
    EXPECT(server > 0);
    EXPECT(secret_count(&raw) >= 3); /* two ids, and the context's copy */
    EXPECT(cleat_close(key) == CLEAT_OK && cleat_close(copy) == CLEAT_OK);
    EXPECT(cleat_context_set_ech_keys(context, NULL, 0) == CLEAT_OK);
    EXPECT(secret_count(&raw) == 1); /* the connection's copy */
    EXPECT(cleat_close(server) == CLEAT_OK && cleat_close(context) == CLEAT_OK);
    EXPECT(secret_count(&raw) == 0 && secret_count(&text) == 0);
}

int main(void) {
    int32_t ids = cleat_handle_count();
    test_secret();
    test_damaged();
    test_ignored();
    test_rotation();
    EXPECT(cleat_handle_count() == ids);
    printf("ok\n");
    return 0;
}
