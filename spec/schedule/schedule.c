/* schedule.c: rounds of random calls. Usage: schedule [--seed N] [--rounds N] [--seconds N]
 *
 * In each round one to four threads make random calls on one to three pairs of connections and on their contexts:
 * handshake, read, write, shutdown, close, getters, drain and feed, every setter of a context, another context for the
 * server name; with TLS 1.2 and 1.3, over socket pairs, TCP, descriptors and memory. The checks:
 *   - Every call returns within its timeout plus the delay of a busy machine, not before the timeout, and with a status
 *     that its state allows.
 *   - Every byte that is read was written by that connection's peer, once and in sequence; the bytes of one call are
 *     not mixed with others; if no side was closed no byte is missing.
 *   - A handshake succeeds whatever setters are called meanwhile.
 * The seed of each round that fails is printed, and --seed N --rounds 1 repeats it: with one thread every call is the
 * same, with more threads their interleaving is not. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../c/identity.h"
#include "schedule.h"

struct start {
    struct round *round;
    int thread;
};

static void *run_thread(void *argument) {
    const struct start *start = argument;
    calls_run(start->round, start->thread);
    return NULL;
}

static void run_round(uint64_t seed) {
    static struct round round;
    struct start starts[MOST_THREADS];
    pthread_t threads[MOST_THREADS] = {0};
    watch_start(&round);
    round_open(&round, seed);
    for (int i = 0; i < round.threads; i++) {
        starts[i] = (struct start){&round, i};
        EXPECT(pthread_create(&threads[i], NULL, run_thread, &starts[i]) == 0);
    }
    watch_wait(&round);
    for (int i = 0; i < round.threads; i++) pthread_join(threads[i], NULL);
    round_finish(&round);
}

static double now(void) {
    double seconds;
    EXPECT(cleat_monotonic(&seconds) == CLEAT_OK);
    return seconds;
}

int main(int argc, char **argv) {
    uint64_t seed = (uint64_t)time(NULL) * 1000;
    uint64_t rounds = UINT64_MAX;
    uint64_t done = 0;
    double seconds = 1e9;
    double began = now();
    int32_t len;
    if (argc == 1) seconds = 5;
    for (int i = 1; i < argc; i += 2) {
        EXPECT(i + 1 < argc);
        if (strcmp(argv[i], "--seed") == 0) {
            seed = strtoull(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--rounds") == 0) {
            rounds = strtoull(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--seconds") == 0) {
            seconds = strtod(argv[i + 1], NULL);
        } else {
            fprintf(stderr, "usage: %s [--seed N] [--rounds N] [--seconds N]\n", argv[0]);
            return 2;
        }
    }
    (void)identity_text(IDENTITY_KEY, &len); /* before any thread starts */
    printf("seeds from %llu on\n", (unsigned long long)seed);
    fflush(stdout);
    while (done < rounds && now() - began < seconds) run_round(seed + done++);
    printf("%llu rounds, to seed %llu, with %lld calls in %.1f s\n", (unsigned long long)done,
           (unsigned long long)(seed + done - 1), (long long)watch_calls(), now() - began);
    return 0;
}
