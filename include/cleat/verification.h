/* verification.h: verifications of certificates as objects: what the one of a connection's peer has found, and
 * verifications without a connection.
 *
 * A verification is immutable. That there is one does not mean that the certificate was accepted: this is what
 * cleat_verification_result returns. All certificates of one that was refused may say anything. */
#ifndef CLEAT_VERIFICATION_H
#define CLEAT_VERIFICATION_H

#include "cleat/base.h"

/* CLEAT_PURPOSE_* say whose certificate it is. */
#define CLEAT_PURPOSE_SERVER_AUTH 1 /* a server's */
#define CLEAT_PURPOSE_CLIENT_AUTH 2 /* a client's */
#define CLEAT_PURPOSE_ANY 3 /* any: key usages and extended ones do not count */

/* cleat_verification_new returns the id of a new verification, which has verified a certificate as a handshake would;
 * also if the certificate is refused. context: its trusted certificates, revocation lists, verify flags and depth
 * count, and whether common names do; its verify mode, and what it requires of stapled responses, do not. purpose:
 * CLEAT_PURPOSE_*. name: a host name in A-labels or an IP address that the certificate must be for; absent: the
 * name is not verified. time: the time for which it is verified, in seconds since 1970, up to 253402300799, fractions
 * are cut; negative: the context's (see cleat_context_set_verify_time). untrusted: certificates in PEM, or in DER one
 * after the other, that may be between the certificate and a trusted one; absent: none. The cache of verified chains is
 * not used. CLEAT_SSL if untrusted cannot be parsed (PEM NO_START_LINE, ASN1 ...); CLEAT_USAGE if there are
 * revocation lists in it. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_verification_new(
    int32_t context, int32_t certificate, int32_t purpose, CLEAT_ABSENT const char *name,
    int32_t name_len, double time, CLEAT_ABSENT const char *untrusted, int32_t untrusted_len);

/* cleat_connection_verification returns the id of the verification of the connection's peer, as it is now. It stays
 * when the connection is closed. CLEAT_USAGE if there was none: see cleat_connection_verify_result. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_connection_verification(int32_t connection);

/* cleat_verification_result returns CLEAT_OK if the certificate was accepted. Otherwise it fails as the handshake with
 * such a peer does: CLEAT_VERIFY, whose value is the verify code, OpenSSL's X509_V_ERR_. */
CLEAT_API int32_t cleat_verification_result(int32_t verification);

/* cleat_verification_error_count returns how many faults were found, 0 if the certificate was accepted. See
 * cleat_connection_verify_error_count; without a connection the first ends the verification. */
CLEAT_API int32_t cleat_verification_error_count(int32_t verification);

/* cleat_verification_error returns the length of the text of the fault at index, from 0, and copies it to output; it
 * stores the verify code, and the depth of the certificate at fault: 0 is the one that was to be verified. The first is
 * that of cleat_verification_result. code and depth must not be NULL. CLEAT_USAGE for an index out of range. */
CLEAT_API int32_t cleat_verification_error(int32_t verification, int32_t index, char *output,
                                           int32_t output_cap, int32_t *code, int32_t *depth);

/* cleat_verification_error_certificate returns the id of the certificate at fault, which may be a trusted one, or 0
 * if there is none at that depth. CLEAT_USAGE for an index out of range; CLEAT_SSL if BoringSSL cannot parse it. */
CLEAT_API CLEAT_NEW_ID CLEAT_OR_ZERO int32_t
cleat_verification_error_certificate(int32_t verification, int32_t index);

/* cleat_verification_chain_count returns how many certificates the chain has. which: CLEAT_CHAIN_*. What was sent is,
 * without a connection, the certificate and what was given as untrusted. A connection's verified chain is not here:
 * see cleat_connection_chain_count. */
CLEAT_API int32_t cleat_verification_chain_count(int32_t verification, int32_t which);

/* cleat_verification_chain_certificate returns the id of the certificate at index, from 0, of the chain. which:
 * CLEAT_CHAIN_*. CLEAT_USAGE for an index out of range; CLEAT_SSL if BoringSSL cannot parse it. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_verification_chain_certificate(int32_t verification,
                                                                    int32_t which, int32_t index);

#endif
