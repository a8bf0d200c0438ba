/* test_resolution.c: name resolution in the background. getaddrinfo is this file's: it blocks for names that begin with
 * "hang", until the gate is opened. */
#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cleat.h"
#include "expect.h"
#include "gate.h"
#include "load.h"

#define TIMEOUT 300.0

enum { MOST = 8 };

static atomic_int begun;
static atomic_bool signals_blocked = true;

static int looked_up(const char *node, const char *service, const struct addrinfo *hints,
                     struct addrinfo **list) {
    struct addrinfo numeric = *hints;
    numeric.ai_flags |= AI_NUMERICHOST;
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(strncmp(node, "hang", 4) == 0 ? "127.0.0.9" : node, service, &numeric, list);
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): those of the system are reserved */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **list) {
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    atomic_fetch_add(&begun, 1);
    if (strncmp(node, "hang", 4) == 0) {
        if (sigismember(&blocked, SIGTERM) != 1) atomic_store(&signals_blocked, false);
        gate_pass(true);
    }
    return looked_up(node, service, hints, list);
}

static int entries(const char *directory) {
    DIR *open = opendir(directory);
    int count = 0;
    EXPECT(open != NULL);
    while (readdir(open) != NULL) count++;
    closedir(open);
    return count;
}

static int descriptors(void) {
    return entries("/proc/self/fd");
}

static int threads(void) {
    return entries("/proc/self/task");
}

static int alone; /* the number of threads without the resolver's */

/* Detached threads cannot be joined. A thread without work may end late, when another one has replaced it already. */
static void await_threads(int bound) {
    struct timespec pause = {0, 1000000};
    int turn;
    for (turn = 0; threads() > bound && turn < 300000; turn++) nanosleep(&pause, NULL);
    EXPECT(threads() <= bound);
}

static void await_no_threads(void) {
    await_threads(alone);
}

static int32_t start(const char *name) {
    int32_t id = cleat_resolution_new(name, (int32_t)strlen(name), "80", 2, CLEAT_AF_INET,
                                      CLEAT_SOCK_STREAM, 0, 0);
    EXPECT(id > 0);
    return id;
}

static void expect_address(int32_t id, const char *host) {
    char out[64];
    int32_t more[5];
    int32_t list = cleat_resolution_addrinfo(id, TIMEOUT);
    int32_t len;
    EXPECT(list > 0);
    len = cleat_addrinfo_address(list, 0, out, sizeof out, &more[0], &more[1], &more[2], &more[3],
                                 &more[4], &more[4]);
    EXPECT(len == (int32_t)strlen(host) && memcmp(out, host, strlen(host)) == 0 && more[3] == 80);
    EXPECT(cleat_close(list) == CLEAT_OK && cleat_close(id) == CLEAT_OK);
}

static void test_works(void) {
    int32_t id;
    expect_address(start("127.0.0.5"), "127.0.0.5");
    id = start("no.such.name");
    EXPECT(CLEAT_CLASS(cleat_resolution_addrinfo(id, TIMEOUT)) == CLEAT_RESOLVE);
    EXPECT(cleat_close(id) == CLEAT_OK);
    await_no_threads();
}

/* Closed lookups leave nothing behind except the few that a thread works on. */
static void test_given_up(void) {
    enum { MANY = 300 };
    int before = descriptors();
    int i;
    gate_set(false);
    begun = 0;
    for (i = 0; i < MANY; i++) EXPECT(cleat_close(start("hang")) == CLEAT_OK);
    EXPECT(descriptors() == before && cleat_handle_count() == 0);
    await_threads(alone + MOST);
    for (i = 0; i < MANY; i++) {
        int32_t id = start("hang");
        EXPECT(CLEAT_CLASS(cleat_resolution_addrinfo(id, 0)) == CLEAT_WANT_READ);
        EXPECT(i % 100 > 0 || CLEAT_CLASS(cleat_resolution_addrinfo(id, 0.001)) == CLEAT_TIMEOUT);
        EXPECT(cleat_close(id) == CLEAT_OK);
    }
    EXPECT(descriptors() == before);
    await_threads(alone + MOST);
    gate_set(true);
    await_no_threads();
    EXPECT(begun <= MOST && gate_most() <= MOST && signals_blocked);
    expect_address(start("127.0.0.6"), "127.0.0.6");
    await_no_threads();
}

/* The threads serve the queue in order, and each lookup ends. */
static void test_queue(void) {
    enum { MANY = 50 };
    int32_t ids[MANY];
    int i;
    gate_set(false);
    begun = 0;
    for (i = 0; i < MANY; i++) ids[i] = start("hang");
    gate_await(MOST);
    EXPECT(gate_hanging() == MOST);
    await_threads(alone + MOST);
    EXPECT(threads() == alone + MOST);
    for (i = 1; i < MANY; i += 2) EXPECT(cleat_close(ids[i]) == CLEAT_OK); /* busy and queued */
    gate_set(true);
    for (i = 0; i < MANY; i += 2) expect_address(ids[i], "127.0.0.9");
    await_no_threads();
    EXPECT(gate_most() == MOST && begun == MANY / 2 + MOST / 2);
}

static void *wait_closed(void *argument) {
    EXPECT(CLEAT_CLASS(cleat_resolution_addrinfo(*(int32_t *)argument, -1)) == CLEAT_CLOSED);
    return NULL;
}

/* Closing wakes a waiting call, for a lookup in progress and for one in the queue. */
static void test_wake(void) {
    pthread_t waiter[2];
    int32_t ids[MOST + 1];
    int32_t *ends[2] = {&ids[0], &ids[MOST]};
    struct timespec pause = {0,
                             20000000}; /* they probably wait by then; the test is right if not */
    int i;
    gate_set(false);
    for (i = 0; i <= MOST; i++) ids[i] = start("hang");
    gate_await(MOST);
    for (i = 0; i < 2; i++) {
        EXPECT(pthread_create(&waiter[i], NULL, wait_closed, ends[i]) == 0);
    }
    nanosleep(&pause, NULL);
    for (i = 0; i < 2; i++) {
        int32_t result = cleat_close(*ends[i]);
        EXPECT(result == CLEAT_OK);
    }
    for (i = 0; i < 2; i++) pthread_join(waiter[i], NULL);
    for (i = 1; i < MOST; i++) EXPECT(cleat_close(ids[i]) == CLEAT_OK);
    gate_set(true);
    await_no_threads();
}

static void *churn(void *argument) {
    int i;
    (void)argument;
    for (i = 0; i < 300; i++) {
        int32_t id = start(i % 3 == 0 ? "127.0.0.7" : "hang");
        if (i % 2 == 0) {
            expect_address(id, i % 3 == 0 ? "127.0.0.7" : "127.0.0.9");
        } else {
            EXPECT(cleat_close(id) == CLEAT_OK);
        }
    }
    return NULL;
}

static void test_threads(void) {
    pthread_t thread[4];
    int i;
    gate_set(true);
    for (i = 0; i < 4; i++) EXPECT(pthread_create(&thread[i], NULL, churn, NULL) == 0);
    for (i = 0; i < 4; i++) pthread_join(thread[i], NULL);
    await_no_threads();
    EXPECT(cleat_handle_count() == 0);
}

#ifndef __SANITIZE_THREAD__ /* it does not support fork with threads */
/* A child process has none of the parent's threads: it creates its own. */
static void test_fork(void) {
    const int32_t lost = -((CLEAT_RESOLVE << 16) | CLEAT_EAI_AGAIN);
    int32_t ids[MOST + 2];
    int status = 0;
    pid_t child;
    int i;
    gate_set(false);
    for (i = 0; i < MOST + 2; i++) ids[i] = start("hang");
    gate_await(MOST);
    child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        load_alarm(60);
        gate_after_fork();
        /* Those of the parent fail: its threads complete them in the parent only. */
        EXPECT(cleat_resolution_addrinfo(ids[0], -1) == lost);
        EXPECT(cleat_resolution_addrinfo(ids[MOST], 0) == lost);
        expect_address(start("127.0.0.8"), "127.0.0.8");
        expect_address(start("hang"), "127.0.0.9");
        for (i = 0; i < MOST + 2; i++) EXPECT(cleat_close(ids[i]) == CLEAT_OK);
        expect_address(start("127.0.0.8"), "127.0.0.8");
        EXPECT(cleat_handle_count() == 0);
        _exit(0);
    }
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    gate_set(true);
    for (i = 0; i < MOST + 2; i++) expect_address(ids[i], "127.0.0.9");
    await_no_threads();
}
#endif

static void *name_thread(void *path) {
    snprintf(path, PATH_MAX, "/proc/self/task/%ld", syscall(SYS_gettid));
    return NULL;
}

int main(void) {
    struct timespec pause = {0, 1000000};
    char path[PATH_MAX];
    pthread_t first;
    /* A sanitizer and an emulator have a thread too, from the first thread on. */
    EXPECT(pthread_create(&first, NULL, name_thread, path) == 0 && pthread_join(first, NULL) == 0);
    while (access(path, F_OK) == 0) nanosleep(&pause, NULL); /* joined, and not yet gone */
    alone = threads();
    test_works();
    test_given_up();
    test_queue();
    test_wake();
    test_threads();
#ifndef __SANITIZE_THREAD__
    if (getenv("CLEAT_EMULATED") == NULL)
        test_fork(); /* with threads the child aborts in qemu-user 7.2 */
#endif
    EXPECT(cleat_handle_count() == 0);
    puts("works, closed early, queue, wake, threads, fork");
    return 0;
}
