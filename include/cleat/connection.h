/* connection.h: TLS connections (Python's ssl.SSLSocket and ssl.SSLObject).
 *
 * A connection speaks TLS over a socket, a descriptor, or memory. Over memory the caller moves
 * the bytes: what came from the network goes in by cleat_connection_feed, what is for the network
 * comes out by cleat_connection_drain, and no call ever waits.
 *
 * Calls with a timeout return CLEAT_WANT_READ or CLEAT_WANT_WRITE if the timeout is 0 (or the
 * transport is memory) and they would have to wait: wait for the transport, which may be the
 * other direction than the call's own, and call again. With another timeout they return
 * CLEAT_TIMEOUT when it runs out; the connection can still be used. CLEAT_WANT_READ does not
 * promise that all was read: a call that may not wait stops after a hundred records without
 * data, and a loop that waits for edges (EPOLLET) would miss what is there.
 *
 * Calls of several threads on one connection take turns: one handshake, one read and one write at a
 * time. The others wait, each as long as its own timeout says, and go on where the one before has
 * stopped; with a timeout of 0 they return CLEAT_WANT_READ or CLEAT_WANT_WRITE. Over memory no call
 * waits for another.
 *
 * Over TCP, TLS sets TCP_NODELAY on its socket, unless that option was set by
 * cleat_socket_setsockopt, to either value; over a descriptor it always does.
 *
 * Read and write do the handshake first if it was not done. No data goes in or out before the
 * peer is verified as the context asks.
 *
 * After a failure of class CLEAT_SSL, CLEAT_ALERT, CLEAT_VERIFY, CLEAT_EOF or CLEAT_NOMEM in a
 * handshake or write the connection is of no more use: close it (but see cleat_connection_write for
 * BAD_WRITE_RETRY). Where this side has sent a fatal alert the sending direction of the socket was
 * shut down after it, and input is discarded, so that the alert reaches the peer. */
#ifndef CLEAT_CONNECTION_H
#define CLEAT_CONNECTION_H

#include "cleat/base.h"

/* cleat_connection_over_socket returns the id of a connection over a stream socket, which it
 * keeps open until both ids are closed. server_side: 1 for the server, 0 for the client.
 * server_hostname: the server's name, for a client only: it is sent as SNI unless it is an IP
 * address, and compared with the certificate if the context checks host names. Absent it is
 * neither; that is CLEAT_USAGE if the context checks host names. It must be an A-label (RFC
 * 5890) and at most 255 bytes. CLEAT_SYS with ENOTSOCK, or CLEAT_UNSUPPORTED for a socket that
 * is not a stream; CLEAT_SSL if BoringSSL refuses the context's settings. */
CLEAT_API CLEAT_NEW_ID int32_t
cleat_connection_over_socket(int32_t context, int32_t socket, int32_t server_side,
                             CLEAT_ABSENT const char *server_hostname, int32_t server_hostname_len);

/* cleat_connection_over_fd returns the same over the descriptor of a stream socket that stays
 * the caller's: it must stay open as long as the connection, and is not closed with it. CLEAT_SYS
 * with EBADF or ENOTSOCK; CLEAT_UNSUPPORTED for a socket that is not a stream; CLEAT_SSL as
 * above. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_connection_over_fd(int32_t context, int32_t fd,
                                                        int32_t server_side,
                                                        CLEAT_ABSENT const char *server_hostname,
                                                        int32_t server_hostname_len);

/* cleat_connection_over_memory returns the same over memory. CLEAT_SSL as above. */
CLEAT_API CLEAT_NEW_ID int32_t
cleat_connection_over_memory(int32_t context, int32_t server_side,
                             CLEAT_ABSENT const char *server_hostname, int32_t server_hostname_len);

/* cleat_connection_feed returns data_len after taking bytes that came from the network. Over memory
 * it takes any number of them, and cleat_connection_fed_pending says how many still wait to be read.
 * Over a socket or descriptor these are bytes that the caller has read from it already: they come
 * before what is read from there. CLEAT_USAGE after the end of the network's bytes, and over a
 * socket while another call reads from it. CLEAT_NOMEM. */
CLEAT_API int32_t cleat_connection_feed(int32_t connection, const char *data, int32_t data_len);

/* cleat_connection_feed_eof returns CLEAT_OK and says that the network has no more bytes than
 * were fed. Only over memory; otherwise CLEAT_USAGE. */
CLEAT_API int32_t cleat_connection_feed_eof(int32_t connection);

/* cleat_connection_drain returns how many bytes for the network it moved to buf, 0 if there
 * are none. Only over memory; otherwise CLEAT_USAGE. */
CLEAT_API int32_t cleat_connection_drain(int32_t connection, char *buf, int32_t buf_cap);

/* cleat_connection_drain_pending returns how many bytes for the network there are. Only over
 * memory; otherwise CLEAT_USAGE. */
CLEAT_API int32_t cleat_connection_drain_pending(int32_t connection);

/* cleat_connection_set_drain_limit returns CLEAT_OK and lets cleat_connection_write return
 * CLEAT_WANT_WRITE as long as limit or more bytes for the network were not drained: 1 to 2^31 - 1,
 * or 0 for the default, which is 262144. A write that begins below the limit takes all of its data. Only over
 * memory; otherwise CLEAT_USAGE. */
CLEAT_API int32_t cleat_connection_set_drain_limit(int32_t connection, int32_t limit);

/* cleat_connection_fed_pending returns how many bytes were fed and not yet used. Only over
 * memory; otherwise CLEAT_USAGE. */
CLEAT_API int32_t cleat_connection_fed_pending(int32_t connection);

/* cleat_connection_handshake returns CLEAT_OK once the handshake is done, at once if it was
 * before, and the peer is verified. CLEAT_WANT_*; CLEAT_TIMEOUT; CLEAT_CLOSED; CLEAT_EOF;
 * CLEAT_SYS; CLEAT_SSL; CLEAT_ALERT; CLEAT_VERIFY. */
CLEAT_API int32_t cleat_connection_handshake(int32_t connection, double timeout);

/* cleat_connection_read returns how many decrypted bytes it put into buf: at least 1, or 0 at
 * the end of the stream, which the peer marked by close_notify (or if buf_cap is 0). After this
 * side has sent its close_notify data can still be read, and the peer's close_notify is
 * CLEAT_CLOSED. CLEAT_EOF if the transport ended without it; CLEAT_WANT_*; CLEAT_TIMEOUT;
 * CLEAT_SYS; CLEAT_SSL; CLEAT_ALERT; CLEAT_VERIFY; CLEAT_NOMEM. */
CLEAT_API int32_t cleat_connection_read(int32_t connection, char *buf, int32_t buf_cap,
                                        double timeout);

/* cleat_connection_write returns how many bytes of data were handed to the transport. With a
 * timeout other than 0 that is all of them, unless the timeout ran out after some. The bytes of one
 * call stand together in the stream, whatever other threads write.
 *
 * After CLEAT_WANT_WRITE, CLEAT_TIMEOUT or a count of fewer bytes than data_len, some of the bytes
 * that were not counted may be encrypted and on their way: they are the next to be sent. So the next
 * write must begin with the same bytes, in a buffer at any place and of any length, and counts them.
 * Other bytes are CLEAT_SSL with the reason BAD_WRITE_RETRY, which changes nothing: the
 * connection can be used as before, and the write be made again with the right bytes.
 *
 * CLEAT_CLOSED after cleat_connection_shutdown; CLEAT_WANT_*, over memory for the limit of
 * cleat_connection_set_drain_limit as well; CLEAT_TIMEOUT; CLEAT_EOF; CLEAT_SYS (EPIPE,
 * ECONNRESET); CLEAT_SSL; CLEAT_ALERT; CLEAT_VERIFY; CLEAT_NOMEM. */
CLEAT_API int32_t cleat_connection_write(int32_t connection, const char *data, int32_t data_len,
                                         double timeout);

/* cleat_connection_pending returns how many decrypted bytes can be read without the network. */
CLEAT_API int32_t cleat_connection_pending(int32_t connection);

/* cleat_connection_shutdown returns CLEAT_OK once both sides have sent close_notify (RFC 8446
 * section 6.1), at once if they have before; it sends this side's and waits for the peer's, and
 * takes no byte from the socket that follows it. CLEAT_SSL with APPLICATION_DATA_ON_SHUTDOWN if
 * data comes that was not read, and that no other call waits to read; CLEAT_USAGE before the
 * handshake is done; CLEAT_CLOSED; CLEAT_ALERT if the peer sends a fatal alert instead, as a TLS 1.3
 * server does that refuses the client's certificate; CLEAT_EOF; CLEAT_WANT_*; CLEAT_TIMEOUT;
 * CLEAT_SYS. */
CLEAT_API int32_t cleat_connection_shutdown(int32_t connection, double timeout);

/* cleat_connection_server_side returns 1 on a server, 0 on a client. */
CLEAT_API int32_t cleat_connection_server_side(int32_t connection);

/* cleat_connection_server_hostname returns the length of the server name that a client was
 * made with, or that a server's client has sent as SNI, and copies it to output; 0 if there is
 * none. */
CLEAT_API int32_t cleat_connection_server_hostname(int32_t connection, char *output,
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

/* cleat_connection_shared_cipher_count returns how many cipher suites a server's client has
 * offered that the server would take too, whatever the certificate; 0 for a client, and before
 * the handshake is done. */
CLEAT_API int32_t cleat_connection_shared_cipher_count(int32_t connection);

/* cleat_connection_shared_cipher returns the length of OpenSSL's name of the shared suite at
 * index (from 0, in an order of BoringSSL's) and copies it to output; it stores the suite's secret
 * bits and the CLEAT_TLS1_*VERSION that defines it. */
CLEAT_API int32_t cleat_connection_shared_cipher(int32_t connection, int32_t index, char *output,
                                                 int32_t output_cap, int32_t *bits,
                                                 int32_t *tls_version);

/* cleat_connection_alpn_protocol returns the length of the name of the negotiated application
 * protocol and copies it to output; 0 if there is none. */
CLEAT_API int32_t cleat_connection_alpn_protocol(int32_t connection, CLEAT_BINARY char *output,
                                                 int32_t output_cap);

/* cleat_connection_offered_alpn returns the length of the list of application protocols that the client of a server
 * has offered, and copies it to output: in the order and the form in which it stands in the ALPN extension (RFC 7301
 * section 3.1). 0 if it has offered none, and unless the connection waits for cleat_connection_answer_server_name. */
CLEAT_API int32_t cleat_connection_offered_alpn(int32_t connection, CLEAT_BINARY char *output,
                                                int32_t output_cap);

/* cleat_connection_set_alpn_protocols returns CLEAT_OK and sets the application protocols of which a server's
 * connection chooses, in place of its context's; a later switch of the context does not change them, unless the new
 * context has protocols for NPN only. protocols: as cleat_context_set_alpn_protocols takes them. An empty list
 * negotiates none. CLEAT_USAGE unless the connection waits for cleat_connection_answer_server_name, for a malformed
 * list, and if its context has no application protocols; CLEAT_NOMEM. */
CLEAT_API int32_t cleat_connection_set_alpn_protocols(int32_t connection, const char *protocols,
                                                      int32_t protocols_len);

/* CLEAT_DIRECTION_* are the directions of what a connection carries. */
#define CLEAT_DIRECTION_RECEIVED 0
#define CLEAT_DIRECTION_SENT 1

/* cleat_connection_alert returns 1 and stores the description of the last alert of that direction, or 0 and stores -1
 * if there was none. direction: CLEAT_DIRECTION_*. description: CLEAT_ALERT_DESCRIPTION_*, or another number up to 255.
 * close_notify is one, with the number 0. What was noted stays there once the connection has failed. */
CLEAT_API int32_t cleat_connection_alert(int32_t connection, int32_t direction,
                                         int32_t *description);

/* cleat_connection_session_reused returns 1 if the handshake resumed an earlier session,
 * otherwise 0. */
CLEAT_API int32_t cleat_connection_session_reused(int32_t connection);

/* cleat_connection_verify_mode returns the CLEAT_CERT_* with which the connection was made. */
CLEAT_API int32_t cleat_connection_verify_mode(int32_t connection);

/* cleat_connection_peer_certificate returns the id of the peer's certificate, or 0 if it sent
 * none. CLEAT_USAGE before the handshake is done. */
CLEAT_API CLEAT_NEW_ID CLEAT_OR_ZERO int32_t cleat_connection_peer_certificate(int32_t connection);

/* CLEAT_CHAIN_* choose a list of certificates, the peer's own first. */
#define CLEAT_CHAIN_SENT 0 /* what the peer has sent, which may be anything */
#define CLEAT_CHAIN_VERIFIED 1 /* the chain that was verified, up to its trust anchor */
#define CLEAT_CHAIN_OWN 2 /* what this side presents */

/* cleat_connection_chain_count returns how many certificates the chain has. which: CLEAT_CHAIN_*.
 * What was sent is available as soon as the peer has sent it, also if it is refused then. The
 * verified chain has 0 until the handshake is done, since only then the peer has shown that it has
 * the key, and with CLEAT_CERT_NONE; after CLEAT_WANT_VERIFY it is there. A verification builds it
 * when it is first asked for; the connection keeps it from then on. CLEAT_SSL if that verification
 * fails, since a certificate has ended or been revoked meanwhile. The own chain has 0 until the handshake is done, and
 * where the connection has no certificate. A client presents it only to a server that asks, and has 0 if its context
 * has several. On a server that resumes a session it is what it would present in a full handshake. */
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

/* CLEAT_BINDING_* choose a channel binding: bytes that both sides of a connection know, and that an attacker who is
 * between them with two connections cannot have the same of. */
#define CLEAT_BINDING_TLS_UNIQUE 1 /* "tls-unique" (RFC 5929 section 3), up to TLS 1.2 */
#define CLEAT_BINDING_TLS_EXPORTER 2 /* "tls-exporter" (RFC 9266) */
#define CLEAT_BINDING_TLS_SERVER_END_POINT 3 /* "tls-server-end-point" (RFC 5929 section 4) */

/* cleat_connection_channel_binding returns the length of the channel binding data and copies
 * it to output; 0 if there is none: before the handshake is done, and where the standard defines none. binding:
 * CLEAT_BINDING_*. TLS_UNIQUE: 0 with TLS 1.3, for which it is not defined, and for a resumed session without the
 * extended master secret. TLS_EXPORTER: 0 up to TLS 1.2 without the extended master secret (RFC 7627).
 * TLS_SERVER_END_POINT is the digest of the server's certificate, by the digest of its signature, but SHA-256 in place
 * of MD5 and SHA-1: 0 if the signature has no digest (Ed25519), or two, and if the server has no certificate. It says
 * which server the client means, and is the same for all its connections. On a server it is that of the certificate
 * that was sent, where it has several; of a resumed session that of the certificate that would be sent instead,
 * and the client's differs if the server's has been replaced since. CLEAT_SSL if the certificate cannot be parsed. */
CLEAT_API int32_t cleat_connection_channel_binding(int32_t connection, int32_t binding,
                                                   CLEAT_BINARY char *output, int32_t output_cap);

/* cleat_connection_set_context returns CLEAT_OK and makes the connection use another context, with
 * the settings that this has now.
 *
 * Before the handshake has begun all settings are the other context's; the host name stays. A
 * server may also switch before the ClientHello has arrived, and after CLEAT_WANT_SERVER_NAME until
 * cleat_connection_answer_server_name. Before the ClientHello it asks for the server name if either
 * context does. After the handshake has begun certificate, application protocols and trust are the
 * other context's, and of the rest the stricter counts: the higher verify mode; the verify flags
 * of both (PARTIAL_CHAIN only if both have it); the versions that both allow; NO_TICKET if either
 * has it; and the other's curve if it allows one only. A session that the client offers resumes
 * only if its client was verified with the same.
 *
 * CLEAT_USAGE later, for a client once its handshake has begun, and if the other context checks
 * host names and the client has none; CLEAT_SSL if BoringSSL refuses the settings; CLEAT_NOMEM. */
CLEAT_API int32_t cleat_connection_set_context(int32_t connection, int32_t context);

/* cleat_connection_answer_server_name returns CLEAT_OK and lets the handshake that has returned
 * CLEAT_WANT_SERVER_NAME go on at the next call. The name that the client has sent is at
 * cleat_connection_server_hostname. alert: -1 to go on; or a CLEAT_ALERT_DESCRIPTION_* to
 * refuse: the client gets that alert, and the handshake fails with CLEAT_SSL, CALLBACK_FAILED.
 * CLEAT_USAGE if the connection has not asked. */
CLEAT_API int32_t cleat_connection_answer_server_name(int32_t connection, int32_t alert);

#endif
