/* session_store.h: a server's sessions: the number of tickets, the session timeout, the keys that encrypt tickets,
 * and sessions in a store of the caller.
 *
 * A server's session resumes only in a context that verifies clients with the same trusted certificates, mode and
 * flags as when it was made (see cleat/context.h), whatever is set here. So several contexts and machines may share
 * ticket keys and stores.
 *
 * If cleat_connection_set_context switches a connection's context after the handshake has begun, these settings
 * remain those of the context with which the connection was made. */
#ifndef CLEAT_SESSION_STORE_H
#define CLEAT_SESSION_STORE_H

#include "cleat/base.h"

/* CLEAT_TICKETS_* are numbers of tickets, for cleat_context_set_num_tickets. */
#define CLEAT_TICKETS_DEFAULT 2 /* in a new context */
#define CLEAT_TICKETS_MAX 4 /* the maximum */

/* cleat_context_num_tickets returns how many session tickets a server sends after a TLS 1.3 handshake, full or
 * resumed. */
CLEAT_API int32_t cleat_context_num_tickets(int32_t context);

/* cleat_context_set_num_tickets returns CLEAT_OK and sets that number. count: 0 to CLEAT_TICKETS_MAX; with 0,
 * clients cannot resume TLS 1.3 sessions. */
CLEAT_API int32_t cleat_context_set_num_tickets(int32_t context, int32_t count);

/* CLEAT_SESSION_TIMEOUT_MAX is the maximum session timeout in seconds: seven days (RFC 8446 section 4.6.1). */
#define CLEAT_SESSION_TIMEOUT_MAX 604800

/* cleat_context_session_timeout returns how many seconds a server's session can be resumed. 0, as in a new context,
 * is the default: two hours with TLS 1.2 and earlier, two days with TLS 1.3. */
CLEAT_API int32_t cleat_context_session_timeout(int32_t context);

/* cleat_context_set_session_timeout returns CLEAT_OK and sets the timeout of the sessions of later connections.
 * seconds: 0 to CLEAT_SESSION_TIMEOUT_MAX; 0 is the default. */
CLEAT_API int32_t cleat_context_set_session_timeout(int32_t context, int32_t seconds);

/* CLEAT_SESSION_ID_CONTEXT_MAX is the maximum length of a session id context, in bytes. */
#define CLEAT_SESSION_ID_CONTEXT_MAX 32

/* cleat_context_session_id_context returns the length of the session id context that
 * cleat_context_set_session_id_context has set, and copies it to output; 0 in a new context. */
CLEAT_API int32_t cleat_context_session_id_context(int32_t context, CLEAT_BINARY char *output,
                                                   int32_t output_cap);

/* cleat_context_set_session_id_context returns CLEAT_OK and sets the session id context: a server's sessions resume
 * only in contexts with the same one. The requirement that clients are verified with the same settings still
 * applies. data: 1 to CLEAT_SESSION_ID_CONTEXT_MAX bytes; absent: none. */
CLEAT_API int32_t cleat_context_set_session_id_context(int32_t context,
                                                       CLEAT_ABSENT const char *data,
                                                       int32_t data_len);

/* CLEAT_TICKET_KEY_* are for cleat_context_set_ticket_keys. */
#define CLEAT_TICKET_KEY_SIZE 80 /* bytes: name 16, for HMAC-SHA256 32, for AES-256 32 */
#define CLEAT_TICKET_KEY_COUNT_MAX 16 /* the maximum number of keys */

/* cleat_context_set_ticket_keys returns CLEAT_OK and sets the keys of session tickets: servers of the context
 * encrypt tickets with the first key, and accept tickets that any of the keys has encrypted. A TLS 1.2 client whose
 * ticket was encrypted with another key than the first gets a new ticket; TLS 1.3 servers send new tickets after
 * each handshake. Open connections use the new keys, too. keys: a multiple of CLEAT_TICKET_KEY_SIZE bytes, the
 * newest key first; absent: random keys, which the context replaces every two days. DANGEROUS with keys that are
 * used for a long time, or that others can read: they decrypt tickets, and thereby TLS 1.2 connections. CLEAT_USAGE
 * for another length, for more than CLEAT_TICKET_KEY_COUNT_MAX keys, and for two keys with the same name. */
CLEAT_API int32_t cleat_context_set_ticket_keys(int32_t context, CLEAT_ABSENT const char *keys,
                                                int32_t keys_len);

/* CLEAT_TICKET_SECRET_* are for cleat_context_set_ticket_secrets. */
#define CLEAT_TICKET_SECRET_MIN 32 /* the minimum length of a secret in bytes */
#define CLEAT_TICKET_SECRET_COUNT_MAX 16 /* the maximum number of secrets */
#define CLEAT_TICKET_SECRET_PERIOD_MAX 604800 /* the maximum period in seconds */

/* cleat_context_set_ticket_secrets returns CLEAT_OK and makes the context derive its ticket keys from secrets and
 * the time: each secret has a key for each period of the wall clock. Servers encrypt tickets with the first secret's
 * key of the present period, and accept tickets of the keys of all secrets, for earlier periods within the session
 * timeout, and for one later period in case clocks differ. So machines with the same secrets accept each other's
 * tickets, and change the key at the same time. secrets: each preceded by its length in two bytes, big-endian, the
 * newest first; absent: random keys. period: 1 to CLEAT_TICKET_SECRET_PERIOD_MAX seconds. DANGEROUS with a secret
 * that is not random, or that others can read: it decrypts the tickets of all periods. CLEAT_USAGE for secrets of
 * less than CLEAT_TICKET_SECRET_MIN bytes, for more than CLEAT_TICKET_SECRET_COUNT_MAX of them, and for a malformed
 * list. */
CLEAT_API int32_t cleat_context_set_ticket_secrets(int32_t context,
                                                   CLEAT_ABSENT const char *secrets,
                                                   int32_t secrets_len, int32_t period);

/* CLEAT_SESSIONS_* select where a server's sessions are stored, for cleat_context_set_session_events. */
#define CLEAT_SESSIONS_OWN 0 /* in tickets; sessions without tickets in the context's cache */
#define CLEAT_SESSIONS_STORED 1 /* in a store of the caller */
#define CLEAT_SESSIONS_SINGLE_USE 2 /* likewise; a TLS 1.3 session is removed once it is resumed */

/* cleat_context_set_session_events returns CLEAT_OK and selects where the sessions of servers are stored. With a
 * store of the caller, their handshakes return CLEAT_WANT_SESSION when a client offers a session, and at the end,
 * when there are sessions to store. Tickets then contain only the key under which a session is stored, and no
 * secret. The caller stores sessions before the client receives their tickets; over memory, call
 * cleat_connection_drain after the answers only. on: CLEAT_SESSIONS_*. */
CLEAT_API int32_t cleat_context_set_session_events(int32_t context, int32_t on);

/* CLEAT_SESSION_QUESTION_* are the requests of a connection that has returned CLEAT_WANT_SESSION. */
#define CLEAT_SESSION_QUESTION_NONE 0 /* the connection does not wait for an answer */
#define CLEAT_SESSION_QUESTION_GET 1 /* get the session that is stored under a key */
#define CLEAT_SESSION_QUESTION_PUT 2 /* store a session under a key */
#define CLEAT_SESSION_QUESTION_REMOVE 3 /* remove the session that is stored under a key */
#define CLEAT_SESSION_QUESTION_ADD 4 /* store a key unless it is stored already; for early data */

/* cleat_connection_session_question returns the CLEAT_SESSION_QUESTION_* of the connection. */
CLEAT_API int32_t cleat_connection_session_question(int32_t connection);

/* cleat_connection_wanted_session returns the length of the key of the request, 32 bytes, and copies it to output.
 * CLEAT_USAGE without a request. */
CLEAT_API int32_t cleat_connection_wanted_session(int32_t connection, CLEAT_BINARY char *output,
                                                  int32_t output_cap);

/* cleat_connection_stored_session returns the length of the session to store under the key, and copies it to output;
 * it stores in lifetime for how many seconds the session can be resumed. For CLEAT_SESSION_QUESTION_ADD the length
 * is 0, and lifetime says for how many seconds the key must be stored. If the caller has set ticket keys or ticket
 * secrets, these encrypt the bytes, and all machines that share the store need the same ones; otherwise the bytes
 * contain the session's secret in plaintext. lifetime must not be NULL. CLEAT_USAGE for other requests. DANGEROUS
 * with a store that others can read or write, without such keys: they can decrypt TLS 1.2 connections, or
 * impersonate any client. */
CLEAT_API int32_t cleat_connection_stored_session(int32_t connection, CLEAT_BINARY char *output,
                                                  int32_t output_cap, int32_t *lifetime);

/* cleat_connection_answer_session returns CLEAT_OK and lets the handshake continue at the next call, or makes the
 * next request available: see cleat_connection_session_question. data: for CLEAT_SESSION_QUESTION_GET the bytes that
 * are stored under the key, or absent if there are none; for CLEAT_SESSION_QUESTION_ADD any bytes if the key was not
 * stored before and has been stored now, otherwise absent; absent for the other requests. If the answer to
 * CLEAT_SESSION_QUESTION_ADD is absent, early data (cleat/early_data.h) is refused; the store must test for the key
 * and store it atomically, or an attacker can have early data accepted twice. Bytes that were not stored under the
 * key are treated as absent, and the handshake is a full one. CLEAT_USAGE without a request, and for data with
 * requests other than CLEAT_SESSION_QUESTION_GET and CLEAT_SESSION_QUESTION_ADD. */
CLEAT_API int32_t cleat_connection_answer_session(int32_t connection, CLEAT_ABSENT const char *data,
                                                  int32_t data_len);

#endif
