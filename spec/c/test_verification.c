/* test_verification.c: certificates and verifications as objects: several threads, settings that change meanwhile, a
 * time other than the process's, and objects that outlive connections and contexts. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "expect.h"
#include "full_certificate.h"
#include "identity.h"
#include "libc_time.h"

enum { THREADS = 4, ROUNDS = 50, VERIFICATIONS = 200 };

#define REFUSED(code) (-((CLEAT_VERIFY << 16) | (code)))
enum { NOT_YET_VALID = 9, EXPIRED = 10, CRL_EXPIRED = 12, SELF_SIGNED = 18, WRONG_NAME = 62 };

static _Atomic time_t ahead; /* how much later the process's clock is, in seconds */

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's parameters have reserved names */
int clock_gettime(clockid_t clock, struct timespec *now) {
    static const time_t start = 1800000000;
    now->tv_sec = (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ? start : 1000) +
                  atomic_load(&ahead);
    now->tv_nsec = 0;
    return 0;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

static double now(void) {
    return (double)time(NULL);
}

static int32_t certificate_of(enum identity_part part) {
    int32_t len;
    const char *text = identity_text(part, &len);
    int32_t certificate = cleat_certificate_from_pem(text, len);
    EXPECT(certificate > 0);
    return certificate;
}

static void trust(int32_t context, enum identity_part part) {
    int32_t len;
    const char *text = identity_text(part, &len);
    EXPECT(cleat_context_load_verify_data(context, text, len) > 0);
}

static int32_t trusting(void) {
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(context > 0);
    trust(context, IDENTITY_CERTIFICATE);
    return context;
}

/* The result of a verification for a name, NULL for none. */
static int32_t verify(int32_t context, int32_t certificate, const char *name, double when) {
    int32_t verification =
        cleat_verification_new(context, certificate, CLEAT_PURPOSE_SERVER_AUTH, name,
                               name == NULL ? 0 : (int32_t)strlen(name), when, NULL, 0);
    int32_t result;
    EXPECT(verification > 0);
    result = cleat_verification_result(verification);
    EXPECT(cleat_verification_error_count(verification) == (result < 0 ? 1 : 0));
    EXPECT(cleat_verification_chain_count(verification, CLEAT_CHAIN_VERIFIED) ==
           (result < 0 ? 0 : 1));
    EXPECT(cleat_close(verification) == CLEAT_OK);
    return result;
}

/* ---- a certificate's first readers ---- */

struct reader {
    int32_t certificate;
    uint64_t digest;
};

static void *read_all(void *argument) {
    struct reader *reader = argument;
    EXPECT(full_certificate_read(reader->certificate, &reader->digest) == CLEAT_OK);
    return NULL;
}

static int32_t open_full(void) {
    int32_t certificate =
        cleat_certificate_from_pem(full_certificate, (int32_t)strlen(full_certificate));
    EXPECT(certificate > 0);
    return certificate;
}

static void test_readers(void) {
    struct reader alone = {open_full(), 0};
    int round;
    int i;
    read_all(&alone);
    for (round = 0; round < ROUNDS; round++) {
        struct reader readers[THREADS];
        pthread_t threads[THREADS];
        int32_t certificate = open_full();
        for (i = 0; i < THREADS; i++) {
            readers[i] = (struct reader){certificate, 0};
            EXPECT(pthread_create(&threads[i], NULL, read_all, &readers[i]) == 0);
        }
        for (i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
            EXPECT(readers[i].digest == alone.digest);
        }
        EXPECT(cleat_close(certificate) == CLEAT_OK);
    }
    EXPECT(cleat_close(alone.certificate) == CLEAT_OK);
}

/* ---- another time ---- */

/* With a given time the process's clock has no effect, on certificates and on revocation lists. */
static void test_given_time(void) {
    int32_t certificate = certificate_of(IDENTITY_CERTIFICATE);
    int32_t context = trusting();
    double start = now();
    EXPECT(verify(context, certificate, "localhost", -1) == CLEAT_OK);
    EXPECT(verify(context, certificate, NULL, start - 3600) == REFUSED(NOT_YET_VALID));
    EXPECT(verify(context, certificate, NULL, start + 86400) == REFUSED(EXPIRED));
    atomic_store(&ahead, 86400);
    EXPECT(verify(context, certificate, NULL, -1) == REFUSED(EXPIRED));
    EXPECT(verify(context, certificate, NULL, start) == CLEAT_OK);
    atomic_store(&ahead, 0);
    trust(context, IDENTITY_CRL);
    EXPECT(cleat_context_set_verify_flags(context, CLEAT_VERIFY_CRL_CHECK_LEAF) == CLEAT_OK);
    EXPECT(verify(context, certificate, "localhost", start + 0.9) == CLEAT_OK);
    atomic_store(&ahead, 86400);
    EXPECT(verify(context, certificate, NULL, -1) == REFUSED(CRL_EXPIRED));
    EXPECT(verify(context, certificate, "localhost", start) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_time(context, start) == CLEAT_OK);
    EXPECT(verify(context, certificate, "localhost", -1) == CLEAT_OK);
    EXPECT(verify(context, certificate, NULL, start + 86400) == REFUSED(CRL_EXPIRED));
    atomic_store(&ahead, 0);
    cleat_close(certificate);
    cleat_close(context);
}

/* ---- a context that is changed meanwhile ---- */

struct verifier {
    int32_t context;
    int32_t certificate;
    int accepted;
    int refused;
};

static void *verify_often(void *argument) {
    struct verifier *self = argument;
    int i;
    for (i = 0; i < VERIFICATIONS; i++) {
        int32_t result = verify(self->context, self->certificate, "localhost", -1);
        EXPECT(result == CLEAT_OK || result == REFUSED(NOT_YET_VALID));
        self->accepted += result == CLEAT_OK ? 1 : 0;
        self->refused += result == CLEAT_OK ? 0 : 1;
    }
    return NULL;
}

static atomic_bool over;

static void *change(void *argument) {
    const struct verifier *self = argument;
    while (!atomic_load(&over)) {
        EXPECT(cleat_context_set_verify_time(self->context, 1) == CLEAT_OK);
        EXPECT(cleat_context_set_verify_depth(self->context, 1) == CLEAT_OK);
        trust(self->context, IDENTITY_CERTIFICATE);
        EXPECT(cleat_context_set_verify_time(self->context, -1) == CLEAT_OK);
    }
    return NULL;
}

/* Each verification uses the settings that the context had at one moment. */
static void test_setters(void) {
    struct verifier verifiers[THREADS];
    pthread_t threads[THREADS];
    pthread_t changing;
    int32_t context = trusting();
    int i;
    atomic_store(&over, false);
    for (i = 0; i < THREADS; i++) {
        verifiers[i] = (struct verifier){context, certificate_of(IDENTITY_CERTIFICATE), 0, 0};
        EXPECT(pthread_create(&threads[i], NULL, verify_often, &verifiers[i]) == 0);
    }
    EXPECT(pthread_create(&changing, NULL, change, &verifiers[0]) == 0);
    for (i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    atomic_store(&over, true);
    pthread_join(changing, NULL);
    for (i = 0; i < THREADS; i++) {
        EXPECT(verifiers[i].accepted + verifiers[i].refused == VERIFICATIONS);
        cleat_close(verifiers[i].certificate);
    }
    cleat_close(context);
}

/* ---- what stays ---- */

static int32_t der_of(int32_t certificate, char *der) {
    int32_t len = cleat_certificate_der(certificate, der, 4096);
    EXPECT(len > 0 && len <= 4096);
    EXPECT(cleat_close(certificate) == CLEAT_OK);
    return len;
}

static void expect_same(int32_t certificate, int32_t other) {
    char one[4096];
    char two[4096];
    int32_t len = der_of(certificate, one);
    EXPECT(der_of(other, two) == len && memcmp(one, two, (size_t)len) == 0);
}

static void move(int32_t from, int32_t to) {
    char room[16384];
    int32_t len = cleat_connection_drain(from, room, sizeof room);
    EXPECT(len >= 0);
    if (len > 0) EXPECT(cleat_connection_feed(to, room, len) == len);
}

/* The verification of a refused server outlives its connection and the context. */
static void test_outlives(void) {
    char text[256];
    int32_t server_context;
    int32_t client_context;
    int32_t verification;
    int32_t client;
    int32_t server;
    int32_t code;
    int32_t depth;
    int32_t len;
    identity_contexts(&server_context, &client_context);
    client = cleat_connection_over_memory(client_context, 0, "elsewhere.test", 14);
    server = cleat_connection_over_memory(server_context, 1, NULL, 0);
    EXPECT(client > 0 && server > 0);
    EXPECT(CLEAT_CLASS(cleat_connection_verification(client)) == CLEAT_USAGE);
    EXPECT(CLEAT_CLASS(cleat_connection_handshake(client, 0)) == CLEAT_WANT_READ);
    move(client, server);
    (void)cleat_connection_handshake(server, 0);
    move(server, client);
    EXPECT(cleat_connection_handshake(client, 0) == REFUSED(WRONG_NAME));
    verification = cleat_connection_verification(client);
    EXPECT(verification > 0 && cleat_kind(verification) == CLEAT_KIND_VERIFICATION);
    EXPECT(CLEAT_CLASS(cleat_connection_verification(server)) == CLEAT_USAGE);
    cleat_close(client);
    cleat_close(server);
    cleat_close(client_context);
    cleat_close(server_context);
    EXPECT(cleat_handle_count() == 1);
    EXPECT(cleat_verification_result(verification) == REFUSED(WRONG_NAME));
    len = cleat_error_verify_message(text, sizeof text);
    EXPECT(len > 0 && strstr(text, "not valid for 'elsewhere.test'") != NULL);
    len = cleat_verification_error(verification, 0, text, sizeof text, &code, &depth);
    EXPECT(len > 0 && code == WRONG_NAME && depth == 0);
    EXPECT(cleat_verification_chain_count(verification, CLEAT_CHAIN_SENT) == 1);
    expect_same(cleat_verification_error_certificate(verification, 0),
                certificate_of(IDENTITY_CERTIFICATE));
    expect_same(cleat_verification_chain_certificate(verification, CLEAT_CHAIN_SENT, 0),
                certificate_of(IDENTITY_CERTIFICATE));
    EXPECT(CLEAT_CLASS(cleat_verification_error(verification, 1, text, 0, &code, &depth)) ==
           CLEAT_USAGE);
    EXPECT(CLEAT_CLASS(cleat_verification_chain_certificate(verification, 0, 1)) == CLEAT_USAGE);
    EXPECT(cleat_close(verification) == CLEAT_OK);
    EXPECT(CLEAT_CLASS(cleat_verification_result(verification)) == CLEAT_HANDLE);
}

/* An accepted one has the chain, and a refused one has none. */
static void test_chain(void) {
    int32_t certificate = certificate_of(IDENTITY_CERTIFICATE);
    int32_t context = trusting();
    int32_t verification =
        cleat_verification_new(context, certificate, CLEAT_PURPOSE_SERVER_AUTH, "localhost", 9, -1,
                               full_certificate, (int32_t)strlen(full_certificate));
    EXPECT(cleat_close(context) == CLEAT_OK);
    EXPECT(cleat_verification_result(verification) == CLEAT_OK);
    EXPECT(cleat_verification_chain_count(verification, CLEAT_CHAIN_SENT) == 2);
    EXPECT(cleat_verification_chain_count(verification, CLEAT_CHAIN_VERIFIED) == 1);
    expect_same(cleat_verification_chain_certificate(verification, CLEAT_CHAIN_VERIFIED, 0),
                certificate);
    EXPECT(CLEAT_CLASS(cleat_verification_error_certificate(verification, 0)) == CLEAT_USAGE);
    cleat_close(verification);
    context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    certificate = certificate_of(IDENTITY_CERTIFICATE);
    EXPECT(verify(context, certificate, "localhost", -1) == REFUSED(SELF_SIGNED));
    EXPECT(CLEAT_CLASS(cleat_verification_new(context, certificate, CLEAT_PURPOSE_ANY + 1, NULL, 0,
                                              -1, NULL, 0)) == CLEAT_USAGE);
    verification =
        cleat_verification_new(context, certificate, CLEAT_PURPOSE_ANY, NULL, 0, -1, NULL, 0);
    EXPECT(cleat_verification_result(verification) == REFUSED(SELF_SIGNED));
    cleat_close(verification);
    cleat_close(context);
    cleat_close(certificate);
}

int main(void) {
    test_readers();
    test_given_time();
    test_setters();
    test_chain();
    EXPECT(cleat_handle_count() == 0);
    test_outlives();
    EXPECT(cleat_handle_count() == 0);
    return 0;
}
