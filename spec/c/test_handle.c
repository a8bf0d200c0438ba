/* test_handle.c: ids do not come back soon, know their kind, and hold under threads. */
#include <pthread.h>

#include "expect.h"
#include "base/handle.h"
#include "base/memory.h"

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
    EXPECT(atomic_load(&alive) == 1); /* a call is still using it */
    expect_stale(id);
    cleat_handle_done(object);
    EXPECT(atomic_load(&alive) == 0 && cleat_handle_count() == 0);
    expect_stale(0);
    expect_stale(-1);
    expect_stale(INT32_MIN);
    expect_stale(INT32_MAX);
}

/* A closed id is not given out again for a long time. */
static void test_reuse(void) {
    int32_t first = open_one(1);
    int i;
    EXPECT(cleat_close(first) == CLEAT_OK);
    for (i = 0; i < 500000; i++) {
        int32_t id = open_one(1);
        EXPECT(id != first);
        EXPECT(cleat_close(id) == CLEAT_OK);
    }
    expect_stale(first);
}

static void test_many(void) {
    enum { MANY = 20000 };
    static int32_t ids[MANY];
    int i;
    for (i = 0; i < MANY; i++) {
        ids[i] = open_one(1 + i % 5);
        EXPECT(ids[i] > 0);
    }
    EXPECT(cleat_handle_count() == MANY);
    for (i = 0; i < MANY; i++) EXPECT(cleat_kind(ids[i]) == 1 + i % 5);
    for (i = 0; i < MANY; i++) EXPECT(cleat_close(ids[i]) == CLEAT_OK);
    for (i = 0; i < MANY; i++) expect_stale(ids[i]);
}

static void test_take(void) {
    int32_t id = open_one(1);
    struct cleat_object *first = NULL;
    struct cleat_object *second = NULL;
    EXPECT(cleat_handle_find(id, 1, &first) == CLEAT_OK);
    EXPECT(cleat_handle_find(id, 1, &second) == CLEAT_OK);
    EXPECT(!cleat_handle_take(first)); /* the other call uses it */
    cleat_handle_done(second);
    cleat_object_hold(first);
    EXPECT(!cleat_handle_take(first)); /* another object holds it */
    cleat_object_drop(first);
    EXPECT(cleat_handle_take(first));
    expect_stale(id);
    cleat_handle_done(first);
}

/* Threads find and close the same ids; each object must be destroyed once, and never in use. */
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
    test_kinds();
    test_reuse();
    test_many();
    test_take();
    test_threads();
    EXPECT(atomic_load(&alive) == 0 && cleat_handle_count() == 0);
    puts("kinds, reuse, many, take, threads");
    return 0;
}
