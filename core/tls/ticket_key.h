/* ticket_key.h: the keys that encrypt a server's session tickets (RFC 5077 section 4): random ones, those that the
 * caller has set, or those of a period of time, derived from the caller's secret. */
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

/* Its functions may be called by any thread: it has a lock. */
struct cleat_ticket_keys;

struct cleat_ticket_keys *cleat_ticket_keys_new(void); /* NULL if memory lacks */
void cleat_ticket_keys_free(struct cleat_ticket_keys *keys); /* NULL is none */

/* The setters are those of cleat/session_store.h; bytes or secrets NULL is absent. CLEAT_USAGE; CLEAT_NOMEM. */
int32_t cleat_ticket_keys_set(struct cleat_ticket_keys *keys, const char *bytes, int32_t len);
int32_t cleat_ticket_keys_set_secrets(struct cleat_ticket_keys *keys, const char *secrets,
                                      int32_t len, int32_t period);
void cleat_ticket_keys_set_timeout(struct cleat_ticket_keys *keys, int32_t seconds);

/* cleat_ticket_keys_are_shared returns whether others may have the keys: the caller has set them. */
bool cleat_ticket_keys_are_shared(struct cleat_ticket_keys *keys);

/* cleat_ticket_keys_newest copies the key that encrypts now; false if memory lacks. */
bool cleat_ticket_keys_newest(struct cleat_ticket_keys *keys, struct cleat_ticket_key *key);

/* cleat_ticket_keys_find copies the key of that name, if a ticket of it is accepted now. */
enum cleat_ticket_match cleat_ticket_keys_find(struct cleat_ticket_keys *keys,
                                               const uint8_t name[SSL_TICKET_KEY_NAME_LEN],
                                               struct cleat_ticket_key *key);

#endif
