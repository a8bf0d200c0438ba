/* sessions.h: the mutable state of a context that is not part of its configurations: the keys of a server's session
 * tickets, its cache of sessions without tickets, and the counters of cleat_context_session_stats. All
 * configurations of a context share it, so that sessions survive a change of settings. */
#ifndef CLEAT_CORE_SESSIONS_H
#define CLEAT_CORE_SESSIONS_H

#include <stdbool.h>

#include "base/boringssl.h"
#include "cleat/context.h"
#include "tls/session_cache.h"
#include "tls/ticket_key.h"

/* The counters of cleat_context_chain_cache_stats follow those of CLEAT_STAT_*. */
enum { CLEAT_CHAIN_HITS = CLEAT_STAT_CACHE_FULL + 1, CLEAT_CHAIN_MISSES, CLEAT_COUNTERS };

struct cleat_sessions;

struct cleat_sessions *cleat_sessions_new(void); /* NULL if an allocation failed */
struct cleat_sessions *cleat_sessions_ref(struct cleat_sessions *sessions);
void cleat_sessions_unref(struct cleat_sessions *sessions); /* does nothing for NULL */

/* cleat_sessions_count increments the counter CLEAT_STAT_* or CLEAT_CHAIN_*. */
void cleat_sessions_count(struct cleat_sessions *sessions, int32_t which);
int32_t cleat_sessions_stat(const struct cleat_sessions *sessions, int32_t which);

/* cleat_sessions_cache returns the cache, which sessions owns. */
struct cleat_session_cache *cleat_sessions_cache(const struct cleat_sessions *sessions);

/* cleat_sessions_keys returns the ticket keys, which sessions owns. */
struct cleat_ticket_keys *cleat_sessions_keys(const struct cleat_sessions *sessions);

/* cleat_sessions_ticket_key implements the callback of SSL_CTX_set_tlsext_ticket_key_cb. */
int cleat_sessions_ticket_key(struct cleat_sessions *sessions, uint8_t *name, uint8_t *iv,
                              EVP_CIPHER_CTX *cipher, HMAC_CTX *hmac, bool encrypt);

#endif
