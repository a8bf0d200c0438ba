/* session_value.h: the encoding of sessions in the caller's store. */
#ifndef CLEAT_CORE_SESSION_VALUE_H
#define CLEAT_CORE_SESSION_VALUE_H

#include "tls/ticket_key.h"

enum {
    /* Length of the key under which a session is stored. */
    CLEAT_SESSION_KEY = SSL3_SSL_SESSION_ID_LENGTH,
    /* At least the difference of the lengths of value and session. */
    CLEAT_SESSION_VALUE_OVERHEAD = 64
};

/* cleat_session_value_seal encodes a session to value, a buffer of len + CLEAT_SESSION_VALUE_OVERHEAD bytes, and
 * returns the length, or 0 if an allocation failed. If the ticket keys are shared, it encrypts with the newest. */
size_t cleat_session_value_seal(struct cleat_ticket_keys *keys,
                                const uint8_t name[CLEAT_SESSION_KEY], const uint8_t *session,
                                size_t len, uint8_t *value);

/* cleat_session_value_open decodes a value to session, a buffer of len bytes, and returns the length; 0 if the value
 * was not stored under that key, or is encrypted with a key that is not accepted. */
size_t cleat_session_value_open(struct cleat_ticket_keys *keys,
                                const uint8_t name[CLEAT_SESSION_KEY], const uint8_t *value,
                                size_t len, uint8_t *session);

#endif
