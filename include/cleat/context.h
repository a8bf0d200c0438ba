/* context.h: settings that connections are made from (Python's ssl.SSLContext).
 *
 * A connection takes the settings that its context has when the connection is made; later
 * changes are for later connections, from whatever thread they come. The first connection after a
 * change builds what it and the next ones share. A call that fails leaves the context as it was.
 *
 * A server's sessions resume only under what their clients were verified with: verify mode, verify
 * flags, CA certificates and revocation lists; and, of cleat/algorithm.h, the policy and the
 * algorithms of clients' signatures. After a change of any of these the handshake is a
 * full one. Other changes leave the sessions, and the keys of their tickets, as they are.
 *
 * Certificates and keys are in cleat/credential.h, what is trusted in cleat/trust.h. */
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

/* CLEAT_TLS*_VERSION are version numbers as they stand in TLS records (RFC 8446 section 4.1.2). */
#define CLEAT_TLS1_VERSION 0x0301
#define CLEAT_TLS1_1_VERSION 0x0302
#define CLEAT_TLS1_2_VERSION 0x0303
#define CLEAT_TLS1_3_VERSION 0x0304

/* CLEAT_OP_* are a context's options, with OpenSSL's numbers. Those that forbid a version act, and NO_TICKET,
 * CIPHER_SERVER_PREFERENCE, LEGACY_SERVER_CONNECT (which is in OP_ALL: connects to servers without the renegotiation
 * extension of RFC 5746; TLS 1.2 and earlier) and IGNORE_UNEXPECTED_EOF: an end of the network after the handshake
 * counts as close_notify. DANGEROUS: an attacker can cut off what the peer has sent. The others are kept and read
 * back, but name what BoringSSL always or never does. */
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

/* CLEAT_CERT_* are the verify modes: what is asked of the peer's certificate. */
#define CLEAT_CERT_NONE 0 /* DANGEROUS on a client: the certificate is not verified */
#define CLEAT_CERT_OPTIONAL 1 /* verified if present; the same as REQUIRED on a client */
#define CLEAT_CERT_REQUIRED 2 /* must be present, and is verified */

/* CLEAT_VERIFY_* are the verify flags, with OpenSSL's numbers. STRICT refuses chains that lack
 * what RFC 5280 requires, such as key identifiers, as OpenSSL 3 does. TRUSTED_FIRST is kept and
 * read back: BoringSSL does so always. So is ALLOW_PROXY_CERTS: BoringSSL never accepts proxy certificates
 * (RFC 3820). */
#define CLEAT_VERIFY_DEFAULT 0
#define CLEAT_VERIFY_CRL_CHECK_LEAF 0x4
#define CLEAT_VERIFY_CRL_CHECK_CHAIN 0xc
#define CLEAT_VERIFY_X509_STRICT 0x20
#define CLEAT_VERIFY_ALLOW_PROXY_CERTS 0x40
#define CLEAT_VERIFY_X509_TRUSTED_FIRST 0x8000
#define CLEAT_VERIFY_X509_PARTIAL_CHAIN 0x80000

/* cleat_context_new returns the id of a context. which: CLEAT_PROTOCOL_*; another number is
 * CLEAT_USAGE, SSLV2 and SSLV3 are CLEAT_UNSUPPORTED. DANGEROUS on a client as it is: it
 * verifies nothing, trusts no CA and has no certificate, see the functions below. Its options are
 * Python 2.7.16's: OP_ALL, NO_SSLV2, NO_SSLV3, NO_COMPRESSION, CIPHER_SERVER_PREFERENCE,
 * SINGLE_DH_USE, SINGLE_ECDH_USE, ENABLE_MIDDLEBOX_COMPAT. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_context_new(int32_t which);

/* cleat_context_protocol returns the CLEAT_PROTOCOL_* that the context was made with. */
CLEAT_API int32_t cleat_context_protocol(int32_t context);

/* cleat_context_options returns the context's CLEAT_OP_* bits. */
CLEAT_API int32_t cleat_context_options(int32_t context);

/* cleat_context_set_options returns CLEAT_OK and replaces the options. Unknown bits are kept.
 * options: 0 or more. Of the versions that the options, the minimum and the maximum leave, the
 * highest range without a gap is spoken: NO_TLSV1_1 alone means TLS 1.2 and 1.3. If no version is
 * left, handshakes fail with CLEAT_SSL. */
CLEAT_API int32_t cleat_context_set_options(int32_t context, int32_t options);

/* cleat_context_minimum_version returns the lowest CLEAT_TLS*_VERSION that the context may
 * speak, options aside. */
CLEAT_API int32_t cleat_context_minimum_version(int32_t context);

/* cleat_context_set_minimum_version returns CLEAT_OK and sets it. It is CLEAT_USAGE on a
 * context for one version only. DANGEROUS below TLS 1.2: what TLS 1.0 and 1.1 are made of
 * (MD5 and SHA-1 in the handshake, CBC) is broken or close to it. */
CLEAT_API int32_t cleat_context_set_minimum_version(int32_t context, int32_t tls_version);

/* cleat_context_maximum_version returns the highest CLEAT_TLS*_VERSION that the context may
 * speak, options aside. */
CLEAT_API int32_t cleat_context_maximum_version(int32_t context);

/* cleat_context_set_maximum_version returns CLEAT_OK and sets it. It is CLEAT_USAGE on a
 * context for one version only. */
CLEAT_API int32_t cleat_context_set_maximum_version(int32_t context, int32_t tls_version);

/* cleat_context_verify_mode returns the context's CLEAT_CERT_*. */
CLEAT_API int32_t cleat_context_verify_mode(int32_t context);

/* cleat_context_set_verify_mode returns CLEAT_OK and sets it. CERT_NONE while host names are
 * checked is CLEAT_USAGE. CERT_NONE is DANGEROUS on a client: an attacker on the path can pose
 * as the server, and read and change all data. */
CLEAT_API int32_t cleat_context_set_verify_mode(int32_t context, int32_t mode);

/* cleat_context_verify_flags returns the context's CLEAT_VERIFY_* bits; X509_TRUSTED_FIRST is
 * set in a new one. */
CLEAT_API int32_t cleat_context_verify_flags(int32_t context);

/* cleat_context_set_verify_flags returns CLEAT_OK and replaces them. flags: 0 or more. */
CLEAT_API int32_t cleat_context_set_verify_flags(int32_t context, int32_t flags);

/* cleat_context_check_hostname returns 1 if clients made from the context check the server's
 * name, otherwise 0. */
CLEAT_API int32_t cleat_context_check_hostname(int32_t context);

/* cleat_context_set_check_hostname returns CLEAT_OK and sets that. check: 0 or 1; 1 while the
 * verify mode is CERT_NONE is CLEAT_USAGE. 0 is DANGEROUS on a client: an attacker with a
 * certificate of a trusted CA, for any name at all, can pose as the server. */
CLEAT_API int32_t cleat_context_set_check_hostname(int32_t context, int32_t check);

/* cleat_context_set_ciphers returns CLEAT_OK and sets the cipher suites for TLS 1.2 and earlier
 * from a list in OpenSSL's format, as BoringSSL reads it (SSL_CTX_set_cipher_list). "PSK" is
 * all suites with a pre-shared key. TLS 1.3's suites are always there. DANGEROUS is a list that
 * lets suites without forward secrecy (RSA) or with 3DES or SHA-1 in: a key that is stolen
 * later decrypts what was recorded before. CLEAT_SSL with NO_CIPHER_MATCH or INVALID_COMMAND if
 * nothing can be selected. */
CLEAT_API int32_t cleat_context_set_ciphers(int32_t context, const char *ciphers,
                                            int32_t ciphers_len);

/* cleat_context_cipher_count returns how many suites the list for TLS 1.2 and earlier has.
 * CLEAT_SSL if BoringSSL refuses the settings. */
CLEAT_API int32_t cleat_context_cipher_count(int32_t context);

/* cleat_context_cipher_name returns the length of the OpenSSL name of the suite at index (from
 * 0, in order of preference) and copies it to output. CLEAT_USAGE for an index out of range;
 * CLEAT_SSL if BoringSSL refuses the settings. */
CLEAT_API int32_t cleat_context_cipher_name(int32_t context, int32_t index, char *output,
                                            int32_t output_cap);

/* cleat_context_set_alpn_protocols returns CLEAT_OK and sets the application protocols, in
 * order of preference. protocols is the list as it stands in the ALPN extension (RFC 7301
 * section 3.1): each name behind one byte with its length, 1 to 255. An empty list offers
 * none. A server picks the first in its own list that the client offers, and goes on without one
 * if there is none. CLEAT_USAGE for a malformed list. */
CLEAT_API int32_t cleat_context_set_alpn_protocols(int32_t context, const char *protocols,
                                                   int32_t protocols_len);

/* cleat_context_set_npn_protocols returns CLEAT_OK and sets the protocols for NPN, the
 * forerunner of ALPN, in the same form. It is negotiated up to TLS 1.2 only, and not between a
 * client and a server that both have ALPN. CLEAT_USAGE for a malformed list. */
CLEAT_API int32_t cleat_context_set_npn_protocols(int32_t context, const char *protocols,
                                                  int32_t protocols_len);

/* cleat_context_set_server_name_events returns CLEAT_OK and makes the handshakes of servers return
 * CLEAT_WANT_SERVER_NAME once the ClientHello has arrived: see cleat_connection_answer_server_name.
 * on: 0 or 1. */
CLEAT_API int32_t cleat_context_set_server_name_events(int32_t context, int32_t on);

/* cleat_context_set_ecdh_curve returns CLEAT_OK and allows one group only for the key
 * exchange. curve: OpenSSL's short name, such as "prime256v1", "secp384r1", "X25519". With TLS
 * 1.2 a curve of NIST's is the only one of a server's ECDSA certificate, too; with X25519 those
 * may have any.
 * CLEAT_USAGE if there is no curve of that name; CLEAT_SSL if BoringSSL does not have it for
 * TLS. */
CLEAT_API int32_t cleat_context_set_ecdh_curve(int32_t context, const char *curve,
                                               int32_t curve_len);

/* cleat_context_load_dh_params returns CLEAT_OK if the PEM file holds Diffie-Hellman
 * parameters. They are not used: BoringSSL has no suite with finite-field Diffie-Hellman.
 * CLEAT_SYS with the file's name; CLEAT_SSL (PEM NO_START_LINE). */
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
#define CLEAT_STAT_HITS 7 /* sessions resumed, either way */
#define CLEAT_STAT_MISSES 8 /* sessions that a client offered and the server does not resume */
#define CLEAT_STAT_TIMEOUTS 9 /* those among them whose time is over, which are no misses */
#define CLEAT_STAT_CACHE_FULL 10 /* sessions that gave way in the cache, which holds 20480 */

/* cleat_context_session_stats returns how often that has happened in connections of the
 * context, at most 2147483647. which: CLEAT_STAT_*. */
CLEAT_API int32_t cleat_context_session_stats(int32_t context, int32_t which);

/* CLEAT_CHAIN_CACHE_* are seconds, for cleat_context_set_chain_cache_seconds. */
#define CLEAT_CHAIN_CACHE_DEFAULT 300 /* a new context's */
#define CLEAT_CHAIN_CACHE_MAX 86400 /* the most there can be: a day */

/* cleat_context_chain_cache_seconds returns the number of seconds for which a verified chain needs
 * no other verification; CLEAT_CHAIN_CACHE_DEFAULT in a new context. */
CLEAT_API int32_t cleat_context_chain_cache_seconds(int32_t context);

/* cleat_context_set_chain_cache_seconds returns CLEAT_OK and sets that. seconds: 0 to
 * CLEAT_CHAIN_CACHE_MAX; 0 verifies each chain anew, and remembers none. The cache is the process's
 * and holds up to 1024 verifications, only successful ones. One counts if all it depends on is the
 * same: the certificates that the peer sent, what the context trusts, the verify flags, the role and
 * the host name; and only until the first certificate of the verified chain ends, or a revocation
 * list ends or begins. What needed a directory of CA certificates or lists is verified each time. */
CLEAT_API int32_t cleat_context_set_chain_cache_seconds(int32_t context, int32_t seconds);

/* cleat_context_chain_cache_stats returns CLEAT_OK and stores how many verifications of the
 * context's connections the cache has answered, and how many it has not, each at most 2147483647.
 * Those that do not ask it are in neither. hits and misses must not be NULL. */
CLEAT_API int32_t cleat_context_chain_cache_stats(int32_t context, int32_t *hits, int32_t *misses);

#endif
