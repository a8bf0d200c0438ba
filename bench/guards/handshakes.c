/* handshakes.c: a client's full handshakes over memory, for callgrind (run.lua, instructions).
 * handshakes WAY COUNT CHAIN PKI does COUNT of them. WAY: raw (BoringSSL by itself, which verifies each chain), unknown
 * (cleat with the cache of verified chains off) or known (cleat, with a server that it has verified before). CHAIN:
 * server-ec or server-rsa of the directory PKI. Callgrind counts what is in measured(): the client without the
 * server. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>

#include "contexts.h"

enum { ROOM = 65536 };

static SSL_CTX *raw_context;
static int32_t client; /* a cleat connection, or */
static SSL *raw; /* a raw one */
static char bytes[ROOM];
static int32_t len;

static void check_raw(bool good, const char *what) {
    if (good) return;
    fprintf(stderr, "%s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static void open_client(void) {
    if (raw_context == NULL) {
        client = check(cleat_connection_over_memory(client_context, 0, "localhost", 9), "client");
        return;
    }
    raw = SSL_new(raw_context);
    check_raw(raw != NULL && SSL_set_tlsext_host_name(raw, "localhost") == 1 &&
                  SSL_set1_host(raw, "localhost") == 1,
              "SSL_new");
    SSL_set_connect_state(raw);
    SSL_set_bio(raw, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
}

/* Goes on with what the server has sent. Returns whether the handshake is done. */
static bool step(void) {
    int32_t status;
    int result;
    if (raw == NULL) {
        if (len > 0) check(cleat_connection_feed(client, bytes, len), "feed");
        status = cleat_connection_handshake(client, 0);
        if (status < 0 && CLEAT_CLASS(status) != CLEAT_WANT_READ) check(status, "handshake");
        len = check(cleat_connection_drain(client, bytes, ROOM), "drain");
        return status >= 0;
    }
    if (len > 0) check_raw(BIO_write(SSL_get_rbio(raw), bytes, len) == len, "BIO_write");
    result = SSL_do_handshake(raw);
    check_raw(result == 1 || SSL_get_error(raw, result) == SSL_ERROR_WANT_READ, "SSL_do_handshake");
    len = BIO_read(SSL_get_wbio(raw), bytes, ROOM);
    if (len < 0) len = 0;
    return result == 1;
}

static void close_client(void) {
    if (raw != NULL) {
        SSL_free(raw);
    } else {
        cleat_close(client);
    }
}

/* begins: makes the client. Ends it once it is done. */
static bool advance(bool begins) {
    bool done;
    if (begins) open_client();
    done = step();
    if (done) close_client();
    return done;
}

__attribute__((noinline)) static bool measured(bool begins) {
    bool done = advance(begins);
    __asm__ volatile("" ::: "memory"); /* it stays a separate function, that returns here */
    return done;
}

static void shake_hands(bool counts) {
    int32_t server = check(cleat_connection_over_memory(server_context, 1, NULL, 0), "server");
    bool begins = true;
    len = 0;
    while (!(counts ? measured(begins) : advance(begins))) {
        int32_t status;
        begins = false;
        check(cleat_connection_feed(server, bytes, len), "feed");
        status = cleat_connection_handshake(server, 0);
        if (status < 0 && CLEAT_CLASS(status) != CLEAT_WANT_READ) check(status, "server");
        len = check(cleat_connection_drain(server, bytes, ROOM), "drain");
    }
    cleat_close(server);
}

static void make_raw(const char *pki) {
    char root[PATH_ROOM];
    snprintf(root, sizeof root, "%s/root.pem", pki);
    raw_context = SSL_CTX_new(TLS_method());
    check_raw(raw_context != NULL && SSL_CTX_set1_curves_list(raw_context, "X25519") == 1 &&
                  SSL_CTX_load_verify_locations(raw_context, root, NULL) == 1,
              "SSL_CTX_new");
    SSL_CTX_set_verify(raw_context, SSL_VERIFY_PEER, NULL);
}

/* The first handshake makes what the others find. */
static void check_way(const char *way, int count) {
    int32_t hits;
    int32_t misses;
    check(cleat_context_chain_cache_stats(client_context, &hits, &misses), "statistics");
    if (hits == (strcmp(way, "known") == 0 ? count : 0)) return;
    fprintf(stderr, "%s: %d of %d were hits\n", way, (int)hits, count);
    exit(1);
}

int main(int argc, char **argv) {
    int count;
    int i;
    if (argc != 5) return 2;
    count = (int)strtol(argv[2], NULL, 10);
    make_contexts(argv[4], argv[3]);
    if (strcmp(argv[1], "raw") == 0) make_raw(argv[4]);
    if (strcmp(argv[1], "unknown") == 0)
        check(cleat_context_set_chain_cache_seconds(client_context, 0), "cache");
    for (i = 0; i <= count; i++) shake_hands(i > 0);
    check_way(argv[1], count);
    return 0;
}
