/* raw_public_key.h: raw public keys in place of certificates (RFC 7250), for peers that know each other's keys.
 *
 * A raw public key contains no name: its receiver must already know the key. It is a SubjectPublicKeyInfo in DER, as
 * in a certificate; "openssl pkey -in key.pem -pubout -outform DER" writes it. Raw public keys need BoringSSL of
 * 2026. */
#ifndef CLEAT_RAW_PUBLIC_KEY_H
#define CLEAT_RAW_PUBLIC_KEY_H

#include "cleat/base.h"

/* cleat_has_raw_public_keys returns 1 if this BoringSSL supports raw public keys, otherwise 0: the functions below
 * except cleat_connection_peer_public_key then return CLEAT_UNSUPPORTED. */
CLEAT_API int32_t cleat_has_raw_public_keys(void);

/* cleat_context_load_raw_public_key returns CLEAT_OK and makes connections of the context present the public key of
 * a private key to peers that accept raw public keys. keyfile and password are as for cleat_context_load_cert_chain.
 * A second call replaces the key. The raw public key is preferred to the context's certificates, which are still
 * presented to peers that do not accept raw public keys. Nothing changes if the call fails. CLEAT_NEED_PASSWORD;
 * CLEAT_SYS; CLEAT_SSL, with UNKNOWN_CERTIFICATE_TYPE for a key that is neither RSA, nor EC, nor Ed25519;
 * CLEAT_USAGE if PEM data is passed in place of a file name; CLEAT_UNSUPPORTED. */
CLEAT_API int32_t cleat_context_load_raw_public_key(int32_t context, const char *keyfile,
                                                    int32_t keyfile_len,
                                                    CLEAT_ABSENT const char *password,
                                                    int32_t password_len);

/* cleat_context_load_raw_public_key_data returns CLEAT_OK and does the same with a private key in a PEM text in
 * memory. CLEAT_NEED_PASSWORD; CLEAT_SSL; CLEAT_UNSUPPORTED. */
CLEAT_API int32_t cleat_context_load_raw_public_key_data(int32_t context, const char *key,
                                                         int32_t key_len,
                                                         CLEAT_ABSENT const char *password,
                                                         int32_t password_len);

/* CLEAT_PEER_KEYS_* select what connections accept from their peers. */
#define CLEAT_PEER_KEYS_NONE 0 /* certificates only, as in a new context */
#define CLEAT_PEER_KEYS_ONLY 1 /* raw public keys only */
#define CLEAT_PEER_KEYS_ALSO 2 /* raw public keys, and certificates, which are verified as usual */

/* cleat_context_set_peer_public_keys returns CLEAT_OK and sets what connections accept from their peers. which:
 * CLEAT_PEER_KEYS_*. keys: the trusted public keys, concatenated SubjectPublicKeyInfo in DER, at most 65536 keys;
 * must be empty with CLEAT_PEER_KEYS_NONE. A peer's raw public key is accepted if it is one of these, whatever the
 * peer's name; otherwise it is refused with the verify code 95 (untrusted raw public key). Without trusted keys all
 * are refused, unless the caller decides: see CLEAT_VERDICTS_ALL. Verify mode, verdicts and the verification of
 * resumed sessions are as with certificates; with CERT_NONE a client accepts any key. With CLEAT_PEER_KEYS_ONLY,
 * peers without a raw public key are refused (CLEAT_SSL, UNSUPPORTED_CERTIFICATE). Clients of servers with raw
 * public keys resume sessions in TLS 1.3 only. CLEAT_SSL if a key cannot be parsed; CLEAT_USAGE; CLEAT_UNSUPPORTED. */
CLEAT_API int32_t cleat_context_set_peer_public_keys(int32_t context, int32_t which,
                                                     const char *keys, int32_t keys_len);

/* cleat_connection_peer_public_key returns the length of the peer's public key, SubjectPublicKeyInfo in DER, and
 * copies it to output: the raw public key, or that of the peer's certificate; 0 if there is none. It is available as
 * soon as the peer has sent it, for example after CLEAT_WANT_VERIFY; only when the handshake is done has the peer
 * proved that it has the private key. CLEAT_SSL if the certificate cannot be parsed. */
CLEAT_API int32_t cleat_connection_peer_public_key(int32_t connection, CLEAT_BINARY char *output,
                                                   int32_t output_cap);

#endif
