/* handshakes.c: handshakes of one end over memory, for callgrind (run.lua, instructions).
 * handshakes END WAY COUNT PKI does COUNT of them. END: client; server, whose clients show a certificate; accept, a
 * server whose clients show none. WAY: raw (BoringSSL by itself, which verifies each chain), unknown (cleat with the
 * cache of verified chains off), known (cleat, with a peer that it has verified before), raw-resumed or resumed (each
 * handshake resumes a session of the one before; then the server sends a byte, and with it the next session). PKI: the
 * directory of the certificates. Callgrind counts what is in measured(): that end without its peer. WAY may also be
 * raw-idle or idle: the ends stay open after such a byte, and the program prints how many bytes one of them takes. */
#include <malloc.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>

#include "contexts.h"

enum { ROOM = 65536 };

/* What measured() does: the first step of a new connection, a later step, or sending and receiving the byte. */
enum phase { BEGINS, CONTINUES, TALKS };

static bool is_server;
static bool resumes;
static bool keeps; /* what was made */
static SSL_CTX *raw_context;
static SSL_SESSION *raw_session; /* a raw client's newest */
static int32_t end; /* a cleat connection, or */
static SSL *raw; /* a raw one */
static int resumed; /* how many handshakes of the end resumed a session */
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
        check_raw(raw_session == NULL || SSL_set_session(raw, raw_session) == 1, "the session");
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

/* Continues with the bytes that the peer has sent. Returns whether the handshake is done. */
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

/* What a server sends follows the tickets, where its last step has left them in bytes. */
static void talk_cleat(int32_t connection, bool server) {
    char byte = 'x';
    if (server) {
        check(cleat_connection_write(connection, &byte, 1, 0), "write");
        len += check(cleat_connection_drain(connection, bytes + len, ROOM - len), "drain");
    } else {
        check(cleat_connection_feed(connection, bytes, len), "feed");
        check(cleat_connection_read(connection, &byte, 1, 0), "read");
    }
}

static void talk(void) {
    char byte = 'x';
    if (raw == NULL) {
        talk_cleat(end, is_server);
    } else if (is_server) {
        check_raw(SSL_write(raw, &byte, 1) == 1, "SSL_write");
        len += BIO_read(SSL_get_wbio(raw), bytes + len, ROOM - len);
    } else {
        check_raw(BIO_write(SSL_get_rbio(raw), bytes, len) == len, "BIO_write");
        check_raw(SSL_read(raw, &byte, 1) == 1, "SSL_read");
    }
}

static bool is_resumed(void) {
    return raw != NULL ? SSL_session_reused(raw) == 1
                       : check(cleat_connection_session_reused(end), "session_reused") == 1;
}

/* Returns whether the phase was the last one. */
static bool advance(enum phase phase) {
    bool done;
    if (phase == BEGINS) open_end();
    done = phase == TALKS || step();
    if (phase == TALKS) talk();
    if (done && (phase == TALKS || !(resumes || keeps))) {
        resumed += is_resumed() ? 1 : 0;
        if (!keeps) close_end();
    }
    return done;
}

__attribute__((noinline)) static bool measured(enum phase phase) {
    bool done = advance(phase);
    __asm__ volatile("" ::: "memory"); /* it stays a separate function, that returns here */
    return done;
}

static bool run(bool counts, enum phase phase) {
    return counts ? measured(phase) : advance(phase);
}

static void shake_hands(bool counts) {
    int32_t peer = open_cleat(!is_server);
    enum phase phase = BEGINS;
    len = 0;
    if (is_server) step_cleat(peer);
    while (!run(counts, phase)) {
        phase = CONTINUES;
        step_cleat(peer);
    }
    if (resumes || keeps) {
        if (!is_server) {
            step_cleat(peer);
            talk_cleat(peer, true);
        }
        run(counts, TALKS);
        if (is_server) talk_cleat(peer, false);
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

/* The reference is the callback's. */
static int keep_session(SSL *ssl, SSL_SESSION *session) {
    (void)ssl;
    SSL_SESSION_free(raw_session);
    raw_session = session;
    return 1;
}

static void make_raw(const char *pki, bool asks) {
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
    if (!is_server || asks)
        SSL_CTX_set_verify(raw_context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    if (!is_server && resumes) {
        SSL_CTX_set_session_cache_mode(raw_context, SSL_SESS_CACHE_CLIENT);
        SSL_CTX_sess_set_new_cb(raw_context, keep_session);
    }
    check_raw(!is_server ||
                  (SSL_CTX_use_certificate_chain_file(raw_context, chain) == 1 &&
                   SSL_CTX_use_PrivateKey_file(raw_context, key, SSL_FILETYPE_PEM) == 1 &&
                   SSL_CTX_set_session_id_context(raw_context, (const uint8_t *)"raw", 3) == 1),
              chain);
}

/* The first handshake makes what the others find. A server verifies the client of a session again. */
static void check_way(const char *way, int count, bool asks) {
    bool known = (strcmp(way, "known") == 0 || strcmp(way, "idle") == 0) && (!is_server || asks);
    int32_t hits;
    int32_t misses;
    check(cleat_context_chain_cache_stats(is_server ? server_context : client_context, &hits,
                                          &misses),
          "statistics");
    if (resumes && resumed == count) return;
    if (!resumes && resumed == 0 && hits == (known ? count : 0)) return;
    fprintf(stderr, "%s: %d of %d were hits, %d resumed\n", way, (int)hits, count, resumed);
    exit(1);
}

int main(int argc, char **argv) {
    size_t before = 0;
    bool asks;
    int count;
    int i;
    if (argc != 5) return 2;
    asks = strcmp(argv[1], "server") == 0;
    is_server = asks || strcmp(argv[1], "accept") == 0;
    resumes = strstr(argv[2], "resumed") != NULL;
    keeps = strstr(argv[2], "idle") != NULL;
    count = (int)strtol(argv[3], NULL, 10);
    make_contexts(argv[4]);
    if (asks) ask_client(argv[4]);
    if (resumes) check(cleat_context_set_client_sessions(client_context, 16), "client_sessions");
    if (strncmp(argv[2], "raw", 3) == 0) make_raw(argv[4], asks);
    if (strcmp(argv[2], "unknown") == 0)
        check(cleat_context_set_chain_cache_seconds(is_server ? server_context : client_context, 0),
              "cache");
    for (i = 0; i <= count; i++) {
        shake_hands(i > 0);
        if (i == 0) before = mallinfo2().uordblks;
    }
    if (keeps) printf("bytes %zu\n", (mallinfo2().uordblks - before) / (size_t)count);
    check_way(argv[2], count, asks);
    return 0;
}
