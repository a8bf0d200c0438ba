/* test_clock.c: the wall clock is set back and forth while timeouts run, which do not depend on it. Certificates' dates
 * are compared with it, and a session can be resumed in the second in which it was made. This program's clock_gettime,
 * gettimeofday and time replace the system's. */
#undef _FORTIFY_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"
#include "identity.h"
#include "libc_time.h"

enum { HOUR = 3600 };

static _Atomic time_t offset; /* of the wall clock, in seconds */
static atomic_int asked; /* how often the wall clock was read */
static atomic_int waiting; /* how often the monotonic clock was read */

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's parameters have reserved names */
int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) {
        atomic_fetch_add(&asked, 1);
        now->tv_sec += atomic_load(&offset);
    } else {
        atomic_fetch_add(&waiting, 1);
    }
    return result;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

static double since_boot(void) {
    struct timespec now = {0, 0};
    EXPECT(syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &now) == 0);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int32_t server_context;
static int32_t client_context;

struct pair {
    int32_t sockets[2];
    int32_t server;
    int32_t client;
};

/* session: what the client offers, or 0. */
static int32_t shake_hands_again(struct pair *pair, int32_t session) {
    int turn;
    int32_t status = CLEAT_OK;
    EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &pair->sockets[0],
                             &pair->sockets[1]) == CLEAT_OK);
    pair->server = cleat_connection_over_socket(server_context, pair->sockets[0], 1, NULL, 0);
    pair->client =
        cleat_connection_over_socket(client_context, pair->sockets[1], 0, "localhost", 9);
    if (session > 0) EXPECT(cleat_connection_set_session(pair->client, session) == CLEAT_OK);
    for (turn = 0; turn < 4; turn++) {
        status = cleat_connection_handshake(pair->client, 0);
        if (status < 0 && CLEAT_CLASS(status) != CLEAT_WANT_READ) break;
        cleat_connection_handshake(pair->server, 0);
    }
    return status;
}

static int32_t shake_hands(struct pair *pair) {
    return shake_hands_again(pair, 0);
}

static void close_pair(const struct pair *pair) {
    cleat_close(pair->client);
    cleat_close(pair->server);
    cleat_close(pair->sockets[0]);
    cleat_close(pair->sockets[1]);
}

/* Sets the clock back and forth by an hour, as often as possible until stop is set. */
static atomic_bool ended;

static void *set_clock(void *argument) {
    const time_t *step = argument;
    while (!atomic_load(&ended)) {
        struct timespec pause = {0, 1000000};
        atomic_fetch_add(&offset, *step);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static void test_timeouts(time_t step) {
    const double timeout = 0.15;
    struct pair pair;
    pthread_t thread;
    char byte;
    int32_t listener = cleat_socket_new(CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0);
    int32_t fd;
    int32_t events = CLEAT_POLLIN;
    int32_t revents = 0;
    int i;
    EXPECT(cleat_socket_bind(listener, "127.0.0.1", 9, 0) == CLEAT_OK);
    EXPECT(cleat_socket_listen(listener, 1) == CLEAT_OK);
    EXPECT(shake_hands(&pair) == CLEAT_OK);
    fd = cleat_socket_fileno(listener);
    atomic_store(&ended, false);
    atomic_store(&waiting, 0);
    EXPECT(pthread_create(&thread, NULL, set_clock, &step) == 0);
    for (i = 0; i < 4; i++) {
        double before = since_boot();
        double taken;
        int32_t status = 0;
        if (i == 0) status = cleat_connection_read(pair.client, &byte, 1, timeout);
        if (i == 1) status = cleat_socket_recv(pair.sockets[0], &byte, 1, 0, timeout);
        if (i == 2) status = cleat_socket_accept(listener, timeout);
        if (i == 3) status = cleat_poll(&fd, 1, &events, 1, &revents, 1, timeout);
        taken = since_boot() - before;
        EXPECT(i == 3 ? status == 0 : CLEAT_CLASS(status) == CLEAT_TIMEOUT);
        EXPECT(taken >= timeout);
    }
    atomic_store(&ended, true);
    pthread_join(thread, NULL);
    EXPECT(atomic_load(&waiting) >= 4); /* cleat reads this program's clock */
    EXPECT(atomic_load(&offset) != 0);
    atomic_store(&offset, 0);
    close_pair(&pair);
    cleat_close(listener);
}

/* The certificate is valid from a minute ago to an hour from now. */
static void test_dates(void) {
    const struct {
        time_t offset;
        int32_t code;
    } cases[] = {{0, 0}, {-HOUR, 9}, {2 * HOUR, 10}, {0, 0}};
    size_t i;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pair pair;
        int32_t status;
        atomic_store(&asked, 0);
        atomic_store(&offset, cases[i].offset);
        status = shake_hands(&pair);
        EXPECT(atomic_load(&asked) > 0);
        if (cases[i].code == 0) {
            EXPECT(status == CLEAT_OK);
        } else {
            EXPECT(CLEAT_CLASS(status) == CLEAT_VERIFY && CLEAT_VALUE(status) == cases[i].code);
        }
        close_pair(&pair);
    }
}

/* A session that was made in this second is resumed, even if time() still returns the previous second. */
static void test_new_session(void) {
    struct pair pair;
    int32_t session;
    EXPECT(cleat_context_set_options(server_context, CLEAT_OP_ALL | CLEAT_OP_NO_TICKET |
                                                         CLEAT_OP_NO_TLSV1_3) == CLEAT_OK);
    libc_time_lag = 1;
    EXPECT(shake_hands(&pair) == CLEAT_OK);
    session = cleat_connection_session(pair.client);
    EXPECT(session > 0);
    close_pair(&pair);
    EXPECT(shake_hands_again(&pair, session) == CLEAT_OK);
    EXPECT(cleat_connection_session_reused(pair.client) == 1);
    libc_time_lag = 0;
    close_pair(&pair);
    EXPECT(cleat_close(session) == CLEAT_OK);
}

int main(void) {
    identity_contexts(&server_context, &client_context);
    test_timeouts(-HOUR);
    test_timeouts(HOUR);
    test_dates();
    test_new_session();
    cleat_close(server_context);
    cleat_close(client_context);
    EXPECT(cleat_handle_count() == 0);
    puts("timeouts, dates, a new session");
    return 0;
}
