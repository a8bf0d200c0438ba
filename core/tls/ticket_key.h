/* ticket_key.h: the keys that encrypt a server's session tickets (RFC 5077 section 4): random keys, keys that the
 * caller has set, or keys that are derived from the caller's secrets for each period of time. */
#ifndef CLEAT_CORE_TICKET_KEY_H
#define CLEAT_CORE_TICKET_KEY_H

#include <stdbool.h>

#include "base/boringssl.h"
#include "cleat/session_store.h"

struct cleat_ticket_key {
    uint8_t name[SSL_TICKET_KEY_NAME_LEN];
    uint8_t hmac[32];
    uint8_t aes[32];
};

enum cleat_ticket_match { CLEAT_TICKET_UNKNOWN, CLEAT_TICKET_OLDER, CLEAT_TICKET_NEWEST };

/* Thread-safe: it has its own lock. */
struct cleat_ticket_keys;

struct cleat_ticket_keys *cleat_ticket_keys_new(void); /* NULL if an allocation failed */
void cleat_ticket_keys_free(struct cleat_ticket_keys *keys); /* does nothing for NULL */

/* The setters implement those of cleat/session_store.h; bytes and secrets are NULL if absent. CLEAT_OK; CLEAT_USAGE;
 * CLEAT_NOMEM. */
int32_t cleat_ticket_keys_set(struct cleat_ticket_keys *keys, const char *bytes, int32_t len);
int32_t cleat_ticket_keys_set_secrets(struct cleat_ticket_keys *keys, const char *secrets,
                                      int32_t len, int32_t period);
void cleat_ticket_keys_set_timeout(struct cleat_ticket_keys *keys, int32_t seconds);

/* cleat_ticket_keys_are_shared returns whether the caller has set keys or secrets, which other contexts and machines
 * may have, too. */
bool cleat_ticket_keys_are_shared(struct cleat_ticket_keys *keys);

/* cleat_ticket_keys_newest copies the key that encrypts now. Returns false if an allocation failed. */
bool cleat_ticket_keys_newest(struct cleat_ticket_keys *keys, struct cleat_ticket_key *key);

/* cleat_ticket_keys_find copies the key with that name, if tickets of the key are accepted now. */
enum cleat_ticket_match cleat_ticket_keys_find(struct cleat_ticket_keys *keys,
                                               const uint8_t name[SSL_TICKET_KEY_NAME_LEN],
                                               struct cleat_ticket_key *key);

#endif
