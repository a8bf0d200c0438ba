/* session_store.h: a server's sessions: how many tickets its clients get, how long they resume, by which keys the
 * tickets are encrypted, and sessions that are kept in a store of the caller's.
 *
 * A session of a server stands for what its client was verified with: it resumes only in a context that verifies
 * clients with the same trust, mode and flags (see cleat/context.h), whatever is set here. So contexts and machines
 * may share ticket keys and stores.
 *
 * Where a connection switches its context at the server name, keys, timeouts, numbers and stores are those of the
 * context that it was made from. */
#ifndef CLEAT_SESSION_STORE_H
#define CLEAT_SESSION_STORE_H

#include "cleat/base.h"

/* CLEAT_TICKETS_* are numbers of tickets, for cleat_context_set_num_tickets. */
#define CLEAT_TICKETS_DEFAULT 2 /* a new context's */
#define CLEAT_TICKETS_MAX 4 /* the most there can be */

/* cleat_context_num_tickets returns how many session tickets a server sends after a full or resumed handshake with
 * TLS 1.3. */
CLEAT_API int32_t cleat_context_num_tickets(int32_t context);

/* cleat_context_set_num_tickets returns CLEAT_OK and sets that. count: 0 to CLEAT_TICKETS_MAX; with 0 no session of
 * TLS 1.3 is resumed. */
CLEAT_API int32_t cleat_context_set_num_tickets(int32_t context, int32_t count);

/* CLEAT_SESSION_TIMEOUT_MAX is the longest session timeout in seconds: seven days (RFC 8446 section 4.6.1). */
#define CLEAT_SESSION_TIMEOUT_MAX 604800

/* cleat_context_session_timeout returns the number of seconds for which a server's session can be resumed; 0 in a new
 * context: two hours with TLS 1.2 and earlier, two days with TLS 1.3. */
CLEAT_API int32_t cleat_context_session_timeout(int32_t context);

/* cleat_context_set_session_timeout returns CLEAT_OK and sets that for the sessions of later handshakes. seconds: 0
 * to CLEAT_SESSION_TIMEOUT_MAX. */
CLEAT_API int32_t cleat_context_set_session_timeout(int32_t context, int32_t seconds);

/* CLEAT_SESSION_ID_CONTEXT_MAX is the length of the longest session id context that a caller can set. */
#define CLEAT_SESSION_ID_CONTEXT_MAX 32

/* cleat_context_session_id_context returns the length of the bytes that cleat_context_set_session_id_context has set,
 * and copies them to output; 0 in a new context. */
CLEAT_API int32_t cleat_context_session_id_context(int32_t context, CLEAT_BINARY char *output,
                                                   int32_t output_cap);

/* cleat_context_set_session_id_context returns CLEAT_OK and binds a server's sessions to these bytes: they resume
 * only where the same are set. They add to what a session is bound to in any case: what clients are verified with.
 * data: 1 to CLEAT_SESSION_ID_CONTEXT_MAX bytes; absent: none. */
CLEAT_API int32_t cleat_context_set_session_id_context(int32_t context,
                                                       CLEAT_ABSENT const char *data,
                                                       int32_t data_len);

/* CLEAT_TICKET_KEY_* are for cleat_context_set_ticket_keys. */
#define CLEAT_TICKET_KEY_SIZE 80 /* bytes: name 16, for HMAC-SHA256 32, for AES-256 32 */
#define CLEAT_TICKET_KEY_COUNT_MAX 16 /* the most keys there can be */

/* cleat_context_set_ticket_keys returns CLEAT_OK and encrypts the session tickets of servers of the context with the
 * first key; a ticket that any of them has encrypted is accepted. A client of TLS 1.2 whose ticket is not the first
 * key's gets a new one; with TLS 1.3 each handshake gives new ones. Connections that are open go on with the new
 * keys. keys: a multiple of CLEAT_TICKET_KEY_SIZE bytes, the newest key first; absent: random keys of the context's
 * own, which change every two days. DANGEROUS are keys that are kept for long, or that others can read: they decrypt
 * tickets, and with those what connections of TLS 1.2 have sent. CLEAT_USAGE for another length, and for two keys of
 * one name. */
CLEAT_API int32_t cleat_context_set_ticket_keys(int32_t context, CLEAT_ABSENT const char *keys,
                                                int32_t keys_len);

/* CLEAT_TICKET_SECRET_* are for cleat_context_set_ticket_secrets. */
#define CLEAT_TICKET_SECRET_MIN 32 /* bytes of the shortest secret */
#define CLEAT_TICKET_SECRET_COUNT_MAX 16 /* the most secrets there can be */
#define CLEAT_TICKET_SECRET_PERIOD_MAX 604800 /* the longest period, in seconds */

/* cleat_context_set_ticket_secrets returns CLEAT_OK and derives the ticket keys from a secret and the time: each
 * period of the wall clock has its own key, the first secret's encrypts, and those of all secrets are accepted for
 * as long as the session timeout allows, and one period ahead for clocks that differ. So machines with the same
 * secrets accept each other's tickets, and change the key at the same time. secrets: each behind its length in two
 * bytes, big-endian, the newest first; absent: random keys. period: 1 to CLEAT_TICKET_SECRET_PERIOD_MAX seconds.
 * DANGEROUS is a secret that is not random, or that others can read: it decrypts the tickets of all periods.
 * CLEAT_USAGE for secrets of less than CLEAT_TICKET_SECRET_MIN bytes, more than CLEAT_TICKET_SECRET_COUNT_MAX, and
 * bytes in another form. */
CLEAT_API int32_t cleat_context_set_ticket_secrets(int32_t context,
                                                   CLEAT_ABSENT const char *secrets,
                                                   int32_t secrets_len, int32_t period);

/* CLEAT_SESSIONS_* say where a server's sessions are, for cleat_context_set_session_events. */
#define CLEAT_SESSIONS_OWN 0 /* in tickets; those without tickets in the context's cache */
#define CLEAT_SESSIONS_STORED 1 /* in a store of the caller's */
#define CLEAT_SESSIONS_SINGLE_USE 2 /* likewise; those of TLS 1.3 are removed once resumed */

/* cleat_context_set_session_events returns CLEAT_OK and lets the handshakes of servers return CLEAT_WANT_SESSION:
 * when a client offers a session, and at the end, when there are sessions to store. Tickets are then names of what
 * is stored, and hold no secret. What is to be stored is asked for before the client is sent the last of what it
 * needs to come again; over memory, drain after the answers. on: CLEAT_SESSIONS_*. */
CLEAT_API int32_t cleat_context_set_session_events(int32_t context, int32_t on);

/* CLEAT_SESSION_QUESTION_* are what a connection that has returned CLEAT_WANT_SESSION asks. */
#define CLEAT_SESSION_QUESTION_NONE 0 /* it does not wait for an answer */
#define CLEAT_SESSION_QUESTION_GET 1 /* the session of a key */
#define CLEAT_SESSION_QUESTION_PUT 2 /* to store a session under a key */
#define CLEAT_SESSION_QUESTION_REMOVE 3 /* to remove the session of a key */
#define CLEAT_SESSION_QUESTION_ADD 4 /* to store a key that is not there yet; of early data */

/* cleat_connection_session_question returns the CLEAT_SESSION_QUESTION_* of the connection. */
CLEAT_API int32_t cleat_connection_session_question(int32_t connection);

/* cleat_connection_wanted_session returns the length of the key that the question is about, 32 bytes, and copies it
 * to output. CLEAT_USAGE if there is no question. */
CLEAT_API int32_t cleat_connection_wanted_session(int32_t connection, CLEAT_BINARY char *output,
                                                  int32_t output_cap);

/* cleat_connection_stored_session returns the length of the session that is to be stored under the key, and copies
 * it to output; it stores for how many seconds it can be resumed. The bytes hold the session's secret, unless the
 * context has ticket keys or a ticket secret of the caller's: those encrypt them then, and machines need the same
 * ones. lifetime must not be NULL. For CLEAT_SESSION_QUESTION_ADD it is 0, and the lifetime is the key's.
 * CLEAT_USAGE for other questions. DANGEROUS is a store that others can read, or write to, without such keys: they
 * can decrypt connections of TLS 1.2, or pose as any client. */
CLEAT_API int32_t cleat_connection_stored_session(int32_t connection, CLEAT_BINARY char *output,
                                                  int32_t output_cap, int32_t *lifetime);

/* cleat_connection_answer_session returns CLEAT_OK and lets the handshake go on at the next call, or asks the next
 * question: see cleat_connection_session_question. data: what is stored under the key; for
 * CLEAT_SESSION_QUESTION_ADD any bytes if the key was stored now, and was not there before; absent: nothing, and for
 * the other questions. Early data (cleat/early_data.h) is refused where that answer is absent; the store must look
 * for the key and store it in one step, or an attacker can have early data accepted twice. Bytes that are not what
 * was stored under the key count as nothing, and the handshake is a full one. CLEAT_USAGE if there is no question,
 * and for data where the question is neither CLEAT_SESSION_QUESTION_GET nor CLEAT_SESSION_QUESTION_ADD. */
CLEAT_API int32_t cleat_connection_answer_session(int32_t connection, CLEAT_ABSENT const char *data,
                                                  int32_t data_len);

#endif
