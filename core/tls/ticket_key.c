/* ticket_key.c: random keys, keys that the caller has set, and derived keys. A random key encrypts for as long as
 * BoringSSL's own would, and is then accepted for the same time, or for the session timeout if that is longer. Keys of
 * a secret are derived each time they are needed, so that no state has to change when a period ends. */
#include "tls/ticket_key.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "tls/ticket_secret.h"

#define RANDOM_LIFETIME ((int64_t)SSL_DEFAULT_TICKET_KEY_ROTATION_INTERVAL) /* seconds */

enum { KEY_BYTES = sizeof(struct cleat_ticket_key) };

_Static_assert(KEY_BYTES == CLEAT_TICKET_KEY_SIZE, "a key has no padding");

struct random_key {
    struct cleat_ticket_key key;
    int64_t made; /* when it was generated, in seconds of the monotonic clock */
    bool exists;
};

struct cleat_ticket_keys {
    pthread_mutex_t lock; /* for the fields below */
    struct random_key newest;
    struct random_key previous;
    struct cleat_ticket_key *set; /* NULL unless the caller has set keys */
    int32_t set_count;
    struct cleat_ticket_secret *secrets; /* NULL unless the caller has set secrets */
    int32_t secret_count;
    int32_t period;
    int32_t timeout; /* 0 for the default */
};

struct cleat_ticket_keys *cleat_ticket_keys_new(void) {
    struct cleat_ticket_keys *made = cleat_allocate(sizeof *made);
    if (made != NULL) pthread_mutex_init(&made->lock, NULL);
    return made;
}

void cleat_ticket_keys_free(struct cleat_ticket_keys *keys) {
    if (keys == NULL) return;
    cleat_release(keys->set);
    cleat_release(keys->secrets);
    pthread_mutex_destroy(&keys->lock);
    cleat_release(keys);
}

/* Replaces keys and secrets. Takes over set and secrets, which may be NULL. */
static void replace(struct cleat_ticket_keys *keys, struct cleat_ticket_key *set, int32_t set_count,
                    struct cleat_ticket_secret *secrets, int32_t secret_count, int32_t period) {
    struct cleat_ticket_key *old_set;
    struct cleat_ticket_secret *old_secrets;
    pthread_mutex_lock(&keys->lock);
    old_set = keys->set;
    old_secrets = keys->secrets;
    keys->set = set;
    keys->set_count = set_count;
    keys->secrets = secrets;
    keys->secret_count = secret_count;
    keys->period = period;
    /* Old random keys must not be used again if the caller removes its keys. */
    OPENSSL_cleanse(&keys->newest, sizeof keys->newest);
    OPENSSL_cleanse(&keys->previous, sizeof keys->previous);
    pthread_mutex_unlock(&keys->lock);
    cleat_release(old_set);
    cleat_release(old_secrets);
}

static bool has_name_twice(const char *bytes, int32_t count) {
    int32_t i;
    int32_t k;
    for (i = 0; i < count; i++) {
        for (k = 0; k < i; k++) {
            if (memcmp(bytes + (size_t)i * KEY_BYTES, bytes + (size_t)k * KEY_BYTES,
                       SSL_TICKET_KEY_NAME_LEN) == 0) {
                return true;
            }
        }
    }
    return false;
}

int32_t cleat_ticket_keys_set(struct cleat_ticket_keys *keys, const char *bytes, int32_t len) {
    struct cleat_ticket_key *set = NULL;
    int32_t count = len / KEY_BYTES;
    if (bytes != NULL) {
        if (len == 0 || len % KEY_BYTES != 0 || count > CLEAT_TICKET_KEY_COUNT_MAX) {
            return cleat_fail_usage(2, "keys have %d bytes each, and there are 1 to %d", KEY_BYTES,
                                    CLEAT_TICKET_KEY_COUNT_MAX);
        }
        if (has_name_twice(bytes, count)) {
            return cleat_fail_usage(2, "two keys begin with the same 16 bytes, their name");
        }
        set = cleat_allocate((size_t)len);
        if (set == NULL) return cleat_fail_nomem();
        memcpy(set, bytes, (size_t)len);
    }
    replace(keys, set, count, NULL, 0, 0);
    return CLEAT_OK;
}

int32_t cleat_ticket_keys_set_secrets(struct cleat_ticket_keys *keys, const char *secrets,
                                      int32_t len, int32_t period) {
    struct cleat_ticket_secret *made = NULL;
    int32_t count = 0;
    if (period < 1 || period > CLEAT_TICKET_SECRET_PERIOD_MAX) {
        return cleat_fail_usage(4, "period is %d, not in 1 to %d", period,
                                CLEAT_TICKET_SECRET_PERIOD_MAX);
    }
    if (secrets != NULL) {
        count = cleat_ticket_secrets_parse(secrets, len, period, &made);
        if (count < 0) return count;
    }
    replace(keys, NULL, 0, made, count, period);
    return CLEAT_OK;
}

void cleat_ticket_keys_set_timeout(struct cleat_ticket_keys *keys, int32_t seconds) {
    pthread_mutex_lock(&keys->lock);
    keys->timeout = seconds;
    pthread_mutex_unlock(&keys->lock);
}

bool cleat_ticket_keys_are_shared(struct cleat_ticket_keys *keys) {
    bool shared;
    pthread_mutex_lock(&keys->lock);
    shared = keys->set != NULL || keys->secrets != NULL;
    pthread_mutex_unlock(&keys->lock);
    return shared;
}

/* The static functions below must be called with the lock held. */

/* How long sessions of the context can be resumed at most, in seconds. */
static int64_t longest(const struct cleat_ticket_keys *keys) {
    return keys->timeout > 0 ? keys->timeout : SSL_DEFAULT_SESSION_PSK_DHE_TIMEOUT;
}

static int64_t monotonic(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec;
}

static int64_t number_of(const struct cleat_ticket_keys *keys, int64_t seconds) {
    return (seconds < 0 ? 0 : seconds) / keys->period;
}

static enum cleat_ticket_match find_derived(const struct cleat_ticket_keys *keys,
                                            const uint8_t *name, struct cleat_ticket_key *key) {
    int64_t now = cleat_wall_clock();
    int64_t current = number_of(keys, now);
    int64_t oldest = number_of(keys, now - longest(keys));
    int64_t number = cleat_ticket_secret_number(name);
    int32_t i;
    if (number < oldest || number > current + 1) return CLEAT_TICKET_UNKNOWN;
    for (i = 0; i < keys->secret_count; i++) {
        if (!cleat_ticket_secret_has(&keys->secrets[i], name)) continue;
        if (!cleat_ticket_secret_key(&keys->secrets[i], number, key)) return CLEAT_TICKET_UNKNOWN;
        return i == 0 && number >= current ? CLEAT_TICKET_NEWEST : CLEAT_TICKET_OLDER;
    }
    return CLEAT_TICKET_UNKNOWN;
}

static bool has_name(const struct cleat_ticket_key *key, const uint8_t *name) {
    return CRYPTO_memcmp(key->name, name, sizeof key->name) == 0;
}

static enum cleat_ticket_match find_set(const struct cleat_ticket_keys *keys, const uint8_t *name,
                                        struct cleat_ticket_key *key) {
    int32_t i;
    for (i = 0; i < keys->set_count; i++) {
        if (!has_name(&keys->set[i], name)) continue;
        *key = keys->set[i];
        return i == 0 ? CLEAT_TICKET_NEWEST : CLEAT_TICKET_OLDER;
    }
    return CLEAT_TICKET_UNKNOWN;
}

static void renew(struct cleat_ticket_keys *keys, int64_t time) {
    struct random_key *newest = &keys->newest;
    if (newest->exists && time - newest->made < RANDOM_LIFETIME) return;
    keys->previous = *newest;
    RAND_bytes((uint8_t *)&newest->key, sizeof newest->key);
    newest->made = time;
    newest->exists = true;
}

static enum cleat_ticket_match find_random(struct cleat_ticket_keys *keys, const uint8_t *name,
                                           struct cleat_ticket_key *key) {
    int64_t time = monotonic();
    int64_t after = longest(keys) > RANDOM_LIFETIME ? longest(keys) : RANDOM_LIFETIME;
    const struct random_key *previous = &keys->previous;
    renew(keys, time);
    if (has_name(&keys->newest.key, name)) {
        *key = keys->newest.key;
        return CLEAT_TICKET_NEWEST;
    }
    if (!previous->exists || time - previous->made >= RANDOM_LIFETIME + after ||
        !has_name(&previous->key, name)) {
        return CLEAT_TICKET_UNKNOWN;
    }
    *key = previous->key;
    return CLEAT_TICKET_OLDER;
}

bool cleat_ticket_keys_newest(struct cleat_ticket_keys *keys, struct cleat_ticket_key *key) {
    bool done = true;
    pthread_mutex_lock(&keys->lock);
    if (keys->set != NULL) {
        *key = keys->set[0];
    } else if (keys->secrets != NULL) {
        done = cleat_ticket_secret_key(&keys->secrets[0], number_of(keys, cleat_wall_clock()), key);
    } else {
        renew(keys, monotonic());
        *key = keys->newest.key;
    }
    pthread_mutex_unlock(&keys->lock);
    return done;
}

enum cleat_ticket_match cleat_ticket_keys_find(struct cleat_ticket_keys *keys,
                                               const uint8_t name[SSL_TICKET_KEY_NAME_LEN],
                                               struct cleat_ticket_key *key) {
    enum cleat_ticket_match match;
    pthread_mutex_lock(&keys->lock);
    match = keys->set != NULL       ? find_set(keys, name, key)
            : keys->secrets != NULL ? find_derived(keys, name, key)
                                    : find_random(keys, name, key);
    pthread_mutex_unlock(&keys->lock);
    return match;
}
