/* early_data.h: early data of TLS 1.3 (0-RTT, RFC 8446 section 2.3): data that a client that resumes a session sends
 * together with its ClientHello, before the server has answered.
 *
 * DANGEROUS: an attacker who records early data can replay it to the server any number of times, and to other
 * servers with the same ticket keys; TLS does not prevent this (RFC 8446 section 8). Send only idempotent requests
 * early. A server whose sessions are in the caller's store accepts early data once for each session: see
 * CLEAT_SESSION_QUESTION_ADD in cleat/session_store.h. Early data has no forward secrecy: an attacker who obtains
 * the ticket key later can decrypt it.
 *
 * Early data is sent and received by separate functions, never by cleat_connection_write and cleat_connection_read.
 * A server accepts it only if its context enables it; a client sends it only by cleat_connection_write_early.
 *
 * While early data is sent or received, the handshake is not done: cleat_connection_established returns 0, and
 * functions that need a finished handshake behave as before it. A client verifies the certificate of the session
 * that it resumes, as its context requires, before it sends the first early byte, and may return CLEAT_WANT_VERIFY
 * there. */
#ifndef CLEAT_EARLY_DATA_H
#define CLEAT_EARLY_DATA_H

#include "cleat/base.h"

/* CLEAT_EARLY_DATA_LIMIT is the maximum number of bytes of early data that a server accepts on one connection. */
#define CLEAT_EARLY_DATA_LIMIT 14336

/* cleat_context_early_data returns the number of bytes that cleat_context_set_early_data has set; 0 in a new
 * context. */
CLEAT_API int32_t cleat_context_early_data(int32_t context);

/* cleat_context_set_early_data returns CLEAT_OK and sets the limit of early data. most: 0 to CLEAT_EARLY_DATA_LIMIT
 * bytes. Servers of the context accept early data unless most is 0, and issue tickets that allow
 * CLEAT_EARLY_DATA_LIMIT bytes. Clients of the context send at most that many bytes early; with 0, as many as the
 * server's ticket allows. If a server's connection is switched to another context (cleat_connection_set_context),
 * both contexts must allow early data. DANGEROUS on servers: an attacker can replay early data, see above. */
CLEAT_API int32_t cleat_context_set_early_data(int32_t context, int32_t most);

/* CLEAT_EARLY_DATA_* are the states of a connection's early data. */
#define CLEAT_EARLY_DATA_NONE 0 /* there is none */
#define CLEAT_EARLY_DATA_OPEN 1 /* it is being sent or received: the handshake is not done */
#define CLEAT_EARLY_DATA_ACCEPTED 2 /* the server has accepted it, and it has ended */
#define CLEAT_EARLY_DATA_REFUSED 3 /* the server has refused and discarded it */

/* cleat_connection_early_data returns the CLEAT_EARLY_DATA_* of the connection. On a client that has sent early data
 * it is CLEAT_EARLY_DATA_OPEN until the handshake is done or the server has refused the data. After a refusal the
 * handshake continues, and the client must send the data again by cleat_connection_write. */
CLEAT_API int32_t cleat_connection_early_data(int32_t connection);

/* cleat_connection_write_early returns how many bytes of data it has sent early, and begins a client's handshake. It
 * returns 0 if the client has no session that allows early data, once cleat_connection_handshake, read or write was
 * called, and after the handshake. The caller must send bytes that were not counted by cleat_connection_write later,
 * and also those that were counted if cleat_connection_early_data returns CLEAT_EARLY_DATA_REFUSED. The call does
 * not wait for the network: the handshake sends the bytes that the network does not take at once. The timeout limits
 * the wait for another thread's call. CLEAT_USAGE on a server; CLEAT_WANT_*, of which CLEAT_WANT_VERIFY concerns the
 * certificate of the session; CLEAT_TIMEOUT; CLEAT_CLOSED; CLEAT_SYS; CLEAT_SSL; CLEAT_VERIFY. */
CLEAT_API int32_t cleat_connection_write_early(int32_t connection, const char *data,
                                               int32_t data_len, double timeout);

/* cleat_connection_read_early returns how many bytes of early data, which a server's client has sent, it stored in
 * buf: at least 1, or 0 at the end of the early data (or if buf_cap is 0). It performs the handshake as far as
 * needed; if the client sends no early data, or the server refuses it, the handshake is done when it returns 0.
 * Other calls that perform the handshake buffer early data for this function, also after the handshake; until all of
 * it has been read, cleat_connection_read returns CLEAT_USAGE. CLEAT_USAGE on a client; CLEAT_WANT_*; CLEAT_TIMEOUT;
 * CLEAT_CLOSED; CLEAT_EOF; CLEAT_SYS; CLEAT_SSL; CLEAT_ALERT; CLEAT_VERIFY. */
CLEAT_API int32_t cleat_connection_read_early(int32_t connection, char *buf, int32_t buf_cap,
                                              double timeout);

#endif
