/* test_detach.c: cleat_socket_detach in several threads. A refused one leaves the id open at every moment, one that
 * succeeds is the only owner of the descriptor, and no concurrent cleat_close is lost. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "base/handle.h"
#include "cleat.h"
#include "expect.h"

enum { ROUNDS = 1000 };

static int32_t context;
static atomic_bool stop;
static atomic_int ready;

static void pair(int32_t *first, int32_t *second) {
    EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, first, second) == CLEAT_OK);
}

/* A barrier for two threads, which both pass at about the same moment. */
static void meet(int turn) {
    atomic_fetch_add(&ready, 1);
    while (atomic_load(&ready) < 2 * (turn + 1)) sched_yield();
}

static void *detach_refused(void *argument) {
    int32_t id = *(int32_t *)argument;
    while (!atomic_load(&stop)) {
        EXPECT(CLEAT_CLASS(cleat_socket_detach(id)) == CLEAT_USAGE);
    }
    return NULL;
}

/* While a connection uses the socket each detach is refused, and other threads find the id at every moment. */
static void test_refused(void) {
    pthread_t thread;
    int32_t id;
    int32_t peer;
    int32_t connection;
    int i;
    pair(&id, &peer);
    connection = cleat_connection_over_socket(context, id, 0, NULL, 0);
    EXPECT(connection > 0);
    EXPECT(pthread_create(&thread, NULL, detach_refused, &id) == 0);
    for (i = 0; i < ROUNDS * 3000; i++) EXPECT(cleat_kind(id) == CLEAT_KIND_SOCKET);
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    EXPECT(cleat_close(connection) == CLEAT_OK);
    EXPECT(cleat_close(id) == CLEAT_OK && cleat_close(peer) == CLEAT_OK);
}

static _Atomic int32_t target;

/* What both threads of the next two tests do to the target. */
static void *detach_each(void *argument) {
    int *detached = argument;
    int i;
    for (i = 0; i < ROUNDS; i++) {
        int32_t result;
        meet(2 * i);
        result = cleat_socket_detach(atomic_load(&target));
        if (result >= 0) {
            EXPECT(fcntl(result, F_GETFD) >= 0);
            close(result);
            detached[0]++;
        } else {
            EXPECT(CLEAT_CLASS(result) == CLEAT_USAGE || CLEAT_CLASS(result) == CLEAT_CLOSED ||
                   CLEAT_CLASS(result) == CLEAT_HANDLE);
        }
        meet(2 * i + 1);
    }
    return NULL;
}

/* A detach and a close at the same time: one of the two gets the socket, and its id is closed. held: whether a
 * connection makes sure that it is the close. */
static void test_close(bool held) {
    pthread_t thread;
    int detached = 0;
    int closed = 0;
    int i;
    atomic_store(&ready, 0);
    EXPECT(pthread_create(&thread, NULL, detach_each, &detached) == 0);
    for (i = 0; i < ROUNDS; i++) {
        int32_t id;
        int32_t peer;
        int32_t connection = 0;
        int32_t result;
        pair(&id, &peer);
        if (held) connection = cleat_connection_over_socket(context, id, 0, NULL, 0);
        atomic_store(&target, id);
        meet(2 * i);
        result = cleat_close(id);
        closed += result == CLEAT_OK;
        EXPECT(!held || result == CLEAT_OK);
        EXPECT(CLEAT_CLASS(cleat_kind(id)) == CLEAT_HANDLE);
        meet(2 * i + 1);
        if (held) EXPECT(cleat_close(connection) == CLEAT_OK);
        EXPECT(cleat_close(peer) == CLEAT_OK);
    }
    pthread_join(thread, NULL);
    EXPECT(closed + detached == ROUNDS && (!held || detached == 0));
    EXPECT(cleat_handle_count() == 1);
}

/* A detach and a new connection at the same time: if the connection is made, its socket stays open. */
static void test_connection(void) {
    pthread_t thread;
    int detached = 0;
    int refused = 0;
    int i;
    atomic_store(&ready, 0);
    EXPECT(pthread_create(&thread, NULL, detach_each, &detached) == 0);
    for (i = 0; i < ROUNDS; i++) {
        int32_t id;
        int32_t peer;
        int32_t connection;
        pair(&id, &peer);
        atomic_store(&target, id);
        meet(2 * i);
        connection = cleat_connection_over_socket(context, id, 0, NULL, 0);
        meet(2 * i + 1);
        if (connection > 0) {
            refused++;
            EXPECT(cleat_kind(id) == CLEAT_KIND_SOCKET && cleat_socket_fileno(id) >= 0);
            EXPECT(cleat_close(id) == CLEAT_OK && cleat_close(connection) == CLEAT_OK);
        } else {
            EXPECT(CLEAT_CLASS(connection) == CLEAT_HANDLE);
            EXPECT(CLEAT_CLASS(cleat_kind(id)) == CLEAT_HANDLE || cleat_close(id) == CLEAT_OK);
        }
        EXPECT(cleat_close(peer) == CLEAT_OK);
    }
    pthread_join(thread, NULL);
    EXPECT(detached + refused == ROUNDS);
}

int main(void) {
    context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(context > 0);
    test_refused();
    test_close(true);
    test_close(false);
    test_connection();
    EXPECT(cleat_close(context) == CLEAT_OK && cleat_handle_count() == 0);
    puts("refused, close, connection");
    return 0;
}
