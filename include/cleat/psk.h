/* psk.h: pre-shared keys of TLS 1.2 and earlier (RFC 4279, RFC 5489): client and server share a key, and need no
 * certificate.
 *
 * A handshake that has negotiated such a suite returns CLEAT_WANT_PSK, and continues after
 * cleat_connection_answer_psk, which the caller may call at any later time. A server's caller looks up the key for
 * the identity that cleat_connection_psk_identity returns; a client's caller chooses an identity and its key, and
 * may read the hint by cleat_connection_psk_hint.
 *
 * The default cipher list contains no suite with a pre-shared key: enable them by cleat_context_set_ciphers, for
 * example with "PSK". Only connections whose context enables pre-shared keys offer and accept them. The key
 * authenticates both sides in place of certificates, also with CLEAT_CERT_REQUIRED and with a host name to check:
 * anyone who has the key, as every client does, can impersonate the server. Sessions of such handshakes are never
 * resumed. BoringSSL does not support the external pre-shared keys of TLS 1.3: a connection that may use TLS 1.3
 * prefers it, with certificates. */
#ifndef CLEAT_PSK_H
#define CLEAT_PSK_H

#include "cleat/base.h"

/* CLEAT_PSK_IDENTITY_MAX is the maximum length of an identity and of a hint, in bytes. */
#define CLEAT_PSK_IDENTITY_MAX 128

/* CLEAT_PSK_KEY_MAX is the maximum length of a key, in bytes. */
#define CLEAT_PSK_KEY_MAX 256

/* cleat_context_psk_client returns 1 if the context's clients use pre-shared keys, otherwise 0, as in a new context. */
CLEAT_API int32_t cleat_context_psk_client(int32_t context);

/* cleat_context_set_psk_client returns CLEAT_OK and sets whether the context's clients use pre-shared keys. on: 0 or
 * 1. DANGEROUS with keys that can be guessed, such as passwords, and with keys that several clients share: an
 * attacker who has one can impersonate the server. */
CLEAT_API int32_t cleat_context_set_psk_client(int32_t context, int32_t on);

/* cleat_context_psk_server returns 1 if the context's servers use pre-shared keys, otherwise 0, as in a new context. */
CLEAT_API int32_t cleat_context_psk_server(int32_t context);

/* cleat_context_set_psk_server returns CLEAT_OK and sets whether the context's servers use pre-shared keys. on: 0 or
 * 1. identity_hint: a text of at most CLEAT_PSK_IDENTITY_MAX bytes, without a zero byte, which is sent to clients in
 * plaintext; it may be absent. A server without a certificate then does not use TLS 1.3. DANGEROUS with keys that
 * can be guessed: a recorded handshake with a suite without ECDHE suffices to test guesses offline. */
CLEAT_API int32_t cleat_context_set_psk_server(int32_t context, int32_t on,
                                               CLEAT_ABSENT const char *identity_hint,
                                               int32_t identity_hint_len);

/* cleat_context_psk_identity_hint returns the length of the hint and copies it to output; 0 if there is none. */
CLEAT_API int32_t cleat_context_psk_identity_hint(int32_t context, CLEAT_BINARY char *output,
                                                  int32_t output_cap);

/* cleat_connection_psk_hint returns the length of the hint that a client's server has sent, and copies it to output;
 * 0 if it has sent none, or an empty one. CLEAT_USAGE unless the client waits for a key. */
CLEAT_API int32_t cleat_connection_psk_hint(int32_t connection, CLEAT_BINARY char *output,
                                            int32_t output_cap);

/* cleat_connection_psk_identity returns the length of the identity and copies it to output: on a server that waits
 * for a key, the one that the client claims; once the handshake is done, on both sides, the one whose key was used.
 * 0 if it is empty, and if there is none. */
CLEAT_API int32_t cleat_connection_psk_identity(int32_t connection, CLEAT_BINARY char *output,
                                                int32_t output_cap);

/* cleat_connection_answer_psk returns CLEAT_OK and lets the handshake that has returned CLEAT_WANT_PSK continue at
 * the next call. identity: on a client, at most CLEAT_PSK_IDENTITY_MAX bytes without a zero byte, sent in plaintext;
 * absent means empty. On a server it must be absent. key: at most CLEAT_PSK_KEY_MAX bytes. With an absent or empty
 * key the caller refuses: a server sends the alert unknown_psk_identity, a client handshake_failure, and the
 * handshake fails with CLEAT_SSL, PSK_IDENTITY_NOT_FOUND. To hide which identities exist, a server can answer with a
 * random key instead: the handshake then fails as with a wrong key. The key is wiped from memory after its use.
 * CLEAT_USAGE unless the connection waits for a key; after an error the caller can answer again. */
CLEAT_API int32_t cleat_connection_answer_psk(int32_t connection, CLEAT_ABSENT const char *identity,
                                              int32_t identity_len, CLEAT_ABSENT const char *key,
                                              int32_t key_len);

#endif
