/* staple.h: what a server sends with its certificate: an OCSP response (RFC 6960), by which the CA says that the
 * certificate has not been revoked, and signed certificate timestamps (RFC 6962), by which logs say that they have
 * seen it. Sending them so is called stapling (RFC 6066).
 *
 * A client asks for an OCSP response unless cleat_context_set_ask_ocsp says otherwise. If it verifies its server, it
 * verifies the response, too: signature, responder, certificate and time (with 300 seconds for clocks that differ). A
 * certificate that is revoked by a good response is refused: CLEAT_VERIFY with the code 23. A response that is not
 * good, or missing, is ignored, unless cleat_context_set_require_ocsp says otherwise, or the certificate has the TLS
 * feature status_request (RFC 7633, "must-staple"). The codes are then 73 (no response), 74 (not a good one) and 75
 * (the responder does not know the certificate), and the alert is bad_certificate_status_response.
 *
 * Timestamps are bytes to cleat: it does not verify them. */
#ifndef CLEAT_STAPLE_H
#define CLEAT_STAPLE_H

#include "cleat/base.h"

/* CLEAT_STAPLE_MAX is the longest OCSP response and the longest list of timestamps, in bytes. */
#define CLEAT_STAPLE_MAX 65535

/* CLEAT_OCSP_* are the statuses of a certificate. */
#define CLEAT_OCSP_GOOD 0 /* not revoked, as far as the responder knows */
#define CLEAT_OCSP_REVOKED 1
#define CLEAT_OCSP_UNKNOWN 2 /* the responder does not know the certificate */

/* cleat_ocsp_check returns the CLEAT_OCSP_* that a response has for a certificate, and stores the times of the
 * response and of the revocation, in seconds since 1970, and the reason of the revocation. certificate and issuer:
 * ids of certificates; that the one has issued the other is checked, by name and signature. next_update is 0 if the
 * response has none: it counts for 300 seconds then. revoked_at is 0 and reason -1 if there is none; reason is a
 * CRLReason of RFC 5280 section 5.3.1. The response must be signed by the issuer, or by a certificate in it that the
 * issuer has issued for OCSP signing; whether this one was revoked is not looked at. A nonce is not looked at.
 * CLEAT_SSL with the library OCSP: MALFORMED_RESPONSE, RESPONSE_STATUS (the responder reports an error),
 * UNHANDLED_CRITICAL_EXTENSION, CERTIFICATE_NOT_COVERED, ISSUER_MISMATCH, AMBIGUOUS_STATUS,
 * SIGNER_CERTIFICATE_NOT_FOUND, RESPONDER_NOT_AUTHORIZED, SIGNATURE_ALGORITHM (weak or unknown), SIGNATURE_FAILURE,
 * STATUS_NOT_YET_VALID, STATUS_EXPIRED; or NOT_ISSUED_BY, if the issuer is not the certificate's. */
CLEAT_API int32_t cleat_ocsp_check(const char *response, int32_t response_len, int32_t certificate,
                                   int32_t issuer, double *this_update, double *next_update,
                                   double *revoked_at, int32_t *reason);

/* cleat_context_ask_ocsp returns 1 if clients of the context ask for an OCSP response, otherwise 0; 1 in a new
 * context. */
CLEAT_API int32_t cleat_context_ask_ocsp(int32_t context);

/* cleat_context_set_ask_ocsp returns CLEAT_OK and sets that. on: 0 or 1. DANGEROUS is 0: a revoked certificate that
 * must be stapled is accepted. Clients that require a response ask for it in any case. */
CLEAT_API int32_t cleat_context_set_ask_ocsp(int32_t context, int32_t on);

/* cleat_context_require_ocsp returns 1 if the peers of the context must staple a good OCSP response, otherwise 0. */
CLEAT_API int32_t cleat_context_require_ocsp(int32_t context);

/* cleat_context_set_require_ocsp returns CLEAT_OK and sets that. on: 0 or 1. It has an effect where peers are
 * verified. A server cannot ask its clients for responses: it refuses all client certificates. */
CLEAT_API int32_t cleat_context_set_require_ocsp(int32_t context, int32_t on);

/* cleat_context_ocsp_response returns the length of the OCSP response that servers of the context staple, 0 if there
 * is none, and copies it to output. With several certificates it is the response that was set last, of those that are
 * still there. */
CLEAT_API int32_t cleat_context_ocsp_response(int32_t context, CLEAT_BINARY char *output,
                                              int32_t output_cap);

/* cleat_context_set_ocsp_response returns CLEAT_OK and makes servers of the context staple the response, in DER, to
 * clients that ask for one. response absent: none, to no certificate. It belongs to the certificate, or certificates,
 * that it is about: the serial number decides and, where one has it, the issuer's name. One must have the number;
 * nothing else is verified, and the response is sent when it has expired, too. It is discarded with its certificate.
 * CLEAT_USAGE without a certificate, and above CLEAT_STAPLE_MAX; CLEAT_SSL with the library OCSP: MALFORMED_RESPONSE,
 * RESPONSE_STATUS, UNHANDLED_CRITICAL_EXTENSION, CERTIFICATE_NOT_COVERED, AMBIGUOUS_STATUS. */
CLEAT_API int32_t cleat_context_set_ocsp_response(int32_t context,
                                                  CLEAT_ABSENT const char *response,
                                                  int32_t response_len);

/* cleat_context_ask_scts returns 1 if clients of the context ask for timestamps, otherwise 0; 0 in a new context. */
CLEAT_API int32_t cleat_context_ask_scts(int32_t context);

/* cleat_context_set_ask_scts returns CLEAT_OK and sets that. on: 0 or 1. */
CLEAT_API int32_t cleat_context_set_ask_scts(int32_t context, int32_t on);

/* cleat_context_scts returns the length of the list of timestamps that servers of the context send, 0 if there is
 * none, and copies it to output: those of the certificate that was loaded last. */
CLEAT_API int32_t cleat_context_scts(int32_t context, CLEAT_BINARY char *output,
                                     int32_t output_cap);

/* cleat_context_set_scts returns CLEAT_OK and makes servers of the context send the timestamps to clients that ask for
 * them. scts: a SignedCertificateTimestampList (RFC 6962 section 3.3); absent: none, to no certificate. They belong to
 * the certificate that was loaded last, and are discarded with it. CLEAT_USAGE without a certificate, for a malformed
 * list, and above CLEAT_STAPLE_MAX. */
CLEAT_API int32_t cleat_context_set_scts(int32_t context, CLEAT_ABSENT const char *scts,
                                         int32_t scts_len);

/* cleat_connection_ocsp_response returns the length of the OCSP response that the server has stapled, and copies it to
 * output; 0 if there is none, on servers, and before the handshake is done. In a resumed session it is the one of the
 * session's first connection. */
CLEAT_API int32_t cleat_connection_ocsp_response(int32_t connection, CLEAT_BINARY char *output,
                                                 int32_t output_cap);

/* cleat_connection_scts returns the length of the list of timestamps that the server has sent, and copies it to
 * output; 0 likewise. */
CLEAT_API int32_t cleat_connection_scts(int32_t connection, CLEAT_BINARY char *output,
                                        int32_t output_cap);

#endif
