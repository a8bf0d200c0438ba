/* early_data.h: early data of TLS 1.3 (0-RTT, RFC 8446 section 2.3): what a client that resumes a session sends
 * together with its first message, before the server has answered.
 *
 * DANGEROUS: an attacker who records early data can send it to the server again, any number of times, and to other
 * servers with the same ticket keys; TLS does not protect from this (RFC 8446 section 8). Only requests that may be
 * repeated, and that change nothing, belong into it. Where a server's sessions are in a store of the caller's it
 * accepts early data once for each session: see CLEAT_SESSION_QUESTION_ADD in cleat/session_store.h. It has no
 * forward secrecy: who gets the ticket key later can decrypt it.
 *
 * It is sent and received by separate functions, never by cleat_connection_write and cleat_connection_read. A server
 * does not accept it unless its context says so; a client sends it only by cleat_connection_write_early.
 *
 * While there is early data the handshake is not done: cleat_connection_established returns 0, and what is known of
 * the peer is not returned. A client verifies the certificate of the session that it resumes, as its context
 * requires, before it sends the first early byte, and may return CLEAT_WANT_VERIFY there. */
#ifndef CLEAT_EARLY_DATA_H
#define CLEAT_EARLY_DATA_H

#include "cleat/base.h"

/* CLEAT_EARLY_DATA_LIMIT is the largest number of bytes of early data that a server accepts of one connection. */
#define CLEAT_EARLY_DATA_LIMIT 14336

/* cleat_context_early_data returns the number that cleat_context_set_early_data has set; 0 in a new context. */
CLEAT_API int32_t cleat_context_early_data(int32_t context);

/* cleat_context_set_early_data returns CLEAT_OK. most: 0 to CLEAT_EARLY_DATA_LIMIT bytes. Servers of the context
 * accept early data unless it is 0, and give tickets that allow CLEAT_EARLY_DATA_LIMIT bytes. Clients of the context
 * send at most so many bytes early; if it is 0, as many as the server's ticket allows. Where a server switches its
 * context at the server name both contexts must allow it. DANGEROUS on servers: early data can be repeated by an
 * attacker, see above. */
CLEAT_API int32_t cleat_context_set_early_data(int32_t context, int32_t most);

/* CLEAT_EARLY_DATA_* are the states of a connection's early data. */
#define CLEAT_EARLY_DATA_NONE 0 /* there is none */
#define CLEAT_EARLY_DATA_OPEN 1 /* some is being sent, or received: the handshake is not done */
#define CLEAT_EARLY_DATA_ACCEPTED 2 /* the server has accepted it, and there is no more */
#define CLEAT_EARLY_DATA_REFUSED 3 /* the server has refused it, and discards it */

/* cleat_connection_early_data returns the CLEAT_EARLY_DATA_* of the connection. On a client that has sent some it is
 * CLEAT_EARLY_DATA_OPEN until the handshake is done or the server has refused it. After a refusal the handshake goes
 * on, and what was sent early is to be sent again by cleat_connection_write. */
CLEAT_API int32_t cleat_connection_early_data(int32_t connection);

/* cleat_connection_write_early returns how many bytes of data it has sent early, and begins a client's handshake. 0
 * if the client has no session that allows it, once cleat_connection_handshake, read or write was called, and after
 * the handshake. Bytes that were not counted are to be sent by cleat_connection_write later; those that were, if
 * cleat_connection_early_data says that they were refused. The call waits for nothing but another call: the bytes
 * that the network does not take at once are sent by the handshake. CLEAT_USAGE on a server; CLEAT_WANT_*, of which
 * CLEAT_WANT_VERIFY asks about the certificate of the session; CLEAT_TIMEOUT; CLEAT_CLOSED; CLEAT_SYS; CLEAT_SSL;
 * CLEAT_VERIFY. */
CLEAT_API int32_t cleat_connection_write_early(int32_t connection, const char *data,
                                               int32_t data_len, double timeout);

/* cleat_connection_read_early returns how many bytes of a client's early data it put into buf: at least 1, or 0 at
 * their end (or if buf_cap is 0). It may be called before the handshake is done, which it does as far as needed; if
 * the client sends no early data, or it is refused, the handshake is done when it returns 0. Other calls that do the
 * handshake keep what comes early for this function, also after the handshake; until all was read
 * cleat_connection_read returns CLEAT_USAGE. CLEAT_USAGE on a client; CLEAT_WANT_*; CLEAT_TIMEOUT; CLEAT_CLOSED;
 * CLEAT_EOF; CLEAT_SYS; CLEAT_SSL; CLEAT_ALERT; CLEAT_VERIFY. */
CLEAT_API int32_t cleat_connection_read_early(int32_t connection, char *buf, int32_t buf_cap,
                                              double timeout);

#endif
