/* schedule.h: random calls on pairs of connections and on their contexts, from several threads at once. A round is made
 * from its seed: its transport, its version, the number of threads, and the calls of each. Only the interleaving of the
 * threads depends on the machine. schedule.c lists the checks. */
#ifndef CLEAT_SPEC_SCHEDULE_H
#define CLEAT_SPEC_SCHEDULE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "../c/expect.h"

enum {
    MOST_THREADS = 4,
    MOST_PAIRS = 3,
    MOST_WRITE = 1 << 20,
    MOST_READ = 1 << 17,
};

static inline int32_t class_of(int32_t status) {
    return status < 0 ? CLEAT_CLASS(status) : 0;
}

/* Random numbers, the same for the same seed. */
struct random {
    uint64_t state;
};
uint32_t random_below(struct random *random, uint32_t limit);

/* The bytes that one thread writes to one end: a stream in which each byte's value shows its writer and its position.
 * */
struct writer {
    atomic_llong counted; /* the sum of its calls' results */
    atomic_llong offered; /* the end of the longest call's data: so much may have been sent */
    atomic_llong
        owed; /* up to here a call has not accepted all of its data: the bytes may have been sent */
    int64_t *
        ends; /* the positions where calls have ended: another writer's bytes may follow only there */
    int ends_len;
};

/* The peer's writers' bytes, as far as they were read. */
struct reader {
    pthread_mutex_t lock; /* held during a read, if reads are in sequence, and during stream_take */
    int last; /* the writer of the last byte, or -1 */
    int64_t got[MOST_THREADS];
    uint64_t sum[MOST_THREADS];
    struct {
        int writer;
        int64_t position;
    } * switches;
    int switches_len;
};

enum transport { OVER_SOCKET, OVER_TCP, OVER_FD, OVER_MEMORY, TRANSPORTS };

struct end {
    struct pair *pair;
    int32_t id;
    int32_t socket;
    int fd;
    uint32_t salt; /* of the values of the bytes that are written here */
    atomic_int closed; /* 1: the id is closed, or about to be */
    atomic_int shut; /* how many calls of shutdown there were, or are about to be */
    struct writer writers[MOST_THREADS];
    struct reader reader;
    pthread_mutex_t pumping; /* held while this end's bytes are moved to the other, over memory */
};

struct pair {
    struct round *round;
    struct end ends[2]; /* the client, the server */
    atomic_bool refused; /* a pause was answered with an alert */
};

struct round {
    uint64_t seed;
    enum transport transport;
    bool tls12;
    bool asks; /* the server pauses for the name */
    bool stored; /* the servers' sessions are in a store */
    bool verdicts; /* each side pauses when it has verified the other */
    bool psk; /* of TLS 1.2: suites with pre-shared keys come first */
    bool remote; /* some contexts sign by callback, at some times */
    bool many_readers; /* several threads read from one end: the order of the reads is unknown */
    bool unlimited; /* some reads have no timeout */
    bool may_close;
    bool may_shut;
    int threads;
    int pairs;
    int calls; /* of each thread */
    int32_t contexts[3]; /* the client's, the server's, and the one to which the server switches */
    struct pair pair[MOST_PAIRS];
};

/* stream.c */
/* stream_fill makes the bytes of a writer from a position on. */
void stream_fill(const struct end *end, int writer, int64_t position, uint8_t *bytes, int32_t len);
/* stream_take checks bytes that were read at an end. Called with the reader's lock. */
void stream_take(struct end *end, const uint8_t *bytes, int32_t len);
/* stream_wrote records the result of a writer's write of len bytes. */
void stream_wrote(struct end *end, int writer, int32_t len, int32_t result);
/* stream_check checks at the end whether writers' bytes changed only at the ends of calls, and whether no byte was
 * lost: if whole, all accepted bytes must have arrived. */
void stream_check(struct end *end, bool whole);

/* pair.c */
void round_open(struct round *round, uint64_t seed);
/* round_finish completes all that the calls have left, and makes the checks. */
void round_finish(struct round *round);
struct end *peer_of(struct end *end);
/* pump moves an end's bytes to its peer, at most so many; returns whether there were any. */
bool pump(struct end *end, int32_t most);
/* is_pause returns whether a status requires an answer. */
bool is_pause(int32_t status);
/* answer answers such a status of a handshake. A server that pauses for the name gets its own context, or, if change,
 * another one. refuse: with an alert. */
void answer(struct end *end, int32_t status, bool change, bool refuse);
/* answer_signature signs for an end that has paused for it. */
void answer_signature(struct end *end, bool refuse);
void contexts_open(struct round *round);
void contexts_set_any(struct round *round, struct random *random);

/* calls.c */
void calls_run(struct round *round, int thread);
/* accept_status fails the test if the call's state does not allow the result. timeout: the call's, 0 over memory. */
void accept_status(struct end *end, const char *call, int thread, double timeout, int32_t status);

/* watch.c: every call is recorded, and must end. */
void watch_begin(int thread, const char *call, struct end *end, double timeout);
void watch_end(int thread, int32_t result);
/* watch_wait returns when all threads have called watch_done. It ends reads without a timeout by closing their
 * connections, once all the other threads are done or wait like that. */
void watch_wait(struct round *round);
void watch_start(struct round *round);
void watch_done(int thread);
int64_t watch_calls(void);
/* fail prints the fault, the current and past calls of every thread, and how to repeat the round; then it ends the
 * program. */
_Noreturn void fail(const struct end *end, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
