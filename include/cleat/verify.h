/* verify.h: what the verification of a peer depends on beside verify mode and flags, what it has found, and a
 * caller's part in it.
 *
 * The verification comes first. Then the caller may be asked: the handshake returns CLEAT_WANT_VERIFY, and goes on
 * after cleat_connection_answer_verify. In between the caller may read the peer's certificates, and take its time. */
#ifndef CLEAT_VERIFY_H
#define CLEAT_VERIFY_H

#include "cleat/base.h"

/* CLEAT_VERDICTS_* are for cleat_context_set_verify_events. */
#define CLEAT_VERDICTS_NONE 0 /* the verification decides */
#define CLEAT_VERDICTS_GOOD 1 /* the caller is asked about chains that were found good */
#define CLEAT_VERDICTS_ALL 2 /* DANGEROUS: about all chains, and may accept bad ones */

/* cleat_context_set_verify_events returns CLEAT_OK and lets handshakes return CLEAT_WANT_VERIFY once the peer's chain
 * was verified: when a client has the server's certificates, when a server has the client's, and again when either
 * resumes a session. on: CLEAT_VERDICTS_*. With GOOD the caller can refuse what the verification accepts, and
 * nothing else. ALL is DANGEROUS: the caller alone decides. The verify mode CERT_NONE asks nothing, and a client that
 * sends no certificate is no question either. */
CLEAT_API int32_t cleat_context_set_verify_events(int32_t context, int32_t on);

/* CLEAT_VERDICT_* are answers beside alerts, for cleat_connection_answer_verify. */
#define CLEAT_VERDICT_ACCEPT (-1) /* DANGEROUS for a chain that was found bad */
#define CLEAT_VERDICT_KEEP (-2) /* what the verification says */

/* cleat_connection_answer_verify returns CLEAT_OK and lets the handshake that has returned CLEAT_WANT_VERIFY go on at
 * the next call. alert: CLEAT_VERDICT_*; or a CLEAT_ALERT_DESCRIPTION_* other than CLOSE_NOTIFY to refuse: the
 * peer gets that alert, and the handshake fails with CLEAT_VERIFY, whose value is the verify code, or 50 (application
 * verification failure) for a chain that was found good. CLEAT_USAGE if the connection has not asked. */
CLEAT_API int32_t cleat_connection_answer_verify(int32_t connection, int32_t alert);

/* cleat_context_set_verify_enforced returns CLEAT_OK and sets whether a peer whose chain or name is not accepted is
 * refused; 1 in a new context. enforced: 0 or 1; 0 is DANGEROUS: the handshake goes on with any peer, and the caller
 * must look at cleat_connection_verify_result. Certificates that cannot be parsed, and what the verify mode says of
 * a client without a certificate, end the handshake in any case. */
CLEAT_API int32_t cleat_context_set_verify_enforced(int32_t context, int32_t enforced);

/* cleat_context_verify_enforced returns 1 if such a peer is refused, otherwise 0. */
CLEAT_API int32_t cleat_context_verify_enforced(int32_t context);

/* cleat_connection_verify_result returns the number of the reason for which the verification refuses the peer: a verify
 * code, OpenSSL's X509_V_ERR_; 0 if it has found the chain good. CLEAT_USAGE if there was no verification: the
 * peer's certificate has not come, there is none, or the verify mode is CERT_NONE. */
CLEAT_API int32_t cleat_connection_verify_result(int32_t connection);

/* cleat_connection_verify_error_count returns how many faults the verification has found, 0 for a good chain. All of
 * them are looked for, up to 16, if the context does not enforce verification or has CLEAT_VERDICTS_ALL;
 * otherwise the first ends the verification. CLEAT_USAGE as above. */
CLEAT_API int32_t cleat_connection_verify_error_count(int32_t connection);

/* cleat_connection_verify_error returns the length of the text of the fault at index, from 0, and copies it to output;
 * it stores the verify code, and the depth of the certificate at fault: 0 is the peer's own. The first is that of
 * cleat_connection_verify_result. code and depth must not be NULL. CLEAT_USAGE for an index out of range, and as
 * above. */
CLEAT_API int32_t cleat_connection_verify_error(int32_t connection, int32_t index, char *output,
                                                int32_t output_cap, int32_t *code, int32_t *depth);

/* CLEAT_DEPTH_MAX is the largest number of intermediate certificates, and a new context's. */
#define CLEAT_DEPTH_MAX 100

/* cleat_context_verify_depth returns how many intermediate certificates a verified chain may have, the peer's own and
 * the trust anchor aside. */
CLEAT_API int32_t cleat_context_verify_depth(int32_t context);

/* cleat_context_set_verify_depth returns CLEAT_OK and sets that. depth: 0 to CLEAT_DEPTH_MAX. */
CLEAT_API int32_t cleat_context_set_verify_depth(int32_t context, int32_t depth);

/* cleat_context_verify_time returns CLEAT_OK and stores the time for which chains are verified, in seconds since 1970,
 * or -1 if that is the time of the verification. time must not be NULL. */
CLEAT_API int32_t cleat_context_verify_time(int32_t context, double *time);

/* cleat_context_set_verify_time returns CLEAT_OK and sets it, for validity periods, revocation lists and OCSP
 * responses. time: seconds since 1970, up to 253402300799 (the end of the year 9999), fractions are cut; a negative
 * one is the time of the verification, a new context's. DANGEROUS on a client: certificates that have expired, and
 * keys that were stolen since, are accepted. Such verifications do not use the cache of verified chains. */
CLEAT_API int32_t cleat_context_set_verify_time(int32_t context, double time);

/* cleat_context_checks_common_name returns 1 if a certificate without alternative names is compared with the server's
 * name by its subject's common name. */
CLEAT_API int32_t cleat_context_checks_common_name(int32_t context);

/* cleat_context_set_checks_common_name returns CLEAT_OK and sets that. check: 0 or 1; 1 in a new context. */
CLEAT_API int32_t cleat_context_set_checks_common_name(int32_t context, int32_t check);

#endif
