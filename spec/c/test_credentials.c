/* test_credentials.c: several certificates in one context, and threads that load, staple and use them at the same time.
 * No load is lost, and each connection uses one that its context had. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "expect.h"
#include "identity.h"
#include "load.h"
#include "tls/context.h"

enum { ROUNDS = 200, HANDSHAKES = 60 };

static void load_part(int32_t context, enum identity_part part) {
    int32_t len;
    const char *text = identity_text(part, &len);
    EXPECT(cleat_context_load_cert_chain_data(context, text, len, NULL, 0, NULL, 0) == CLEAT_OK);
}

/* The serial number of the certificate of a type; 0 if there is none. */
static int64_t serial_of(int32_t context, enum cleat_key_type type) {
    struct cleat_object *found = NULL;
    struct cleat_context *self;
    uint64_t serial = 0;
    EXPECT(cleat_handle_find(context, CLEAT_KIND_CONTEXT, &found) == CLEAT_OK);
    self = (void *)found;
    pthread_mutex_lock(&self->lock);
    if (self->credentials->of_type[type] != NULL) {
        X509 *leaf = X509_parse_from_buffer(self->credentials->of_type[type]->chain[0]);
        EXPECT(leaf != NULL);
        EXPECT(ASN1_INTEGER_get_uint64(&serial, X509_get0_serialNumber(leaf)) == 1);
        X509_free(leaf);
    }
    pthread_mutex_unlock(&self->lock);
    cleat_handle_done(found);
    return (int64_t)serial;
}

struct loading {
    int32_t context;
    enum identity_part part;
    pthread_barrier_t *start;
};

static void *load_one(void *argument) {
    const struct loading *self = argument;
    pthread_barrier_wait(self->start);
    load_part(self->context, self->part);
    return NULL;
}

/* Two threads load two types into one context: afterwards it has both, and still the third one. */
static void no_load_is_lost(void) {
    int round;
    for (round = 0; round < ROUNDS; round++) {
        int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
        pthread_barrier_t start;
        struct loading loadings[2] = {{context, IDENTITY_P384, &start},
                                      {context, IDENTITY_ED25519, &start}};
        pthread_t threads[2];
        int i;
        EXPECT(context > 0 && pthread_barrier_init(&start, NULL, 2) == 0);
        load_part(context, IDENTITY_CHAIN_AND_KEY);
        for (i = 0; i < 2; i++)
            EXPECT(pthread_create(&threads[i], NULL, load_one, &loadings[i]) == 0);
        for (i = 0; i < 2; i++) pthread_join(threads[i], NULL);
        pthread_barrier_destroy(&start);
        EXPECT(serial_of(context, CLEAT_KEY_P256) == 1);
        EXPECT(serial_of(context, CLEAT_KEY_P384) == 3);
        EXPECT(serial_of(context, CLEAT_KEY_ED25519) == 4);
        EXPECT(serial_of(context, CLEAT_KEY_RSA) == 0);
        EXPECT(cleat_close(context) == CLEAT_OK);
    }
}

static void types_are_apart(void) {
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    int32_t len;
    int32_t key_len;
    const char *certificate = identity_text(IDENTITY_P384, &len);
    const char *key = identity_text(IDENTITY_KEY, &key_len);
    char scts[8];
    load_part(context, IDENTITY_P384);
    EXPECT(cleat_context_set_scts(context, "\0\5\0\3abc", 7) == CLEAT_OK);
    load_part(context, IDENTITY_CHAIN_AND_KEY);
    EXPECT(cleat_context_scts(context, scts, sizeof scts) ==
           0); /* of the last one that was loaded */
    EXPECT(cleat_context_load_cert_chain_data(context, certificate, len, key, key_len, NULL, 0) <
           0);
    EXPECT(serial_of(context, CLEAT_KEY_P256) == 1 && serial_of(context, CLEAT_KEY_P384) == 3);
    load_part(context, IDENTITY_OTHER);
    EXPECT(serial_of(context, CLEAT_KEY_P256) == 2 && serial_of(context, CLEAT_KEY_P384) == 3);
    load_part(context, IDENTITY_P384);
    EXPECT(cleat_context_scts(context, scts, sizeof scts) ==
           0); /* discarded with the old certificate */
    EXPECT(cleat_close(context) == CLEAT_OK);
}

static atomic_bool over;

static void *keep_loading(void *argument) {
    static const enum identity_part parts[] = {IDENTITY_P384, IDENTITY_CHAIN_AND_KEY,
                                               IDENTITY_ED25519, IDENTITY_OTHER};
    int32_t context = *(const int32_t *)argument;
    unsigned i;
    for (i = 0; !atomic_load(&over); i++) load_part(context, parts[i % 4]);
    return NULL;
}

static void *keep_stapling(void *argument) {
    int32_t context = *(const int32_t *)argument;
    while (!atomic_load(&over)) {
        EXPECT(cleat_context_set_scts(context, "\0\5\0\3abc", 7) == CLEAT_OK);
        EXPECT(cleat_context_set_scts(context, NULL, 0) == CLEAT_OK);
    }
    return NULL;
}

static bool move(int32_t from, int32_t to) {
    char bytes[20000];
    int32_t len = cleat_connection_drain(from, bytes, sizeof bytes);
    EXPECT(len >= 0);
    if (len > 0) EXPECT(cleat_connection_feed(to, bytes, len) == len);
    return len > 0;
}

/* The preferred type is loaded from the beginning, and replaced all the time. */
static void shake(int32_t server_context, int32_t client_context) {
    int32_t server = cleat_connection_over_memory(server_context, 1, NULL, 0);
    int32_t client = cleat_connection_over_memory(client_context, 0, "localhost", 9);
    int32_t certificate;
    char serial[8] = "";
    EXPECT(server > 0 && client > 0);
    do {
        cleat_connection_handshake(client, 0);
        move(client, server);
        cleat_connection_handshake(server, 0);
    } while (move(server, client));
    EXPECT(cleat_connection_handshake(client, 0) == CLEAT_OK);
    EXPECT(cleat_connection_handshake(server, 0) == CLEAT_OK);
    certificate = cleat_connection_peer_certificate(client);
    EXPECT(certificate > 0);
    EXPECT(cleat_certificate_serial_number(certificate, serial, sizeof serial - 1) > 0);
    EXPECT(strtol(serial, NULL, 16) == 1 || strtol(serial, NULL, 16) == 2);
    EXPECT(cleat_close(certificate) == CLEAT_OK);
    EXPECT(cleat_close(client) == CLEAT_OK && cleat_close(server) == CLEAT_OK);
}

static void present_while_others_load(int32_t version) {
    int32_t server;
    int32_t client;
    pthread_t threads[3];
    int32_t len;
    int i;
    const char *other = identity_text(IDENTITY_OTHER, &len);
    identity_contexts(&server, &client);
    load_part(server, IDENTITY_ED25519);
    EXPECT(cleat_context_load_verify_data(client, other, len) == 1);
    EXPECT(cleat_context_set_maximum_version(client, version) == CLEAT_OK);
    atomic_store(&over, false);
    EXPECT(pthread_create(&threads[0], NULL, keep_loading, &server) == 0);
    EXPECT(pthread_create(&threads[1], NULL, keep_loading, &server) == 0);
    EXPECT(pthread_create(&threads[2], NULL, keep_stapling, &server) == 0);
    for (i = 0; i < HANDSHAKES; i++) shake(server, client);
    atomic_store(&over, true);
    for (i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    EXPECT(cleat_close(client) == CLEAT_OK && cleat_close(server) == CLEAT_OK);
}

int main(void) {
    load_alarm(60);
    types_are_apart();
    no_load_is_lost();
    present_while_others_load(CLEAT_TLS1_3_VERSION);
    present_while_others_load(CLEAT_TLS1_2_VERSION);
    return 0;
}
