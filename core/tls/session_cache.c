/* session_cache.c: a hash table of sessions, which are also linked in the order in which they were stored. */
#include "tls/session_cache.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"

enum {
    BUCKETS = 4096, /* a power of 2 */
    SESSIONS_MAX = 1024 * 20 /* as in BoringSSL's own cache */
};

struct entry {
    struct entry *next; /* in its bucket */
    struct entry *newer;
    SSL_SESSION *session;
};

struct cleat_session_cache {
    pthread_mutex_t lock; /* for the fields below */
    struct entry **buckets; /* NULL until the first session */
    struct entry *oldest;
    struct entry *newest;
    int32_t count;
    int32_t displaced;
};

struct cleat_session_cache *cleat_session_cache_new(void) {
    struct cleat_session_cache *made = cleat_allocate(sizeof *made);
    if (made != NULL) pthread_mutex_init(&made->lock, NULL);
    return made;
}

/* The ids are random bytes of this server, so their first bytes are a good hash. */
static struct entry **bucket_of(const struct cleat_session_cache *cache, const uint8_t *id,
                                size_t id_len) {
    uint32_t hash = 0;
    memcpy(&hash, id, id_len < sizeof hash ? id_len : sizeof hash);
    return &cache->buckets[hash % BUCKETS];
}

static bool has_id(const struct entry *entry, const uint8_t *id, size_t id_len) {
    unsigned len;
    const uint8_t *own = SSL_SESSION_get_id(entry->session, &len);
    return len == id_len && memcmp(own, id, id_len) == 0;
}

static struct entry *find(const struct cleat_session_cache *cache, const uint8_t *id,
                          size_t id_len) {
    struct entry *entry = cache->buckets == NULL ? NULL : *bucket_of(cache, id, id_len);
    while (entry != NULL && !has_id(entry, id, id_len)) entry = entry->next;
    return entry;
}

static void remove_oldest(struct cleat_session_cache *cache) {
    struct entry *entry = cache->oldest;
    unsigned len;
    const uint8_t *id = SSL_SESSION_get_id(entry->session, &len);
    struct entry **link = bucket_of(cache, id, len);
    while (*link != entry) link = &(*link)->next;
    *link = entry->next;
    cache->oldest = entry->newer;
    if (cache->oldest == NULL) cache->newest = NULL;
    cache->count--;
    SSL_SESSION_free(entry->session);
    cleat_release(entry);
}

void cleat_session_cache_free(struct cleat_session_cache *cache) {
    if (cache == NULL) return;
    while (cache->oldest != NULL) remove_oldest(cache);
    cleat_release(cache->buckets);
    pthread_mutex_destroy(&cache->lock);
    cleat_release(cache);
}

bool cleat_session_has_expired(const SSL_SESSION *session) {
    uint64_t now = (uint64_t)cleat_wall_clock();
    uint64_t made = SSL_SESSION_get_time(session);
    return now < made || now - made >= SSL_SESSION_get_timeout(session);
}

static bool make_room(struct cleat_session_cache *cache) {
    while (cache->oldest != NULL) {
        bool expired = cleat_session_has_expired(cache->oldest->session);
        if (cache->count < SESSIONS_MAX && !expired) break;
        if (!expired && cache->displaced < INT32_MAX) cache->displaced++;
        remove_oldest(cache);
    }
    if (cache->buckets == NULL) cache->buckets = cleat_allocate(BUCKETS * sizeof *cache->buckets);
    return cache->buckets != NULL;
}

static bool append(struct cleat_session_cache *cache, SSL_SESSION *session, const uint8_t *id,
                   size_t id_len) {
    struct entry *entry = cleat_allocate(sizeof *entry);
    struct entry **bucket = bucket_of(cache, id, id_len);
    if (entry == NULL) return false;
    entry->session = session;
    entry->next = *bucket;
    *bucket = entry;
    if (cache->newest != NULL) {
        cache->newest->newer = entry;
    } else {
        cache->oldest = entry;
    }
    cache->newest = entry;
    cache->count++;
    return true;
}

bool cleat_session_cache_store(struct cleat_session_cache *cache, SSL_SESSION *session) {
    unsigned len;
    const uint8_t *id = SSL_SESSION_get_id(session, &len);
    bool stored = false;
    if (len == 0) return false;
    pthread_mutex_lock(&cache->lock);
    /* BoringSSL reports a resumed session again: it is already stored. */
    if (find(cache, id, len) == NULL) stored = make_room(cache) && append(cache, session, id, len);
    pthread_mutex_unlock(&cache->lock);
    return stored;
}

SSL_SESSION *cleat_session_cache_find(struct cleat_session_cache *cache, const uint8_t *id,
                                      size_t id_len, bool *expired) {
    struct entry *entry;
    SSL_SESSION *found = NULL;
    pthread_mutex_lock(&cache->lock);
    entry = find(cache, id, id_len);
    if (entry != NULL && cleat_session_has_expired(entry->session)) {
        *expired = true;
    } else if (entry != NULL) {
        found = entry->session;
        SSL_SESSION_up_ref(found);
    }
    pthread_mutex_unlock(&cache->lock);
    return found;
}

int32_t cleat_session_cache_count(struct cleat_session_cache *cache) {
    int32_t count;
    pthread_mutex_lock(&cache->lock);
    count = cache->count;
    pthread_mutex_unlock(&cache->lock);
    return count;
}

int32_t cleat_session_cache_displaced(struct cleat_session_cache *cache) {
    int32_t displaced;
    pthread_mutex_lock(&cache->lock);
    displaced = cache->displaced;
    pthread_mutex_unlock(&cache->lock);
    return displaced;
}
