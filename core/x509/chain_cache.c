/* chain_cache.c: a table of a fixed size, 64 KiB, in sets of four entries. The key's first byte chooses the set; the
 * oldest entry of a set is replaced.
 *
 * Each set has its own spin lock, held while four entries are compared or one is written. A thread that cannot
 * acquire it after TRIES attempts continues as if there were no entry. If the process was forked while another
 * thread held a lock, that set stays locked in the child and is not used. */
#include "x509/chain_cache.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

enum { SETS = 256, ENTRIES = 4, TRIES = 1000 };

struct entry {
    uint8_t key[CLEAT_DIGEST];
    struct cleat_chain_moment since;
    int64_t until; /* 0 in an unused entry */
};

struct set {
    atomic_flag locked;
    struct entry entries[ENTRIES];
};

static struct set sets[SETS];

struct cleat_chain_moment cleat_chain_moment_now(void) {
    struct timespec monotonic;
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    return (struct cleat_chain_moment){cleat_wall_clock(), (int64_t)monotonic.tv_sec};
}

static bool try_lock(struct set *set) {
    int i;
    for (i = 0; i < TRIES; i++) {
        if (!atomic_flag_test_and_set_explicit(&set->locked, memory_order_acquire)) return true;
    }
    return false;
}

static void unlock(struct set *set) {
    atomic_flag_clear_explicit(&set->locked, memory_order_release);
}

static struct entry *find(struct set *set, const uint8_t key[CLEAT_DIGEST]) {
    int i;
    for (i = 0; i < ENTRIES; i++) {
        if (memcmp(set->entries[i].key, key, CLEAT_DIGEST) == 0) return &set->entries[i];
    }
    return NULL;
}

/* If the wall clock was set back to before the verification, the entry is not valid: its certificates may not be
 * valid yet. */
static bool is_valid(const struct entry *entry, struct cleat_chain_moment now, int32_t seconds) {
    int64_t wall_age = now.wall - entry->since.wall;
    int64_t age = now.monotonic - entry->since.monotonic;
    return now.wall < entry->until && wall_age >= 0 && wall_age < seconds && age >= 0 &&
           age < seconds;
}

bool cleat_chain_cache_has(const uint8_t key[CLEAT_DIGEST], struct cleat_chain_moment now,
                           int32_t seconds, int64_t *until) {
    struct set *set = &sets[key[0]];
    const struct entry *entry;
    bool found;
    if (!try_lock(set)) return false;
    entry = find(set, key);
    found = entry != NULL && is_valid(entry, now, seconds);
    if (found) *until = entry->until;
    unlock(set);
    return found;
}

/* The entry to replace: the one with this key, or else the oldest. */
static struct entry *find_victim(struct set *set, const uint8_t key[CLEAT_DIGEST]) {
    struct entry *chosen = find(set, key);
    int i;
    if (chosen != NULL) return chosen;
    chosen = &set->entries[0];
    for (i = 0; i < ENTRIES && chosen->until != 0; i++) {
        struct entry *entry = &set->entries[i];
        if (entry->until == 0 || entry->since.monotonic < chosen->since.monotonic) chosen = entry;
    }
    return chosen;
}

void cleat_chain_cache_add(const uint8_t key[CLEAT_DIGEST], struct cleat_chain_moment since,
                           int64_t until) {
    struct set *set = &sets[key[0]];
    struct entry *entry;
    if (until <= since.wall || !try_lock(set)) return;
    entry = find_victim(set, key);
    memcpy(entry->key, key, CLEAT_DIGEST);
    entry->since = since;
    entry->until = until;
    unlock(set);
}
