/* handshakes.c: full handshakes of one end over memory, for callgrind (run.lua, instructions).
 * handshakes END WAY COUNT PKI does COUNT of them. END: client, or server, whose clients show a certificate. WAY: raw
 * (BoringSSL by itself, which verifies each chain), unknown (cleat with the cache of verified chains off) or known
 * (cleat, with a peer that it has verified before). PKI: the directory of the certificates. Callgrind counts what is in
 * measured(): that end without its peer. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>

#include "contexts.h"

enum { ROOM = 65536 };

static bool is_server;
static SSL_CTX *raw_context;
static int32_t end; /* a cleat connection, or */
static SSL *raw; /* a raw one */
static char bytes[ROOM];
static int32_t len;

static void check_raw(bool good, const char *what) {
    if (good) return;
    fprintf(stderr, "%s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static int32_t open_cleat(bool server) {
    return server ? check(cleat_connection_over_memory(server_context, 1, NULL, 0), "server")
                  : check(cleat_connection_over_memory(client_context, 0, "localhost", 9), "client");
}

static void open_end(void) {
    if (raw_context == NULL) {
        end = open_cleat(is_server);
        return;
    }
    raw = SSL_new(raw_context);
    check_raw(raw != NULL, "SSL_new");
    if (is_server) {
        SSL_set_accept_state(raw);
    } else {
        check_raw(SSL_set_tlsext_host_name(raw, "localhost") == 1 &&
                      SSL_set1_host(raw, "localhost") == 1,
                  "the name");
        SSL_set_connect_state(raw);
    }
    SSL_set_bio(raw, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
}

static bool step_cleat(int32_t connection) {
    int32_t status;
    if (len > 0) check(cleat_connection_feed(connection, bytes, len), "feed");
    status = cleat_connection_handshake(connection, 0);
    if (status < 0 && CLEAT_CLASS(status) != CLEAT_WANT_READ) check(status, "handshake");
    len = check(cleat_connection_drain(connection, bytes, ROOM), "drain");
    return status >= 0;
}

/* Goes on with what the peer has sent. Returns whether the handshake is done. */
static bool step(void) {
    int result;
    if (raw == NULL) return step_cleat(end);
    if (len > 0) check_raw(BIO_write(SSL_get_rbio(raw), bytes, len) == len, "BIO_write");
    result = SSL_do_handshake(raw);
    check_raw(result == 1 || SSL_get_error(raw, result) == SSL_ERROR_WANT_READ, "SSL_do_handshake");
    len = BIO_read(SSL_get_wbio(raw), bytes, ROOM);
    if (len < 0) len = 0;
    return result == 1;
}

static void close_end(void) {
    if (raw != NULL) {
        SSL_free(raw);
    } else {
        cleat_close(end);
    }
}

/* begins: makes the connection. Ends it once it is done. */
static bool advance(bool begins) {
    bool done;
    if (begins) open_end();
    done = step();
    if (done) close_end();
    return done;
}

__attribute__((noinline)) static bool measured(bool begins) {
    bool done = advance(begins);
    __asm__ volatile("" ::: "memory"); /* it stays a separate function, that returns here */
    return done;
}

static void shake_hands(bool counts) {
    int32_t peer = open_cleat(!is_server);
    bool begins = true;
    len = 0;
    while (!(counts ? measured(begins) : advance(begins))) {
        begins = false;
        step_cleat(peer);
    }
    cleat_close(peer);
}

/* The client shows a certificate, and the server requires it. */
static void ask_client(const char *pki) {
    char root[PATH_ROOM];
    char chain[PATH_ROOM];
    char key[PATH_ROOM];
    int32_t length = snprintf(root, sizeof root, "%s/root.pem", pki);
    check(cleat_context_load_verify_file(server_context, root, length), root);
    check(cleat_context_set_verify_mode(server_context, CLEAT_CERT_REQUIRED), "verify_mode");
    length = snprintf(chain, sizeof chain, "%s/client.pem", pki);
    snprintf(key, sizeof key, "%s/client.key", pki);
    check(cleat_context_load_cert_chain(client_context, chain, length, key, length, NULL, 0),
          chain);
}

static void make_raw(const char *pki) {
    char root[PATH_ROOM];
    char chain[PATH_ROOM];
    char key[PATH_ROOM];
    snprintf(root, sizeof root, "%s/root.pem", pki);
    snprintf(chain, sizeof chain, "%s/server-ec.pem", pki);
    snprintf(key, sizeof key, "%s/server-ec.key", pki);
    raw_context = SSL_CTX_new(TLS_method());
    check_raw(raw_context != NULL && SSL_CTX_set1_curves_list(raw_context, "X25519") == 1 &&
                  SSL_CTX_load_verify_locations(raw_context, root, NULL) == 1,
              "SSL_CTX_new");
    SSL_CTX_set_verify(raw_context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    check_raw(!is_server ||
                  (SSL_CTX_use_certificate_chain_file(raw_context, chain) == 1 &&
                   SSL_CTX_use_PrivateKey_file(raw_context, key, SSL_FILETYPE_PEM) == 1 &&
                   SSL_CTX_set_session_id_context(raw_context, (const uint8_t *)"raw", 3) == 1),
              chain);
}

/* The first handshake makes what the others find. */
static void check_way(const char *way, int count) {
    int32_t hits;
    int32_t misses;
    check(cleat_context_chain_cache_stats(is_server ? server_context : client_context, &hits,
                                          &misses),
          "statistics");
    if (hits == (strcmp(way, "known") == 0 ? count : 0)) return;
    fprintf(stderr, "%s: %d of %d were hits\n", way, (int)hits, count);
    exit(1);
}

int main(int argc, char **argv) {
    int count;
    int i;
    if (argc != 5) return 2;
    is_server = strcmp(argv[1], "server") == 0;
    count = (int)strtol(argv[3], NULL, 10);
    make_contexts(argv[4]);
    if (is_server) ask_client(argv[4]);
    if (strcmp(argv[2], "raw") == 0) make_raw(argv[4]);
    if (strcmp(argv[2], "unknown") == 0)
        check(cleat_context_set_chain_cache_seconds(is_server ? server_context : client_context, 0),
              "cache");
    for (i = 0; i <= count; i++) shake_hands(i > 0);
    check_way(argv[2], count);
    return 0;
}
