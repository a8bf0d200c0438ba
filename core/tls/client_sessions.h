/* client_sessions.h: a context's cache of client sessions.
 *
 * The key of a session is its server: host name and port. Everything else on which a session depends (trust, verify
 * mode and flags, certificates, versions, cipher suites, application protocols) belongs to the context: each change
 * of a setting empties the cache and begins a new epoch. A connection whose configuration is of an earlier epoch
 * neither finds nor stores sessions.
 *
 * The cache's lock is not held during calls of BoringSSL, except to increment a reference count. */
#ifndef CLEAT_CORE_CLIENT_SESSIONS_H
#define CLEAT_CORE_CLIENT_SESSIONS_H

#include <stdbool.h>

#include "base/boringssl.h"

struct cleat_client_sessions;

/* The key of a server. */
struct cleat_server_key {
    size_t len;
    char bytes[2 + 255]; /* the port, and the host name in lower case */
};

struct cleat_client_sessions *cleat_client_sessions_new(void); /* NULL if an allocation failed */
struct cleat_client_sessions *cleat_client_sessions_ref(struct cleat_client_sessions *cache);
void cleat_client_sessions_unref(struct cleat_client_sessions *cache); /* does nothing for NULL */

/* cleat_client_sessions_empty begins a new epoch, and cleat_client_sessions_epoch returns the present one. */
void cleat_client_sessions_empty(struct cleat_client_sessions *cache);
uint32_t cleat_client_sessions_epoch(struct cleat_client_sessions *cache);

/* cleat_client_sessions_limit sets the maximum number of sessions, 0 for none, and empties the cache. */
void cleat_client_sessions_limit(struct cleat_client_sessions *cache, int32_t capacity);
int32_t cleat_client_sessions_capacity(struct cleat_client_sessions *cache);

/* cleat_client_sessions_put stores a session, to which it takes a reference, until `until` by the wall clock; it
 * does nothing if the capacity is 0 or an allocation failed. It evicts the least recently used sessions, and the
 * oldest of a server that has four. */
void cleat_client_sessions_put(struct cleat_client_sessions *cache, uint32_t epoch,
                               const struct cleat_server_key *key, SSL_SESSION *session,
                               int64_t until);

/* cleat_client_sessions_take returns a reference to the newest session of a server, or NULL. A TLS 1.3 session is
 * for a single use, and is removed. */
SSL_SESSION *cleat_client_sessions_take(struct cleat_client_sessions *cache, uint32_t epoch,
                                        const struct cleat_server_key *key);

/* cleat_client_sessions_remove removes one session of a server, or all of them if session is NULL. */
void cleat_client_sessions_remove(struct cleat_client_sessions *cache,
                                  const struct cleat_server_key *key, const SSL_SESSION *session);

#endif
