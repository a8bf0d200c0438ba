/* verification.h: objects with the result of a verification: of a connection's peer, or of a certificate without a
 * connection.
 *
 * A verification is immutable. Its existence does not mean that the certificate was accepted: see
 * cleat_verification_result. The content of certificates that were refused is not trustworthy. */
#ifndef CLEAT_VERIFICATION_H
#define CLEAT_VERIFICATION_H

#include "cleat/base.h"

/* CLEAT_PURPOSE_* select for which purpose a certificate is verified. */
#define CLEAT_PURPOSE_SERVER_AUTH 1 /* authenticating a server */
#define CLEAT_PURPOSE_CLIENT_AUTH 2 /* authenticating a client */
#define CLEAT_PURPOSE_ANY 3 /* any: key usage and extended key usage are not checked */

/* cleat_verification_new returns the id of a new verification, also if the certificate is refused: it verifies a
 * certificate as a handshake would. context: its trusted certificates, revocation lists, verify flags, depth and the
 * setting of cleat_context_set_checks_common_name are used; its verify mode and OCSP settings are not. purpose:
 * CLEAT_PURPOSE_*. name: a host name in A-labels or an IP address that the certificate must match; absent: the name
 * is not verified. time: the time for which the certificate is verified, in seconds since 1970, up to 253402300799,
 * fractions are truncated; negative: the context's (see cleat_context_set_verify_time). untrusted: possible
 * intermediate certificates, in PEM or concatenated DER; absent: none. The chain cache is not used. CLEAT_SSL if
 * untrusted cannot be parsed (PEM NO_START_LINE, ASN1 ...); CLEAT_USAGE if it contains revocation lists. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_verification_new(
    int32_t context, int32_t certificate, int32_t purpose, CLEAT_ABSENT const char *name,
    int32_t name_len, double time, CLEAT_ABSENT const char *untrusted, int32_t untrusted_len);

/* cleat_connection_verification returns the id of a verification with the present result for the connection's peer.
 * It remains valid when the connection is closed. CLEAT_USAGE if there is no result: see
 * cleat_connection_verify_result. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_connection_verification(int32_t connection);

/* cleat_verification_result returns CLEAT_OK if the certificate was accepted. Otherwise it fails like a handshake
 * with such a peer: CLEAT_VERIFY, whose value is the verify code (OpenSSL's X509_V_ERR_ numbers). */
CLEAT_API int32_t cleat_verification_result(int32_t verification);

/* cleat_verification_error_count returns the number of faults, 0 if the certificate was accepted. See
 * cleat_connection_verify_error_count; without a connection the first fault ends the verification. */
CLEAT_API int32_t cleat_verification_error_count(int32_t verification);

/* cleat_verification_error returns the length of the text of the fault at index, from 0, and copies it to output; it
 * stores the verify code, and the depth of the certificate at fault: 0 is the certificate that was verified. The
 * first fault is that of cleat_verification_result. code and depth must not be NULL. CLEAT_USAGE for an index out of
 * range. */
CLEAT_API int32_t cleat_verification_error(int32_t verification, int32_t index, char *output,
                                           int32_t output_cap, int32_t *code, int32_t *depth);

/* cleat_verification_error_certificate returns the id of the certificate with the fault at index, from 0, which may
 * be a trusted one, or 0 if there is none at that depth. CLEAT_USAGE for an index out of range; CLEAT_SSL if
 * BoringSSL cannot parse it. */
CLEAT_API CLEAT_NEW_ID CLEAT_OR_ZERO int32_t
cleat_verification_error_certificate(int32_t verification, int32_t index);

/* cleat_verification_chain_count returns the number of certificates in the chain. which: CLEAT_CHAIN_* except
 * CLEAT_CHAIN_OWN. Without a connection, CLEAT_CHAIN_SENT has the certificate and the untrusted ones. For a
 * connection's peer, CLEAT_CHAIN_VERIFIED is empty: see cleat_connection_chain_count. */
CLEAT_API int32_t cleat_verification_chain_count(int32_t verification, int32_t which);

/* cleat_verification_chain_certificate returns the id of the certificate at index, from 0, of the chain. which:
 * CLEAT_CHAIN_*. CLEAT_USAGE for an index out of range; CLEAT_SSL if BoringSSL cannot parse it. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_verification_chain_certificate(int32_t verification,
                                                                    int32_t which, int32_t index);

#endif
