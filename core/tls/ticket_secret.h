/* ticket_secret.h: derives ticket keys from a secret, one for each period of time. */
#ifndef CLEAT_CORE_TICKET_SECRET_H
#define CLEAT_CORE_TICKET_SECRET_H

#include "tls/ticket_key.h"

enum { CLEAT_TICKET_SECRET_ID = 8 };

/* A secret, after HKDF-Extract. */
struct cleat_ticket_secret {
    uint8_t id[CLEAT_TICKET_SECRET_ID];
    uint8_t prk[SHA256_DIGEST_LENGTH];
    int32_t period; /* in seconds; the keys depend on it */
};

/* cleat_ticket_secrets_parse parses the secrets of cleat_context_set_ticket_secrets, returns their number, and
 * stores an array of them, which the caller owns. CLEAT_USAGE; CLEAT_NOMEM. */
int32_t cleat_ticket_secrets_parse(const char *bytes, int32_t len, int32_t period,
                                   struct cleat_ticket_secret **secrets);

/* cleat_ticket_secret_key derives the key of the period with a number. Returns false if an allocation failed. */
bool cleat_ticket_secret_key(const struct cleat_ticket_secret *secret, int64_t number,
                             struct cleat_ticket_key *key);

/* cleat_ticket_secret_has returns whether the key with that name is derived from the secret, and
 * cleat_ticket_secret_number returns the number of the key's period. */
bool cleat_ticket_secret_has(const struct cleat_ticket_secret *secret,
                             const uint8_t name[SSL_TICKET_KEY_NAME_LEN]);
int64_t cleat_ticket_secret_number(const uint8_t name[SSL_TICKET_KEY_NAME_LEN]);

#endif
