/* algorithm.h: the algorithms of a handshake: groups for the key exchange, signature algorithms, and policies that
 * restrict both.
 *
 * These are settings of a context: see cleat/context.h. A list replaces the defaults of BoringSSL and cleat. With a
 * policy, connections use the intersection of the list and the policy, whichever was set first. */
#ifndef CLEAT_ALGORITHM_H
#define CLEAT_ALGORITHM_H

#include "cleat/base.h"

/* cleat_context_set_groups returns CLEAT_OK and sets the groups for the key exchange from a list in OpenSSL's
 * format: names separated by colons, in order of preference. IANA's names and their aliases are accepted, in upper
 * and lower case: X25519MLKEM768, x25519, secp256r1 (prime256v1, P-256), secp384r1 (P-384), secp521r1 (P-521),
 * MLKEM1024; "DEFAULT" is the default list. A name with the prefix "?" is ignored if it is unknown. A slash
 * separates names as a colon does. This setting and that of cleat_context_set_ecdh_curve replace each other. In TLS
 * 1.2 the groups also restrict the curve of a server's ECDSA certificate. A client that supports TLS 1.2 or earlier
 * and whose list contains no NIST curve therefore also offers the NIST curves, after the others; if the server
 * selects one of them for the key exchange, its handshake fails with CLEAT_SSL, WRONG_CURVE. CLEAT_SSL with
 * UNSUPPORTED_ELLIPTIC_CURVE if this BoringSSL does not know a name or if the list is empty without the ignored
 * names; with COMPLIANCE_POLICY if the context's policy allows none of the groups. */
CLEAT_API int32_t cleat_context_set_groups(int32_t context, const char *groups, int32_t groups_len);

/* cleat_context_groups returns the length of a colon-separated list of the groups that BoringSSL supports with the
 * context's versions and policy, and copies it to output. aliases: 1 to list the aliases of each group after its
 * name, 0 to omit them. */
CLEAT_API int32_t cleat_context_groups(int32_t context, int32_t aliases, char *output,
                                       int32_t output_cap);

/* cleat_signature_algorithms returns the length of a colon-separated list of IANA's names of the signature
 * algorithms that BoringSSL supports, and copies it to output. */
CLEAT_API int32_t cleat_signature_algorithms(char *output, int32_t output_cap);

/* cleat_context_set_server_sigalgs returns CLEAT_OK and sets the signature algorithms for the authentication of
 * servers, with TLS 1.2 and later: clients verify with them and offer them, servers sign with them. The list is in
 * OpenSSL's format: IANA's names ("ecdsa_secp256r1_sha256") or keys and hashes ("ECDSA+SHA256", "RSA+SHA256",
 * "RSA-PSS+SHA256"), separated by colons, in order of preference. A name with the prefix "?" is ignored if it is
 * unknown. A server presents only certificates whose key can sign with one of the algorithms. CLEAT_SSL with
 * INVALID_SIGNATURE_ALGORITHM if this BoringSSL does not know a name or if the list is empty without the ignored
 * names; with COMPLIANCE_POLICY if the context's policy allows none of the algorithms. */
CLEAT_API int32_t cleat_context_set_server_sigalgs(int32_t context, const char *algorithms,
                                                   int32_t algorithms_len);

/* cleat_context_set_client_sigalgs returns CLEAT_OK and sets the signature algorithms for the authentication of
 * clients: clients sign with them, servers verify with them and list them in the CertificateRequest. The list has
 * the same format. CLEAT_SSL as above. */
CLEAT_API int32_t cleat_context_set_client_sigalgs(int32_t context, const char *algorithms,
                                                   int32_t algorithms_len);

/* cleat_connection_group returns the length of IANA's name of the group that the key exchange has used and copies it
 * to output; 0 before the handshake is done, and for a key exchange without a group (RSA). For a resumed TLS 1.2
 * session it is the group of the session's first handshake. */
CLEAT_API int32_t cleat_connection_group(int32_t connection, char *output, int32_t output_cap);

/* cleat_connection_server_sigalg returns the length of IANA's name of the algorithm with which the server signed the
 * handshake and copies it to output; 0 before the handshake is done, and if the server signed nothing: with a
 * resumed session, a pre-shared key, or an RSA key exchange. */
CLEAT_API int32_t cleat_connection_server_sigalg(int32_t connection, char *output,
                                                 int32_t output_cap);

/* cleat_connection_client_sigalg returns the same for the client; 0 also if the client sent no certificate. */
CLEAT_API int32_t cleat_connection_client_sigalg(int32_t connection, char *output,
                                                 int32_t output_cap);

/* cleat_context_grease returns 1 if connections of the context send GREASE, otherwise 0. */
CLEAT_API int32_t cleat_context_grease(int32_t context);

/* cleat_context_set_grease returns CLEAT_OK and sets whether connections send GREASE (RFC 8701): reserved random
 * values among the cipher suites, groups, versions and extensions, which a peer must ignore. It is off in a new
 * context, because handshakes fail with peers that do not ignore them. on: 0 or 1. */
CLEAT_API int32_t cleat_context_set_grease(int32_t context, int32_t on);

/* CLEAT_POLICY_* are BoringSSL's compliance policies, each with the date of the standard that it implements. They
 * restrict versions, suites, groups and the signatures of the handshake, but not the certificates of a chain: the
 * standards require more than that. The three CNSA policies need BoringSSL of 2026. */
#define CLEAT_POLICY_NONE 0
#define CLEAT_POLICY_FIPS_202205 1 /* SP 800-52r2: AES-GCM; P-256, P-384; RSA, ECDSA */
#define CLEAT_POLICY_WPA3_192_202304 2 /* AES-256-GCM; P-384; SHA-384 and SHA-512 */
#define CLEAT_POLICY_CNSA_202407 3 /* AES-256-GCM is preferred in TLS 1.3; nothing is forbidden */
#define CLEAT_POLICY_CNSA1_202603 4 /* RFC 9151: AES-256-GCM; ML-KEM-1024, P-384; SHA-384 */
#define CLEAT_POLICY_CNSA2_202603 5 /* TLS 1.3, AES-256-GCM; ML-KEM-1024; SHA-384 */

/* cleat_has_policy returns 1 if this BoringSSL has the policy, otherwise 0. policy: CLEAT_POLICY_*. */
CLEAT_API int32_t cleat_has_policy(int32_t policy);

/* cleat_context_policy returns the context's CLEAT_POLICY_*. */
CLEAT_API int32_t cleat_context_policy(int32_t context);

/* cleat_context_set_policy returns CLEAT_OK and sets the policy: CLEAT_POLICY_*. CLEAT_POLICY_NONE removes it.
 * Connections use the intersection of the other settings and the policy; suites in the order of the context's list.
 * If an intersection would be empty, this function and the setters of suites, groups and signature algorithms fail:
 * CLEAT_SSL with COMPLIANCE_POLICY, or with NO_CIPHER_MATCH for the suites. Once a server has read the ClientHello,
 * its connection can only be switched to a context with the same policy. CLEAT_UNSUPPORTED if this BoringSSL does
 * not have the policy. */
CLEAT_API int32_t cleat_context_set_policy(int32_t context, int32_t policy);

#endif
