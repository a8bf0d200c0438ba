/* handle.c: the table of ids.
 *
 * An id is a generation (9 bits, never 0) above an index (22 bits) into segments of slots that are never moved or
 * freed. A slot's state is one word: how many calls use its object (the pins), the object's kind, whether the id is
 * open, and the generation. cleat_handle_find is one compare-and-swap that increments the pins if the rest of the
 * word matches the id, so a slot cannot be reused during a call. The call that removes the last pin of a closed slot
 * retires it: the generation is incremented, the slot is appended to the free list, and the object's reference is
 * dropped.
 *
 * The list is first in, first out, and a slot is taken from it only if SPARE others remain in it; otherwise a slot
 * that was never used is taken. So between two uses of a slot there are at least SPARE opens, and an id is reused
 * after SPARE times GENERATIONS opens at the earliest, however many ids are open
 * (docs/decisions/17-id-index-and-generation.md). */
#include "base/handle.h"

#include <pthread.h>

#include "base/memory.h"

enum {
    INDEX_BITS = 22,
    SEGMENT_BITS = 11,
    SEGMENT_SLOTS = 1 << SEGMENT_BITS,
    SEGMENTS = 1 << (INDEX_BITS - SEGMENT_BITS),
    GENERATIONS = (1 << (31 - INDEX_BITS)) - 1, /* 1 to this */
    SPARE = 1024
};

_Static_assert(SPARE *GENERATIONS >= 500000, "an id comes back after half a million opens");
_Static_assert((1 << INDEX_BITS) - SPARE >= 4000000, "four million ids can be open");

struct cleat_slot {
    _Atomic uint64_t word; /* 0: never used */
    union {
        struct cleat_object *object; /* while the id is open or pinned */
        int32_t next_free; /* otherwise: an index, or -1 */
    } use;
};

#define PINS(word) ((uint32_t)(word))
#define ONE_PIN ((uint64_t)1)
#define KIND(word) ((int32_t)(((word) >> 32) & 0xff))
#define OPEN_BIT ((uint64_t)1 << 40)
#define GENERATION(word) ((int32_t)((word) >> 41))
#define WORD(generation, open, kind)                                                               \
    (((uint64_t)(generation) << 41) | (open) | ((uint64_t)(kind) << 32))

/* The first segment is static, so that a program with few ids needs no allocation. */
static struct cleat_slot first_segment[SEGMENT_SLOTS];

static struct {
    _Atomic(struct cleat_slot *) segments[SEGMENTS];
    atomic_int open;
    pthread_mutex_t lock; /* for the fields below */
    int32_t slots; /* in all segments */
    int32_t used; /* slots that were handed out at least once */
    int32_t free_count;
    int32_t free_first; /* indices */
    int32_t free_last;
    /* While it is locked, no object with an id gets another reference. */
    pthread_mutex_t references;
} table = {.lock = PTHREAD_MUTEX_INITIALIZER, .references = PTHREAD_MUTEX_INITIALIZER};

static int32_t index_of(int32_t id) {
    return id & ((1 << INDEX_BITS) - 1);
}

/* slot_at returns the slot of an index, or NULL if its segment is not allocated. */
static struct cleat_slot *slot_at(int32_t index) {
    struct cleat_slot *segment =
        atomic_load_explicit(&table.segments[index >> SEGMENT_BITS], memory_order_acquire);
    return segment == NULL ? NULL : &segment[index & (SEGMENT_SLOTS - 1)];
}

/* The same for an index whose segment is allocated. */
static struct cleat_slot *used_slot(int32_t index) {
    return &atomic_load_explicit(&table.segments[index >> SEGMENT_BITS],
                                 memory_order_relaxed)[index & (SEGMENT_SLOTS - 1)];
}

static void free_list_append(struct cleat_slot *slot, int32_t index) {
    slot->use.next_free = -1;
    if (table.free_count == 0) {
        table.free_first = index;
    } else {
        used_slot(table.free_last)->use.next_free = index;
    }
    table.free_last = index;
    table.free_count++;
}

static bool grow(void) {
    struct cleat_slot *segment = first_segment;
    if (table.slots == SEGMENTS * SEGMENT_SLOTS) return false;
    if (table.slots > 0) {
        segment = cleat_allocate(sizeof(struct cleat_slot) * SEGMENT_SLOTS);
        if (segment == NULL) return false;
    }
    atomic_store_explicit(&table.segments[table.slots >> SEGMENT_BITS], segment,
                          memory_order_release);
    table.slots += SEGMENT_SLOTS;
    return true;
}

/* pop_free returns the index of a slot without an id, or -1. The caller has the table's lock. */
static int32_t pop_free(void) {
    int32_t index = table.free_first;
    if (table.free_count > SPARE) {
        table.free_first = used_slot(index)->use.next_free;
        table.free_count--;
        return index;
    }
    if (table.used == table.slots && !grow()) return -1;
    /* Consecutive slots are not adjacent in memory, so that two threads that each use a new id do not share a cache
     * line. */
    index = table.used++;
    return (index & ~63) | (index & 7) << 3 | (index >> 3 & 7);
}

void cleat_object_init(struct cleat_object *object, int32_t kind,
                       void (*destroy)(struct cleat_object *object)) {
    object->kind = kind;
    atomic_init(&object->references, 1);
    atomic_init(&object->closed, false);
    atomic_init(&object->waiting, 0);
    object->id = 0;
    object->slot = NULL;
    object->destroy = destroy;
    object->interrupt = NULL;
}

void cleat_object_ref(struct cleat_object *object) {
    atomic_fetch_add_explicit(&object->references, 1, memory_order_relaxed);
}

void cleat_object_unref(struct cleat_object *object) {
    if (atomic_fetch_sub_explicit(&object->references, 1, memory_order_acq_rel) == 1) {
        CLEAT_NO_CANCEL(); /* it may close a descriptor */
        object->destroy(object);
    }
}

/* The waiting call increments the count and then reads closed; cleat_close sets closed and then reads the count. So
 * at least one of the two sees what the other has written. */
bool cleat_object_wait_begin(struct cleat_object *object) {
    atomic_fetch_add(&object->waiting, 1);
    if (!atomic_load(&object->closed)) return true;
    atomic_fetch_sub(&object->waiting, 1);
    return false;
}

void cleat_object_wait_end(struct cleat_object *object) {
    atomic_fetch_sub(&object->waiting, 1);
}

int32_t cleat_handle_open(struct cleat_object *object) {
    struct cleat_slot *slot;
    int32_t index;
    int32_t generation;
    pthread_mutex_lock(&table.lock);
    index = pop_free();
    pthread_mutex_unlock(&table.lock);
    if (index < 0) {
        cleat_object_unref(object);
        return cleat_fail_nomem();
    }
    slot = used_slot(index);
    generation = GENERATION(atomic_load_explicit(&slot->word, memory_order_relaxed));
    if (generation == 0) generation = 1; /* never used */
    slot->use.object = object;
    object->slot = slot;
    object->id = generation << INDEX_BITS | index;
    index = object->id; /* as soon as it is open, another thread may close it */
    atomic_fetch_add_explicit(&table.open, 1, memory_order_relaxed);
    atomic_store_explicit(&slot->word, WORD(generation, OPEN_BIT, object->kind),
                          memory_order_release);
    return index;
}

static void retire(struct cleat_slot *slot, uint64_t word) {
    struct cleat_object *object = slot->use.object;
    int32_t generation = GENERATION(word) == GENERATIONS ? 1 : GENERATION(word) + 1;
    pthread_mutex_lock(&table.lock);
    atomic_store_explicit(&slot->word, WORD(generation, 0, 0), memory_order_release);
    free_list_append(slot, index_of(object->id));
    pthread_mutex_unlock(&table.lock);
    cleat_object_unref(object);
}

static void unpin(struct cleat_slot *slot) {
    uint64_t before = atomic_fetch_sub_explicit(&slot->word, ONE_PIN, memory_order_acq_rel);
    if (PINS(before) == 1 && (before & OPEN_BIT) == 0) retire(slot, before);
}

/* pin adds a pin to an open id's slot, and clears the bits of clear in the same step. */
static struct cleat_slot *pin(int32_t id, int32_t kind, uint64_t clear) {
    struct cleat_slot *slot = id > 0 ? slot_at(index_of(id)) : NULL;
    uint64_t word;
    if (slot == NULL) return NULL;
    word = atomic_load_explicit(&slot->word, memory_order_relaxed);
    do {
        if (GENERATION(word) != id >> INDEX_BITS || (word & OPEN_BIT) == 0) return NULL;
        if (kind != 0 && KIND(word) != kind) return NULL;
    } while (!atomic_compare_exchange_weak_explicit(&slot->word, &word, (word + ONE_PIN) & ~clear,
                                                    memory_order_acquire, memory_order_relaxed));
    return slot;
}

void cleat_handle_ref(struct cleat_object *object) {
    pthread_mutex_lock(&table.references);
    cleat_object_ref(object);
    pthread_mutex_unlock(&table.references);
}

/* A reference is added only by a call that has pinned the slot, and under the lock. So if there is one reference,
 * and then one pin, there is no other user, and none can appear. The word changes only on success: if the call
 * fails, the id has been open all the time. */
int32_t cleat_handle_detach(struct cleat_object *object) {
    struct cleat_slot *slot = object->slot;
    uint64_t word;
    bool alone;
    bool taken = false;
    pthread_mutex_lock(&table.references);
    alone = atomic_load(&object->references) == 1;
    word = atomic_load(&slot->word);
    while (alone && !taken && PINS(word) == 1 && (word & OPEN_BIT) != 0) {
        taken = atomic_compare_exchange_weak(&slot->word, &word, word & ~OPEN_BIT);
    }
    pthread_mutex_unlock(&table.references);
    if (taken) {
        atomic_fetch_sub_explicit(&table.open, 1, memory_order_relaxed);
        return CLEAT_OK;
    }
    if ((word & OPEN_BIT) == 0) return cleat_fail_closed();
    return cleat_fail_usage(0, "the object is in use by another object or thread");
}

static const char *kind_name(int32_t kind) {
    switch (kind) {
        case CLEAT_KIND_SOCKET: return "socket";
        case CLEAT_KIND_ADDRINFO: return "address list";
        case CLEAT_KIND_CONTEXT: return "context";
        case CLEAT_KIND_CONNECTION: return "connection";
        case CLEAT_KIND_CERTIFICATE: return "certificate";
        case CLEAT_KIND_RESOLUTION: return "resolution";
        case CLEAT_KIND_WATCH: return "watch";
        case CLEAT_KIND_VERIFICATION: return "verification";
        case CLEAT_KIND_SESSION: return "session";
        case CLEAT_KIND_EPOLL: return "epoll instance";
        case CLEAT_KIND_ECH_KEY: return "ECH key";
        default: return "object";
    }
}

int32_t cleat_handle_find(int32_t id, int32_t kind, struct cleat_object **object) {
    struct cleat_slot *slot = pin(id, kind, 0);
    if (slot == NULL) {
        return cleat_fail(CLEAT_HANDLE, 0, "%d is not the id of an open %s", (int)id,
                          kind_name(kind));
    }
    *object = slot->use.object;
    return CLEAT_OK;
}

void cleat_handle_done(struct cleat_object *object) {
    unpin(object->slot);
}

int32_t cleat_close(int32_t id) {
    CLEAT_NO_CANCEL();
    struct cleat_slot *slot = pin(id, 0, OPEN_BIT);
    struct cleat_object *object;
    if (slot == NULL) return CLEAT_STATUS(CLEAT_HANDLE, 0);
    object = slot->use.object;
    atomic_fetch_sub_explicit(&table.open, 1, memory_order_relaxed);
    atomic_store(&object->closed, true);
    if (object->interrupt != NULL && atomic_load(&object->waiting) > 0) object->interrupt(object);
    unpin(slot);
    return CLEAT_OK;
}

int32_t cleat_kind(int32_t id) {
    CLEAT_NO_CANCEL();
    struct cleat_object *object = NULL;
    int32_t kind;
    int32_t status = cleat_handle_find(id, 0, &object);
    if (object == NULL) return status;
    kind = object->kind;
    cleat_handle_done(object);
    return kind;
}

int32_t cleat_handle_count(void) {
    return atomic_load_explicit(&table.open, memory_order_relaxed);
}
