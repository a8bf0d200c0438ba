/* lookup.c: what it costs to find an object by its id. lookup THREADS own|same COUNT prints nanoseconds of CPU
 * for each cleat_kind(), which looks the id up and releases it. Each thread uses a separate id, or all use the same. */
#include <cleat.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS_MAX = 16 };

static long long count;

struct task {
    pthread_t thread;
    int32_t id;
    double seconds;
};

static double cpu(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void *look(void *argument) {
    struct task *task = argument;
    long long i;
    double begin;
    for (i = 0; i < count / 10; i++) cleat_kind(task->id);
    begin = cpu();
    for (i = 0; i < count; i++) {
        if (cleat_kind(task->id) != CLEAT_KIND_CONTEXT) abort();
    }
    task->seconds = cpu() - begin;
    return NULL;
}

int main(int argc, char **argv) {
    struct task tasks[THREADS_MAX];
    int threads = argc == 4 ? atoi(argv[1]) : 0;
    double sum = 0;
    int i;
    if (threads < 1 || threads > THREADS_MAX) return 2;
    count = atoll(argv[3]);
    for (i = 0; i < threads; i++) {
        tasks[i].id = i > 0 && strcmp(argv[2], "same") == 0 ? tasks[0].id
                                                            : cleat_context_new(CLEAT_PROTOCOL_TLS);
        if (tasks[i].id <= 0) return 1;
    }
    for (i = 0; i < threads; i++) pthread_create(&tasks[i].thread, NULL, look, &tasks[i]);
    for (i = 0; i < threads; i++) {
        pthread_join(tasks[i].thread, NULL);
        sum += tasks[i].seconds;
    }
    printf("cpu %.9f\n", sum / threads);
    return 0;
}
