/* schedule.h: random calls on pairs of connections and on their contexts, from several threads at once. A round is
 * made from its seed: which transport, which version, how many threads, and what each of them calls one after the
 * other; only how the threads interleave is the machine's. schedule.c says what is checked. */
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

/* What one thread writes into one end: a stream of bytes each of which says by its value whose it is, and where it
 * stands. */
struct writer {
    atomic_llong counted; /* bytes that its calls have returned */
    atomic_llong offered; /* the farthest end of a call's data: as much may have been sent */
    atomic_llong
        owed; /* up to here a call has not counted all of its data: the bytes may be on their way */
    int64_t *ends; /* where a call ended: another writer's bytes may follow there only */
    int ends_len;
};

/* What has come of the peer's writers. */
struct reader {
    pthread_mutex_t lock; /* held over a read, where reads are in sequence, and over stream_take */
    int last; /* whose byte was the last, or -1 */
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
    uint32_t salt; /* of the bytes that are written here */
    atomic_int closed; /* 1: the id is closed, or about to be */
    atomic_int shut; /* how many calls of shutdown there were, or are about to be */
    struct writer writers[MOST_THREADS];
    struct reader reader;
    pthread_mutex_t pumping; /* of what this end has for the other, over memory */
};

struct pair {
    struct round *round;
    struct end ends[2]; /* the client, the server */
    atomic_bool refused; /* a pause was answered by an alert */
};

struct round {
    uint64_t seed;
    enum transport transport;
    bool tls12;
    bool asks; /* the server stops for the name */
    bool stored; /* the servers' sessions are in a store */
    bool verdicts; /* either side stops when it has verified the other */
    bool psk; /* of TLS 1.2: suites with pre-shared keys come first */
    bool remote; /* keys are elsewhere, of some contexts at some times */
    bool many_readers; /* of one end at once: then the order of the reads is not known */
    bool unlimited; /* some reads have no timeout */
    bool may_close;
    bool may_shut;
    int threads;
    int pairs;
    int calls; /* of each thread */
    int32_t contexts[3]; /* the client's, the server's, and what the latter is changed for */
    struct pair pair[MOST_PAIRS];
};

/* stream.c */
/* stream_fill makes the bytes of a writer from position on. */
void stream_fill(const struct end *end, int writer, int64_t position, uint8_t *bytes, int32_t len);
/* stream_take checks bytes that were read at an end. Called with the reader's lock. */
void stream_take(struct end *end, const uint8_t *bytes, int32_t len);
/* stream_wrote notes what a write of len bytes by a writer returned. */
void stream_wrote(struct end *end, int writer, int32_t len, int32_t result);
/* stream_check looks, when all is over, whether writers took turns at the ends of calls only, and whether no byte was
 * lost: of what was counted, if whole, nothing may be missing. */
void stream_check(struct end *end, bool whole);

/* pair.c */
void round_open(struct round *round, uint64_t seed);
/* round_finish brings what the calls have left to its end, and checks all. */
void round_finish(struct round *round);
struct end *peer_of(struct end *end);
/* pump moves what an end has for its peer, at most so many bytes; returns whether there were some. */
bool pump(struct end *end, int32_t most);
/* is_pause returns whether a status asks for an answer. */
bool is_pause(int32_t status);
/* answer lets a handshake go on that has returned such a status; a server that stops for the name with its own context,
 * or if change with another one. refuse: by an alert. */
void answer(struct end *end, int32_t status, bool change, bool refuse);
/* answer_signature signs for an end that has stopped for it. */
void answer_signature(struct end *end, bool refuse);
void contexts_open(struct round *round);
void contexts_set_any(struct round *round, struct random *random);

/* calls.c */
void calls_run(struct round *round, int thread);
/* accept_status fails the test if a call may not end so. timeout: as given, 0 over memory. */
void accept_status(struct end *end, const char *call, int thread, double timeout, int32_t status);

/* watch.c: every call is noted, and has an end. */
void watch_begin(int thread, const char *call, struct end *end, double timeout);
void watch_end(int thread, int32_t result);
/* watch_wait returns when all threads have called watch_done; reads without a timeout are ended by closing what they
 * read, once all the other threads are done or wait like that. */
void watch_wait(struct round *round);
void watch_start(struct round *round);
void watch_done(int thread);
int64_t watch_calls(void);
/* fail says what is wrong, what every thread does and did, and how to run this round again; then it ends the program.
 */
_Noreturn void fail(const struct end *end, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
