/* test_timeout.c: the meaning of each double as a timeout, in each function that takes one: NaN is refused, negative
 * and huge ones have no limit, 0 and -0.0 do not wait, and any other ends, however small. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "cleat.h"
#include "expect.h"

static int32_t first;
static int32_t second;
static int32_t listener;
static int32_t connection;
static int32_t resolution;
static int32_t epoll; /* a connection after its handshake */

static _Thread_local char buffer[16];
static _Thread_local int32_t got;

static int32_t do_recv(double timeout) {
    return cleat_socket_recv(first, buffer, sizeof buffer, 0, timeout);
}
static int32_t do_recvfrom(double timeout) {
    int32_t result = cleat_socket_recvfrom(first, buffer, sizeof buffer, 0, timeout, &got);
    if (result >= 0) cleat_close(got);
    return result;
}
static int32_t do_send(double timeout) {
    return cleat_socket_send(first, "x", 1, 0, timeout);
}
static int32_t do_sendto(double timeout) {
    return cleat_socket_sendto(first, "x", 1, 0, "", 0, 0, timeout);
}
static int32_t do_sendto_flow(double timeout) {
    return cleat_socket_sendto_flow(first, "x", 1, 0, "", 0, 0, 0, timeout);
}
static int32_t do_recvmsg(double timeout) {
    int32_t flags;
    int32_t result = cleat_socket_recvmsg(first, buffer, sizeof buffer, 0, timeout, &flags, &got);
    if (result >= 0) cleat_close(got);
    return result;
}
static int32_t do_connect_flow(double timeout) {
    return cleat_socket_connect_flow(first, "/nowhere", 8, 0, 0, timeout);
}
static int32_t do_accept(double timeout) {
    return cleat_socket_accept(listener, timeout);
}
static int32_t do_connect(double timeout) {
    return cleat_socket_connect(first, "/nowhere", 8, 0, timeout);
}
static int32_t do_poll(double timeout) {
    int32_t fd = cleat_socket_fileno(first);
    int32_t events = CLEAT_POLLIN;
    int32_t revents;
    return cleat_poll(&fd, 1, &events, 1, &revents, 1, timeout);
}
static int32_t do_epoll(double timeout) {
    int32_t fds;
    int32_t events;
    return cleat_epoll_wait(epoll, &fds, 1, &events, 1, timeout);
}
static int32_t do_watch(double timeout) {
    int32_t id = cleat_watch_new(cleat_socket_fileno(first), CLEAT_POLLIN, timeout);
    return id < 0 ? id : cleat_close(id);
}
static int32_t do_resolution(double timeout) {
    int32_t id = cleat_resolution_addrinfo(resolution, timeout);
    return id < 0 ? id : cleat_close(id);
}
static int32_t do_handshake(double timeout) {
    return cleat_connection_handshake(connection, timeout);
}
static int32_t do_read(double timeout) {
    return cleat_connection_read(connection, buffer, sizeof buffer, timeout);
}
static int32_t do_write(double timeout) {
    return cleat_connection_write(connection, "x", 1, timeout);
}
static int32_t do_shutdown(double timeout) {
    return cleat_connection_shutdown(connection, timeout);
}

static const struct {
    const char *name;
    int32_t (*call)(double timeout);
    int32_t position; /* the position of the timeout */
    bool waits; /* whether the call waits here, for the peer */
} functions[] = {
    {"recv", do_recv, 5, true},
    {"recvfrom", do_recvfrom, 5, true},
    {"send", do_send, 5, false},
    {"sendto", do_sendto, 8, false},
    {"sendto_flow", do_sendto_flow, 9, false},
    {"recvmsg", do_recvmsg, 5, true},
    {"connect_flow", do_connect_flow, 6, false},
    {"accept", do_accept, 2, true},
    {"connect", do_connect, 5, false},
    {"poll", do_poll, 7, true},
    {"epoll", do_epoll, 6, true},
    {"watch", do_watch, 3, false},
    {"resolution", do_resolution, 2, false},
    {"handshake", do_handshake, 2, true},
    {"read", do_read, 4, true},
    {"write", do_write, 4, true},
    {"shutdown", do_shutdown, 2, false},
};

enum { FUNCTIONS = sizeof functions / sizeof functions[0] };

/* Whether the call reports a timeout as 0 events. */
static bool reports_none(int i) {
    return functions[i].call == do_poll || functions[i].call == do_epoll;
}

static void begin(void) {
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &first, &second) == CLEAT_OK);
    listener = cleat_socket_new(CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0);
    EXPECT(cleat_socket_bind(listener, "127.0.0.1", 9, 0) == CLEAT_OK);
    EXPECT(cleat_socket_listen(listener, 1) == CLEAT_OK);
    connection = cleat_connection_over_socket(context, first, 1, NULL, 0);
    resolution =
        cleat_resolution_new("127.0.0.1", 9, "80", 2, CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0, 0);
    EXPECT(cleat_close(cleat_resolution_addrinfo(resolution, 30)) == CLEAT_OK);
    cleat_close(context);
    epoll = cleat_epoll_new();
    EXPECT(cleat_epoll_control(epoll, CLEAT_EPOLL_CTL_ADD, cleat_socket_fileno(first),
                               CLEAT_EPOLLIN) == CLEAT_OK);
}

static void end(void) {
    cleat_close(connection);
    cleat_close(first);
    cleat_close(second);
    cleat_close(listener);
    cleat_close(resolution);
    cleat_close(epoll);
    EXPECT(cleat_handle_count() == 0);
}

static void test_nan(void) {
    const double nans[] = {(double)NAN, -(double)NAN};
    int i;
    int k;
    begin();
    for (i = 0; i < FUNCTIONS; i++) {
        for (k = 0; k < 2; k++) {
            int32_t status = functions[i].call(nans[k]);
            if (CLEAT_CLASS(status) != CLEAT_USAGE) puts(functions[i].name);
            EXPECT(CLEAT_CLASS(status) == CLEAT_USAGE &&
                   CLEAT_VALUE(status) == functions[i].position);
        }
    }
    end();
}

static void test_now(void) {
    const double nows[] = {0.0, -0.0};
    int i;
    int k;
    begin();
    for (i = 0; i < FUNCTIONS; i++) {
        if (!functions[i].waits) continue;
        for (k = 0; k < 2; k++) {
            int32_t status = functions[i].call(nows[k]);
            EXPECT(reports_none(i) ? status == 0 : CLEAT_CLASS(status) == CLEAT_WANT_READ);
        }
    }
    end();
}

static void test_short(void) {
    const double shorts[] = {5e-324, 1e-310, 2.3e-308, 1e-30, 1e-10, 1e-9, 1e-3};
    size_t k;
    int i;
    begin();
    for (i = 0; i < FUNCTIONS; i++) {
        if (!functions[i].waits) continue;
        for (k = 0; k < sizeof shorts / sizeof shorts[0]; k++) {
            int32_t status = functions[i].call(shorts[k]);
            EXPECT(reports_none(i) ? status == 0 : CLEAT_CLASS(status) == CLEAT_TIMEOUT);
        }
    }
    end();
}

/* Without a limit: the call waits until its event happens, which here is the peer's end. */
struct waiting {
    pthread_t thread;
    double timeout;
    int function;
    atomic_bool returned;
};

static void *wait(void *argument) {
    struct waiting *waiting = argument;
    functions[waiting->function].call(waiting->timeout);
    atomic_store(&waiting->returned, true);
    return NULL;
}

static void test_ever(void) {
    const double evers[] = {-5e-324, -1.0, -1e30, -1e300, -HUGE_VAL, 4.1e9,
                            1e10,    1e19, 1e30,  1e300,  HUGE_VAL};
    enum { EVERS = sizeof evers / sizeof evers[0] };
    struct timespec pause = {0, 20000000};
    int i;
    int k;
    for (i = 0; i < FUNCTIONS; i++) {
        static struct waiting waits[EVERS];
        if (!functions[i].waits || functions[i].call == do_accept) continue;
        begin();
        for (k = 0; k < EVERS; k++) {
            waits[k].function = i;
            waits[k].timeout = evers[k];
            atomic_store(&waits[k].returned, false);
            EXPECT(pthread_create(&waits[k].thread, NULL, wait, &waits[k]) == 0);
        }
        nanosleep(&pause, NULL); /* a wait that would end too soon has ended by now */
        for (k = 0; k < EVERS; k++) EXPECT(!atomic_load(&waits[k].returned));
        cleat_close(second);
        for (k = 0; k < EVERS; k++) pthread_join(waits[k].thread, NULL);
        end();
    }
}

int main(void) {
    test_nan();
    test_now();
    test_short();
    test_ever();
    puts("NaN, now, short, no limit");
    return 0;
}
