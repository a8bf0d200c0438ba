#include "failing.h"

#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* BoringSSL's ByDirEntry, whose allocation it does not check (docs/security.md), with the header of the core's
 * allocator */
struct directory_entry {
    int type;
    char *name;
    pthread_rwlock_t lock;
    struct {
        void *data;
        size_t size, capacity;
    } hashes;
};
enum { DIRECTORY_ENTRY = sizeof(struct directory_entry) + 8 };

static atomic_long live;
static _Thread_local long left; /* number of allocations that still succeed, plus one */
static _Thread_local bool persists;
static _Thread_local bool happened;

void failing_arm(long nth, bool onwards) {
    left = nth;
    persists = onwards;
    happened = false;
}

bool failing_disarm(void) {
    left = 0;
    persists = false;
    return happened;
}

long failing_live(void) {
    return atomic_load(&live);
}

static bool refuse(void) {
    if (happened && persists) return true;
    if (left == 0 || --left > 0) return false;
    happened = true;
    return true;
}

static void *count(void *block) {
    if (block != NULL) atomic_fetch_add(&live, 1);
    return block;
}

/* The linker renames malloc to __wrap_malloc, and __real_malloc to malloc. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t number, size_t size);
void *__real_realloc(void *block, size_t size);
char *__real_strdup(const char *text);
void __real_free(void *block);
int __real_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **list);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t number, size_t size);
void *__wrap_realloc(void *block, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *block);
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **list);

void *__wrap_malloc(size_t size) {
    return size != DIRECTORY_ENTRY && refuse() ? NULL : count(__real_malloc(size));
}

void *__wrap_calloc(size_t number, size_t size) {
    return refuse() ? NULL : count(__real_calloc(number, size));
}

void *__wrap_realloc(void *block, size_t size) {
    if (refuse()) return NULL;
    return block == NULL ? count(__real_realloc(NULL, size)) : __real_realloc(block, size);
}

char *__wrap_strdup(const char *text) {
    return refuse() ? NULL : count(__real_strdup(text));
}

void __wrap_free(void *block) {
    if (block != NULL) atomic_fetch_sub(&live, 1);
    __real_free(block);
}

int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **list) {
    return refuse() ? EAI_MEMORY : __real_getaddrinfo(node, service, hints, list);
}

/* BoringSSL of 2026 does not check the allocation of these two blocks, and crashes without them: the name's cache
 * (x_name.cc), into which the second argument here points, and a directory's entry (by_dir.cc), which __wrap_malloc
 * recognises by its size. */
bool __real__ZN4bssl14CBBFinishArrayEP6cbb_stPNS_5ArrayIhEE(void *cbb, void *out)
    __attribute__((weak)); /* BoringSSL of 2023 has none */
bool __wrap__ZN4bssl14CBBFinishArrayEP6cbb_stPNS_5ArrayIhEE(void *cbb, void *out);

bool __wrap__ZN4bssl14CBBFinishArrayEP6cbb_stPNS_5ArrayIhEE(void *cbb, void *out) {
    if ((uintptr_t)out < 4096) return false;
    return __real__ZN4bssl14CBBFinishArrayEP6cbb_stPNS_5ArrayIhEE(cbb, out);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
