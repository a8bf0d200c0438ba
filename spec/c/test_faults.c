/* test_faults.c: system calls that fail. This program's own socket, send, recv and so on replace libc's, and fail when
 * and how a test chooses: with errors that may pass (EINTR, ENOBUFS, EMFILE ...) and errors that do not (ECONNRESET,
 * EPIPE ...). */
#undef _FORTIFY_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "expect.h"
#include "identity.h"

enum call { SOCKET, PAIR, ACCEPT, CONNECT, SEND, RECV, POLL, OPEN, READ, CALLS };

/* When a call fails, and with which error: after `after` successful calls, `times` times. */
static struct {
    int error;
    int after;
    int times;
    int failed;
    int good;
} faults[CALLS];

static bool storm; /* three of four interruptible calls fail with EINTR */
static int storm_calls;

static bool fails(enum call call) {
    if (storm && call != SOCKET && call != PAIR && ++storm_calls % 4 != 0) {
        errno = EINTR;
        return true;
    }
    if (faults[call].error == 0) return false;
    if (faults[call].after > 0) {
        faults[call].after--;
    } else if (faults[call].times > 0) {
        faults[call].times--;
        faults[call].failed++;
        errno = faults[call].error;
        return true;
    }
    faults[call].good++;
    return false;
}

static void set_fault(enum call call, int error, int after, int times) {
    memset(&faults[call], 0, sizeof faults[call]);
    faults[call].error = error;
    faults[call].after = after;
    faults[call].times = times;
}

static void clear_faults(void) {
    memset(faults, 0, sizeof faults);
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's parameters have reserved names */
int socket(int domain, int type, int protocol) {
    return fails(SOCKET) ? -1 : (int)syscall(SYS_socket, domain, type, protocol);
}

int socketpair(int domain, int type, int protocol, int fds[2]) {
    return fails(PAIR) ? -1 : (int)syscall(SYS_socketpair, domain, type, protocol, fds);
}

#ifdef __GLIBC__ /* glibc declares them with a union of all types of addresses */
#define ADDRESS(pointer) (pointer).__sockaddr__
#else
#define __SOCKADDR_ARG struct sockaddr *restrict
#define __CONST_SOCKADDR_ARG const struct sockaddr *
#define ADDRESS(pointer) (pointer)
#endif

int accept4(int fd, __SOCKADDR_ARG address, socklen_t *len, int flags) {
    return fails(ACCEPT) ? -1 : (int)syscall(SYS_accept4, fd, ADDRESS(address), len, flags);
}

int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t len) {
    return fails(CONNECT) ? -1 : (int)syscall(SYS_connect, fd, ADDRESS(address), len);
}

ssize_t send(int fd, const void *bytes, size_t len, int flags) {
    return fails(SEND) ? -1 : syscall(SYS_sendto, fd, bytes, len, flags, NULL, 0);
}

ssize_t recv(int fd, void *bytes, size_t len, int flags) {
    return fails(RECV) ? -1 : syscall(SYS_recvfrom, fd, bytes, len, flags, NULL, NULL);
}

int ppoll(struct pollfd *items, nfds_t count, const struct timespec *timeout,
          const sigset_t *mask) {
    struct timespec left = {0, 0};
    if (timeout != NULL) left = *timeout; /* the system call writes the rest to it */
    return fails(POLL) ? -1
                       : (int)syscall(SYS_ppoll, items, count, timeout == NULL ? NULL : &left, mask,
                                      sizeof(long));
}

int open(const char *name, int flags, ...) {
    mode_t mode = 0;
    if ((flags & O_CREAT) != 0) {
        va_list rest;
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    return fails(OPEN) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, name, flags, mode);
}

ssize_t read(int fd, void *bytes, size_t len) {
    return fails(READ) ? -1 : syscall(SYS_read, fd, bytes, len);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

static int32_t server_context;
static int32_t client_context;

/* A status with the system's error, and its text. */
static void expect_error(int32_t status, int error) {
    char text[256];
    if (error == ENOMEM) {
        EXPECT(CLEAT_CLASS(status) == CLEAT_NOMEM);
    } else {
        EXPECT(CLEAT_CLASS(status) == CLEAT_SYS && CLEAT_VALUE(status) == error);
    }
    EXPECT(cleat_error_message(text, sizeof text) > 5);
}

static const int shortages[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM};

/* A call that needs a descriptor reports why there is none, keeps nothing open, and succeeds the next time. */
static void test_no_descriptor(void) {
    int32_t listener = cleat_socket_new(CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0);
    int32_t port = 0;
    int32_t unused = 0;
    char host[64];
    size_t i;
    EXPECT(cleat_socket_bind(listener, "127.0.0.1", 9, 0) == CLEAT_OK);
    EXPECT(cleat_socket_listen(listener, 4) == CLEAT_OK);
    EXPECT(cleat_socket_getsockname(listener, host, sizeof host, &port, &unused, &unused) > 0);
    for (i = 0; i < sizeof shortages / sizeof shortages[0]; i++) {
        int error = shortages[i];
        int32_t count = cleat_handle_count();
        int32_t first = -7;
        int32_t second = -7;
        int32_t caller;
        set_fault(SOCKET, error, 0, 1);
        expect_error(cleat_socket_new(CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0), error);
        set_fault(PAIR, error, 0, 1);
        expect_error(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &first, &second),
                     error);
        EXPECT(first == -7 && second == -7);
        set_fault(ACCEPT, error, 0, 1);
        caller = cleat_socket_new(CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0);
        EXPECT(cleat_socket_connect(caller, "127.0.0.1", 9, port, 10) == CLEAT_OK);
        expect_error(cleat_socket_accept(listener, 10), error);
        EXPECT(cleat_handle_count() == count + 1);
        second = cleat_socket_accept(listener, 10); /* it was still in the backlog */
        EXPECT(second > 0 && cleat_close(second) == CLEAT_OK && cleat_close(caller) == CLEAT_OK);
    }
    cleat_close(listener);
    clear_faults();
}

static void test_no_file(void) {
    static const char name[] = "/dev/null";
    const int errors[] = {EMFILE, ENFILE, EIO, ENOMEM, EACCES};
    char said[64];
    size_t i;
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    for (i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        int which;
        for (which = OPEN; which <= READ; which++) {
            set_fault((enum call)which, errors[i], 0, 1);
            expect_error(cleat_context_load_verify_file(context, name, 9), errors[i]);
            if (errors[i] != ENOMEM) EXPECT(cleat_error_filename(said, sizeof said) == 9);
            set_fault((enum call)which, errors[i], 0, 1);
            expect_error(cleat_context_load_cert_chain(context, name, 9, NULL, 0, NULL, 0),
                         errors[i]);
            EXPECT(faults[which].failed == 1);
            clear_faults();
        }
    }
    /* and a missing file is an error, and not an empty trust store */
    EXPECT(CLEAT_CLASS(cleat_context_load_verify_file(context, name, 9)) == CLEAT_SSL);
    cleat_close(context);
}

struct pair {
    int32_t sockets[2];
    int32_t server;
    int32_t client;
};

static void open_pair(struct pair *pair) {
    EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &pair->sockets[0],
                             &pair->sockets[1]) == CLEAT_OK);
    pair->server = cleat_connection_over_socket(server_context, pair->sockets[0], 1, NULL, 0);
    pair->client =
        cleat_connection_over_socket(client_context, pair->sockets[1], 0, "localhost", 9);
    EXPECT(pair->server > 0 && pair->client > 0);
}

static void close_pair(const struct pair *pair) {
    cleat_close(pair->client);
    cleat_close(pair->server);
    cleat_close(pair->sockets[0]);
    cleat_close(pair->sockets[1]);
}

enum { MUCH = 300000 };
static char sent[MUCH];
static char got[MUCH];

/* One whole exchange, in which each call that could not finish is repeated. allowed: the error that may be among the
 * reasons. Returns how many calls have failed with it. */
static int exchange(int allowed) {
    struct pair pair;
    int failures = 0;
    int32_t written = 0;
    int32_t have = 0;
    bool client_done = false;
    bool server_done = false;
    int turns = 0;
    memset(got, 0, sizeof got);
    open_pair(&pair);
    while (have < MUCH) {
        int32_t status = 0;
        int side;
        EXPECT(++turns < 100000);
        for (side = 0; side < 4; side++) {
            if (side == 0 && !client_done) {
                status = cleat_connection_handshake(pair.client, 0);
                client_done = status == CLEAT_OK;
            } else if (side == 1 && !server_done) {
                status = cleat_connection_handshake(pair.server, 0);
                server_done = status == CLEAT_OK;
            } else if (side == 2 && client_done && written < MUCH) {
                status = cleat_connection_write(pair.client, sent + written, MUCH - written, 0);
                if (status > 0) written += status;
            } else if (side == 3 && server_done) {
                status = cleat_connection_read(pair.server, got + have, MUCH - have, 0);
                EXPECT(status != 0);
                if (status > 0) have += status;
            } else {
                continue;
            }
            if (status >= 0 || CLEAT_CLASS(status) == CLEAT_WANT_READ ||
                CLEAT_CLASS(status) == CLEAT_WANT_WRITE) {
                continue;
            }
            expect_error(status, allowed);
            failures++;
        }
    }
    EXPECT(memcmp(sent, got, MUCH) == 0);
    close_pair(&pair);
    return failures;
}

/* An error that passes, at each call of an exchange in turn: the failed call reports it and can be repeated, and no
 * byte is lost, duplicated or mixed. */
static void test_passing_errors(enum call call) {
    const int errors[] = {ENOBUFS, ENOMEM};
    size_t i;
    int calls;
    int at;
    set_fault(call, EINTR, 0, 0);
    EXPECT(exchange(0) == 0);
    calls = faults[call].good;
    EXPECT(calls > 10);
    for (i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        int noticed = 0;
        for (at = 0; at < calls; at++) {
            set_fault(call, errors[i], at, 1);
            noticed += exchange(errors[i]);
            EXPECT(faults[call].failed == 1 || at > 10); /* the number of calls varies a little */
        }
        /* the last bytes of a server, and bytes that are sent with an answer, may be lost without a failure */
        EXPECT(noticed > calls / 2);
    }
    clear_faults();
}

static bool is_want(int32_t status) {
    return CLEAT_CLASS(status) == CLEAT_WANT_READ || CLEAT_CLASS(status) == CLEAT_WANT_WRITE;
}

/* One step of a side that sends a byte and reads without a limit. */
static int32_t step(int32_t id) {
    int32_t status = cleat_connection_handshake(id, 0);
    if (status >= 0) status = cleat_connection_write(id, sent, 1000, 0);
    if (status >= 0) status = cleat_connection_read(id, got, 1000, 0);
    return status;
}

/* An error that stays, from each call on: it is reported, and by each further call as well. */
static void test_lasting_errors(enum call call, int error) {
    int at;
    for (at = 0; at < 12; at++) {
        struct pair pair;
        int32_t status = 0;
        int turn;
        open_pair(&pair);
        set_fault(call, error, at, 1000000);
        for (turn = 0; turn < 50 && (status >= 0 || is_want(status)); turn++) {
            status = step(pair.client);
            if (status < 0 && !is_want(status)) break;
            status = step(pair.server);
        }
        expect_error(status, error);
        EXPECT(faults[call].failed > 0);
        for (turn = 0; turn < 3; turn++) {
            int32_t client = step(pair.client);
            int32_t server = step(pair.server);
            if (!is_want(client)) expect_error(client, error);
            if (!is_want(server)) expect_error(server, error);
        }
        clear_faults();
        close_pair(&pair);
    }
}

/* With many interruptions every call has its usual result, and timeouts end in time. */
static void test_storm(void) {
    int32_t listener = cleat_socket_new(CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0);
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    int32_t port = 0;
    int32_t unused = 0;
    int32_t caller;
    int32_t accepted;
    char host[64];
    char byte;
    EXPECT(cleat_socket_bind(listener, "127.0.0.1", 9, 0) == CLEAT_OK);
    EXPECT(cleat_socket_listen(listener, 4) == CLEAT_OK);
    EXPECT(cleat_socket_getsockname(listener, host, sizeof host, &port, &unused, &unused) > 0);
    caller = cleat_socket_new(CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0);
    storm = true;
    EXPECT(cleat_socket_connect(caller, "127.0.0.1", 9, port, 10) == CLEAT_OK);
    accepted = cleat_socket_accept(listener, 10);
    EXPECT(accepted > 0);
    EXPECT(cleat_socket_send(caller, "x", 1, 0, 10) == 1);
    EXPECT(cleat_socket_recv(accepted, &byte, 1, 0, -1) == 1 && byte == 'x');
    EXPECT(CLEAT_CLASS(cleat_socket_recv(accepted, &byte, 1, 0, 0.05)) == CLEAT_TIMEOUT);
    EXPECT(CLEAT_CLASS(cleat_socket_accept(listener, 0.05)) == CLEAT_TIMEOUT);
    EXPECT(cleat_poll(NULL, 0, NULL, 0, NULL, 0, 0.05) == 0);
    EXPECT(CLEAT_CLASS(cleat_context_load_verify_file(context, "/dev/null", 9)) == CLEAT_SSL);
    storm = false;
    cleat_close(caller);
    cleat_close(accepted);
    cleat_close(listener);
    cleat_close(context);
    storm = true;
    EXPECT(exchange(0) == 0);
    storm = false;
    EXPECT(storm_calls > 100);
}

int main(void) {
    int i;
    for (i = 0; i < MUCH; i++) sent[i] = (char)(i * 7 + i / 255);
    identity_contexts(&server_context, &client_context);
    test_no_descriptor();
    test_no_file();
    test_passing_errors(SEND);
    test_passing_errors(RECV);
    test_lasting_errors(SEND, EPIPE);
    test_lasting_errors(SEND, ECONNRESET);
    test_lasting_errors(RECV, ECONNRESET);
    test_lasting_errors(RECV, ETIMEDOUT);
    test_storm();
    cleat_close(server_context);
    cleat_close(client_context);
    EXPECT(cleat_handle_count() == 0);
    puts("no descriptor, no file, passing errors, lasting errors, interrupts");
    return 0;
}
