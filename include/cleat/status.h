/* status.h: the statuses that functions return, and the details of a thread's last failure.
 *
 * A status is -(class << 16 | value). Test the class, CLEAT_CLASS(status); the value, CLEAT_VALUE(status), has the
 * meaning that the class defines. The meaning of a number never changes. Constants that are classes are marked.
 *
 * The record of the last failure belongs to the calling thread. It stays until the next failure on that thread;
 * successful calls, CLEAT_WANT_* statuses and cleat_close do not change it. If one failure causes another, the first
 * and more specific one is recorded. */
#ifndef CLEAT_STATUS_H
#define CLEAT_STATUS_H

#include "cleat/base.h"

#define CLEAT_CLASS(status) ((-(status)) >> 16)
#define CLEAT_VALUE(status) ((-(status)) & 0xffff)

/* CLEAT_OK is the result of a function that has no other result. */
#define CLEAT_OK 0

/* CLEAT_WANT_* are classes of statuses that are not failures: the call would block, or needs something from the
 * caller. Repeat it with the same arguments once the condition below is met. Their value is 0. */
#define CLEAT_WANT_READ 1 /* class; until the transport is readable (or was fed) */
#define CLEAT_WANT_WRITE 2 /* class; until the transport is writable (or was drained) */

/* CLEAT_WANT_SERVER_NAME is the class for a server that has read its client's ClientHello and waits for the caller's
 * decision: see cleat_connection_answer_server_name. The value is 0. */
#define CLEAT_WANT_SERVER_NAME 3 /* class */

/* CLEAT_WANT_SESSION is the class for a server that needs a session from its caller's store, or has one to store:
 * see cleat_connection_session_question. The value is 0. */
#define CLEAT_WANT_SESSION 4 /* class */

/* CLEAT_WANT_SIGNATURE is the class for a connection that needs a signature by a remote private key: see
 * cleat_connection_answer_signature. The value is 0. */
#define CLEAT_WANT_SIGNATURE 5 /* class */

/* CLEAT_WANT_VERIFY is the class for a connection that has verified its peer's certificates, and waits for the
 * caller's decision: see cleat_connection_answer_verify. The value is 0. */
#define CLEAT_WANT_VERIFY 6 /* class */

/* CLEAT_WANT_PSK is the class for a connection that needs a pre-shared key: see cleat_connection_answer_psk. The value
 * is 0. */
#define CLEAT_WANT_PSK 7 /* class */

/* CLEAT_NEED_PASSWORD is the class for an encrypted private key without a password: call again with one. The value
 * is 0. */
#define CLEAT_NEED_PASSWORD 8 /* class */

/* CLEAT_CLOSED is the class for a connection that was shut down (both sides have sent close_notify, or this side has
 * and the call would write), and for a call whose id another thread has closed meanwhile. The value is 0. */
#define CLEAT_CLOSED 16 /* class */

/* CLEAT_EOF is the class for a transport that ended without close_notify (RFC 8446 section 6.1): the data received
 * so far is authentic, but the stream may have been truncated. The value is 0. */
#define CLEAT_EOF 17 /* class */

/* CLEAT_TIMEOUT is the class for an expired timeout. The value is 0. */
#define CLEAT_TIMEOUT 18 /* class */

/* CLEAT_SYS is the class for an error of the operating system. The value is its errno
 * (cleat/errno.h). */
#define CLEAT_SYS 32 /* class */

/* CLEAT_RESOLVE is the class for a host or service name that could not be resolved. The value is minus getaddrinfo's
 * EAI_ code, CLEAT_EAI_*. */
#define CLEAT_RESOLVE 33 /* class */

/* CLEAT_SSL is the class for an error that BoringSSL or cleat's own TLS and X.509 code has detected. The value is
 * BoringSSL's reason number, which may differ between versions of BoringSSL, or 0: use the names of
 * cleat_error_library and cleat_error_reason. */
#define CLEAT_SSL 34 /* class */

/* CLEAT_ALERT is the class for a fatal alert that the peer sent. The value is its description,
 * CLEAT_ALERT_DESCRIPTION_*. */
#define CLEAT_ALERT 35 /* class */

/* CLEAT_VERIFY is the class for a peer certificate that was not accepted. The value is the
 * verify code (OpenSSL's X509_V_ERR_ numbers); its text is at cleat_error_verify_message. */
#define CLEAT_VERIFY 36 /* class */

/* CLEAT_HANDLE is the class for an id that is not open, or is of another kind of object than the function needs. The
 * value is 0. */
#define CLEAT_HANDLE 48 /* class */

/* CLEAT_USAGE is the class for an argument out of its documented range, or a call that the object's state does not
 * allow. The value is the position of the argument, from 1, or 0 for the state. */
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

/* cleat_error_status returns the status of this thread's last failure, or 0 if there was none. It is the only
 * function whose negative result is not a failure of the call. */
CLEAT_API int32_t cleat_error_status(void);

/* cleat_error_message returns the length of the text of this thread's last failure and copies it to output; the text
 * is empty only if there was no failure. BoringSSL's failures have the form "[LIBRARY: REASON] text (file:line)". */
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

/* cleat_error_filename returns the length of the name of the file or directory that caused the last failure, and
 * copies it to output; 0 if there is none. */
CLEAT_API int32_t cleat_error_filename(char *output, int32_t output_cap);

/* cleat_strerror returns the length of the operating system's text for the error number and
 * copies it to output. number: an errno, 0 to 65535; for an unknown one the text is "Unknown
 * error N". */
CLEAT_API int32_t cleat_strerror(int32_t number, char *output, int32_t output_cap);

#endif
