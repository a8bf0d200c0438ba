/* test_cancel.c: pthread_cancel of a thread in each kind of call that waits, deferred and asynchronous: the thread ends
 * after the call, and later calls on the same ids find no lock, turn or reference that it has left behind. */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "expect.h"
#include "identity.h"
#include "waiting.h"

struct thread {
    struct waiting *waiting;
    int type; /* PTHREAD_CANCEL_* */
    sem_t begun;
    atomic_bool returned;
    int32_t result; /* of a call at whose end the thread was not cancelled */
};

static void *run(void *argument) {
    struct thread *self = argument;
    int unused;
    pthread_setcanceltype(self->type, &unused);
    sem_post(&self->begun);
    self->result = self->waiting->call(self->waiting);
    atomic_store(&self->returned, true);
    while (self->type >= 0) pthread_testcancel();
    return NULL;
}

/* glibc 2.36 forgets the result of a thread with asynchronous cancellation that was cancelled in pthread_cond_wait. */
static void expect_cancelled(pthread_t thread, int type) {
    void *result = NULL;
    EXPECT(pthread_join(thread, &result) == 0);
    EXPECT(result == PTHREAD_CANCELED || (type == PTHREAD_CANCEL_ASYNCHRONOUS && result == NULL));
}

static void test_kind(struct waiting *waiting, int32_t type) {
    struct thread self = {.waiting = waiting, .type = type};
    pthread_t thread;
    int turn;
    waiting->open(waiting);
    EXPECT(sem_init(&self.begun, 0, 0) == 0);
    EXPECT(pthread_create(&thread, NULL, run, &self) == 0);
    sem_wait(&self.begun);
    while (!waiting_is_inside(waiting)) {
        EXPECT(!atomic_load(&self.returned));
        sched_yield();
    }
    for (turn = 0; turn < 100; turn++)
        sched_yield(); /* if it is not known whether the thread waits */
    EXPECT(pthread_cancel(thread) == 0);
    waiting->release(waiting);
    expect_cancelled(thread, type);
    if (type == PTHREAD_CANCEL_DEFERRED && self.result != waiting->result) {
        fprintf(stderr, "%s: %d\n", waiting->name, (int)self.result);
        EXPECT(self.result == waiting->result);
    }
    sem_destroy(&self.begun);
    waiting_close(waiting);
}

/* Calls on one connection, cancelled anywhere. Only deferred: POSIX forbids calls of a library in a thread with
 * asynchronous cancellation, and glibc may end the thread at the moment in which a call has just disabled cancellation.
 * */
static int32_t server_context;
static int32_t client_context;
static int32_t connection;
static int32_t certificate; /* which the cancelled thread may not have closed */

static void *call_anything(void *unused) {
    char text[64];
    (void)unused;
    while (connection > 0) {
        cleat_connection_read(connection, text, sizeof text, 0);
        cleat_connection_version(connection, text, sizeof text);
        cleat_connection_write(connection, "x", 1, 0);
        cleat_connection_peer_certificate_guarded(connection, &certificate);
        cleat_close(certificate);
        cleat_context_set_options(client_context, CLEAT_OP_ALL);
        pthread_testcancel();
    }
    return NULL;
}

static void test_anywhere(void) {
    enum { TURNS = 200 };
    int turn;
    for (turn = 0; turn < TURNS; turn++) {
        int32_t sockets[2];
        int32_t server;
        char text[64];
        volatile int work = 0;
        pthread_t thread;
        int i;
        EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &sockets[0], &sockets[1]) ==
               CLEAT_OK);
        connection = cleat_connection_over_socket(client_context, sockets[0], 0, "localhost", 9);
        server = cleat_connection_over_socket(server_context, sockets[1], 1, NULL, 0);
        for (i = 0; i < 4; i++) {
            cleat_connection_handshake(connection, 0);
            cleat_connection_handshake(server, 0);
        }
        EXPECT(pthread_create(&thread, NULL, call_anything, NULL) == 0);
        while (work < turn * 500) work = work + 1;
        EXPECT(pthread_cancel(thread) == 0);
        expect_cancelled(thread, PTHREAD_CANCEL_DEFERRED);
        cleat_close(certificate);
        /* Each needs a lock or turn that the thread could have kept. */
        EXPECT(cleat_connection_version(connection, text, sizeof text) == 7);
        EXPECT(CLEAT_CLASS(cleat_connection_read(connection, text, sizeof text, 0)) ==
               CLEAT_WANT_READ);
        while (cleat_connection_read(server, text, sizeof text, 0) > 0) {
        }
        EXPECT(cleat_connection_write(connection, "x", 1, WAITING_PATIENCE) == 1);
        EXPECT(cleat_context_set_options(client_context, CLEAT_OP_ALL) == CLEAT_OK);
        EXPECT(cleat_close(connection) == CLEAT_OK && cleat_close(server) == CLEAT_OK);
        EXPECT(cleat_close(sockets[0]) == CLEAT_OK && cleat_close(sockets[1]) == CLEAT_OK);
    }
}

int main(void) {
    static const int types[] = {PTHREAD_CANCEL_DEFERRED, PTHREAD_CANCEL_ASYNCHRONOUS};
    int i;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    enum { TYPES = 1 }; /* the sanitizers' functions do not support asynchronous cancellation */
#else
    enum { TYPES = 2 };
#endif
    waiting_set_up();
    identity_contexts(&server_context, &client_context);
    for (i = 0; i < TYPES; i++) {
        waiting_each(test_kind, types[i]);
    }
    test_anywhere();
    EXPECT(cleat_close(server_context) == CLEAT_OK && cleat_close(client_context) == CLEAT_OK);
    waiting_tear_down();
    EXPECT(cleat_handle_count() == 0);
    puts("cancelled in each call that waits, and anywhere");
    return 0;
}
