/* connection.h: TLS connections (Python's ssl.SSLSocket and ssl.SSLObject).
 *
 * A connection speaks TLS over a socket, a descriptor, or memory. Over memory the caller moves the bytes: it passes
 * received bytes to cleat_connection_feed and sends the bytes that cleat_connection_drain returns, and no call ever
 * waits.
 *
 * Calls with a timeout return CLEAT_WANT_READ or CLEAT_WANT_WRITE if the timeout is 0 (or the transport is memory)
 * and they would block: wait until the transport is readable or writable, as the status says, and call again. A read
 * may have to wait for writing, and a write for reading. With another timeout they return CLEAT_TIMEOUT when it
 * expires; the connection can still be used. CLEAT_WANT_READ does not mean that the socket has been drained: a call
 * with timeout 0 returns after a hundred records without data, so that an edge-triggered loop (EPOLLET) could miss
 * bytes that have already arrived.
 *
 * Calls of several threads on one connection take turns: one handshake, one read and one write at a time. Other
 * calls wait for their turn, each at most for its own timeout, and continue where the previous call has stopped;
 * with a timeout of 0 they return CLEAT_WANT_READ or CLEAT_WANT_WRITE. Over memory no call waits for another.
 *
 * Over TCP a connection sets TCP_NODELAY on its socket, unless the caller has set that option by
 * cleat_socket_setsockopt, to either value; on a descriptor it always sets it.
 *
 * Read and write perform the handshake first if it is not done. No application data is sent or returned before the
 * peer is verified as the context requires.
 *
 * After a failure of class CLEAT_SSL, CLEAT_ALERT, CLEAT_VERIFY, CLEAT_EOF or CLEAT_NOMEM in a handshake or write
 * the connection cannot be used any more: close it (see cleat_connection_write for the exception BAD_WRITE_RETRY).
 * If this side has sent a fatal alert, cleat has then shut down the sending direction of the socket and discards
 * input, so that the alert reaches the peer. */
#ifndef CLEAT_CONNECTION_H
#define CLEAT_CONNECTION_H

#include "cleat/base.h"

/* cleat_connection_over_socket returns the id of a connection over a stream socket, which stays open until both ids
 * are closed. server_side: 1 for the server, 0 for the client. server_hostname: the server's name, for a client
 * only, as A-labels (RFC 5890) or an IP address, at most 255 bytes. It is sent as SNI unless it is an IP address,
 * and compared with the certificate if the context checks host names. It may be absent unless the context checks
 * host names: CLEAT_USAGE. CLEAT_SYS with ENOTSOCK, or CLEAT_UNSUPPORTED for a socket that is not a stream;
 * CLEAT_SSL if BoringSSL refuses the context's settings. */
CLEAT_API CLEAT_NEW_ID int32_t
cleat_connection_over_socket(int32_t context, int32_t socket, int32_t server_side,
                             CLEAT_ABSENT const char *server_hostname, int32_t server_hostname_len);

/* cleat_connection_over_fd returns the id of a connection over the descriptor of a stream socket, which the caller
 * keeps: it must stay open as long as the connection, and is not closed with it. A TLS 1.3 client that has read
 * nothing should call cleat_connection_shutdown before the caller closes the descriptor: with the server's session
 * tickets unread, the close resets the connection, and the server can lose what the client has written. The other
 * arguments are as for cleat_connection_over_socket, whose socket cleat closes without a reset. CLEAT_SYS with EBADF
 * or ENOTSOCK; CLEAT_UNSUPPORTED for a socket that is not a stream; CLEAT_SSL as above. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_connection_over_fd(int32_t context, int32_t fd,
                                                        int32_t server_side,
                                                        CLEAT_ABSENT const char *server_hostname,
                                                        int32_t server_hostname_len);

/* cleat_connection_over_memory returns the id of a connection over memory. The arguments are as for
 * cleat_connection_over_socket. CLEAT_SSL as above. */
CLEAT_API CLEAT_NEW_ID int32_t
cleat_connection_over_memory(int32_t context, int32_t server_side,
                             CLEAT_ABSENT const char *server_hostname, int32_t server_hostname_len);

/* cleat_connection_feed returns data_len and buffers bytes that the caller has received from the network. Over
 * memory it buffers any number of them, and cleat_connection_fed_pending returns how many the connection has not
 * processed yet. Over a socket or descriptor these are bytes that the caller has already read from it: the
 * connection processes them before it reads from there. CLEAT_USAGE after cleat_connection_feed_eof, and over a
 * socket while another call reads from it. CLEAT_NOMEM. */
CLEAT_API int32_t cleat_connection_feed(int32_t connection, const char *data, int32_t data_len);

/* cleat_connection_feed_eof returns CLEAT_OK and marks the end of the network's input after the bytes that were fed.
 * Only over memory; otherwise CLEAT_USAGE. */
CLEAT_API int32_t cleat_connection_feed_eof(int32_t connection);

/* cleat_connection_drain returns how many bytes it moved to buf, which the caller must send to the network; 0 if
 * there are none. Only over memory; otherwise CLEAT_USAGE. */
CLEAT_API int32_t cleat_connection_drain(int32_t connection, char *buf, int32_t buf_cap);

/* cleat_connection_drain_pending returns how many bytes cleat_connection_drain would move into a large enough
 * buffer. Only over memory; otherwise CLEAT_USAGE. */
CLEAT_API int32_t cleat_connection_drain_pending(int32_t connection);

/* cleat_connection_set_drain_limit returns CLEAT_OK and makes cleat_connection_write return CLEAT_WANT_WRITE while
 * limit or more bytes are waiting to be drained. limit: in bytes, up to 2^31 - 1; 0 for the default, 262144. A write
 * that begins below the limit accepts all of its data. Only over memory; otherwise CLEAT_USAGE. */
CLEAT_API int32_t cleat_connection_set_drain_limit(int32_t connection, int32_t limit);

/* cleat_connection_fed_pending returns how many of the bytes that were fed the connection has not processed yet.
 * Only over memory; otherwise CLEAT_USAGE. */
CLEAT_API int32_t cleat_connection_fed_pending(int32_t connection);

/* cleat_connection_handshake returns CLEAT_OK once the handshake is done and the peer is verified; at once if it was
 * done before. CLEAT_WANT_*; CLEAT_TIMEOUT; CLEAT_CLOSED; CLEAT_EOF; CLEAT_SYS; CLEAT_SSL; CLEAT_ALERT;
 * CLEAT_VERIFY. */
CLEAT_API int32_t cleat_connection_handshake(int32_t connection, double timeout);

/* cleat_connection_read returns how many decrypted bytes it stored in buf: at least 1, or 0 at the end of the
 * stream, which the peer marked by close_notify (or if buf_cap is 0). After this side has sent close_notify, data
 * can still be read, and the peer's close_notify is reported as CLEAT_CLOSED. CLEAT_EOF if the transport ended
 * without close_notify; CLEAT_WANT_*; CLEAT_TIMEOUT; CLEAT_SYS; CLEAT_SSL; CLEAT_ALERT; CLEAT_VERIFY; CLEAT_NOMEM. */
CLEAT_API int32_t cleat_connection_read(int32_t connection, char *buf, int32_t buf_cap,
                                        double timeout);

/* cleat_connection_write returns how many bytes of data were encrypted and passed to the transport. With a timeout
 * other than 0 that is all of them, unless the timeout expired after some. The bytes of one call are contiguous in
 * the stream, whatever other threads write.
 *
 * After CLEAT_WANT_WRITE, CLEAT_TIMEOUT or a count below data_len, some of the bytes that were not counted may
 * already be encrypted and will be sent next. So the next write must begin with the same bytes, in any buffer and
 * followed by any further data, and its count includes them. Other bytes fail with CLEAT_SSL, BAD_WRITE_RETRY, which
 * leaves the connection as it was: the write can be retried with the right bytes.
 *
 * CLEAT_CLOSED after cleat_connection_shutdown; CLEAT_WANT_*, over memory for the limit of
 * cleat_connection_set_drain_limit as well; CLEAT_TIMEOUT; CLEAT_EOF; CLEAT_SYS (EPIPE, ECONNRESET); CLEAT_SSL;
 * CLEAT_ALERT; CLEAT_VERIFY; CLEAT_NOMEM. */
CLEAT_API int32_t cleat_connection_write(int32_t connection, const char *data, int32_t data_len,
                                         double timeout);

/* cleat_connection_pending returns how many decrypted bytes can be read without the network. */
CLEAT_API int32_t cleat_connection_pending(int32_t connection);

/* cleat_connection_shutdown returns CLEAT_OK once both sides have sent close_notify (RFC 8446 section 6.1), at once
 * if they have before. It sends this side's, waits for the peer's, and reads no byte behind it from the socket.
 * CLEAT_SSL with APPLICATION_DATA_ON_SHUTDOWN if the peer sends data that no other call is waiting to read;
 * CLEAT_USAGE before the handshake is done; CLEAT_CLOSED; CLEAT_ALERT if the peer sends a fatal alert instead, as a
 * TLS 1.3 server does that refuses the client's certificate; CLEAT_EOF; CLEAT_WANT_*; CLEAT_TIMEOUT; CLEAT_SYS. */
CLEAT_API int32_t cleat_connection_shutdown(int32_t connection, double timeout);

/* cleat_connection_server_side returns 1 on a server, 0 on a client. */
CLEAT_API int32_t cleat_connection_server_side(int32_t connection);

/* cleat_connection_server_hostname returns the length of the server name, and copies it to output: on a client the
 * one with which the connection was made, on a server the one that the client has sent as SNI, which may contain any
 * byte; 0 if there is none. */
CLEAT_API int32_t cleat_connection_server_hostname(int32_t connection, CLEAT_BINARY char *output,
                                                   int32_t output_cap);

/* cleat_connection_established returns 1 once the handshake is done, otherwise 0. */
CLEAT_API int32_t cleat_connection_established(int32_t connection);

/* cleat_connection_version returns the length of the name of the negotiated version
 * ("TLSv1.2", "TLSv1.3") and copies it to output; 0 before the handshake is done. */
CLEAT_API int32_t cleat_connection_version(int32_t connection, char *output, int32_t output_cap);

/* cleat_connection_cipher returns the length of OpenSSL's name of the cipher suite and copies
 * it to output, and stores its secret bits; 0 before the handshake is done. */
CLEAT_API int32_t cleat_connection_cipher(int32_t connection, char *output, int32_t output_cap,
                                          int32_t *bits);

/* cleat_connection_cipher_version returns the length of the name of the TLS version that
 * defines the cipher suite ("TLSv1.2", "TLSv1.3", "TLSv1/SSLv3") and copies it to output; 0
 * before the handshake is done. */
CLEAT_API int32_t cleat_connection_cipher_version(int32_t connection, char *output,
                                                  int32_t output_cap);

/* cleat_connection_shared_cipher_count returns how many of the cipher suites that a server's client has offered the
 * server's settings allow, whatever its certificate; 0 on a client, and before the handshake is done. */
CLEAT_API int32_t cleat_connection_shared_cipher_count(int32_t connection);

/* cleat_connection_shared_cipher returns the length of OpenSSL's name of the shared suite at index (from 0, in
 * BoringSSL's order) and copies it to output; it stores the suite's secret bits and the CLEAT_TLS1_*VERSION that
 * defines it, 0x0300 (SSL 3) for the oldest suites. CLEAT_USAGE for an index out of range. */
CLEAT_API int32_t cleat_connection_shared_cipher(int32_t connection, int32_t index, char *output,
                                                 int32_t output_cap, int32_t *bits,
                                                 int32_t *tls_version);

/* cleat_connection_alpn_protocol returns the length of the name of the negotiated application
 * protocol and copies it to output; 0 if there is none. */
CLEAT_API int32_t cleat_connection_alpn_protocol(int32_t connection, CLEAT_BINARY char *output,
                                                 int32_t output_cap);

/* cleat_connection_offered_alpn returns the length of the list of application protocols that a server's client has
 * offered, and copies it to output, as it was encoded in the ALPN extension (RFC 7301 section 3.1). 0 if the client
 * has offered none, and unless the connection waits for cleat_connection_answer_server_name. */
CLEAT_API int32_t cleat_connection_offered_alpn(int32_t connection, CLEAT_BINARY char *output,
                                                int32_t output_cap);

/* cleat_connection_set_alpn_protocols returns CLEAT_OK and sets the application protocols from which a server's
 * connection chooses, in place of its context's; switching the context later does not change them, unless the new
 * context has protocols for NPN only. protocols: encoded as for cleat_context_set_alpn_protocols. An empty list
 * negotiates none. CLEAT_USAGE unless the connection waits for cleat_connection_answer_server_name, for a malformed
 * list, and if its context has no application protocols; CLEAT_NOMEM. */
CLEAT_API int32_t cleat_connection_set_alpn_protocols(int32_t connection, const char *protocols,
                                                      int32_t protocols_len);

/* CLEAT_DIRECTION_* select what a connection has received or sent. */
#define CLEAT_DIRECTION_RECEIVED 0
#define CLEAT_DIRECTION_SENT 1

/* cleat_connection_alert returns 1 and stores the description of the last alert in that direction, or 0 and stores
 * -1 if there was none. direction: CLEAT_DIRECTION_*. description: CLEAT_ALERT_DESCRIPTION_*, or another number up
 * to 255. close_notify counts as an alert, with the number 0. The alert can still be read after the connection has
 * failed. */
CLEAT_API int32_t cleat_connection_alert(int32_t connection, int32_t direction,
                                         int32_t *description);

/* cleat_connection_session_reused returns 1 if the handshake resumed an earlier session,
 * otherwise 0. */
CLEAT_API int32_t cleat_connection_session_reused(int32_t connection);

/* cleat_connection_verify_mode returns the connection's CLEAT_CERT_*: that of its context when it was made, or what
 * cleat_connection_set_context has made of it. */
CLEAT_API int32_t cleat_connection_verify_mode(int32_t connection);

/* cleat_connection_peer_certificate returns the id of the peer's certificate, or 0 if it sent
 * none. CLEAT_USAGE before the handshake is done. */
CLEAT_API CLEAT_NEW_ID CLEAT_OR_ZERO int32_t cleat_connection_peer_certificate(int32_t connection);

/* CLEAT_CHAIN_* choose a list of certificates, the peer's own first. */
#define CLEAT_CHAIN_SENT 0 /* what the peer has sent, which may be anything */
#define CLEAT_CHAIN_VERIFIED 1 /* the chain that was verified, up to its trust anchor */
#define CLEAT_CHAIN_OWN 2 /* what this side presents */

/* cleat_connection_chain_count returns how many certificates the chain has. which: CLEAT_CHAIN_*. CLEAT_CHAIN_SENT
 * is available as soon as the peer has sent it, also if it is then refused. CLEAT_CHAIN_VERIFIED has 0 until the
 * handshake is done, since only then the peer has proved that it has the private key, and with CLEAT_CERT_NONE; it
 * is also available after CLEAT_WANT_VERIFY. The first call builds it by a verification, and the connection keeps
 * it. CLEAT_SSL if that verification fails because a certificate has expired or been revoked since the handshake.
 * CLEAT_CHAIN_OWN has 0 until the handshake is done, and if the connection has no certificate. On a client it is the
 * context's chain even if the server has not asked for it, and has 0 if the context has several chains. On a server
 * that has resumed a session it is the chain that it would present in a full handshake. */
CLEAT_API int32_t cleat_connection_chain_count(int32_t connection, int32_t which);

/* cleat_connection_chain_certificate returns the id of the certificate at index, from 0. which:
 * CLEAT_CHAIN_*. CLEAT_USAGE if index is not below the count; CLEAT_SSL if the certificate cannot be
 * parsed, and as cleat_connection_chain_count. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_connection_chain_certificate(int32_t connection, int32_t which,
                                                                  int32_t index);

/* cleat_connection_npn_protocol returns the length of the name of the protocol that NPN
 * negotiated and copies it to output; 0 if there is none. */
CLEAT_API int32_t cleat_connection_npn_protocol(int32_t connection, CLEAT_BINARY char *output,
                                                int32_t output_cap);

/* CLEAT_BINDING_* choose a channel binding: bytes that both sides of a connection can compute, and that differ
 * between the two connections of an attacker in the middle. */
#define CLEAT_BINDING_TLS_UNIQUE 1 /* "tls-unique" (RFC 5929 section 3), up to TLS 1.2 */
#define CLEAT_BINDING_TLS_EXPORTER 2 /* "tls-exporter" (RFC 9266) */
#define CLEAT_BINDING_TLS_SERVER_END_POINT 3 /* "tls-server-end-point" (RFC 5929 section 4) */

/* cleat_connection_channel_binding returns the length of the channel binding data and copies it to output; 0 if
 * there is none: before the handshake is done, and if the standard defines none for the connection. binding:
 * CLEAT_BINDING_*. TLS_UNIQUE: 0 with TLS 1.3, for which it is not defined, and for a resumed session without the
 * extended master secret. TLS_EXPORTER: 0 up to TLS 1.2 without the extended master secret (RFC 7627).
 * TLS_SERVER_END_POINT is the digest of the server's certificate with the hash of its signature algorithm, or with
 * SHA-256 if that is MD5 or SHA-1: 0 if the signature algorithm uses no hash (Ed25519) or two, and if the server has
 * no certificate. It identifies the server and is the same for all connections to it. A server with several
 * certificates uses the one that it has sent. With a resumed session it uses the one that it would send in a full
 * handshake; the client's value differs if the server's certificate has been replaced since. CLEAT_SSL if the
 * certificate cannot be parsed. */
CLEAT_API int32_t cleat_connection_channel_binding(int32_t connection, int32_t binding,
                                                   CLEAT_BINARY char *output, int32_t output_cap);

/* cleat_connection_set_context returns CLEAT_OK and switches the connection to another context, with the present
 * settings of that context.
 *
 * Before the handshake has begun, all settings are taken from the new context; the host name stays. A server may
 * also switch before the ClientHello has arrived, and after CLEAT_WANT_SERVER_NAME until
 * cleat_connection_answer_server_name. Before the ClientHello, the handshake will return CLEAT_WANT_SERVER_NAME if
 * either context enables it. After the handshake has begun, certificate, application protocols and trust are the new
 * context's, and the stricter of the other settings applies: the higher verify mode; the verify flags of both
 * (PARTIAL_CHAIN only if both have it); the versions that both allow; NO_TICKET if either has it; and the new
 * context's group if it allows only one. A session that the client offers resumes only if its client was verified
 * under the resulting settings.
 *
 * CLEAT_USAGE at a later time, on a client once its handshake has begun, and if the new context checks host names
 * and the client has none; CLEAT_SSL if BoringSSL refuses the settings; CLEAT_NOMEM. */
CLEAT_API int32_t cleat_connection_set_context(int32_t connection, int32_t context);

/* cleat_connection_answer_server_name returns CLEAT_OK and lets the handshake that has returned
 * CLEAT_WANT_SERVER_NAME continue at the next call. cleat_connection_server_hostname returns the name that the
 * client has sent. alert: -1 to continue; or a CLEAT_ALERT_DESCRIPTION_* to refuse: the client receives that alert,
 * and the handshake fails with CLEAT_SSL, CALLBACK_FAILED. CLEAT_USAGE unless the handshake has returned
 * CLEAT_WANT_SERVER_NAME. */
CLEAT_API int32_t cleat_connection_answer_server_name(int32_t connection, int32_t alert);

#endif
