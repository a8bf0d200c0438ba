/* test_handle.c: ids are not reused soon, have kinds, and work in several threads. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/handle.h"
#include "base/memory.h"
#include "expect.h"

static atomic_int alive;

static void destroy(struct cleat_object *object) {
    atomic_fetch_sub(&alive, 1);
    cleat_release(object);
}

static int32_t open_one(int32_t kind) {
    struct cleat_object *object = cleat_allocate(sizeof *object);
    EXPECT(object != NULL);
    atomic_fetch_add(&alive, 1);
    cleat_object_init(object, kind, destroy);
    return cleat_handle_open(object);
}

static void expect_stale(int32_t id) {
    struct cleat_object *object = NULL;
    EXPECT(CLEAT_CLASS(cleat_handle_find(id, 0, &object)) == CLEAT_HANDLE && object == NULL);
    EXPECT(CLEAT_CLASS(cleat_close(id)) == CLEAT_HANDLE);
}

static void test_kinds(void) {
    int32_t id = open_one(CLEAT_KIND_CONTEXT);
    struct cleat_object *object = NULL;
    EXPECT(id > 0 && cleat_kind(id) == CLEAT_KIND_CONTEXT && cleat_handle_count() == 1);
    EXPECT(CLEAT_CLASS(cleat_handle_find(id, CLEAT_KIND_SOCKET, &object)) == CLEAT_HANDLE);
    EXPECT(cleat_handle_find(id, CLEAT_KIND_CONTEXT, &object) == CLEAT_OK);
    EXPECT(cleat_close(id) == CLEAT_OK);
    EXPECT(atomic_load(&alive) == 1); /* a call still uses it */
    expect_stale(id);
    cleat_handle_done(object);
    EXPECT(atomic_load(&alive) == 0 && cleat_handle_count() == 0);
    expect_stale(0);
    expect_stale(-1);
    expect_stale(INT32_MIN);
    expect_stale(INT32_MAX);
}

/* Objects that need little memory, for tests with many. */
enum { MANY = 4000000 };
static struct cleat_object *many;

static void forget(struct cleat_object *object) {
    object->id = 0;
}

static int32_t open_cheap(struct cleat_object *object) {
    cleat_object_init(object, 1, forget);
    return cleat_handle_open(object);
}

/* A closed id is not reused for a long time, whatever the number of open ids. */
static void expect_no_reuse(int32_t open) {
    enum { CLOSED = 64, OPENS = 500000 };
    struct cleat_object objects[CLOSED];
    int32_t ids[CLOSED];
    int32_t i;
    for (i = 0; i < open; i++) EXPECT(open_cheap(&many[i]) > 0);
    for (i = 0; i < CLOSED; i++) {
        ids[i] = open_cheap(&objects[i]);
        EXPECT(cleat_close(ids[i]) == CLEAT_OK);
    }
    for (i = 0; i < OPENS; i++) {
        int32_t id = open_cheap(&many[MANY - 1]);
        EXPECT(id > 0 && cleat_close(id) == CLEAT_OK);
        for (int k = 0; k < CLOSED; k++) {
            if (id == ids[k]) printf("%d open: id %d is back after %d opens\n", open, id, i);
            EXPECT(id != ids[k]);
        }
    }
    for (i = 0; i < CLOSED; i++) expect_stale(ids[i]);
    for (i = 0; i < open; i++) EXPECT(cleat_close(many[i].id) == CLEAT_OK);
}

static void test_reuse(void) {
    expect_no_reuse(0);
    expect_no_reuse(511);
#ifndef __SANITIZE_THREAD__
    expect_no_reuse(100000);
#endif
}

#ifndef __SANITIZE_THREAD__ /* it is fifty times slower, and has nothing to find in one thread */
static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* churn_cost returns the seconds of a hundred thousand opens and closes, the best of a few. */
static double churn_cost(void) {
    double best = 1e9;
    int turn;
    for (turn = 0; turn < 5; turn++) {
        double begin = now();
        double seconds;
        int i;
        for (i = 0; i < 100000; i++) cleat_close(open_cheap(&many[MANY - 1]));
        seconds = now() - begin;
        if (seconds < best) best = seconds;
    }
    return best;
}

/* Four million ids can be open, each is found, and opening one costs the same as with few. */
static void test_many(void) {
    double few = 0;
    double lot = 0;
    int32_t i;
    for (i = 0; i < MANY - 1; i++) {
        if (i == 1000) few = churn_cost();
        if (i == 3000000) lot = churn_cost();
        EXPECT(open_cheap(&many[i]) > 0);
    }
    EXPECT(open_cheap(&many[i]) > 0);
    EXPECT(cleat_handle_count() == MANY);
    printf("an open and a close: %.0f ns among 1,000 ids, %.0f among 3,000,000\n", few * 1e4,
           lot * 1e4);
    EXPECT(lot < few * 100); /* a search among all would cost 3,000 times as much */
    for (i = 0; i < MANY; i++) EXPECT(cleat_kind(many[i].id) == 1);
    for (i = 0; i < MANY; i++) {
        int32_t id = many[i].id;
        EXPECT(cleat_close(id) == CLEAT_OK && many[i].id == 0);
        if (i % 1000 == 0) expect_stale(id);
    }
    EXPECT(cleat_handle_count() == 0);
}

/* The number of ids has a limit, and reaching it does no harm. */
/* An object in a list, so that it can be found again. */
struct listed {
    struct cleat_object object;
    struct listed *next;
};

static void test_all(void) {
    struct listed *last = NULL;
    struct listed *more;
    int32_t count;
    int32_t id;
    for (count = 0; count < MANY; count++) EXPECT(open_cheap(&many[count]) > 0);
    for (;; count++) {
        more = cleat_allocate(sizeof *more);
        EXPECT(more != NULL);
        id = open_cheap(&more->object);
        if (id < 0) break;
        more->next = last;
        last = more;
    }
    cleat_release(more);
    EXPECT(CLEAT_CLASS(id) == CLEAT_NOMEM && count > MANY && cleat_handle_count() == count);
    EXPECT(cleat_close(many[0].id) == CLEAT_OK);
    EXPECT(open_cheap(&many[0]) > 0 && open_one(1) < 0);
    for (id = 0; id < MANY; id++) EXPECT(cleat_close(many[id].id) == CLEAT_OK);
    while (last != NULL) {
        more = last;
        last = more->next;
        EXPECT(cleat_close(more->object.id) == CLEAT_OK);
        cleat_release(more);
    }
}
#endif

static void test_take(void) {
    int32_t id = open_one(1);
    struct cleat_object *first = NULL;
    struct cleat_object *second = NULL;
    EXPECT(cleat_handle_find(id, 1, &first) == CLEAT_OK);
    EXPECT(cleat_handle_find(id, 1, &second) == CLEAT_OK);
    EXPECT(CLEAT_CLASS(cleat_handle_detach(first)) == CLEAT_USAGE); /* another call uses it */
    cleat_handle_done(second);
    cleat_handle_ref(first);
    EXPECT(CLEAT_CLASS(cleat_handle_detach(first)) ==
           CLEAT_USAGE); /* another object refers to it */
    cleat_object_unref(first);
    EXPECT(cleat_kind(id) == 1);
    EXPECT(cleat_handle_detach(first) == CLEAT_OK);
    expect_stale(id);
    cleat_handle_done(first);
    id = open_one(1);
    EXPECT(cleat_handle_find(id, 1, &first) == CLEAT_OK);
    EXPECT(cleat_close(id) == CLEAT_OK);
    EXPECT(CLEAT_CLASS(cleat_handle_detach(first)) == CLEAT_CLOSED);
    cleat_handle_done(first);
}

/* Threads find and close the same ids; each object must be destroyed once, and not while it is used. */
enum { SHARED = 64, ROUNDS = 20000 };
static _Atomic int32_t shared[SHARED];

static void *churn(void *argument) {
    unsigned seed = *(unsigned *)argument;
    int i;
    for (i = 0; i < ROUNDS; i++) {
        _Atomic int32_t *place = &shared[(seed = seed * 1103515245 + 12345) >> 16 & (SHARED - 1)];
        struct cleat_object *object = NULL;
        if (cleat_handle_find(atomic_load(place), 1, &object) == CLEAT_OK) {
            EXPECT(object->kind == 1);
            cleat_handle_done(object);
        }
        if (i % 7 == 0) {
            int32_t id = open_one(1);
            EXPECT(id > 0);
            cleat_close(atomic_exchange(place, id));
        }
    }
    return NULL;
}

static void test_threads(void) {
    pthread_t threads[4];
    unsigned seeds[4] = {1, 2, 3, 4};
    int i;
    for (i = 0; i < 4; i++) EXPECT(pthread_create(&threads[i], NULL, churn, &seeds[i]) == 0);
    for (i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    for (i = 0; i < SHARED; i++) cleat_close(atomic_load(&shared[i]));
}

int main(void) {
    many = calloc(MANY, sizeof *many);
    EXPECT(many != NULL);
    test_kinds();
    test_reuse();
#ifndef __SANITIZE_THREAD__
    test_many();
    test_all();
#endif
    test_take();
    test_threads();
    EXPECT(atomic_load(&alive) == 0 && cleat_handle_count() == 0);
    free(many);
    puts("kinds, reuse, many, all, take, threads");
    return 0;
}
