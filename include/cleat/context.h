/* context.h: the settings of connections (Python's ssl.SSLContext).
 *
 * A connection takes the settings that its context has when the connection is made; later changes apply to later
 * connections only, from whichever thread they are made. The first connection after a change builds an SSL_CTX,
 * which later connections share. A call that fails leaves the context as it was.
 *
 * A server resumes a session only under the settings with which its client was verified: verify mode, verify flags,
 * CA certificates and revocation lists, and the policy and the client signature algorithms of cleat/algorithm.h.
 * After a change of any of these, the next handshake of each client is a full one. Other changes keep the sessions
 * and the ticket keys.
 *
 * Certificates and keys are in cleat/credential.h, CA certificates in cleat/trust.h. */
#ifndef CLEAT_CONTEXT_H
#define CLEAT_CONTEXT_H

#include "cleat/base.h"

/* CLEAT_PROTOCOL_* choose the versions that a context may speak, with Python's numbers. TLS
 * (also called SSLv23) is every version from TLS 1.0 on. BoringSSL has neither SSL 2 nor SSL
 * 3. */
#define CLEAT_PROTOCOL_SSLV2 0
#define CLEAT_PROTOCOL_SSLV3 1
#define CLEAT_PROTOCOL_TLS 2
#define CLEAT_PROTOCOL_TLSV1 3
#define CLEAT_PROTOCOL_TLSV1_1 4
#define CLEAT_PROTOCOL_TLSV1_2 5

/* CLEAT_TLS*_VERSION are the protocol version numbers of TLS (RFC 8446 section 4.2.1). */
#define CLEAT_TLS1_VERSION 0x0301
#define CLEAT_TLS1_1_VERSION 0x0302
#define CLEAT_TLS1_2_VERSION 0x0303
#define CLEAT_TLS1_3_VERSION 0x0304

/* CLEAT_OP_* are a context's options, with OpenSSL's numbers. These have an effect: NO_TLSV1 and the others that
 * forbid a version; NO_TICKET; CIPHER_SERVER_PREFERENCE; LEGACY_SERVER_CONNECT (part of OP_ALL), which allows
 * servers without the renegotiation extension of RFC 5746 in TLS 1.2 and earlier; and IGNORE_UNEXPECTED_EOF, with
 * which an end of the transport after the handshake counts as close_notify. DANGEROUS: an attacker can then truncate
 * what the peer has sent. The others are stored and returned only: they name what BoringSSL always or never does. */
#define CLEAT_OP_ALL 0x00000054
#define CLEAT_OP_NO_SSLV2 0x01000000
#define CLEAT_OP_NO_SSLV3 0x02000000
#define CLEAT_OP_NO_TLSV1 0x04000000
#define CLEAT_OP_NO_TLSV1_1 0x10000000
#define CLEAT_OP_NO_TLSV1_2 0x08000000
#define CLEAT_OP_NO_TLSV1_3 0x20000000
#define CLEAT_OP_CIPHER_SERVER_PREFERENCE 0x00400000
#define CLEAT_OP_SINGLE_DH_USE 0x00200000
#define CLEAT_OP_SINGLE_ECDH_USE 0x00080000
#define CLEAT_OP_ENABLE_MIDDLEBOX_COMPAT 0x00100000
#define CLEAT_OP_NO_COMPRESSION 0x00020000
#define CLEAT_OP_NO_TICKET 0x00004000
#define CLEAT_OP_LEGACY_SERVER_CONNECT 0x00000004
#define CLEAT_OP_IGNORE_UNEXPECTED_EOF 0x00000080
#define CLEAT_OP_NO_RENEGOTIATION 0x40000000

/* CLEAT_CERT_* are the verify modes: what is required of the peer's certificate. */
#define CLEAT_CERT_NONE 0 /* DANGEROUS on a client: the certificate is not verified */
#define CLEAT_CERT_OPTIONAL 1 /* verified if present; the same as REQUIRED on a client */
#define CLEAT_CERT_REQUIRED 2 /* must be present, and is verified */

/* CLEAT_VERIFY_* are the verify flags, with OpenSSL's numbers. STRICT refuses chains that lack what RFC 5280
 * requires, such as key identifiers, as OpenSSL 3 does. TRUSTED_FIRST and ALLOW_PROXY_CERTS are stored and returned
 * only: BoringSSL always does the former, and never accepts proxy certificates (RFC 3820). */
#define CLEAT_VERIFY_DEFAULT 0
#define CLEAT_VERIFY_CRL_CHECK_LEAF 0x4
#define CLEAT_VERIFY_CRL_CHECK_CHAIN 0xc
#define CLEAT_VERIFY_X509_STRICT 0x20
#define CLEAT_VERIFY_ALLOW_PROXY_CERTS 0x40
#define CLEAT_VERIFY_X509_TRUSTED_FIRST 0x8000
#define CLEAT_VERIFY_X509_PARTIAL_CHAIN 0x80000

/* cleat_context_new returns the id of a context. which: CLEAT_PROTOCOL_*; SSLV2 and SSLV3 are CLEAT_UNSUPPORTED. A
 * new context verifies nothing, trusts no CA and has no certificate. DANGEROUS on a client until
 * cleat_context_set_verify_mode and cleat_context_set_check_hostname are called. Its options are Python 2.7.16's:
 * OP_ALL, NO_SSLV2, NO_SSLV3, NO_COMPRESSION, CIPHER_SERVER_PREFERENCE, SINGLE_DH_USE, SINGLE_ECDH_USE,
 * ENABLE_MIDDLEBOX_COMPAT. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_context_new(int32_t which);

/* cleat_context_protocol returns the CLEAT_PROTOCOL_* that the context was made with. */
CLEAT_API int32_t cleat_context_protocol(int32_t context);

/* cleat_context_options returns the context's CLEAT_OP_* bits. */
CLEAT_API int32_t cleat_context_options(int32_t context);

/* cleat_context_set_options returns CLEAT_OK and replaces the options. Unknown bits are stored. options: 0 or more.
 * Connections use the highest contiguous range of the versions that the options, the minimum and the maximum allow:
 * NO_TLSV1_1 alone means TLS 1.2 and 1.3. If no version is allowed, handshakes fail with CLEAT_SSL. CLEAT_SSL with
 * COMPLIANCE_POLICY if the context's policy allows none of the versions. */
CLEAT_API int32_t cleat_context_set_options(int32_t context, int32_t options);

/* cleat_context_minimum_version returns the lowest CLEAT_TLS*_VERSION that connections may use; options can forbid
 * further ones. */
CLEAT_API int32_t cleat_context_minimum_version(int32_t context);

/* cleat_context_set_minimum_version returns CLEAT_OK and sets the minimum version. CLEAT_USAGE on a context for one
 * version only; CLEAT_SSL with COMPLIANCE_POLICY as above. DANGEROUS below TLS 1.2: TLS 1.0 and 1.1 depend on MD5 and
 * SHA-1 in the handshake and on CBC, which are weak. */
CLEAT_API int32_t cleat_context_set_minimum_version(int32_t context, int32_t tls_version);

/* cleat_context_maximum_version returns the highest CLEAT_TLS*_VERSION that connections may use; options can forbid
 * further ones. */
CLEAT_API int32_t cleat_context_maximum_version(int32_t context);

/* cleat_context_set_maximum_version returns CLEAT_OK and sets the maximum version. CLEAT_USAGE on a context for one
 * version only; CLEAT_SSL with COMPLIANCE_POLICY as above. */
CLEAT_API int32_t cleat_context_set_maximum_version(int32_t context, int32_t tls_version);

/* cleat_context_verify_mode returns the context's CLEAT_CERT_*. */
CLEAT_API int32_t cleat_context_verify_mode(int32_t context);

/* cleat_context_set_verify_mode returns CLEAT_OK and sets the verify mode. CERT_NONE is CLEAT_USAGE while the
 * context checks host names. CERT_NONE is DANGEROUS on a client: an attacker on the path can impersonate the server,
 * and read and change all data. */
CLEAT_API int32_t cleat_context_set_verify_mode(int32_t context, int32_t mode);

/* cleat_context_verify_flags returns the context's CLEAT_VERIFY_* bits; a new context has X509_TRUSTED_FIRST. */
CLEAT_API int32_t cleat_context_verify_flags(int32_t context);

/* cleat_context_set_verify_flags returns CLEAT_OK and replaces the verify flags. flags: 0 or more. */
CLEAT_API int32_t cleat_context_set_verify_flags(int32_t context, int32_t flags);

/* cleat_context_check_hostname returns 1 if clients made from the context check the server's
 * name, otherwise 0. */
CLEAT_API int32_t cleat_context_check_hostname(int32_t context);

/* cleat_context_set_check_hostname returns CLEAT_OK and sets whether clients check the server's name. check: 0 or 1;
 * 1 while the verify mode is CERT_NONE is CLEAT_USAGE. 0 is DANGEROUS on a client: an attacker with a certificate of
 * a trusted CA for any other name can impersonate the server. */
CLEAT_API int32_t cleat_context_set_check_hostname(int32_t context, int32_t check);

/* cleat_context_set_ciphers returns CLEAT_OK and sets the cipher suites for TLS 1.2 and earlier from a list in
 * OpenSSL's format, as BoringSSL reads it (SSL_CTX_set_cipher_list). "PSK" is all suites with a pre-shared key. TLS
 * 1.3's suites are always enabled. A list is DANGEROUS that allows 3DES, SHA-1, or suites without forward secrecy
 * (RSA key exchange): a key that is stolen later decrypts connections that were recorded earlier. CLEAT_SSL with
 * NO_CIPHER_MATCH if the list selects no suite, or with INVALID_COMMAND for a malformed list. */
CLEAT_API int32_t cleat_context_set_ciphers(int32_t context, const char *ciphers,
                                            int32_t ciphers_len);

/* cleat_context_cipher_count returns the number of suites in the list for TLS 1.2 and earlier. CLEAT_SSL if
 * BoringSSL refuses the settings. */
CLEAT_API int32_t cleat_context_cipher_count(int32_t context);

/* cleat_context_cipher_name returns the length of the OpenSSL name of the suite at index (from
 * 0, in order of preference) and copies it to output. CLEAT_USAGE for an index out of range;
 * CLEAT_SSL if BoringSSL refuses the settings. */
CLEAT_API int32_t cleat_context_cipher_name(int32_t context, int32_t index, char *output,
                                            int32_t output_cap);

/* cleat_context_set_alpn_protocols returns CLEAT_OK and sets the application protocols, in order of preference.
 * protocols is encoded as in the ALPN extension (RFC 7301 section 3.1): each name is preceded by one byte with its
 * length, 1 to 255. An empty list offers none. A server selects the first in its own list that the client offers,
 * and continues without a protocol if there is none. CLEAT_USAGE for a malformed list. */
CLEAT_API int32_t cleat_context_set_alpn_protocols(int32_t context, const char *protocols,
                                                   int32_t protocols_len);

/* cleat_context_set_npn_protocols returns CLEAT_OK and sets the protocols for NPN, the predecessor of ALPN, in the
 * same encoding. It is negotiated up to TLS 1.2 only, and not between a client and a server that both have ALPN.
 * CLEAT_USAGE for a malformed list. */
CLEAT_API int32_t cleat_context_set_npn_protocols(int32_t context, const char *protocols,
                                                  int32_t protocols_len);

/* cleat_context_set_server_name_events returns CLEAT_OK and makes the handshakes of servers return
 * CLEAT_WANT_SERVER_NAME once the ClientHello has arrived: see cleat_connection_answer_server_name.
 * on: 0 or 1. */
CLEAT_API int32_t cleat_context_set_server_name_events(int32_t context, int32_t on);

/* cleat_context_set_ecdh_curve returns CLEAT_OK and restricts the key exchange to one group. curve: OpenSSL's short
 * name, such as "prime256v1", "secp384r1", "X25519". In TLS 1.2 a NIST curve also restricts the curve of a server's
 * ECDSA certificate; X25519 does not. CLEAT_USAGE if there is no curve of that name; CLEAT_SSL if BoringSSL does not
 * support it in TLS. */
CLEAT_API int32_t cleat_context_set_ecdh_curve(int32_t context, const char *curve,
                                               int32_t curve_len);

/* cleat_context_load_dh_params returns CLEAT_OK if the PEM file contains Diffie-Hellman parameters. They are not
 * used: BoringSSL has no cipher suites with finite-field Diffie-Hellman. CLEAT_SYS with the file's name; CLEAT_SSL
 * (PEM NO_START_LINE). */
CLEAT_API int32_t cleat_context_load_dh_params(int32_t context, const char *dhfile,
                                               int32_t dhfile_len);

/* CLEAT_STAT_* are the counters of cleat_context_session_stats. */
#define CLEAT_STAT_NUMBER 0 /* sessions in the server's cache */
#define CLEAT_STAT_CONNECT 1 /* handshakes begun as a client */
#define CLEAT_STAT_CONNECT_GOOD 2 /* handshakes done as a client */
#define CLEAT_STAT_CONNECT_RENEGOTIATE 3 /* always 0 */
#define CLEAT_STAT_ACCEPT 4 /* handshakes begun as a server */
#define CLEAT_STAT_ACCEPT_GOOD 5 /* handshakes done as a server */
#define CLEAT_STAT_ACCEPT_RENEGOTIATE 6 /* always 0 */
#define CLEAT_STAT_HITS 7 /* sessions resumed, as a client or a server */
#define CLEAT_STAT_MISSES 8 /* sessions that a client offered and the server did not resume */
#define CLEAT_STAT_TIMEOUTS 9 /* offered after they had expired; not counted as misses */
#define CLEAT_STAT_CACHE_FULL 10 /* sessions evicted from the full cache of 20480 sessions */

/* cleat_context_session_stats returns how often an event has occurred in the context's connections, at most
 * 2147483647. which: CLEAT_STAT_*. */
CLEAT_API int32_t cleat_context_session_stats(int32_t context, int32_t which);

/* CLEAT_CHAIN_CACHE_* are seconds, for cleat_context_set_chain_cache_seconds. */
#define CLEAT_CHAIN_CACHE_DEFAULT 300 /* a new context's */
#define CLEAT_CHAIN_CACHE_MAX 86400 /* the maximum: a day */

/* cleat_context_chain_cache_seconds returns how many seconds the result of a successful verification is cached;
 * CLEAT_CHAIN_CACHE_DEFAULT in a new context. */
CLEAT_API int32_t cleat_context_chain_cache_seconds(int32_t context);

/* cleat_context_set_chain_cache_seconds returns CLEAT_OK and sets that time. seconds: 0 to CLEAT_CHAIN_CACHE_MAX; 0
 * disables the cache. One cache for the whole process holds up to 1024 successful verifications. An entry is used
 * only if all of its inputs are the same: the certificates that the peer sent, the trusted certificates and
 * revocation lists, the verify flags, the role and the host name; and only until a certificate of the verified chain
 * expires, or a revocation list expires or becomes valid. Chains whose verification used a directory of CA
 * certificates or revocation lists are not cached. */
CLEAT_API int32_t cleat_context_set_chain_cache_seconds(int32_t context, int32_t seconds);

/* cleat_context_chain_cache_stats returns CLEAT_OK and stores how many verifications of the context's connections
 * were found in the cache (hits), and how many were not (misses), at most 2147483647 each. Verifications that do not
 * use the cache count as neither. hits and misses must not be NULL. */
CLEAT_API int32_t cleat_context_chain_cache_stats(int32_t context, int32_t *hits, int32_t *misses);

#endif
