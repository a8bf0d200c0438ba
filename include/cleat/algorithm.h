/* algorithm.h: the algorithms of a handshake: groups for the key exchange, signature algorithms, and policies that
 * restrict both.
 *
 * The settings are a context's: see cleat/context.h. A list that is set replaces what BoringSSL and cleat use by
 * default. With a policy the connections use what the list and the policy have in common, in whatever order they were
 * set: neither can undo the other. */
#ifndef CLEAT_ALGORITHM_H
#define CLEAT_ALGORITHM_H

#include "cleat/base.h"

/* cleat_context_set_groups returns CLEAT_OK and sets the groups for the key exchange from a list in OpenSSL's format:
 * names with colons between them, best first. IANA's names and their aliases are known, in upper and lower case:
 * X25519MLKEM768, x25519, secp256r1 (prime256v1, P-256), secp384r1 (P-384), secp521r1 (P-521), MLKEM1024; "DEFAULT" is
 * the default list. A name with "?" in front of it is left out if it is unknown. A slash separates as a colon does. It
 * replaces what cleat_context_set_ecdh_curve has set, and is replaced by it.
 * In TLS 1.2 the groups are also the curves that a server's certificate may have. A client whose list has none of the
 * NIST curves offers them after the others for that reason, unless its versions begin with TLS 1.3, and refuses a
 * server that takes one of them for the key exchange: CLEAT_SSL with WRONG_CURVE. CLEAT_SSL with
 * UNSUPPORTED_ELLIPTIC_CURVE if a name is unknown to this BoringSSL or nothing is left of the list; with
 * COMPLIANCE_POLICY if the context's policy allows none of the groups. */
CLEAT_API int32_t cleat_context_set_groups(int32_t context, const char *groups, int32_t groups_len);

/* cleat_context_groups returns the length of a list of the groups that BoringSSL has for the context's versions and its
 * policy, with colons between the names, and copies it to output. aliases: 1 for a list with the aliases of each group
 * behind its name, 0 for one without. */
CLEAT_API int32_t cleat_context_groups(int32_t context, int32_t aliases, char *output,
                                       int32_t output_cap);

/* cleat_signature_algorithms returns the length of a list of the signature algorithms that BoringSSL has, with colons
 * between IANA's names, and copies it to output. */
CLEAT_API int32_t cleat_signature_algorithms(char *output, int32_t output_cap);

/* cleat_context_set_server_sigalgs returns CLEAT_OK and sets the signature algorithms for the authentication of
 * servers, with TLS 1.2 and later: clients verify with them and offer them, servers sign with them. The list is in
 * OpenSSL's format: IANA's names ("ecdsa_secp256r1_sha256") or keys and hashes ("ECDSA+SHA256", "RSA+SHA256",
 * "RSA-PSS+SHA256") with colons between them, best first. A name with "?" in front of it is left out if it is unknown.
 * A server presents only certificates whose key makes one of the signatures. CLEAT_SSL with INVALID_SIGNATURE_ALGORITHM
 * if a name is unknown to this BoringSSL or nothing is left of the list; with COMPLIANCE_POLICY if the context's policy
 * allows none of the algorithms. */
CLEAT_API int32_t cleat_context_set_server_sigalgs(int32_t context, const char *algorithms,
                                                   int32_t algorithms_len);

/* cleat_context_set_client_sigalgs returns CLEAT_OK and does so for the authentication of clients: clients sign with
 * the algorithms, servers verify with them and name them when they ask for a certificate. CLEAT_SSL as above. */
CLEAT_API int32_t cleat_context_set_client_sigalgs(int32_t context, const char *algorithms,
                                                   int32_t algorithms_len);

/* cleat_connection_group returns the length of IANA's name of the group that the key exchange has used and copies it to
 * output; 0 before the handshake is done, and where there was none (RSA). For a resumed session of TLS 1.2 it is the
 * group of the first handshake. */
CLEAT_API int32_t cleat_connection_group(int32_t connection, char *output, int32_t output_cap);

/* cleat_connection_server_sigalg returns the length of IANA's name of the algorithm that the server has signed the
 * handshake with and copies it to output; 0 before the handshake is done, and if the server has signed nothing: with a
 * resumed session, a pre-shared key, or an RSA key exchange. */
CLEAT_API int32_t cleat_connection_server_sigalg(int32_t connection, char *output,
                                                 int32_t output_cap);

/* cleat_connection_client_sigalg returns the same for the client; 0 also if it has shown no certificate. */
CLEAT_API int32_t cleat_connection_client_sigalg(int32_t connection, char *output,
                                                 int32_t output_cap);

/* cleat_context_grease returns 1 if connections of the context send GREASE, otherwise 0. */
CLEAT_API int32_t cleat_context_grease(int32_t context);

/* cleat_context_set_grease returns CLEAT_OK and sets whether connections send GREASE (RFC 8701): random values that
 * mean nothing among the suites, groups, versions and extensions, which a peer has to ignore. It is off in a new
 * context: a peer that does not ignore them refuses the handshake, and what such peers cost is for the caller to
 * decide. on: 0 or 1. */
CLEAT_API int32_t cleat_context_set_grease(int32_t context, int32_t on);

/* CLEAT_POLICY_* are BoringSSL's compliance policies, each with the date of what it stands for. They restrict versions,
 * suites, groups and the signatures of the handshake, not the certificates of a chain; what they stand for asks for
 * more. The three CNSA ones need a BoringSSL of 2026. */
#define CLEAT_POLICY_NONE 0
#define CLEAT_POLICY_FIPS_202205 1 /* SP 800-52r2: AES-GCM; P-256, P-384; RSA, ECDSA */
#define CLEAT_POLICY_WPA3_192_202304 2 /* AES-256-GCM; P-384; SHA-384 and SHA-512 */
#define CLEAT_POLICY_CNSA_202407 3 /* AES-256-GCM is preferred in TLS 1.3; nothing is forbidden */
#define CLEAT_POLICY_CNSA1_202603 4 /* RFC 9151: AES-256-GCM; ML-KEM-1024, P-384; SHA-384 */
#define CLEAT_POLICY_CNSA2_202603 5 /* TLS 1.3, AES-256-GCM; ML-KEM-1024; SHA-384 */

/* cleat_has_policy returns 1 if BoringSSL has a policy, otherwise 0. policy: CLEAT_POLICY_*. */
CLEAT_API int32_t cleat_has_policy(int32_t policy);

/* cleat_context_policy returns the context's CLEAT_POLICY_*. */
CLEAT_API int32_t cleat_context_policy(int32_t context);

/* cleat_context_set_policy returns CLEAT_OK and sets the policy: CLEAT_POLICY_*. CLEAT_POLICY_NONE removes it.
 * Connections use what the other settings and the policy have in common; suites in the order of the context's list.
 * Those setters fail from then on if nothing would be left, and so does this function: CLEAT_SSL with
 * COMPLIANCE_POLICY, or with NO_CIPHER_MATCH for the suites. A server switches at the server name to contexts with the
 * same policy only. CLEAT_UNSUPPORTED if BoringSSL does not have the policy. */
CLEAT_API int32_t cleat_context_set_policy(int32_t context, int32_t policy);

#endif
