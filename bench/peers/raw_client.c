/* raw_client.c: the benchmarks in plain C over BoringSSL. raw_client OPERATION PORT COUNT; see bench/README.md for what
 * an operation is and prints. */
#include <fcntl.h>

#include "raw.h"

static int port;
static SSL_CTX *context;
static SSL_SESSION *session;
static bool renews; /* shows another certificate each time */

static int keep_session(SSL *ssl, SSL_SESSION *fresh) {
    (void)ssl;
    SSL_SESSION_free(session);
    session = fresh;
    return 1;
}

static void keep_sessions(void) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_session);
}

static SSL_CTX *client_context(void) {
    SSL_CTX *made = new_context();
    if (SSL_CTX_load_verify_locations(made, setting("BENCH_CA"), NULL) != 1) die("CA certificates");
    SSL_CTX_set_verify(made, SSL_VERIFY_PEER, NULL);
    if (setting("BENCH_CLIENT_CERT")[0] != '\0') {
        use_certificate(made, setting("BENCH_CLIENT_CERT"), setting("BENCH_CLIENT_KEY"));
        renews = is_always_new("client");
    }
    return made;
}

static int dial(void) {
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) die("connect");
    return fd;
}

/* A connection before its handshake. */
static SSL *start(int fd) {
    const char *name = setting("BENCH_NAME");
    SSL *ssl = SSL_new(context);
    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || SSL_set_tlsext_host_name(ssl, name) != 1 ||
        X509_VERIFY_PARAM_set1_host(SSL_get0_param(ssl), name, strlen(name)) != 1)
        die("SSL_new");
    if (renews) renew_certificate(ssl);
    return ssl;
}

/* Offers the newest session, if there is one. */
static SSL *start_again(int fd) {
    SSL *ssl = start(fd);
    if (session != NULL && SSL_set_session(ssl, session) != 1) die("SSL_set_session");
    return ssl;
}

static void connect_again(SSL *ssl) {
    bool offered = session != NULL;
    if (SSL_connect(ssl) != 1) die("SSL_connect");
    if (offered && !SSL_in_early_data(ssl) && !SSL_session_reused(ssl)) die("not resumed");
}

static SSL *open_connection(int *fd) {
    SSL *ssl;
    *fd = dial();
    ssl = start(*fd);
    if (SSL_connect(ssl) != 1) die("SSL_connect");
    return ssl;
}

static void drop(SSL *ssl, int fd) {
    SSL_free(ssl);
    close(fd);
}

static void command(SSL *ssl, char letter, long long number) {
    char text[COMMAND + 1];
    snprintf(text, sizeof text, "%c%015lld", letter, number);
    if (SSL_write(ssl, text, COMMAND) != COMMAND) die("command");
}

static void expect_dot(SSL *ssl) {
    char answer;
    if (SSL_read(ssl, &answer, 1) != 1 || answer != '.') die("answer");
}

static void handshakes(long long count) {
    for (; count > 0; count--) {
        int fd;
        SSL *ssl = open_connection(&fd);
        drop(ssl, fd);
    }
}

/* Handshakes with a server that closes at once: for the accept benchmark. */
static void visits(long long count) {
    for (; count > 0; count--) {
        int fd;
        char byte;
        SSL *ssl = open_connection(&fd);
        while (SSL_read(ssl, &byte, 1) > 0) continue;
        drop(ssl, fd);
    }
}

/* The same from the newest session; the server sends a byte, and with TLS 1.3 tickets. */
static void visits_again(long long count) {
    for (; count > 0; count--) {
        int fd = dial();
        char byte;
        SSL *ssl = start_again(fd);
        connect_again(ssl);
        while (SSL_read(ssl, &byte, 1) > 0) continue;
        drop(ssl, fd);
    }
}

/* early: the command goes out before the server has answered, where there is a session. */
static void resumptions(long long count, bool early) {
    for (; count > 0; count--) {
        int fd = dial();
        bool offered = session != NULL;
        SSL *ssl = start_again(fd);
        connect_again(ssl);
        command(ssl, 'T', 0);
        expect_dot(ssl);
        if (early && offered && !SSL_early_data_accepted(ssl)) die("early data was not accepted");
        drop(ssl, fd);
    }
}

static void receive(SSL *ssl, long long bytes) {
    static char buffer[RECORD];
    while (bytes > 0) {
        int got = SSL_read(ssl, buffer, sizeof buffer);
        if (got <= 0) die("SSL_read");
        bytes -= got;
    }
}

static void send_pieces(SSL *ssl, long long bytes, int piece) {
    char *data = malloc((size_t)piece);
    memset(data, 1, (size_t)piece); /* separate pages: calloc's would all be the same one */
    for (; bytes > 0; bytes -= piece) {
        if (SSL_write(ssl, data, piece) != piece) die("SSL_write");
    }
    free(data);
}

static void echo(SSL *ssl, long long count) {
    char message[MESSAGE] = {0};
    for (; count > 0; count--) {
        int got = 0;
        if (SSL_write(ssl, message, MESSAGE) != MESSAGE) die("SSL_write");
        while (got < MESSAGE) {
            int result = SSL_read(ssl, message + got, MESSAGE - got);
            if (result <= 0) die("SSL_read");
            got += result;
        }
    }
}

static void want_reads(SSL *ssl, long long count) {
    char buffer[RECORD];
    for (; count > 0; count--) {
        int result = SSL_read(ssl, buffer, sizeof buffer);
        if (result > 0 || SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ) die("no want");
    }
}

static void contexts(long long count, const char *bundle) {
    for (; count > 0; count--) {
        SSL_CTX *made = SSL_CTX_new(TLS_method());
        if (bundle != NULL && SSL_CTX_load_verify_locations(made, bundle, NULL) != 1) die(bundle);
        SSL_CTX_free(made);
    }
}

static SSL *open_idle(bool shed) {
    int fd = dial();
    SSL *ssl = start(fd);
    if (shed) SSL_set_shed_handshake_config(ssl, 1);
    if (SSL_connect(ssl) != 1) die("SSL_connect");
    command(ssl, 'I', 0);
    expect_dot(ssl);
    return ssl;
}

static void hold_idle(long long count, bool shed) {
    long long before;
    long long i;
    open_idle(shed);
    before = resident();
    for (i = 0; i < count; i++) open_idle(shed);
    printf("bytes %.1f\n", (double)(resident() - before) / (double)count);
}

/* Holds connections that the server counts, until it is gone. */
static void visit_idle(long long count) {
    char byte;
    SSL *first = open_idle(true);
    while (--count > 0) open_idle(true);
    SSL_read(first, &byte, 1);
}

static void verify(void) {
    int fd = dial();
    SSL *ssl = start(fd);
    if (SSL_connect(ssl) == 1) {
        printf("accepted %s %s\n", SSL_get_version(ssl), SSL_get_cipher_name(ssl));
    } else {
        char text[256];
        ERR_error_string_n(ERR_get_error(), text, sizeof text);
        printf("refused %s\n", text);
    }
}

/* on_one_connection times what is done on one connection, after a tenth of it to warm up. */
#define ON_ONE_CONNECTION(letter, number, ending, warm_up, work)                                   \
    do {                                                                                           \
        int fd;                                                                                    \
        double begin;                                                                              \
        SSL *ssl = open_connection(&fd);                                                           \
        command(ssl, letter, number);                                                              \
        warm_up;                                                                                   \
        begin = cpu();                                                                             \
        work;                                                                                      \
        ending;                                                                                    \
        printf("cpu %.9f\n", cpu() - begin);                                                       \
        drop(ssl, fd);                                                                             \
    } while (0)

#define TIMED(warm_up, work)                                                                       \
    do {                                                                                           \
        double begin;                                                                              \
        warm_up;                                                                                   \
        begin = cpu();                                                                             \
        work;                                                                                      \
        printf("cpu %.9f\n", cpu() - begin);                                                       \
    } while (0)

int main(int argc, char **argv) {
    const char *operation = argc == 4 ? argv[1] : "";
    long long count = argc == 4 ? atoll(argv[3]) : 0;
    long long mib = count << 20;
    port = argc == 4 ? atoi(argv[2]) : 0;
    signal(SIGPIPE, SIG_IGN);
    allow_many_descriptors();
    if (strcmp(operation, "context") == 0) {
        TIMED(contexts(count / 10, NULL), contexts(count, NULL));
        return 0;
    } else if (strcmp(operation, "bundle-first") == 0) {
        TIMED((void)0, contexts(1, setting("BENCH_BUNDLE")));
        return 0;
    } else if (strcmp(operation, "bundle-again") == 0) {
        TIMED(contexts(1, setting("BENCH_BUNDLE")), contexts(count, setting("BENCH_BUNDLE")));
        return 0;
    }

    context = client_context();
    if (strcmp(operation, "verify") == 0) {
        verify();
    } else if (strcmp(operation, "handshake") == 0) {
        TIMED(handshakes(count / 10), handshakes(count));
    } else if (strcmp(operation, "visit") == 0) {
        visits(count);
    } else if (strcmp(operation, "visit-again") == 0) {
        keep_sessions();
        visits_again(count);
    } else if (strcmp(operation, "visit-idle") == 0) {
        visit_idle(count);
    } else if (strcmp(operation, "resume") == 0) {
        keep_sessions();
        TIMED(resumptions(count / 10 + 1, false), resumptions(count, false));
    } else if (strcmp(operation, "early-data") == 0) {
        keep_sessions();
        SSL_CTX_set_early_data_enabled(context, 1);
        TIMED(resumptions(count / 10 + 2, true), resumptions(count, true));
    } else if (strncmp(operation, "receive", 7) == 0) { /* a buffer is all that C has */
        ON_ONE_CONNECTION('S', mib + mib / 8, (void)0, receive(ssl, mib / 8), receive(ssl, mib));
    } else if (strcmp(operation, "send") == 0) {
        ON_ONE_CONNECTION('D', mib + mib / 8, expect_dot(ssl), send_pieces(ssl, mib / 8, PIECE),
                          send_pieces(ssl, mib, PIECE));
    } else if (strcmp(operation, "sendall") == 0) {
        ON_ONE_CONNECTION('D', mib + mib / 8, expect_dot(ssl),
                          send_pieces(ssl, mib / 8, (int)(mib / 8)),
                          send_pieces(ssl, mib, (int)(mib / 8)));
    } else if (strcmp(operation, "echo") == 0) {
        ON_ONE_CONNECTION('E', count + count / 10, (void)0, echo(ssl, count / 10),
                          echo(ssl, count));
    } else if (strcmp(operation, "want-read") == 0 || strcmp(operation, "try-recv") == 0) {
        ON_ONE_CONNECTION(
            'T', 0, (void)0,
            (expect_dot(ssl), fcntl(fd, F_SETFL, O_NONBLOCK), want_reads(ssl, count / 10)),
            want_reads(ssl, count));
    } else if (strcmp(operation, "idle") == 0 || strcmp(operation, "idle-shed") == 0) {
        hold_idle(count, operation[4] != '\0');
    } else {
        fprintf(stderr, "raw_client: unknown operation %s\n", operation);
        return 2;
    }
    return 0;
}
