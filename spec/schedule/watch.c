/* watch.c: what each thread calls, and whether that comes to its end, although the thread is cancelled. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../c/cancelled.h"
#include "../c/load.h"
#include "schedule.h"

enum { HISTORY = 16, CALL_LIMIT = 10 };

struct call {
    const char *name;
    struct end *end;
    double timeout;
    double begun;
    double took;
    int32_t result;
};

static struct {
    pthread_mutex_t lock;
    struct call calls[HISTORY];
    unsigned count;
    bool in_progress;
    bool done;
} slots[MOST_THREADS + 1] = {
    {.lock = PTHREAD_MUTEX_INITIALIZER}, {.lock = PTHREAD_MUTEX_INITIALIZER},
    {.lock = PTHREAD_MUTEX_INITIALIZER}, {.lock = PTHREAD_MUTEX_INITIALIZER},
    {.lock = PTHREAD_MUTEX_INITIALIZER},
};
static struct round *current;
static atomic_llong calls;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int number_of(const struct end *end) {
    return (int)(end->pair - current->pair) * 2 + (int)(end - end->pair->ends);
}

static void show_thread(int thread) {
    unsigned count = slots[thread].count;
    fprintf(stderr, " thread %d%s\n", thread, slots[thread].done ? ", done" : "");
    for (unsigned i = count > HISTORY ? count - HISTORY : 0; i < count; i++) {
        const struct call *call = &slots[thread].calls[i % HISTORY];
        fprintf(stderr, "  %s", call->name);
        if (call->end != NULL) {
            fprintf(stderr, " on %s %d", number_of(call->end) % 2 == 0 ? "client" : "server",
                    number_of(call->end) / 2);
        }
        fprintf(stderr, ", timeout %g: ", call->timeout);
        if (i + 1 == count && slots[thread].in_progress) {
            fprintf(stderr, "in progress for %.3f s\n", now() - call->begun);
        } else if (call->result < 0) {
            fprintf(stderr, "class %d value %d after %.3f s\n", (int)CLEAT_CLASS(call->result),
                    (int)CLEAT_VALUE(call->result), call->took);
        } else {
            fprintf(stderr, "%d after %.3f s\n", (int)call->result, call->took);
        }
    }
}

void fail(const struct end *end, const char *format, ...) {
    static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
    static const char *const transports[] = {"a socket pair", "TCP", "descriptors", "memory"};
    char text[512];
    int32_t len = cleat_error_message(text, sizeof text);
    va_list arguments;
    cancelled_forbid();
    pthread_mutex_lock(&once); /* never unlocked */
    va_start(arguments, format);
    fprintf(stderr, "seed %llu: ", (unsigned long long)current->seed);
    if (end != NULL) {
        fprintf(stderr, "%s %d: ", number_of(end) % 2 == 0 ? "client" : "server",
                number_of(end) / 2);
    }
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, " (last failure: %.*s)\n over %s, TLS 1.%d%s%s%s%s%s%s%s\n", (int)len, text,
            transports[current->transport], current->tls12 ? 2 : 3,
            current->asks ? ", with server name events" : "",
            current->stored ? ", with stored sessions" : "",
            current->verdicts ? ", with verify events" : "",
            current->remote ? ", with remote keys" : "",
            current->psk ? ", with pre-shared keys" : "",
            current->many_readers ? ", many readers" : "",
            current->unlimited ? ", reads without a timeout" : "");
    for (int i = 0; i <= MOST_THREADS; i++) {
        if (slots[i].count > 0) show_thread(i);
    }
    fprintf(stderr, "again: schedule --seed %llu --rounds 1\n", (unsigned long long)current->seed);
    fflush(stderr);
    abort();
}

void watch_begin(int thread, const char *call, struct end *end, double timeout) {
    pthread_mutex_lock(&slots[thread].lock);
    slots[thread].calls[slots[thread].count++ % HISTORY] =
        (struct call){.name = call, .end = end, .timeout = timeout, .begun = now()};
    slots[thread].in_progress = true;
    pthread_mutex_unlock(&slots[thread].lock);
    cancelled_allow(call);
}

void watch_end(int thread, int32_t result) {
    struct call *call;
    struct call copy;
    cancelled_forbid();
    pthread_mutex_lock(&slots[thread].lock);
    call = &slots[thread].calls[(slots[thread].count - 1) % HISTORY];
    call->took = now() - call->begun;
    call->result = result;
    slots[thread].in_progress = false;
    copy = *call;
    pthread_mutex_unlock(&slots[thread].lock);
    atomic_fetch_add(&calls, 1);
    if (class_of(result) == CLEAT_TIMEOUT &&
        (copy.timeout <= 0 || copy.took < copy.timeout * 0.99)) {
        fail(copy.end, "%s timed out after %.3f s of %g", copy.name, copy.took, copy.timeout);
    }
}

int64_t watch_calls(void) {
    return atomic_load(&calls);
}

void watch_start(struct round *round) {
    current = round;
    for (int i = 0; i <= MOST_THREADS; i++) {
        pthread_mutex_lock(&slots[i].lock);
        slots[i].count = 0;
        slots[i].done = false;
        pthread_mutex_unlock(&slots[i].lock);
    }
}

void watch_done(int thread) {
    pthread_mutex_lock(&slots[thread].lock);
    slots[thread].done = true;
    pthread_mutex_unlock(&slots[thread].lock);
}

enum state { DONE, WAITS, CONTINUES };

/* Checks a thread: whether it is done, waits without a timeout (then *end is the end), or continues. */
static enum state look(int thread, struct end **end) {
    bool late = false;
    double age = 0;
    enum state state = CONTINUES;
    struct call call = {0};
    pthread_mutex_lock(&slots[thread].lock);
    if (slots[thread].done) {
        state = DONE;
    } else if (slots[thread].in_progress) {
        call = slots[thread].calls[(slots[thread].count - 1) % HISTORY];
        age = now() - call.begun;
        if (call.timeout < 0) {
            /* without a limit, unless it was closed */
            late = call.end->closed && age > load_bound(CALL_LIMIT);
            if (age > 0.05) state = WAITS;
            *end = call.end;
        } else {
            late = age > load_bound(CALL_LIMIT + call.timeout);
        }
    }
    pthread_mutex_unlock(&slots[thread].lock);
    if (late) fail(call.end, "%s does not return", call.name);
    return state;
}

void watch_wait(struct round *round) {
    static const struct timespec pause = {0, 2000000};
    for (;;) {
        int done = 0;
        int waiting = 0;
        struct end *ends[MOST_THREADS];
        for (int i = 0; i < round->threads; i++) {
            switch (look(i, &ends[waiting])) {
                case DONE: done++; break;
                case WAITS: waiting++; break;
                case CONTINUES: break;
            }
        }
        if (done == round->threads) return;
        if (done + waiting == round->threads) {
            for (int i = 0; i < waiting; i++) {
                if (!atomic_exchange(&ends[i]->closed, 1)) cleat_close(ends[i]->id);
            }
        }
        nanosleep(&pause, NULL);
    }
}
