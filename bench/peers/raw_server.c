/* raw_server.c: the peer of all clients, and the server that others' servers are compared with.
 *
 *   raw_server serve                prints its port; serves until it is killed or its standard input ends
 *   raw_server accept COUNT         prints its port; does handshakes, then prints their CPU time
 *   raw_server accept-client COUNT  the same with clients that must show a certificate
 *   raw_server accept-again COUNT   the same with clients that resume, each of which is sent a byte
 *   raw_server idle-server COUNT    prints its port; accepts connections that stay, then prints the bytes of one
 *
 * A client that is served sends 16 bytes after the handshake, a letter and a decimal number:
 *   S n   the server sends n bytes            D n   it takes n bytes, then sends one
 *   E n   it sends back each of 64 n bytes    T     it sends one byte
 *   I     it sends one byte, and keeps the connection until the first of those kept is closed
 * or nothing. The server closes when the client does. */
#include <poll.h>

#include "raw.h"

enum { IDLE_MAX = 131072 };

static struct {
    SSL *ssl;
    int fd;
} idle[IDLE_MAX];
static int idle_count;
static bool renews; /* shows another certificate each time */

static int listen_on_loopback(void) {
    struct sockaddr_in address = loopback(0);
    socklen_t length = sizeof address;
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, 1024) != 0 || getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        die("listen");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static SSL_CTX *server_context(void) {
    static const uint8_t id[] = {'r', 'a', 'w'};
    SSL_CTX *context = new_context();
    use_certificate(context, setting("BENCH_CERT"), setting("BENCH_KEY"));
    if (SSL_CTX_set_session_id_context(context, id, sizeof id) != 1) die("the id context");
    SSL_CTX_set_early_data_enabled(context, strcmp(setting("BENCH_EARLY_DATA"), "1") == 0);
    renews = is_always_new("server");
    return context;
}

static bool read_all(SSL *ssl, char *buffer, int length) {
    int got = 0;
    while (got < length) {
        int result = SSL_read(ssl, buffer + got, length - got);
        if (result <= 0) return false;
        got += result;
    }
    return true;
}

static void drop(SSL *ssl, int fd) {
    SSL_free(ssl);
    close(fd);
}

static bool serve(SSL *ssl) {
    static char buffer[PIECE];
    char command[COMMAND + 1] = {0};
    long long left;
    int on = 1;
    /* The client's Finished is acknowledged at once: its next small write would wait for that (Nagle). */
    setsockopt(SSL_get_fd(ssl), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    if (!read_all(ssl, command, COMMAND)) return false;
    left = atoll(command + 1);
    switch (command[0]) {
        case 'S':
            while (left > 0) {
                int piece = left < PIECE ? (int)left : PIECE;
                if (SSL_write(ssl, buffer, piece) != piece) return false;
                left -= piece;
            }
            break;
        case 'D':
            while (left > 0) {
                int got = SSL_read(ssl, buffer, sizeof buffer);
                if (got <= 0) return false;
                left -= got;
            }
            SSL_write(ssl, ".", 1);
            break;
        case 'E':
            for (; left > 0; left--) {
                if (!read_all(ssl, buffer, MESSAGE)) return false;
                if (SSL_write(ssl, buffer, MESSAGE) != MESSAGE) return false;
            }
            break;
        case 'T':
        case 'I': SSL_write(ssl, ".", 1); break;
        default: return false;
    }
    if (command[0] == 'I') return true;
    while (SSL_read(ssl, buffer, sizeof buffer) > 0) continue;
    return false;
}

/* The client whose connections are kept is gone once the first of them is. */
static void drop_idle(void) {
    char byte;
    if (idle_count == 0 || recv(idle[0].fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0) return;
    while (idle_count > 0) {
        idle_count--;
        drop(idle[idle_count].ssl, idle[idle_count].fd);
    }
}

static void serve_all(SSL_CTX *context, int listener) {
    for (;;) {
        struct pollfd events[2] = {{listener, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
        SSL *ssl;
        int fd;
        poll(events, 2, -1);
        if (events[1].revents != 0) return;
        fd = accept(listener, NULL, NULL);
        if (fd < 0) die("accept");
        drop_idle();
        ssl = SSL_new(context);
        SSL_set_fd(ssl, fd);
        if (renews) renew_certificate(ssl);
        if (SSL_accept(ssl) == 1 && serve(ssl) && idle_count < IDLE_MAX) {
            idle[idle_count].ssl = ssl;
            idle[idle_count++].fd = fd;
        } else {
            drop(ssl, fd);
        }
        ERR_clear_error();
    }
}

/* again: all clients but the first resume. */
static void accept_some(SSL_CTX *context, int listener, int count, bool again) {
    static int accepted;
    for (; count > 0; count--) {
        int fd = accept(listener, NULL, NULL);
        SSL *ssl = SSL_new(context);
        SSL_set_fd(ssl, fd);
        if (SSL_accept(ssl) != 1) die("SSL_accept");
        if (again && (SSL_session_reused(ssl) != (accepted++ > 0) || SSL_write(ssl, ".", 1) != 1))
            die("not resumed");
        drop(ssl, fd);
    }
}

static void accept_timed(SSL_CTX *context, const char *how, int count) {
    bool again = strcmp(how, "accept-again") == 0;
    int listener;
    double start;
    if (strcmp(how, "accept-client") == 0) {
        if (SSL_CTX_load_verify_locations(context, setting("BENCH_CA"), NULL) != 1)
            die("CA certificates");
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    listener = listen_on_loopback();
    accept_some(context, listener, count / 10 + 1, again);
    start = cpu();
    accept_some(context, listener, count, again);
    printf("cpu %.9f\n", cpu() - start);
}

static void accept_idle(SSL_CTX *context, int listener, int count) {
    for (; count > 0; count--) {
        char command[COMMAND];
        int fd = accept(listener, NULL, NULL);
        SSL *ssl = SSL_new(context);
        SSL_set_fd(ssl, fd);
        if (SSL_accept(ssl) != 1 || !read_all(ssl, command, COMMAND) || SSL_write(ssl, ".", 1) != 1)
            die("an idle connection");
    }
}

static void hold_idle(SSL_CTX *context, int count) {
    int listener = listen_on_loopback();
    long long before;
    accept_idle(context, listener, count / 10 + 1);
    before = resident();
    accept_idle(context, listener, count);
    printf("bytes %.1f\n", (double)(resident() - before) / count);
}

int main(int argc, char **argv) {
    SSL_CTX *context = server_context();
    signal(SIGPIPE, SIG_IGN);
    allow_many_descriptors();
    if (argc == 3 && strcmp(argv[1], "idle-server") == 0) {
        hold_idle(context, atoi(argv[2]));
    } else if (argc == 3) {
        accept_timed(context, argv[1], atoi(argv[2]));
    } else {
        serve_all(context, listen_on_loopback());
    }
    return 0;
}
