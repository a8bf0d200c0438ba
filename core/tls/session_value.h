/* session_value.h: the form in which a session is in a caller's store. */
#ifndef CLEAT_CORE_SESSION_VALUE_H
#define CLEAT_CORE_SESSION_VALUE_H

#include "tls/ticket_key.h"

enum {
    CLEAT_SESSION_KEY = SSL3_SSL_SESSION_ID_LENGTH, /* bytes of the key that it is stored under */
    CLEAT_SESSION_VALUE_OVERHEAD = 64 /* more than a value has beside the session */
};

/* cleat_session_value_seal writes the value for a session to value, which has room for len bytes and the overhead, and
 * returns its length, or 0 if memory lacks. If the ticket keys are shared ones the newest encrypts it. */
size_t cleat_session_value_seal(struct cleat_ticket_keys *keys,
                                const uint8_t name[CLEAT_SESSION_KEY], const uint8_t *session,
                                size_t len, uint8_t *value);

/* cleat_session_value_open writes the session to session, which has room for len bytes, and returns its length; 0 if
 * the value is not what was stored under that key, or by keys that are not accepted. */
size_t cleat_session_value_open(struct cleat_ticket_keys *keys,
                                const uint8_t name[CLEAT_SESSION_KEY], const uint8_t *value,
                                size_t len, uint8_t *session);

#endif
