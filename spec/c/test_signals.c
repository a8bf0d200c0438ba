/* test_signals.c: a signal every millisecond, in calls that wait in the kernel without a limit; and peers that have
 * closed, without SIGPIPE. test_transport tests signals during large transfers. */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"
#include "identity.h"
#include "load.h"

#define NO_LIMIT (-1.0)
enum { MANY = 20 }; /* signals that interrupt a call before its event happens */

static int32_t server_context;
static int32_t client_context;
static char directory[] = "/tmp/cleat-signals.XXXXXX";

static sem_t arrived;
static atomic_int broken_pipes;

static void on_alarm(int number) {
    (void)number;
    sem_post(&arrived);
}

static void on_broken_pipe(int number) {
    (void)number;
    atomic_fetch_add(&broken_pipes, 1);
}

/* Without SA_RESTART. */
static void handle(int number, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler};
    EXPECT(sigaction(number, &action, NULL) == 0);
}

static void storm(long microseconds) {
    struct itimerval timer = {{0, microseconds}, {0, microseconds}};
    EXPECT(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

/* Another thread makes the event for which the call waits. It blocks signals, and acts only after many of them. */
struct deed {
    void (*act)(const struct deed *deed);
    int32_t id;
    const char *name;
};

static void wait_for_signals(void) {
    struct timespec deadline = {0, 0};
    int i;
    EXPECT(clock_gettime(CLOCK_REALTIME, &deadline) == 0);
    deadline.tv_sec += (time_t)load_bound(60);
    while (sem_trywait(&arrived) == 0) { /* left from the previous test */
    }
    for (i = 0; i < MANY; i++) EXPECT(sem_timedwait(&arrived, &deadline) == 0);
}

static void *do_later(void *argument) {
    const struct deed *deed = argument;
    wait_for_signals();
    deed->act(deed);
    return NULL;
}

static pthread_t start(struct deed *deed) {
    pthread_t thread;
    sigset_t alarm_only;
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    EXPECT(pthread_sigmask(SIG_BLOCK, &alarm_only, NULL) == 0);
    EXPECT(pthread_create(&thread, NULL, do_later, deed) == 0);
    EXPECT(pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL) == 0);
    return thread;
}

static void connect_unix(const struct deed *deed) {
    int32_t sock = cleat_socket_new(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0);
    EXPECT(cleat_socket_connect(sock, deed->name, (int32_t)strlen(deed->name), 0, 10) == CLEAT_OK);
    EXPECT(cleat_close(sock) == CLEAT_OK);
}

static void accept_one(const struct deed *deed) {
    int32_t sock = cleat_socket_accept(deed->id, 10);
    EXPECT(sock > 0 && cleat_close(sock) == CLEAT_OK);
}

static void send_byte(const struct deed *deed) {
    EXPECT(cleat_socket_send(deed->id, "x", 1, 0, 10) == 1);
}

static void write_byte(const struct deed *deed) {
    EXPECT(cleat_connection_write(deed->id, "x", 1, 10) == 1);
}

/* A slow file: its first half, and many signals later the rest. */
static void write_file(const struct deed *deed) {
    static const char text[] = "this is not PEM";
    int fd = open(deed->name, O_WRONLY | O_CLOEXEC);
    EXPECT(fd >= 0 && write(fd, text, 8) == 8);
    wait_for_signals();
    EXPECT(write(fd, text + 8, sizeof text - 9) == sizeof text - 9);
    close(fd);
}

static void test_accept_and_connect(void) {
    char name[64];
    int32_t listener = cleat_socket_new(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0);
    int32_t first = cleat_socket_new(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0);
    int32_t second = cleat_socket_new(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0);
    struct deed connecting = {connect_unix, 0, name};
    struct deed accepting = {accept_one, listener, NULL};
    int32_t len;
    int32_t accepted;
    pthread_t thread;
    snprintf(name, sizeof name, "%s/socket", directory);
    len = (int32_t)strlen(name);
    EXPECT(cleat_socket_bind(listener, name, len, 0) == CLEAT_OK);
    EXPECT(cleat_socket_listen(listener, 0) == CLEAT_OK);
    thread = start(&connecting);
    accepted = cleat_socket_accept(listener, NO_LIMIT);
    EXPECT(accepted > 0 && cleat_close(accepted) == CLEAT_OK);
    pthread_join(thread, NULL);

    EXPECT(cleat_socket_connect(first, name, len, 0, NO_LIMIT) ==
           CLEAT_OK); /* the backlog is full */
    thread = start(&accepting);
    EXPECT(cleat_socket_connect(second, name, len, 0, NO_LIMIT) == CLEAT_OK);
    pthread_join(thread, NULL);
    cleat_close(first);
    cleat_close(second);
    cleat_close(listener);
    unlink(name);
}

struct pair {
    int32_t sockets[2];
    int32_t server;
    int32_t client;
};

static void open_pair(struct pair *pair) {
    int turn;
    EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &pair->sockets[0],
                             &pair->sockets[1]) == CLEAT_OK);
    pair->server = cleat_connection_over_socket(server_context, pair->sockets[0], 1, NULL, 0);
    pair->client =
        cleat_connection_over_socket(client_context, pair->sockets[1], 0, "localhost", 9);
    for (turn = 0; turn < 4; turn++) {
        cleat_connection_handshake(pair->client, 0);
        cleat_connection_handshake(pair->server, 0);
    }
    EXPECT(cleat_connection_established(pair->client) == 1);
    EXPECT(cleat_connection_established(pair->server) == 1);
}

static void close_pair(const struct pair *pair) {
    cleat_close(pair->client);
    cleat_close(pair->server);
    cleat_close(pair->sockets[0]);
    cleat_close(pair->sockets[1]);
}

static void test_receive(void) {
    struct pair pair;
    struct deed sending;
    struct deed writing;
    int32_t sockets[2];
    pthread_t thread;
    char byte = 0;
    EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &sockets[0], &sockets[1]) ==
           CLEAT_OK);
    sending = (struct deed){send_byte, sockets[0], NULL};
    thread = start(&sending);
    EXPECT(cleat_socket_recv(sockets[1], &byte, 1, 0, NO_LIMIT) == 1 && byte == 'x');
    pthread_join(thread, NULL);
    cleat_close(sockets[0]);
    cleat_close(sockets[1]);

    open_pair(&pair);
    writing = (struct deed){write_byte, pair.server, NULL};
    thread = start(&writing);
    byte = 0;
    EXPECT(cleat_connection_read(pair.client, &byte, 1, NO_LIMIT) == 1 && byte == 'x');
    pthread_join(thread, NULL);
    close_pair(&pair);
}

static void test_file(void) {
    char name[64];
    struct deed writing = {write_file, 0, name};
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    pthread_t thread;
    snprintf(name, sizeof name, "%s/fifo", directory);
    EXPECT(mkfifo(name, 0600) == 0);
    thread = start(&writing);
    /* read to its end, and then refused: EINTR would be CLEAT_SYS */
    EXPECT(CLEAT_CLASS(cleat_context_load_verify_file(context, name, (int32_t)strlen(name))) ==
           CLEAT_SSL);
    pthread_join(thread, NULL);
    unlink(name);
    cleat_close(context);
}

static void expect_gone(int32_t status) {
    EXPECT(CLEAT_CLASS(status) == CLEAT_SYS);
    EXPECT(CLEAT_VALUE(status) == CLEAT_EPIPE || CLEAT_VALUE(status) == CLEAT_ECONNRESET);
}

/* All calls that send, to a peer that has closed its socket. */
static void test_broken_pipe(void) {
    static char much[300000];
    struct pair pair;
    int32_t sockets[2];
    int32_t client;
    open_pair(&pair);
    EXPECT(cleat_close(pair.server) == CLEAT_OK && cleat_close(pair.sockets[0]) == CLEAT_OK);
    expect_gone(cleat_connection_write(pair.client, much, sizeof much, 10));
    expect_gone(cleat_connection_write(pair.client, "x", 1, 10));
    EXPECT(CLEAT_CLASS(cleat_connection_shutdown(pair.client, 10)) ==
           CLEAT_EOF); /* sends and reads */
    expect_gone(cleat_socket_send(pair.sockets[1], "x", 1, 0, 10));
    expect_gone(cleat_socket_send(pair.sockets[1], "x", 1, 0, NO_LIMIT));
    EXPECT(cleat_close(pair.client) == CLEAT_OK && cleat_close(pair.sockets[1]) == CLEAT_OK);

    EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &sockets[0], &sockets[1]) ==
           CLEAT_OK);
    client = cleat_connection_over_socket(client_context, sockets[0], 0, "localhost", 9);
    EXPECT(cleat_close(sockets[1]) == CLEAT_OK);
    expect_gone(cleat_connection_handshake(client, 10));
    EXPECT(CLEAT_CLASS(cleat_connection_handshake(client, NO_LIMIT)) ==
           CLEAT_EOF); /* this call reads */
    EXPECT(cleat_close(client) == CLEAT_OK && cleat_close(sockets[0]) == CLEAT_OK);

    /* the control: without cleat's precaution the signal would end the process */
    EXPECT(atomic_load(&broken_pipes) == 0);
    EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &sockets[0], &sockets[1]) ==
           CLEAT_OK);
    cleat_close(sockets[1]);
    EXPECT(write(cleat_socket_fileno(sockets[0]), "x", 1) == -1);
    EXPECT(atomic_load(&broken_pipes) == 1);
    cleat_close(sockets[0]);
}

int main(void) {
    EXPECT(mkdtemp(directory) != NULL);
    EXPECT(sem_init(&arrived, 0, 0) == 0);
    identity_contexts(&server_context, &client_context);
    handle(SIGALRM, on_alarm);
    handle(SIGPIPE, on_broken_pipe);
    storm(1000);
    test_accept_and_connect();
    test_receive();
    test_file();
    storm(0);
    test_broken_pipe();
    rmdir(directory);
    cleat_close(server_context);
    cleat_close(client_context);
    EXPECT(cleat_handle_count() == 0);
    puts("accept, connect, receive, file, broken pipe");
    return 0;
}
