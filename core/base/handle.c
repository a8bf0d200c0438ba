/* handle.c: the table of ids.
 *
 * An id is a generation (11 bits, never 0) above an index (20 bits) into segments of slots
 * that are never moved or freed. A slot's state is one word: how many calls use its object
 * (the pins), the object's kind, whether the id is open, and the generation. Finding is one
 * compare-and-swap that counts a pin up if the rest is as the id says; so a slot cannot be
 * re-used under a call. Who takes the last pin of a closed slot away retires it: the
 * generation grows, the slot goes to the end of the free list, and the object is dropped. The
 * list is first in, first out, so that an old id is not soon a new object's. */
#include "base/handle.h"

#include <pthread.h>

#include "base/memory.h"

enum {
    INDEX_BITS = 20,
    SEGMENT_BITS = 9,
    SEGMENT_SLOTS = 1 << SEGMENT_BITS,
    SEGMENTS = 1 << (INDEX_BITS - SEGMENT_BITS),
    GENERATIONS = 1 << (31 - INDEX_BITS)
};

struct cleat_slot {
    _Atomic uint64_t word;
    union {
        struct cleat_object *object; /* while the id is open or pinned */
        struct cleat_slot *next_free; /* otherwise */
    } use;
};

#define PINS(word) ((uint32_t)(word))
#define ONE_PIN ((uint64_t)1)
#define KIND(word) ((int32_t)(((word) >> 32) & 0xff))
#define OPEN_BIT ((uint64_t)1 << 40)
#define GENERATION(word) ((int32_t)((word) >> 41))
#define WORD(generation, open, kind)                                                               \
    (((uint64_t)(generation) << 41) | (open) | ((uint64_t)(kind) << 32))

/* The first segment needs no allocation, so that few ids cost none. */
static struct cleat_slot first_segment[SEGMENT_SLOTS];

static struct {
    _Atomic(struct cleat_slot *) segments[SEGMENTS];
    atomic_int open;
    pthread_mutex_t lock; /* for what follows */
    int used_segments;
    struct cleat_slot *free_first;
    struct cleat_slot *free_last;
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void free_list_append(struct cleat_slot *slot) {
    slot->use.next_free = NULL;
    if (table.free_last == NULL) {
        table.free_first = slot;
    } else {
        table.free_last->use.next_free = slot;
    }
    table.free_last = slot;
}

static bool grow(void) {
    struct cleat_slot *segment = first_segment;
    int step;
    int i;
    if (table.used_segments == SEGMENTS) return false;
    if (table.used_segments > 0) {
        segment = cleat_allocate(sizeof(struct cleat_slot) * SEGMENT_SLOTS);
        if (segment == NULL) return false;
    }
    /* Neighbours in the list are not neighbours in memory, so that two threads that each use a
     * fresh id do not share a cache line. */
    for (step = 0; step < 8; step++) {
        for (i = step; i < SEGMENT_SLOTS; i += 8) {
            atomic_init(&segment[i].word, WORD(1, 0, 0));
            free_list_append(&segment[i]);
        }
    }
    atomic_store_explicit(&table.segments[table.used_segments], segment, memory_order_release);
    table.used_segments++;
    return true;
}

static int32_t slot_index(const struct cleat_slot *slot) {
    int segment;
    for (segment = 0; segment < table.used_segments; segment++) {
        const struct cleat_slot *first =
            atomic_load_explicit(&table.segments[segment], memory_order_relaxed);
        if (slot >= first && slot < first + SEGMENT_SLOTS) {
            return segment * SEGMENT_SLOTS + (int32_t)(slot - first);
        }
    }
    return -1;
}

static struct cleat_slot *slot_of(int32_t id) {
    int32_t index = id & ((1 << INDEX_BITS) - 1);
    struct cleat_slot *segment;
    if (id <= 0) return NULL;
    segment = atomic_load_explicit(&table.segments[index >> SEGMENT_BITS], memory_order_acquire);
    return segment == NULL ? NULL : &segment[index & (SEGMENT_SLOTS - 1)];
}

void cleat_object_init(struct cleat_object *object, int32_t kind,
                       void (*destroy)(struct cleat_object *object)) {
    object->kind = kind;
    atomic_init(&object->holders, 1);
    atomic_init(&object->closed, false);
    atomic_init(&object->waiting, 0);
    object->slot = NULL;
    object->destroy = destroy;
    object->interrupt = NULL;
}

void cleat_object_hold(struct cleat_object *object) {
    atomic_fetch_add_explicit(&object->holders, 1, memory_order_relaxed);
}

void cleat_object_drop(struct cleat_object *object) {
    if (atomic_fetch_sub_explicit(&object->holders, 1, memory_order_acq_rel) == 1) {
        object->destroy(object);
    }
}

/* The waiter counts itself and then looks at closed; cleat_close sets closed and then looks at
 * the count. Whichever comes second sees the other. */
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
    int32_t id = 0;
    pthread_mutex_lock(&table.lock);
    if (table.free_first == NULL && !grow()) {
        pthread_mutex_unlock(&table.lock);
        cleat_object_drop(object);
        return cleat_fail_nomem();
    }
    slot = table.free_first;
    table.free_first = slot->use.next_free;
    if (table.free_first == NULL) table.free_last = NULL;
    id = slot_index(slot);
    pthread_mutex_unlock(&table.lock);

    id |= GENERATION(atomic_load_explicit(&slot->word, memory_order_relaxed)) << INDEX_BITS;
    slot->use.object = object;
    object->slot = slot;
    atomic_fetch_add_explicit(&table.open, 1, memory_order_relaxed);
    atomic_store_explicit(&slot->word, WORD(id >> INDEX_BITS, OPEN_BIT, object->kind),
                          memory_order_release);
    return id;
}

static void retire(struct cleat_slot *slot, uint64_t word) {
    struct cleat_object *object = slot->use.object;
    int32_t generation = GENERATION(word) + 1;
    if (generation == GENERATIONS) generation = 1;
    pthread_mutex_lock(&table.lock);
    atomic_store_explicit(&slot->word, WORD(generation, 0, 0), memory_order_release);
    free_list_append(slot);
    pthread_mutex_unlock(&table.lock);
    cleat_object_drop(object);
}

static void unpin(struct cleat_slot *slot) {
    uint64_t before = atomic_fetch_sub_explicit(&slot->word, ONE_PIN, memory_order_acq_rel);
    if (PINS(before) == 1 && (before & OPEN_BIT) == 0) retire(slot, before);
}

/* pin counts a pin up on an open id's slot, and clears the bits of clear in the same step. */
static struct cleat_slot *pin(int32_t id, int32_t kind, uint64_t clear) {
    struct cleat_slot *slot = slot_of(id);
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

bool cleat_handle_take(struct cleat_object *object) {
    struct cleat_slot *slot = object->slot;
    uint64_t word = atomic_load(&slot->word);
    if (PINS(word) != 1 || (word & OPEN_BIT) == 0) return false;
    if (!atomic_compare_exchange_strong(&slot->word, &word, word & ~OPEN_BIT)) return false;
    if (atomic_load(&object->holders) != 1) {
        /* Someone took hold just before. The pin is still ours, so the id can be opened again. */
        atomic_fetch_or(&slot->word, OPEN_BIT);
        return false;
    }
    atomic_fetch_sub_explicit(&table.open, 1, memory_order_relaxed);
    return true;
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
