/* status.h: what a negative result means, and the text of the last failure.
 *
 * A status is -(class << 16 | value). Branch on the class, CLEAT_CLASS(status); look at the
 * value, CLEAT_VALUE(status), where the class says what it holds. The numbers never change their
 * meaning. The constants that are classes are marked.
 *
 * The record of the last failure belongs to the calling thread. It stays until the next
 * failure on that thread; successful calls, waits (CLEAT_WANT_*) and cleat_close leave it
 * alone. When one failure follows from another, the first and more specific one is kept. */
#ifndef CLEAT_STATUS_H
#define CLEAT_STATUS_H

#include "cleat/base.h"

#define CLEAT_CLASS(status) ((-(status)) >> 16)
#define CLEAT_VALUE(status) ((-(status)) & 0xffff)

/* CLEAT_OK is the result of a function that has no other result. */
#define CLEAT_OK 0

/* CLEAT_WANT_* are classes of statuses that are no failures: the call would block. It is to be
 * made again, with the same arguments, once the caller has provided it.
 * Their value is 0. */
#define CLEAT_WANT_READ 1 /* class; the transport must be readable (or be fed) first */
#define CLEAT_WANT_WRITE 2 /* class; the transport must be writable (or be drained) first */

/* CLEAT_WANT_SERVER_NAME is the class for a server that has read its client's ClientHello and
 * waits for the caller to decide how to go on: see cleat_connection_answer_server_name. The value is 0. */
#define CLEAT_WANT_SERVER_NAME 3 /* class */

/* CLEAT_WANT_SESSION is the class for a server that asks its caller for a session that the client offers, or has one
 * to store: see cleat_connection_session_question. The value is 0. */
#define CLEAT_WANT_SESSION 4 /* class */

/* CLEAT_WANT_SIGNATURE is the class for a connection that needs a signature by a private key that is elsewhere: see
 * cleat_connection_answer_signature. The value is 0. */
#define CLEAT_WANT_SIGNATURE 5 /* class */

/* CLEAT_WANT_VERIFY is the class for a connection that has verified its peer's certificates, and waits for the caller
 * to decide on them: see cleat_connection_answer_verify. The value is 0. */
#define CLEAT_WANT_VERIFY 6 /* class */

/* CLEAT_WANT_PSK is the class for a connection that needs a pre-shared key: see cleat_connection_answer_psk. The value
 * is 0. */
#define CLEAT_WANT_PSK 7 /* class */

/* CLEAT_NEED_PASSWORD is the class for a private key that is encrypted when no password was
 * given: call again with one. The value is 0. */
#define CLEAT_NEED_PASSWORD 8 /* class */

/* CLEAT_CLOSED is the class for a connection whose TLS session is over (both sides sent
 * close_notify, or this side did and the call would need more), and for a call whose id
 * another thread closed meanwhile. The value is 0. */
#define CLEAT_CLOSED 16 /* class */

/* CLEAT_EOF is the class for a transport that ended without close_notify (RFC 8446 section
 * 6.1): the data before is complete, but the peer may have had more to send. The value is
 * 0. */
#define CLEAT_EOF 17 /* class */

/* CLEAT_TIMEOUT is the class for a timeout that ran out. The value is 0. */
#define CLEAT_TIMEOUT 18 /* class */

/* CLEAT_SYS is the class for an error of the operating system. The value is its errno
 * (cleat/errno.h). */
#define CLEAT_SYS 32 /* class */

/* CLEAT_RESOLVE is the class for a host or service name that was not resolved. The value is
 * minus getaddrinfo's EAI_ code, CLEAT_EAI_*. */
#define CLEAT_RESOLVE 33 /* class */

/* CLEAT_SSL is the class for an error that the TLS library found. The value is its reason
 * number, which may differ from one BoringSSL to another: use the names of cleat_error_library
 * and cleat_error_reason. */
#define CLEAT_SSL 34 /* class */

/* CLEAT_ALERT is the class for a fatal alert that the peer sent. The value is its description,
 * CLEAT_ALERT_DESCRIPTION_*. */
#define CLEAT_ALERT 35 /* class */

/* CLEAT_VERIFY is the class for a peer certificate that was not accepted. The value is the
 * verify code (OpenSSL's X509_V_ERR_ numbers); its text is at cleat_error_verify_message. */
#define CLEAT_VERIFY 36 /* class */

/* CLEAT_HANDLE is the class for an id that names no open object of the kind that the function
 * works on. The value is 0. */
#define CLEAT_HANDLE 48 /* class */

/* CLEAT_USAGE is the class for an argument out of its documented range, or a call that the
 * object's state does not allow. The value is the position of the argument, from 1, or 0 where
 * it is the state. */
#define CLEAT_USAGE 49 /* class */

/* CLEAT_UNSUPPORTED is the class for a feature that this build or its BoringSSL lacks. The value is 0. */
#define CLEAT_UNSUPPORTED 50 /* class */

/* CLEAT_NOMEM is the class for a failed allocation. The value is 0. */
#define CLEAT_NOMEM 51 /* class */

/* CLEAT_ALERT_DESCRIPTION_* are the alert descriptions of TLS (RFC 8446 section 6, RFC 5246
 * section 7.2, the IANA registry). */
#define CLEAT_ALERT_DESCRIPTION_CLOSE_NOTIFY 0
#define CLEAT_ALERT_DESCRIPTION_UNEXPECTED_MESSAGE 10
#define CLEAT_ALERT_DESCRIPTION_BAD_RECORD_MAC 20
#define CLEAT_ALERT_DESCRIPTION_RECORD_OVERFLOW 22
#define CLEAT_ALERT_DESCRIPTION_DECOMPRESSION_FAILURE 30
#define CLEAT_ALERT_DESCRIPTION_HANDSHAKE_FAILURE 40
#define CLEAT_ALERT_DESCRIPTION_BAD_CERTIFICATE 42
#define CLEAT_ALERT_DESCRIPTION_UNSUPPORTED_CERTIFICATE 43
#define CLEAT_ALERT_DESCRIPTION_CERTIFICATE_REVOKED 44
#define CLEAT_ALERT_DESCRIPTION_CERTIFICATE_EXPIRED 45
#define CLEAT_ALERT_DESCRIPTION_CERTIFICATE_UNKNOWN 46
#define CLEAT_ALERT_DESCRIPTION_ILLEGAL_PARAMETER 47
#define CLEAT_ALERT_DESCRIPTION_UNKNOWN_CA 48
#define CLEAT_ALERT_DESCRIPTION_ACCESS_DENIED 49
#define CLEAT_ALERT_DESCRIPTION_DECODE_ERROR 50
#define CLEAT_ALERT_DESCRIPTION_DECRYPT_ERROR 51
#define CLEAT_ALERT_DESCRIPTION_PROTOCOL_VERSION 70
#define CLEAT_ALERT_DESCRIPTION_INSUFFICIENT_SECURITY 71
#define CLEAT_ALERT_DESCRIPTION_INTERNAL_ERROR 80
#define CLEAT_ALERT_DESCRIPTION_USER_CANCELLED 90
#define CLEAT_ALERT_DESCRIPTION_NO_RENEGOTIATION 100
#define CLEAT_ALERT_DESCRIPTION_UNSUPPORTED_EXTENSION 110
#define CLEAT_ALERT_DESCRIPTION_CERTIFICATE_UNOBTAINABLE 111
#define CLEAT_ALERT_DESCRIPTION_UNRECOGNIZED_NAME 112
#define CLEAT_ALERT_DESCRIPTION_BAD_CERTIFICATE_STATUS_RESPONSE 113
#define CLEAT_ALERT_DESCRIPTION_BAD_CERTIFICATE_HASH_VALUE 114
#define CLEAT_ALERT_DESCRIPTION_UNKNOWN_PSK_IDENTITY 115
#define CLEAT_ALERT_DESCRIPTION_ECH_REQUIRED 121

/* cleat_error_status returns the status of this thread's last failure, or 0 if there was none.
 * It is the one function whose negative result is its answer. */
CLEAT_API int32_t cleat_error_status(void);

/* cleat_error_message returns the length of the text of this thread's last failure and copies
 * it to output; the text is empty only if there was no failure. Failures of the TLS library read
 * "[LIBRARY: REASON] words (file:line)". */
CLEAT_API int32_t cleat_error_message(char *output, int32_t output_cap);

/* cleat_error_library returns the length of the name of the sub-library in which the last
 * failure of class CLEAT_SSL, CLEAT_ALERT or CLEAT_VERIFY arose ("SSL", "PEM", "X509", "ASN1"
 * ...) and copies it to output; 0 for other classes. */
CLEAT_API int32_t cleat_error_library(char *output, int32_t output_cap);

/* cleat_error_reason returns the length of the mnemonic of the last such failure
 * ("CERTIFICATE_VERIFY_FAILED", "NO_START_LINE", "TLSV1_ALERT_UNKNOWN_CA" ...) and copies it
 * to output; 0 for other classes. */
CLEAT_API int32_t cleat_error_reason(char *output, int32_t output_cap);

/* cleat_error_verify_message returns the length of the text for the verify code of the last
 * failure of class CLEAT_VERIFY ("certificate has expired" ...) and copies it to output; 0 for
 * other classes. */
CLEAT_API int32_t cleat_error_verify_message(char *output, int32_t output_cap);

/* cleat_error_filename returns the length of the name of the file or directory that the last
 * failure was about, and copies it to output; 0 if it was about none. */
CLEAT_API int32_t cleat_error_filename(char *output, int32_t output_cap);

/* cleat_strerror returns the length of the operating system's text for the error number and
 * copies it to output. number: an errno, 0 to 65535; for an unknown one the text is "Unknown
 * error N". */
CLEAT_API int32_t cleat_strerror(int32_t number, char *output, int32_t output_cap);

#endif
