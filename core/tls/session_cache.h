/* session_cache.h: a server's sessions of TLS 1.2 and earlier without tickets, by their ids.
 *
 * All configurations of a context share one cache, so that sessions survive a change of settings. Whether a session
 * may resume depends on its session id context, not on the cache. */
#ifndef CLEAT_CORE_SESSION_CACHE_H
#define CLEAT_CORE_SESSION_CACHE_H

#include <stdbool.h>

#include "base/boringssl.h"

struct cleat_session_cache;

struct cleat_session_cache *cleat_session_cache_new(void); /* NULL if an allocation failed */
void cleat_session_cache_free(struct cleat_session_cache *cache); /* does nothing for NULL */

/* cleat_session_cache_store stores a session and returns true if it has taken over the reference. It returns false
 * if the session has no id or is already stored, or an allocation failed. If the cache is full, it evicts the oldest
 * sessions. */
bool cleat_session_cache_store(struct cleat_session_cache *cache, SSL_SESSION *session);

/* cleat_session_cache_find returns a reference to the session with that id, or NULL. If the session has expired, it
 * sets *expired and returns NULL. */
SSL_SESSION *cleat_session_cache_find(struct cleat_session_cache *cache, const uint8_t *id,
                                      size_t id_len, bool *expired);

/* cleat_session_has_expired returns whether a session has expired, or was made in the future. */
bool cleat_session_has_expired(const SSL_SESSION *session);

int32_t cleat_session_cache_count(struct cleat_session_cache *cache);

/* cleat_session_cache_displaced returns how many sessions were evicted before they had expired. */
int32_t cleat_session_cache_displaced(struct cleat_session_cache *cache);

#endif
