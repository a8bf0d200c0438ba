/* staple.h: stapling (RFC 6066): a server sends, with its certificate, an OCSP response (RFC 6960), which proves
 * that the certificate has not been revoked, and signed certificate timestamps (RFC 6962), which prove that it was
 * submitted to logs.
 *
 * A client requests an OCSP response unless cleat_context_set_ask_ocsp disables it. If it verifies its server, it
 * also verifies the response: signature, responder, certificate and time (with a tolerance of 300 seconds for clocks
 * that differ). If a valid response reports that the certificate is revoked, the handshake fails with CLEAT_VERIFY,
 * code 23. A missing or invalid response is ignored, unless cleat_context_set_require_ocsp requires one, or the
 * certificate has the TLS feature status_request (RFC 7633, "must-staple"). The codes are then 73 (no response), 74
 * (an invalid response) and 75 (the responder does not know the certificate), and the alert is
 * bad_certificate_status_response.
 *
 * cleat does not verify timestamps. */
#ifndef CLEAT_STAPLE_H
#define CLEAT_STAPLE_H

#include "cleat/base.h"

/* CLEAT_STAPLE_MAX is the maximum length of an OCSP response and of a list of timestamps, in bytes. */
#define CLEAT_STAPLE_MAX 65535

/* CLEAT_OCSP_* are the revocation statuses of a certificate. */
#define CLEAT_OCSP_GOOD 0 /* not revoked, as far as the responder knows */
#define CLEAT_OCSP_REVOKED 1
#define CLEAT_OCSP_UNKNOWN 2 /* the responder does not know the certificate */

/* cleat_ocsp_check returns the CLEAT_OCSP_* that an OCSP response in DER, which it verifies, has for a certificate. It
 * stores the response's thisUpdate and nextUpdate and the time of the revocation, in seconds since 1970, and the
 * reason of the revocation. certificate and issuer: ids of certificates; issuer must have issued certificate, by
 * name and signature. next_update is 0 if the response has none: it is then valid for 300 seconds. revoked_at is 0
 * and reason -1 if there is none; reason is a CRLReason of RFC 5280 section 5.3.1. The response must be signed by
 * the issuer, or by a certificate in the response that the issuer has issued for OCSP signing; this certificate is
 * not checked for revocation. A nonce is ignored. CLEAT_SSL with the library OCSP: MALFORMED_RESPONSE,
 * RESPONSE_STATUS (the responder reports an error), UNHANDLED_CRITICAL_EXTENSION, CERTIFICATE_NOT_COVERED,
 * ISSUER_MISMATCH, AMBIGUOUS_STATUS, SIGNER_CERTIFICATE_NOT_FOUND, RESPONDER_NOT_AUTHORIZED, SIGNATURE_ALGORITHM
 * (weak or unknown), SIGNATURE_FAILURE, STATUS_NOT_YET_VALID, STATUS_EXPIRED; or NOT_ISSUED_BY, if issuer has not
 * issued certificate. */
CLEAT_API int32_t cleat_ocsp_check(const char *response, int32_t response_len, int32_t certificate,
                                   int32_t issuer, double *this_update, double *next_update,
                                   double *revoked_at, int32_t *reason);

/* cleat_context_ask_ocsp returns 1 if clients of the context request an OCSP response, otherwise 0; 1 in a new
 * context. */
CLEAT_API int32_t cleat_context_ask_ocsp(int32_t context);

/* cleat_context_set_ask_ocsp returns CLEAT_OK and sets whether clients request an OCSP response. on: 0 or 1. 0 is
 * DANGEROUS: a revoked must-staple certificate is accepted. Clients that require a response always request it. */
CLEAT_API int32_t cleat_context_set_ask_ocsp(int32_t context, int32_t on);

/* cleat_context_require_ocsp returns 1 if peers must staple a valid OCSP response, otherwise 0, as in a new context. */
CLEAT_API int32_t cleat_context_require_ocsp(int32_t context);

/* cleat_context_set_require_ocsp returns CLEAT_OK and sets whether peers must staple a valid OCSP response. on: 0 or
 * 1. It has an effect only if peers are verified. A server cannot request responses from its clients: with 1 it
 * refuses all client certificates. */
CLEAT_API int32_t cleat_context_set_require_ocsp(int32_t context, int32_t on);

/* cleat_context_ocsp_response returns the length of the OCSP response that servers of the context staple, 0 if there
 * is none, and copies it to output. With several certificates it is the response that was set last, if that
 * certificate has not been replaced since. */
CLEAT_API int32_t cleat_context_ocsp_response(int32_t context, CLEAT_BINARY char *output,
                                              int32_t output_cap);

/* cleat_context_set_ocsp_response returns CLEAT_OK and makes servers of the context staple the response, in DER, to
 * clients that request one. response absent: removes the responses of all certificates. The response is stapled to
 * the certificates that it covers: those with the same serial number and issuer name, or, if the names of none
 * match, those with the same serial number. There must be one; nothing else is verified, and an expired response is
 * sent as well. Replacing the certificate removes the response. CLEAT_USAGE without a certificate, and above
 * CLEAT_STAPLE_MAX; CLEAT_SSL with the library OCSP: MALFORMED_RESPONSE, RESPONSE_STATUS,
 * UNHANDLED_CRITICAL_EXTENSION, CERTIFICATE_NOT_COVERED, AMBIGUOUS_STATUS. */
CLEAT_API int32_t cleat_context_set_ocsp_response(int32_t context,
                                                  CLEAT_ABSENT const char *response,
                                                  int32_t response_len);

/* cleat_context_ask_scts returns 1 if clients of the context request timestamps, otherwise 0, as in a new context. */
CLEAT_API int32_t cleat_context_ask_scts(int32_t context);

/* cleat_context_set_ask_scts returns CLEAT_OK and sets whether clients request timestamps. on: 0 or 1. */
CLEAT_API int32_t cleat_context_set_ask_scts(int32_t context, int32_t on);

/* cleat_context_scts returns the length of the list of timestamps that servers of the context send, 0 if there is
 * none, and copies it to output: those of the certificate that was loaded last. */
CLEAT_API int32_t cleat_context_scts(int32_t context, CLEAT_BINARY char *output,
                                     int32_t output_cap);

/* cleat_context_set_scts returns CLEAT_OK and makes servers of the context send the timestamps to clients that
 * request them. scts: a SignedCertificateTimestampList (RFC 6962 section 3.3); absent: removes the timestamps of all
 * certificates. They are stapled to the certificate that was loaded last; replacing the certificate removes them.
 * CLEAT_USAGE without a certificate, for a malformed list, and above CLEAT_STAPLE_MAX. */
CLEAT_API int32_t cleat_context_set_scts(int32_t context, CLEAT_ABSENT const char *scts,
                                         int32_t scts_len);

/* cleat_connection_ocsp_response returns the length of the OCSP response that the server has stapled, and copies it
 * to output; 0 if there is none, on servers, and before the handshake is done. With a resumed session it is the
 * response of the session's first connection. */
CLEAT_API int32_t cleat_connection_ocsp_response(int32_t connection, CLEAT_BINARY char *output,
                                                 int32_t output_cap);

/* cleat_connection_scts returns the length of the list of timestamps that the server has sent, and copies it to
 * output; 0 in the same cases. */
CLEAT_API int32_t cleat_connection_scts(int32_t connection, CLEAT_BINARY char *output,
                                        int32_t output_cap);

#endif
