/* proof.c: deliberate mistakes. Run as `proof NAME`; under the tool that finds such mistakes it must fail
 * (spec/proofs/proof.sh). Where possible the mistake happens inside libcleat, so that the proof holds for the library
 * and not only for this file. */
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleat.h"

/* Hidden from the compiler, which would warn about the mistake or optimise it away. */
static void *volatile hidden;

/* The library stores through a pointer to memory that was freed. */
static int use_after_free(void) {
    double *seconds = malloc(sizeof *seconds);
    hidden = seconds;
    free(seconds);
    return cleat_monotonic(hidden);
}

/* The library stores behind the end of a block. */
static int overrun(void) {
    hidden = malloc(1);
    return cleat_monotonic(hidden);
}

/* Undefined behaviour: a sum that is too large for its type. */
static int overflow(void) {
    volatile int large = INT_MAX;
    large = large + 1;
    return large == 0;
}

/* A number that does not fit into the type that it is converted to. */
static int cast(void) {
    volatile double large = 1e10;
    volatile int converted = (int)large;
    return converted == 0;
}

static int leak(void) {
    hidden = malloc(1000);
    hidden = NULL;
    return 0;
}

/* A branch on uninitialised memory. */
static int uninitialised(void) {
    char *text = malloc(16);
    hidden = text;
    int answer = ((char *)hidden)[8] == 'x';
    printf("%s\n", answer ? "x" : "no x");
    free(text);
    return 0;
}

static void *store(void *seconds) {
    for (int i = 0; i < 1000; i++) cleat_monotonic(seconds);
    return NULL;
}

/* Two threads in the library store to one place, without a lock. */
static int race(void) {
    static double seconds;
    pthread_t first;
    pthread_t second;
    if (pthread_create(&first, NULL, store, &seconds)) return 0;
    if (pthread_create(&second, NULL, store, &seconds)) return 0;
    pthread_join(first, NULL);
    pthread_join(second, NULL);
    return 0;
}

static int nothing(void) {
    return 0;
}

static const struct {
    const char *name;
    int (*make)(void);
} mistakes[] = {
    {"use_after_free", use_after_free},
    {"overrun", overrun},
    {"overflow", overflow},
    {"cast", cast},
    {"leak", leak},
    {"uninitialised", uninitialised},
    {"race", race},
    {"nothing", nothing},
};

int main(int argc, char **argv) {
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        if (argc == 2 && strcmp(argv[1], mistakes[i].name) == 0) return mistakes[i].make() < 0;
    }
    fprintf(stderr, "usage: %s NAME\n", argv[0]);
    return 2;
}
