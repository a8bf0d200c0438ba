/* session.h: a client's TLS sessions, with which a later handshake is shorter (resumption).
 *
 * A session is immutable. It belongs to the context of the connection that it is of, and to the certificate that this
 * context had then: the server takes the client of a resumed session for the one that has shown this certificate.
 *
 * A resumed handshake verifies the server as a full one does: with what the context of the new connection trusts, its
 * verify mode and flags, the present time, and the host name of the new connection. With CLEAT_CERT_NONE nothing is
 * verified, here as there.
 *
  * In TLS 1.3 a session is for one use: an observer of two connections with the same session knows that they are of the
  * same client (RFC 8446 appendix C.4). A server sends a new one, usually two, after each handshake; a client receives
  * them with its first reads. In TLS 1.2 a session comes with the handshake, and may be used until it ends. */
#ifndef CLEAT_SESSION_H
#define CLEAT_SESSION_H

#include "cleat/base.h"

/* CLEAT_CLIENT_SESSIONS_MAX is the greatest capacity of a context's cache of sessions. */
#define CLEAT_CLIENT_SESSIONS_MAX 65536

/* cleat_connection_session returns the id of the newest session that a client's connection has, or 0: before the
 * handshake is done, with TLS 1.3 as long as no ticket was read, if the server offers no resumption, after a fatal
 * alert, and on servers. Each call makes an id. */
CLEAT_API CLEAT_NEW_ID CLEAT_OR_ZERO int32_t cleat_connection_session(int32_t connection);

/* cleat_connection_set_session returns CLEAT_OK, and the connection offers the session to its server, in place of one
 * that was set before. If the server does not know the session, or it has ended, the handshake is a full one: see
 * cleat_connection_session_reused. cleat_connection_set_context discards it. CLEAT_USAGE on a server, once the
 * handshake has begun, and if the session is of another context, or of another certificate than the context has. */
CLEAT_API int32_t cleat_connection_set_session(int32_t connection, int32_t session);

/* cleat_session_bytes returns the length of a session's encoding and copies it to output. DANGEROUS: the bytes hold the
 * session's secret. Who reads them can pose as the client, and decrypt connections that resume the session without a
 * new key exchange; keep them as safe as a private key. */
CLEAT_API int32_t cleat_session_bytes(int32_t session, CLEAT_BINARY char *output,
                                      int32_t output_cap);

/* cleat_session_from_bytes returns the id of a session in the encoding of cleat_session_bytes, which may come from
 * another process; it belongs to the context from now on. DANGEROUS: the bytes are not authenticated. An attacker who
 * can write them can pose as the server: its certificate is public, and the session stands for the proof that it has
 * the key. CLEAT_SSL for other bytes (INVALID_SSL_SESSION), and if the session is of another certificate than the
 * context has (SESSION_CERTIFICATE_MISMATCH). */
CLEAT_API CLEAT_NEW_ID int32_t cleat_session_from_bytes(int32_t context, const char *data,
                                                        int32_t data_len);

/* cleat_session_identifier returns the length of the bytes by which sessions differ, and copies them to output; they
 * are no secret. With tickets they are a digest of the ticket. */
CLEAT_API int32_t cleat_session_identifier(int32_t session, CLEAT_BINARY char *output,
                                           int32_t output_cap);

/* cleat_session_version returns the length of the TLS version, as in "TLSv1.3", and copies it to output. */
CLEAT_API int32_t cleat_session_version(int32_t session, char *output, int32_t output_cap);

/* cleat_session_time returns CLEAT_OK and stores the time at which it was made, in seconds since 1970. */
CLEAT_API int32_t cleat_session_time(int32_t session, double *time);

/* cleat_session_timeout returns the number of seconds after that time for which the session can be resumed. */
CLEAT_API int32_t cleat_session_timeout(int32_t session);

/* cleat_session_ticket_lifetime_hint returns the number of seconds for which the server wants its ticket to be kept, 0
 * if it does not say. */
CLEAT_API int32_t cleat_session_ticket_lifetime_hint(int32_t session);

/* cleat_session_has_ticket returns 1 if the session is in a ticket, 0 if the server keeps it. */
CLEAT_API int32_t cleat_session_has_ticket(int32_t session);

/* cleat_session_single_use returns 1 if the session is for one use (TLS 1.3), otherwise 0. */
CLEAT_API int32_t cleat_session_single_use(int32_t session);

/* cleat_context_client_sessions returns how many sessions the context's cache can have, 0 if it has none, as in a new
 * context. */
CLEAT_API int32_t cleat_context_client_sessions(int32_t context);

/* cleat_context_set_client_sessions returns CLEAT_OK and makes the context keep the sessions of its clients, and its
 * clients resume them, up to so many; the cache is empty then. capacity: 0 for none, at most CLEAT_CLIENT_SESSIONS_MAX.
 *
 * A connection with a server_hostname stores its sessions once the handshake is done, if the context verifies servers,
 * and the verification has accepted this one. A later connection to the same server_hostname, and the same port (0
 * over memory), offers one of them, unless cleat_connection_set_session was called. A session of TLS 1.3 is used once.
 * There are at most 4 for a server; those that were not used for longest give way. None is offered after its end,
 * after the end of the chain that was verified, and in a process that was forked since. A failed handshake and a fatal
 * alert discard the server's sessions; each change of a setting discards all, and connections that were made before do
 * not store any more. */
CLEAT_API int32_t cleat_context_set_client_sessions(int32_t context, int32_t capacity);

#endif
