/* session_cache.h: a server's sessions of TLS 1.2 and less that are not in tickets, by their ids.
 *
 * All configurations of a context have the same cache, so that a session survives a change of
 * settings. Whether it may resume is decided by its session id context, not here. */
#ifndef CLEAT_CORE_SESSION_CACHE_H
#define CLEAT_CORE_SESSION_CACHE_H

#include <stdbool.h>

#include "base/boringssl.h"

struct cleat_session_cache;

struct cleat_session_cache *cleat_session_cache_new(void); /* NULL if memory lacks */
void cleat_session_cache_free(struct cleat_session_cache *cache); /* NULL is none */

/* cleat_session_cache_store takes a reference if it returns true. It does not if memory lacks, or if the
 * session has no id. The oldest sessions give way. */
bool cleat_session_cache_store(struct cleat_session_cache *cache, SSL_SESSION *session);

/* cleat_session_cache_find returns a reference to the session with that id, or NULL; it sets *expired if there is one,
 * and its time is over. */
SSL_SESSION *cleat_session_cache_find(struct cleat_session_cache *cache, const uint8_t *id,
                                      size_t id_len, bool *expired);

/* cleat_session_has_expired returns whether the time of a session is over. */
bool cleat_session_has_expired(const SSL_SESSION *session);

int32_t cleat_session_cache_count(struct cleat_session_cache *cache);

/* cleat_session_cache_displaced returns how many sessions gave way before their time was over. */
int32_t cleat_session_cache_displaced(struct cleat_session_cache *cache);

#endif
