/* test_interrupt.c: cleat_set_interruptible: a signal ends each kind of waiting call with EINTR, with SA_RESTART and
 * without; the call can be repeated, and loses no data. Without the setting no signal ends a call. cleat_close in
 * another thread ends each call. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "expect.h"
#include "identity.h"
#include "interrupting.h"
#include "waiting.h"

/* One thread reads; another one waits for its turn to read. */
static int32_t turn_connection;
static int32_t turn_peer;
static atomic_bool holder_has_read;

static void *hold_turn(void *unused) {
    char byte;
    sigset_t all;
    (void)unused;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    EXPECT(cleat_connection_read(turn_connection, &byte, 1, -1) == 1 && byte == '1');
    atomic_store(&holder_has_read, true);
    return NULL;
}

static int32_t call_second_read(struct waiting *self) {
    char byte = 0;
    int32_t result = cleat_connection_read(turn_connection, &byte, 1, -1);
    (void)self;
    EXPECT(result < 0 || (byte == '2' && atomic_load(&holder_has_read)));
    return result;
}

static void test_turn(int32_t server_context, int32_t client_context, int32_t interruptible) {
    struct waiting waiting = {.name = "turn", .call = call_second_read, .result = 1};
    struct interrupting self = {
        .waiting = &waiting, .interruptible = interruptible, .shortest = 1e9};
    int32_t sockets[2];
    pthread_t holder;
    pthread_t thread;
    int i;
    EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &sockets[0], &sockets[1]) ==
           CLEAT_OK);
    turn_connection = cleat_connection_over_socket(client_context, sockets[0], 0, "localhost", 9);
    turn_peer = cleat_connection_over_socket(server_context, sockets[1], 1, NULL, 0);
    for (i = 0; i < 4; i++) {
        cleat_connection_handshake(turn_connection, 0);
        cleat_connection_handshake(turn_peer, 0);
    }
    atomic_store(&holder_has_read, false);
    waiting.ids[0] = turn_connection;
    EXPECT(pthread_create(&holder, NULL, hold_turn, NULL) == 0);
    while (!waiting_is_inside(&waiting)) sched_yield();
    EXPECT(pthread_create(&thread, NULL, interrupting_call, &self) == 0);
    interrupting_signal(&self, thread);
    EXPECT(cleat_connection_write(turn_peer, "1", 1, WAITING_PATIENCE) == 1);
    pthread_join(holder, NULL);
    EXPECT(cleat_connection_write(turn_peer, "2", 1, WAITING_PATIENCE) == 1);
    pthread_join(thread, NULL);
    EXPECT(self.result == 1);
    EXPECT(interruptible == 0 ? atomic_load(&self.interrupted) == 0 : self.shortest < 1.0);
    waiting.ids[0] = 0;
    EXPECT(cleat_close(turn_connection) == CLEAT_OK && cleat_close(turn_peer) == CLEAT_OK);
    EXPECT(cleat_close(sockets[0]) == CLEAT_OK && cleat_close(sockets[1]) == CLEAT_OK);
}

/* A megabyte, with interruptions at both ends all the time: no byte is lost or duplicated. */
enum { MUCH = 1000000 };

struct stream {
    int32_t id;
    bool writes;
    char *bytes;
    atomic_bool done;
    atomic_int interrupted;
};

static void *move(void *argument) {
    struct stream *self = argument;
    int32_t at = 0;
    EXPECT(cleat_set_interruptible(1) == 0);
    while (at < MUCH) {
        int32_t moved = self->writes
                            ? cleat_connection_write(self->id, self->bytes + at, MUCH - at, -1)
                            : cleat_connection_read(self->id, self->bytes + at, MUCH - at, -1);
        EXPECT(moved > 0 || moved == INTERRUPTED);
        if (moved > 0) at += moved;
        if (moved < 0) atomic_fetch_add(&self->interrupted, 1);
    }
    atomic_store(&self->done, true);
    return NULL;
}

static void test_no_loss(int32_t server_context, int32_t client_context) {
    static char sent[MUCH];
    static char got[MUCH];
    struct stream streams[2];
    int32_t sockets[2];
    pthread_t threads[2];
    int i;
    for (i = 0; i < MUCH; i++) sent[i] = (char)(i * 7 + i / 255);
    EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &sockets[0], &sockets[1]) ==
           CLEAT_OK);
    EXPECT(cleat_socket_setsockopt(sockets[0], CLEAT_SOL_SOCKET, CLEAT_SO_SNDBUF, 4096) ==
           CLEAT_OK);
    streams[0] = (struct stream){
        .id = cleat_connection_over_socket(client_context, sockets[0], 0, "localhost", 9),
        .writes = true,
        .bytes = sent};
    streams[1] = (struct stream){
        .id = cleat_connection_over_socket(server_context, sockets[1], 1, NULL, 0), .bytes = got};
    EXPECT(pthread_create(&threads[0], NULL, move, &streams[0]) == 0);
    while (atomic_load(&streams[0].interrupted) == 0) { /* in the handshake */
        pthread_kill(threads[0], SIGUSR1);
        sched_yield();
    }
    EXPECT(pthread_create(&threads[1], NULL, move, &streams[1]) == 0);
    while (!atomic_load(&streams[0].done) || !atomic_load(&streams[1].done)) {
        for (i = 0; i < 2; i++) {
            if (!atomic_load(&streams[i].done)) pthread_kill(threads[i], SIGUSR1);
        }
        sched_yield();
    }
    for (i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    EXPECT(memcmp(sent, got, MUCH) == 0);
    for (i = 0; i < 2; i++) {
        EXPECT(cleat_close(streams[i].id) == CLEAT_OK && cleat_close(sockets[i]) == CLEAT_OK);
    }
}

/* Without a signal during a wait it may end as well, after signals before it or in another thread. */
static void test_interval(void) {
    int32_t sockets[2];
    char byte;
    EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &sockets[0], &sockets[1]) ==
           CLEAT_OK);
    EXPECT(cleat_set_interruptible(1) == 0);
    EXPECT(cleat_socket_recv(sockets[0], &byte, 1, 0, -1) == INTERRUPTED);
    EXPECT(CLEAT_CLASS(cleat_socket_recv(sockets[0], &byte, 1, 0, 0)) == CLEAT_WANT_READ);
    EXPECT(CLEAT_CLASS(cleat_socket_recv(sockets[0], &byte, 1, 0, 0.01)) == CLEAT_TIMEOUT);
    EXPECT(CLEAT_CLASS(cleat_set_interruptible(2)) == CLEAT_USAGE);
    EXPECT(CLEAT_CLASS(cleat_set_interruptible(-1)) == CLEAT_USAGE);
    EXPECT(cleat_set_interruptible(0) == 1);
    EXPECT(cleat_close(sockets[0]) == CLEAT_OK && cleat_close(sockets[1]) == CLEAT_OK);
}

/* Names are looked up in another thread then: the results are the same. */
static void test_resolve(void) {
    int32_t interruptible;
    for (interruptible = 0; interruptible < 2; interruptible++) {
        int32_t list;
        cleat_set_interruptible(interruptible);
        list = cleat_addrinfo_resolve("localhost", 9, "80", 2, 0, CLEAT_SOCK_STREAM, 0, 0);
        EXPECT(list > 0 && cleat_addrinfo_count(list) > 0 && cleat_close(list) == CLEAT_OK);
        list = cleat_addrinfo_resolve("127.0.0.1", 9, "80", 2, 0, CLEAT_SOCK_STREAM, 0, 0);
        EXPECT(list > 0 && cleat_addrinfo_count(list) == 1 && cleat_close(list) == CLEAT_OK);
        list = cleat_addrinfo_resolve(NULL, 0, "80", 2, CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0, 0);
        EXPECT(list > 0 && cleat_addrinfo_count(list) == 1 && cleat_close(list) == CLEAT_OK);
        list = cleat_addrinfo_resolve("a..b", 4, "80", 2, 0, CLEAT_SOCK_STREAM, 0, 0);
        EXPECT(CLEAT_CLASS(list) == CLEAT_RESOLVE);
        list = cleat_addrinfo_resolve("localhost", 9, "80", 2, 0, CLEAT_SOCK_STREAM, 0,
                                      CLEAT_AI_NUMERICHOST);
        EXPECT(CLEAT_CLASS(list) == CLEAT_RESOLVE && CLEAT_VALUE(list) == CLEAT_EAI_NONAME);
    }
    cleat_set_interruptible(0);
}

/* cleat_close in another thread ends the call, if it waits in an object that no third thread waits in. */
static void test_close(struct waiting *waiting, int32_t interruptible) {
    struct interrupting self = {.waiting = waiting, .interruptible = interruptible};
    pthread_t thread;
    bool is_closed;
    waiting->open(waiting);
    is_closed = waiting->ids[0] > 0 && !waiting->is_held;
    EXPECT(pthread_create(&thread, NULL, interrupting_call, &self) == 0);
    while (!waiting_is_inside(waiting)) sched_yield();
    if (is_closed) {
        EXPECT(cleat_close(waiting->ids[0]) == CLEAT_OK);
    } else {
        waiting->release(waiting);
    }
    pthread_join(thread, NULL);
    if (is_closed) waiting->ids[0] = 0;
    if (self.result != (is_closed ? -(CLEAT_CLOSED << 16) : waiting->result))
        fprintf(stderr, "%s: %d\n", waiting->name, (int)self.result);
    EXPECT(self.result == (is_closed ? -(CLEAT_CLOSED << 16) : waiting->result));
    waiting_close(waiting);
}

static void test_kind(struct waiting *waiting, int32_t flags) {
    interrupting_test(waiting, 0);
    if (flags != SA_RESTART || !waiting->is_restarted) interrupting_test(waiting, 1);
}

int main(void) {
    static const int flags[] = {0, SA_RESTART};
#if defined(__SANITIZE_THREAD__)
    enum {
        FLAGS = 1
    }; /* ThreadSanitizer runs handlers when a call returns: with SA_RESTART recv does not return */
#else
    enum { FLAGS = 2 };
#endif
    int32_t server_context;
    int32_t client_context;
    int i;
    waiting_set_up();
    identity_contexts(&server_context, &client_context);
    for (i = 0; i < FLAGS; i++) {
        interrupting_handle(flags[i]);
        waiting_each(test_kind, flags[i]);
        test_turn(server_context, client_context, 0);
        test_turn(server_context, client_context, 1);
        test_no_loss(server_context, client_context);
    }
    waiting_each(test_close, 0);
    waiting_each(test_close, 1);
    test_interval();
    test_resolve();
    EXPECT(cleat_close(server_context) == CLEAT_OK && cleat_close(client_context) == CLEAT_OK);
    waiting_tear_down();
    EXPECT(cleat_handle_count() == 0);
    puts("interrupted and repeated, no data lost, resolve, interval");
    return 0;
}
