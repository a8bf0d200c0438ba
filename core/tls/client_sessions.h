/* client_sessions.h: a context's cache of the sessions that its clients may resume.
 *
 * A session is found by its server: host name and port. All else that it depends on (trust, verify mode and flags,
 * certificates, versions, cipher suites, application protocols) is the context's: each change of a setting empties the
 * cache, and begins a new epoch. A connection with the configuration of an earlier epoch neither finds nor stores.
 *
 * The cache has a lock, which is not held while BoringSSL is called, but to count a reference. */
#ifndef CLEAT_CORE_CLIENT_SESSIONS_H
#define CLEAT_CORE_CLIENT_SESSIONS_H

#include <stdbool.h>

#include "base/boringssl.h"

struct cleat_client_sessions;

/* A server, as a key. */
struct cleat_server_key {
    size_t len;
    char bytes[2 + 255]; /* the port, and the host name in lower case */
};

struct cleat_client_sessions *cleat_client_sessions_new(void); /* NULL if memory lacks */
struct cleat_client_sessions *cleat_client_sessions_ref(struct cleat_client_sessions *cache);
void cleat_client_sessions_unref(struct cleat_client_sessions *cache); /* NULL is none */

/* cleat_client_sessions_empty begins a new epoch, and cleat_client_sessions_epoch returns the present one. */
void cleat_client_sessions_empty(struct cleat_client_sessions *cache);
uint32_t cleat_client_sessions_epoch(struct cleat_client_sessions *cache);

/* cleat_client_sessions_limit sets how many sessions it has at most, 0 for none, and empties it. */
void cleat_client_sessions_limit(struct cleat_client_sessions *cache, int32_t capacity);
int32_t cleat_client_sessions_capacity(struct cleat_client_sessions *cache);

/* cleat_client_sessions_put stores a session with a separate reference, until `until` by the wall clock. It does not if
 * there is no room, or memory lacks. The least recently used sessions give way; a server has four at most. */
void cleat_client_sessions_put(struct cleat_client_sessions *cache, uint32_t epoch,
                               const struct cleat_server_key *key, SSL_SESSION *session,
                               int64_t until);

/* cleat_client_sessions_take returns a reference to the newest session of a server, or NULL. One of TLS 1.3 is for one
 * use, and is removed. */
SSL_SESSION *cleat_client_sessions_take(struct cleat_client_sessions *cache, uint32_t epoch,
                                        const struct cleat_server_key *key);

/* cleat_client_sessions_remove removes one session of a server, or, if it is NULL, all of them. */
void cleat_client_sessions_remove(struct cleat_client_sessions *cache,
                                  const struct cleat_server_key *key, const SSL_SESSION *session);

#endif
