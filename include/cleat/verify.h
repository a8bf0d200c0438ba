/* verify.h: further settings of the verification of a peer, its result, and the caller's decision on it.
 *
 * The peer is verified first. Then, if the context enables it, the handshake returns CLEAT_WANT_VERIFY, and
 * continues after cleat_connection_answer_verify, which the caller may call at any later time. Meanwhile the caller
 * may read the peer's certificates. */
#ifndef CLEAT_VERIFY_H
#define CLEAT_VERIFY_H

#include "cleat/base.h"

/* CLEAT_VERDICTS_* are for cleat_context_set_verify_events. */
#define CLEAT_VERDICTS_NONE 0 /* the verification decides */
#define CLEAT_VERDICTS_GOOD 1 /* the caller decides on accepted chains */
#define CLEAT_VERDICTS_ALL 2 /* DANGEROUS: on all chains, and can accept refused ones */

/* cleat_context_set_verify_events returns CLEAT_OK and makes handshakes return CLEAT_WANT_VERIFY once the peer's
 * chain was verified: on a client after the server's certificates, on a server after the client's, and also when a
 * session is resumed. on: CLEAT_VERDICTS_*. With GOOD the caller can only refuse chains that the verification has
 * accepted. ALL is DANGEROUS: the caller alone decides. Handshakes do not return CLEAT_WANT_VERIFY with the verify
 * mode CERT_NONE, nor for a client that sends no certificate. */
CLEAT_API int32_t cleat_context_set_verify_events(int32_t context, int32_t on);

/* CLEAT_VERDICT_* are answers for cleat_connection_answer_verify that are not alerts. */
#define CLEAT_VERDICT_ACCEPT (-1) /* DANGEROUS for a chain that the verification has refused */
#define CLEAT_VERDICT_KEEP (-2) /* accept or refuse as the verification has */

/* cleat_connection_answer_verify returns CLEAT_OK and lets the handshake that has returned CLEAT_WANT_VERIFY
 * continue at the next call. alert: CLEAT_VERDICT_*; or a CLEAT_ALERT_DESCRIPTION_* other than CLOSE_NOTIFY to
 * refuse: the peer receives that alert, and the handshake fails with CLEAT_VERIFY, whose value is the verify code,
 * or 50 (application verification failure) for a chain that the verification has accepted. CLEAT_USAGE unless the
 * handshake has returned CLEAT_WANT_VERIFY. */
CLEAT_API int32_t cleat_connection_answer_verify(int32_t connection, int32_t alert);

/* cleat_context_set_verify_enforced returns CLEAT_OK and sets whether the handshake fails with a peer whose chain or
 * name is refused; 1 in a new context. enforced: 0 or 1; 0 is DANGEROUS: the handshake continues with any peer, and
 * the caller must check cleat_connection_verify_result. Certificates that cannot be parsed, and a missing client
 * certificate with CERT_REQUIRED, always end the handshake. */
CLEAT_API int32_t cleat_context_set_verify_enforced(int32_t context, int32_t enforced);

/* cleat_context_verify_enforced returns 1 if the handshake fails with such a peer, otherwise 0. */
CLEAT_API int32_t cleat_context_verify_enforced(int32_t context);

/* cleat_connection_verify_result returns the verify code, OpenSSL's number X509_V_ERR_, for which the verification
 * refuses the peer; 0 if it accepts the chain. CLEAT_USAGE without a verification: the peer's certificate has not
 * arrived, there is none, or the verify mode is CERT_NONE. */
CLEAT_API int32_t cleat_connection_verify_result(int32_t connection);

/* cleat_connection_verify_error_count returns the number of faults that the verification has found, 0 for an
 * accepted chain. If the context does not enforce verification or has CLEAT_VERDICTS_ALL, the verification collects
 * up to 16 faults; otherwise the first fault ends it. CLEAT_USAGE as above. */
CLEAT_API int32_t cleat_connection_verify_error_count(int32_t connection);

/* cleat_connection_verify_error returns the length of the text of the fault at index, from 0, and copies it to
 * output; it stores the verify code, and the depth of the certificate at fault: 0 is the peer's own. The first fault
 * is that of cleat_connection_verify_result. code and depth must not be NULL. CLEAT_USAGE for an index out of range,
 * and as above. */
CLEAT_API int32_t cleat_connection_verify_error(int32_t connection, int32_t index, char *output,
                                                int32_t output_cap, int32_t *code, int32_t *depth);

/* CLEAT_DEPTH_MAX is the maximum verify depth, and the default. */
#define CLEAT_DEPTH_MAX 100

/* cleat_context_verify_depth returns how many intermediate certificates a verified chain may have, not counting the
 * peer's own and the trust anchor. */
CLEAT_API int32_t cleat_context_verify_depth(int32_t context);

/* cleat_context_set_verify_depth returns CLEAT_OK and sets that limit. depth: 0 to CLEAT_DEPTH_MAX. */
CLEAT_API int32_t cleat_context_set_verify_depth(int32_t context, int32_t depth);

/* cleat_context_verify_time returns CLEAT_OK and stores the time for which chains are verified, in seconds since
 * 1970, or -1 for the present time. time must not be NULL. */
CLEAT_API int32_t cleat_context_verify_time(int32_t context, double *time);

/* cleat_context_set_verify_time returns CLEAT_OK and sets the time for which validity periods, revocation lists and
 * OCSP responses are checked. time: seconds since 1970, up to 253402300799 (the end of the year 9999), fractions are
 * truncated; negative, as in a new context, for the present time. DANGEROUS on a client: certificates that have
 * expired, and whose keys may have been stolen since, are accepted. Such verifications do not use the chain cache. */
CLEAT_API int32_t cleat_context_set_verify_time(int32_t context, double time);

/* cleat_context_checks_common_name returns 1 if the common name of a certificate without alternative names is
 * compared with the server's name, otherwise 0. */
CLEAT_API int32_t cleat_context_checks_common_name(int32_t context);

/* cleat_context_set_checks_common_name returns CLEAT_OK and sets whether it is compared. check: 0 or 1; 1 in a new
 * context. */
CLEAT_API int32_t cleat_context_set_checks_common_name(int32_t context, int32_t check);

#endif
