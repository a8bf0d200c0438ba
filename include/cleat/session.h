/* session.h: a client's TLS sessions, which shorten later handshakes (resumption).
 *
 * A session is immutable. It belongs to the context of its connection, and to the certificate that this context had
 * at that time: the server treats the client of a resumed session as authenticated by that certificate.
 *
 * A resumed handshake verifies the server's certificate as a full handshake does: with the trusted certificates,
 * verify mode and flags of the new connection's context, the present time, and the host name of the new connection.
 * With CLEAT_CERT_NONE nothing is verified.
 *
 * A TLS 1.3 session should be used only once: an observer of two connections with the same session can tell that
 * they belong to the same client (RFC 8446 appendix C.4). A server sends new ones, usually two, after each
 * handshake; a client receives them with its first reads. A TLS 1.2 session is received during the handshake, and
 * may be used until it expires. */
#ifndef CLEAT_SESSION_H
#define CLEAT_SESSION_H

#include "cleat/base.h"

/* CLEAT_CLIENT_SESSIONS_MAX is the maximum capacity of a context's cache of client sessions. */
#define CLEAT_CLIENT_SESSIONS_MAX 65536

/* cleat_connection_session returns the id of the newest session of a client's connection, or 0: before the handshake
 * is done, with TLS 1.3 until a ticket has been read, if the server offers no resumption, after a fatal alert, and
 * on servers. Each call returns a new id. */
CLEAT_API CLEAT_NEW_ID CLEAT_OR_ZERO int32_t cleat_connection_session(int32_t connection);

/* cleat_connection_set_session returns CLEAT_OK and makes the connection offer the session to its server, in place
 * of one that was set before. If the server does not accept the session, or it has expired, the handshake is a full
 * one: see cleat_connection_session_reused. cleat_connection_set_context discards the session. CLEAT_USAGE on a
 * server, once the handshake has begun, and if the session belongs to another context, or to another certificate
 * than the context has now. */
CLEAT_API int32_t cleat_connection_set_session(int32_t connection, int32_t session);

/* cleat_session_bytes returns the length of a session's encoding and copies it to output. DANGEROUS: the bytes
 * contain the session's secret. An attacker who reads them can impersonate the client, and decrypt connections that
 * resume the session without a new key exchange; protect them like a private key. */
CLEAT_API int32_t cleat_session_bytes(int32_t session, CLEAT_BINARY char *output,
                                      int32_t output_cap);

/* cleat_session_from_bytes returns the id of a session in the encoding of cleat_session_bytes, which may come from
 * another process; the session belongs to the context. DANGEROUS: the bytes are not authenticated. An attacker who
 * can write them can impersonate the server, because resumption does not prove again that the server has the
 * certificate's key. CLEAT_SSL for malformed bytes (INVALID_SSL_SESSION), and if the session belongs to another
 * certificate than the context has now (SESSION_CERTIFICATE_MISMATCH). */
CLEAT_API CLEAT_NEW_ID int32_t cleat_session_from_bytes(int32_t context, const char *data,
                                                        int32_t data_len);

/* cleat_session_identifier returns the length of the session id, which is not secret, and copies it to output. For a
 * session with a ticket it is a digest of the ticket. */
CLEAT_API int32_t cleat_session_identifier(int32_t session, CLEAT_BINARY char *output,
                                           int32_t output_cap);

/* cleat_session_version returns the length of the name of the session's TLS version, such as "TLSv1.3", and copies
 * it to output. */
CLEAT_API int32_t cleat_session_version(int32_t session, char *output, int32_t output_cap);

/* cleat_session_time returns CLEAT_OK and stores the time at which the session was made, in seconds since 1970. */
CLEAT_API int32_t cleat_session_time(int32_t session, double *time);

/* cleat_session_timeout returns how many seconds after cleat_session_time the session can be resumed. */
CLEAT_API int32_t cleat_session_timeout(int32_t session);

/* cleat_session_ticket_lifetime_hint returns how many seconds the server suggests to keep its ticket, 0 if it gives
 * no hint. */
CLEAT_API int32_t cleat_session_ticket_lifetime_hint(int32_t session);

/* cleat_session_has_ticket returns 1 if the session has a ticket, 0 if the server keeps its state under the session
 * id. */
CLEAT_API int32_t cleat_session_has_ticket(int32_t session);

/* cleat_session_single_use returns 1 if the session should be used only once (TLS 1.3), otherwise 0. */
CLEAT_API int32_t cleat_session_single_use(int32_t session);

/* cleat_context_client_sessions returns how many client sessions the context's cache can have; 0, as in a new
 * context, if there is no cache. */
CLEAT_API int32_t cleat_context_client_sessions(int32_t context);

/* cleat_context_set_client_sessions returns CLEAT_OK, sets the capacity of the context's cache of client sessions,
 * and empties it. The context's clients then store their sessions in the cache and resume them. capacity: 0 for no
 * cache, at most CLEAT_CLIENT_SESSIONS_MAX.
 *
 * A connection with a server_hostname stores its sessions once the handshake is done, if the context verifies
 * servers and the verification has accepted this server. A later connection to the same server_hostname and the same
 * port (0 over memory) offers one of them, unless cleat_connection_set_session was called. A TLS 1.3 session is used
 * once. The cache has at most 4 sessions for each server, and evicts the least recently used ones. A session is not
 * offered after it or the verified chain has expired, nor in a process that was forked later. A failed handshake and
 * a fatal alert discard the server's sessions; a change of any setting discards all, and connections that were made
 * before the change store no more sessions. */
CLEAT_API int32_t cleat_context_set_client_sessions(int32_t context, int32_t capacity);

#endif
