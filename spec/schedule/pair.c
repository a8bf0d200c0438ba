/* pair.c: makes the pairs of a round, and finishes them. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../c/load.h"
#include "schedule.h"

enum { MAIN = MOST_THREADS, SMALL_BUFFER = 8192 };

static uint8_t finishing[MOST_WRITE]; /* used by the main thread, when the others have ended */

uint32_t random_below(struct random *random, uint32_t limit) {
    uint64_t mixed = random->state += 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)((mixed ^ mixed >> 31) >> 32) % limit;
}

struct end *peer_of(struct end *end) {
    struct end *ends = end->pair->ends;
    return end == &ends[0] ? &ends[1] : &ends[0];
}

static void open_tcp(int32_t *client, int32_t *server) {
    int32_t listener = cleat_socket_new(CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0);
    char host[64];
    int32_t port;
    int32_t unused;
    EXPECT(cleat_socket_bind(listener, "127.0.0.1", 9, 0) == CLEAT_OK);
    EXPECT(cleat_socket_listen(listener, 1) == CLEAT_OK);
    EXPECT(cleat_socket_getsockname(listener, host, sizeof host, &port, &unused, &unused) > 0);
    *client = cleat_socket_new(CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0);
    EXPECT(cleat_socket_connect(*client, "127.0.0.1", 9, port, load_bound(10)) == CLEAT_OK);
    *server = cleat_socket_accept(listener, load_bound(10));
    EXPECT(*server > 0);
    EXPECT(cleat_close(listener) == CLEAT_OK);
}

static void open_transport(struct pair *pair) {
    struct end *ends = pair->ends;
    int fds[2];
    ends[0].fd = ends[1].fd = -1;
    switch (pair->round->transport) {
        case OVER_SOCKET:
            EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &ends[0].socket,
                                     &ends[1].socket) == CLEAT_OK);
            break;
        case OVER_TCP: open_tcp(&ends[0].socket, &ends[1].socket); break;
        case OVER_FD:
            EXPECT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
            ends[0].fd = fds[0];
            ends[1].fd = fds[1];
            break;
        case OVER_MEMORY:
        case TRANSPORTS: break;
    }
}

static int32_t open_connection(const struct end *end, bool is_server) {
    const int32_t *contexts = end->pair->round->contexts;
    int32_t context = contexts[is_server ? 1 : 0];
    const char *name = is_server ? NULL : "localhost";
    int32_t name_len = is_server ? 0 : 9;
    int32_t server_side = is_server ? 1 : 0;
    if (end->socket != 0) {
        return cleat_connection_over_socket(context, end->socket, server_side, name, name_len);
    }
    if (end->fd >= 0)
        return cleat_connection_over_fd(context, end->fd, server_side, name, name_len);
    return cleat_connection_over_memory(context, server_side, name, name_len);
}

static void open_pair(struct pair *pair, struct random *random) {
    bool small = random_below(random, 2) == 0; /* so that writers must wait */
    open_transport(pair);
    for (int i = 0; i < 2; i++) {
        struct end *end = &pair->ends[i];
        end->pair = pair;
        end->salt = random_below(random, 1u << 30);
        end->reader.last = -1;
        pthread_mutex_init(&end->reader.lock, NULL);
        pthread_mutex_init(&end->pumping, NULL);
        if (small && end->socket != 0) {
            EXPECT(cleat_socket_setsockopt(end->socket, CLEAT_SOL_SOCKET, CLEAT_SO_SNDBUF,
                                           SMALL_BUFFER) == 0);
        }
        end->id = open_connection(end, i == 1);
        EXPECT(end->id > 0);
    }
}

void round_open(struct round *round, uint64_t seed) {
    struct random random = {seed};
    struct random other = {~seed}; /* so that the other random numbers do not change */
    memset(round, 0, sizeof *round);
    round->seed = seed;
    round->transport = (enum transport)random_below(&random, TRANSPORTS);
    round->tls12 = random_below(&random, 2) == 0;
    round->asks = random_below(&random, 3) == 0;
    round->verdicts = random_below(&random, 3) == 0;
    round->stored = random_below(&random, 3) == 0;
    round->remote = random_below(&random, 3) == 0;
    round->psk = random_below(&other, 3) == 0;
    round->threads = 1 + (int)random_below(&random, MOST_THREADS);
    round->many_readers = round->threads > 1 && random_below(&random, 3) == 0;
    round->unlimited =
        round->threads > 1 && round->transport != OVER_MEMORY && random_below(&random, 3) == 0;
    round->may_close = random_below(&random, 3) == 0;
    round->may_shut = random_below(&random, 3) == 0;
    round->pairs = 1 + (int)random_below(&random, MOST_PAIRS);
    round->calls = 20 + (int)random_below(&random, 150);
    contexts_open(round);
    for (int i = 0; i < round->pairs; i++) {
        round->pair[i].round = round;
        open_pair(&round->pair[i], &random);
    }
}

bool pump(struct end *end, int32_t most) {
    struct end *peer = peer_of(end);
    char *bytes = malloc((size_t)most);
    int32_t len;
    EXPECT(bytes != NULL);
    pthread_mutex_lock(&end->pumping);
    len = cleat_connection_drain(end->id, bytes, most);
    if (len < 0) accept_status(end, "drain", -1, 0, len);
    if (len > 0) {
        int32_t fed = cleat_connection_feed(peer->id, bytes, len);
        if (fed < 0) accept_status(peer, "feed", -1, 0, fed);
        if (fed >= 0 && fed != len) fail(peer, "feed took %d of %d bytes", (int)fed, (int)len);
    }
    pthread_mutex_unlock(&end->pumping);
    free(bytes);
    return len > 0;
}

bool is_pause(int32_t status) {
    return class_of(status) == CLEAT_WANT_SERVER_NAME || class_of(status) == CLEAT_WANT_VERIFY ||
           class_of(status) == CLEAT_WANT_SESSION || class_of(status) == CLEAT_WANT_SIGNATURE ||
           class_of(status) == CLEAT_WANT_PSK;
}

static void answer_verify(struct end *end, bool refuse) {
    int32_t status = cleat_connection_answer_verify(
        end->id, refuse ? CLEAT_ALERT_DESCRIPTION_BAD_CERTIFICATE : CLEAT_VERDICT_KEEP);
    if (status < 0 && class_of(status) != CLEAT_USAGE) {
        accept_status(end, "answer_verify", -1, 0, status);
    }
}

static void answer_server_name(struct end *end, bool change, bool refuse) {
    const int32_t *contexts = end->pair->round->contexts;
    int32_t status = CLEAT_OK;
    if (change) status = cleat_connection_set_context(end->id, contexts[2]);
    /* another thread may have answered meanwhile, and the handshake may have continued */
    if (status < 0 && class_of(status) != CLEAT_USAGE)
        accept_status(end, "set_context", -1, 0, status);
    status = cleat_connection_answer_server_name(
        end->id, refuse ? CLEAT_ALERT_DESCRIPTION_UNRECOGNIZED_NAME : -1);
    if (status < 0 && class_of(status) != CLEAT_USAGE) {
        accept_status(end, "answer_server_name", -1, 0, status);
    }
}

/* Another thread may answer, and take the session to store, at the same time. */
static void answer_session(struct end *end) {
    char bytes[4096];
    int32_t lifetime;
    int32_t status = cleat_connection_stored_session(end->id, bytes, sizeof bytes, &lifetime);
    if (status > (int32_t)sizeof bytes) fail(end, "a session of %d bytes", (int)status);
    status = cleat_connection_answer_session(end->id, NULL, 0);
    if (status < 0 && class_of(status) != CLEAT_USAGE) {
        accept_status(end, "answer_session", -1, 0, status);
    }
}

static void answer_psk(struct end *end, bool refuse) {
    char text[8];
    bool is_client = end == &end->pair->ends[0];
    int32_t status = is_client ? cleat_connection_psk_hint(end->id, text, sizeof text)
                               : cleat_connection_psk_identity(end->id, text, sizeof text);
    /* another thread may have answered meanwhile */
    if (status > 0 && status != 4) fail(end, "a text of %d bytes", (int)status);
    status = cleat_connection_answer_psk(end->id, is_client ? "name" : NULL, is_client ? 4 : 0,
                                         refuse ? NULL : "key", refuse ? 0 : 3);
    if (status < 0 && class_of(status) != CLEAT_USAGE) {
        accept_status(end, "answer_psk", -1, 0, status);
    }
}

void answer(struct end *end, int32_t status, bool change, bool refuse) {
    if (class_of(status) == CLEAT_WANT_SESSION) {
        answer_session(end);
        return;
    }
    if (refuse) atomic_store(&end->pair->refused, true);
    if (class_of(status) == CLEAT_WANT_VERIFY) {
        answer_verify(end, refuse);
    } else if (class_of(status) == CLEAT_WANT_SIGNATURE) {
        answer_signature(end, refuse);
    } else if (class_of(status) == CLEAT_WANT_PSK) {
        answer_psk(end, refuse);
    } else {
        answer_server_name(end, change, refuse);
    }
}

static bool is_want(int32_t status) {
    return class_of(status) == CLEAT_WANT_READ || class_of(status) == CLEAT_WANT_WRITE;
}

/* Continues with the bytes that writers have left; returns whether everything is written. */
static bool finish_writes(struct end *end) {
    bool done = true;
    for (int i = 0; i < MOST_THREADS; i++) {
        struct writer *writer = &end->writers[i];
        int64_t left = writer->owed - writer->counted;
        int32_t result;
        if (left <= 0 || end->shut) continue;
        if (left > MOST_WRITE) fail(end, "%lld bytes left", (long long)left);
        stream_fill(end, i, writer->counted, finishing, (int32_t)left);
        watch_begin(MAIN, "finishing write", end, 0);
        result = cleat_connection_write(end->id, (const char *)finishing, (int32_t)left, 0);
        watch_end(MAIN, result);
        if (result < 0) accept_status(end, "write", MAIN, 0, result);
        if (result > 0) stream_wrote(end, i, (int32_t)left, result);
        done = done && result == left;
    }
    return done;
}

/* Reads the available bytes; returns whether the peer's bytes have all been read, or the stream has ended. */
static bool finish_read(struct end *end) {
    struct end *from = peer_of(end);
    int32_t result;
    do {
        watch_begin(MAIN, "finishing read", end, 0);
        result = cleat_connection_read(end->id, (char *)finishing, MOST_READ, 0);
        watch_end(MAIN, result);
        if (is_pause(result)) answer(end, result, false, false);
        if (result < 0) accept_status(end, "read", MAIN, 0, result);
        if (result > 0) stream_take(end, finishing, result);
    } while (result > 0);
    if (!is_want(result) && !is_pause(result)) return true;
    if (from->shut) return false;
    for (int i = 0; i < MOST_THREADS; i++) {
        if (end->reader.got[i] < from->writers[i].counted ||
            from->writers[i].owed > from->writers[i].counted)
            return false;
    }
    return cleat_connection_established(end->id) == 1;
}

static void expect_time(struct end *end, double began, const char *what) {
    double now;
    EXPECT(cleat_monotonic(&now) == CLEAT_OK);
    if (now - began < load_bound(10)) return;
    for (int i = 0; i < 2; i++) {
        struct end *from = &end->pair->ends[i];
        for (int w = 0; w < MOST_THREADS; w++) {
            const struct writer *writer = &from->writers[w];
            fprintf(stderr, "%s, writer %d: %lld offered, %lld owed, %lld counted, %lld arrived\n",
                    i == 0 ? "client" : "server", w, (long long)writer->offered,
                    (long long)writer->owed, (long long)writer->counted,
                    (long long)peer_of(from)->reader.got[w]);
        }
    }
    fail(end, "%s does not end", what);
}

/* Both sides send and receive close_notify. */
static void finish_shutdown(struct pair *pair) {
    bool over[2] = {false, false};
    double began;
    EXPECT(cleat_monotonic(&began) == CLEAT_OK);
    while (!over[0] || !over[1]) {
        for (int i = 0; i < 2; i++) {
            struct end *end = &pair->ends[i];
            int32_t status;
            if (!over[i]) {
                atomic_fetch_add(&end->shut, 1);
                watch_begin(MAIN, "finishing shutdown", end, 0);
                status = cleat_connection_shutdown(end->id, 0);
                watch_end(MAIN, status);
                over[i] = status == CLEAT_OK || class_of(status) == CLEAT_CLOSED;
                if (!over[i] && !is_want(status)) fail(end, "shutdown: class %d", class_of(status));
            }
            if (pair->round->transport == OVER_MEMORY) pump(end, MOST_READ);
        }
        expect_time(&pair->ends[0], began, "shutdown");
    }
}

static bool finish_step(struct pair *pair) {
    bool done = true;
    for (int i = 0; i < 2; i++) {
        struct end *end = &pair->ends[i];
        done = finish_writes(end) && done;
        if (pair->round->transport == OVER_MEMORY) pump(end, MOST_READ);
    }
    for (int i = 0; i < 2; i++) done = finish_read(&pair->ends[i]) && done;
    return done;
}

/* One side has sent close_notify, or will: the other one reads the end of the stream after all written bytes. The bytes
 * that the closing side would still receive are not checked. */
static bool finish_half(struct end *shut) {
    struct end *other = peer_of(shut);
    int32_t status;
    watch_begin(MAIN, "shutdown again", shut, 0);
    status = cleat_connection_shutdown(shut->id, 0);
    watch_end(MAIN, status);
    if (status < 0) accept_status(shut, "shutdown", MAIN, 0, status);
    if (shut->pair->round->transport == OVER_MEMORY) pump(shut, MOST_READ);
    return finish_read(other);
}

static void finish_pair(struct pair *pair) {
    struct end *ends = pair->ends;
    bool broken = ends[0].closed || ends[1].closed || pair->refused;
    bool whole[2] = {!broken && !ends[0].shut, !broken && !ends[1].shut};
    double began;
    EXPECT(cleat_monotonic(&began) == CLEAT_OK);
    if (whole[0] && whole[1]) {
        while (!finish_step(pair)) expect_time(&ends[0], began, "what was written");
        finish_shutdown(pair);
    } else if (whole[0] || whole[1]) {
        struct end *shut = &ends[whole[0] ? 1 : 0];
        while (!finish_half(shut)) expect_time(shut, began, "the direction that was shut down");
    }
    for (int i = 0; i < 2; i++) stream_check(&ends[i], whole[i]);
}

static void close_pair(struct pair *pair) {
    for (int i = 0; i < 2; i++) {
        struct end *end = &pair->ends[i];
        if (!end->closed) EXPECT(cleat_close(end->id) == CLEAT_OK);
        if (end->socket != 0) EXPECT(cleat_close(end->socket) == CLEAT_OK);
        if (end->fd >= 0) EXPECT(close(end->fd) == 0);
        for (int w = 0; w < MOST_THREADS; w++) free(end->writers[w].ends);
        free(end->reader.switches);
        pthread_mutex_destroy(&end->reader.lock);
        pthread_mutex_destroy(&end->pumping);
    }
}

void round_finish(struct round *round) {
    int32_t left;
    for (int i = 0; i < round->pairs; i++) {
        finish_pair(&round->pair[i]);
        close_pair(&round->pair[i]);
    }
    for (int i = 0; i < 3; i++) EXPECT(cleat_close(round->contexts[i]) == CLEAT_OK);
    left = cleat_handle_count();
    if (left != 0) fail(NULL, "%d ids are left", (int)left);
}
