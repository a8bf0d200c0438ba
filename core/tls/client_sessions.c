/* client_sessions.c: a hash table of sessions, which are also linked in the order of their last use. */
#include "tls/client_sessions.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

enum {
    PER_SERVER = 4,
    BUCKETS_MIN = 16, /* powers of 2 */
    BUCKETS_MAX = 4096,
    TICKET_MAX = 16 * 1024 /* bytes; limits the memory that a server can occupy */
};

struct entry {
    struct entry *next; /* in its bucket, newest first; or in a list of removed entries */
    struct entry *newer; /* in the order of use */
    struct entry *older;
    SSL_SESSION *session;
    int64_t since; /* when the session was made; both times are of the wall clock */
    int64_t until;
    pid_t process; /* the process that has stored it: a forked one must not use it as well */
    uint32_t hash;
    bool single_use;
    size_t key_len;
    char key[];
};

struct cleat_client_sessions {
    atomic_int references;
    pthread_mutex_t lock; /* for the fields below */
    uint32_t epoch;
    atomic_int capacity; /* read without the lock as well */
    int32_t count;
    uint32_t bucket_count;
    struct entry **buckets; /* NULL until the first session */
    struct entry *newest;
    struct entry *oldest;
};

struct cleat_client_sessions *cleat_client_sessions_new(void) {
    struct cleat_client_sessions *made = cleat_allocate(sizeof *made);
    if (made == NULL) return NULL;
    atomic_init(&made->references, 1);
    pthread_mutex_init(&made->lock, NULL);
    return made;
}

struct cleat_client_sessions *cleat_client_sessions_ref(struct cleat_client_sessions *cache) {
    atomic_fetch_add_explicit(&cache->references, 1, memory_order_relaxed);
    return cache;
}

/* Removed entries are collected under the lock, and freed after it is released. */
static void free_entries(struct entry *removed) {
    while (removed != NULL) {
        struct entry *next = removed->next;
        SSL_SESSION_free(removed->session);
        cleat_release(removed);
        removed = next;
    }
}

static struct entry **bucket_of(const struct cleat_client_sessions *cache, uint32_t hash) {
    return &cache->buckets[hash & (cache->bucket_count - 1)];
}

static void unlink_use(struct cleat_client_sessions *cache, struct entry *entry) {
    *(entry->newer != NULL ? &entry->newer->older : &cache->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &cache->oldest) = entry->newer;
}

static void link_use(struct cleat_client_sessions *cache, struct entry *entry) {
    entry->newer = NULL;
    entry->older = cache->newest;
    *(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = entry;
    cache->newest = entry;
}

static void remove_entry(struct cleat_client_sessions *cache, struct entry *entry,
                         struct entry **removed) {
    struct entry **link = bucket_of(cache, entry->hash);
    while (*link != entry) link = &(*link)->next;
    *link = entry->next;
    unlink_use(cache, entry);
    cache->count--;
    entry->next = *removed;
    *removed = entry;
}

static void remove_all(struct cleat_client_sessions *cache, struct entry **removed) {
    while (cache->oldest != NULL) remove_entry(cache, cache->oldest, removed);
}

void cleat_client_sessions_unref(struct cleat_client_sessions *cache) {
    struct entry *removed = NULL;
    if (cache == NULL) return;
    if (atomic_fetch_sub_explicit(&cache->references, 1, memory_order_acq_rel) > 1) return;
    remove_all(cache, &removed);
    free_entries(removed);
    cleat_release(cache->buckets);
    pthread_mutex_destroy(&cache->lock);
    cleat_release(cache);
}

void cleat_client_sessions_empty(struct cleat_client_sessions *cache) {
    struct entry *removed = NULL;
    pthread_mutex_lock(&cache->lock);
    cache->epoch++;
    remove_all(cache, &removed);
    pthread_mutex_unlock(&cache->lock);
    free_entries(removed);
}

uint32_t cleat_client_sessions_epoch(struct cleat_client_sessions *cache) {
    uint32_t epoch;
    pthread_mutex_lock(&cache->lock);
    epoch = cache->epoch;
    pthread_mutex_unlock(&cache->lock);
    return epoch;
}

static uint32_t buckets_for(int32_t capacity) {
    uint32_t count = BUCKETS_MIN;
    while (count < (uint32_t)capacity && count < BUCKETS_MAX) count *= 2;
    return count;
}

void cleat_client_sessions_limit(struct cleat_client_sessions *cache, int32_t capacity) {
    struct entry *removed = NULL;
    struct entry **buckets;
    pthread_mutex_lock(&cache->lock);
    remove_all(cache, &removed);
    cache->capacity = capacity;
    cache->bucket_count = buckets_for(capacity);
    buckets = cache->buckets;
    cache->buckets = NULL;
    pthread_mutex_unlock(&cache->lock);
    cleat_release(buckets);
    free_entries(removed);
}

int32_t cleat_client_sessions_capacity(struct cleat_client_sessions *cache) {
    return cache->capacity;
}

/* FNV-1a. The keys come from the caller, not from a peer, so that collisions cannot be provoked. */
static uint32_t hash_of(const struct cleat_server_key *key) {
    uint32_t hash = 2166136261u;
    size_t i;
    for (i = 0; i < key->len; i++) hash = (hash ^ (uint8_t)key->bytes[i]) * 16777619u;
    return hash;
}

static bool is_of(const struct entry *entry, const struct cleat_server_key *key, uint32_t hash) {
    return entry->hash == hash && entry->key_len == key->len &&
           memcmp(entry->key, key->bytes, key->len) == 0;
}

/* If the clock was set back to before the session was made, the session is not used. */
static bool has_ended(const struct entry *entry, int64_t now) {
    return now + 1 < entry->since || now >= entry->until;
}

/* NULL if an allocation failed, or the session must not be stored. */
static struct entry *make_entry(const struct cleat_server_key *key, SSL_SESSION *session,
                                int64_t until) {
    int64_t made = (int64_t)SSL_SESSION_get_time(session);
    int64_t end = made + (int64_t)SSL_SESSION_get_timeout(session);
    unsigned long hint = SSL_SESSION_get_ticket_lifetime_hint(session);
    const uint8_t *ticket = NULL;
    size_t ticket_len = 0;
    struct entry *entry;
    SSL_SESSION_get0_ticket(session, &ticket, &ticket_len);
    if (ticket_len > TICKET_MAX) return NULL;
    entry = cleat_allocate(sizeof *entry + key->len);
    if (entry == NULL) return NULL;
    if (hint != 0 && made + (int64_t)hint < end) end = made + (int64_t)hint;
    entry->session = session;
    entry->since = made;
    entry->until = end < until ? end : until;
    entry->process = getpid();
    entry->hash = hash_of(key);
    entry->single_use = SSL_SESSION_should_be_single_use(session) == 1;
    entry->key_len = key->len;
    memcpy(entry->key, key->bytes, key->len);
    SSL_SESSION_up_ref(session);
    return entry;
}

/* Removes expired sessions among the least recently used ones, and as many sessions as exceed the limits. */
static void make_room(struct cleat_client_sessions *cache, const struct cleat_server_key *key,
                      const struct entry *added, int64_t now, struct entry **removed) {
    struct entry *entry = cache->buckets == NULL ? NULL : *bucket_of(cache, added->hash);
    struct entry *last = NULL;
    int count = 0;
    for (; entry != NULL; entry = entry->next) {
        if (!is_of(entry, key, added->hash)) continue;
        count++;
        last = entry;
    }
    if (count >= PER_SERVER) remove_entry(cache, last, removed);
    while (cache->oldest != NULL &&
           (cache->count >= cache->capacity || has_ended(cache->oldest, now))) {
        remove_entry(cache, cache->oldest, removed);
    }
}

static bool has_buckets(struct cleat_client_sessions *cache) {
    if (cache->buckets == NULL && cache->capacity > 0) {
        cache->buckets = cleat_allocate(cache->bucket_count * sizeof *cache->buckets);
    }
    return cache->buckets != NULL;
}

void cleat_client_sessions_put(struct cleat_client_sessions *cache, uint32_t epoch,
                               const struct cleat_server_key *key, SSL_SESSION *session,
                               int64_t until) {
    int64_t now = cleat_wall_clock();
    struct entry *entry = make_entry(key, session, until);
    struct entry *removed = NULL;
    bool stored = false;
    if (entry == NULL) return;
    pthread_mutex_lock(&cache->lock);
    if (epoch == cache->epoch && !has_ended(entry, now) && has_buckets(cache)) {
        struct entry **bucket = bucket_of(cache, entry->hash);
        make_room(cache, key, entry, now, &removed);
        entry->next = *bucket;
        *bucket = entry;
        link_use(cache, entry);
        cache->count++;
        stored = true;
    }
    pthread_mutex_unlock(&cache->lock);
    free_entries(removed);
    if (!stored) free_entries(entry);
}

SSL_SESSION *cleat_client_sessions_take(struct cleat_client_sessions *cache, uint32_t epoch,
                                        const struct cleat_server_key *key) {
    int64_t now = cleat_wall_clock();
    uint32_t hash = hash_of(key);
    pid_t process = getpid();
    struct entry *removed = NULL;
    struct entry *found = NULL;
    struct entry *entry;
    SSL_SESSION *session = NULL;
    bool single_use = false;
    pthread_mutex_lock(&cache->lock);
    entry = cache->buckets == NULL || epoch != cache->epoch ? NULL : *bucket_of(cache, hash);
    while (entry != NULL && found == NULL) {
        struct entry *next = entry->next;
        if (is_of(entry, key, hash)) {
            if (has_ended(entry, now) || entry->process != process) {
                remove_entry(cache, entry, &removed);
            } else {
                found = entry;
            }
        }
        entry = next;
    }
    if (found != NULL) {
        session = found->session;
        single_use = found->single_use;
        unlink_use(cache, found);
        link_use(cache, found);
        if (single_use) {
            remove_entry(cache, found, &removed);
            found->session = NULL; /* the caller takes over the reference */
        } else {
            SSL_SESSION_up_ref(session); /* an atomic increment */
        }
    }
    pthread_mutex_unlock(&cache->lock);
    free_entries(removed);
    return session;
}

void cleat_client_sessions_remove(struct cleat_client_sessions *cache,
                                  const struct cleat_server_key *key, const SSL_SESSION *session) {
    uint32_t hash = hash_of(key);
    struct entry *removed = NULL;
    struct entry *entry;
    pthread_mutex_lock(&cache->lock);
    entry = cache->buckets == NULL ? NULL : *bucket_of(cache, hash);
    while (entry != NULL) {
        struct entry *next = entry->next;
        if (is_of(entry, key, hash) && (session == NULL || entry->session == session)) {
            remove_entry(cache, entry, &removed);
        }
        entry = next;
    }
    pthread_mutex_unlock(&cache->lock);
    free_entries(removed);
}
