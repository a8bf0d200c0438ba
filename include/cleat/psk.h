/* psk.h: pre-shared keys of TLS 1.2 and earlier (RFC 4279, RFC 5489): client and server share a key, and need no
 * certificate.
 *
 * A handshake that has agreed on such a suite returns CLEAT_WANT_PSK, and goes on after cleat_connection_answer_psk. In
 * between the caller may take its time. A server reads cleat_connection_psk_identity, and looks up the key of this
 * identity; a client may read cleat_connection_psk_hint, and chooses an identity and its key.
 *
 * No suite with a pre-shared key is in the default list: cleat_context_set_ciphers must name some, as "PSK" does. They
 * are offered and accepted only by connections whose context asks for keys. The key authenticates both sides, in place
 * of a certificate, also with CLEAT_CERT_REQUIRED and with a host name to be checked: an attacker who has the key, as
 * each client does, can pose as the server. Sessions of such handshakes never resume. TLS 1.3 has other pre-shared
 * keys, which BoringSSL does not have as OpenSSL and GnuTLS do: a connection that may use TLS 1.3 prefers it, with
 * certificates. */
#ifndef CLEAT_PSK_H
#define CLEAT_PSK_H

#include "cleat/base.h"

/* CLEAT_PSK_IDENTITY_MAX is the greatest length of an identity, and of a hint, in bytes. */
#define CLEAT_PSK_IDENTITY_MAX 128

/* CLEAT_PSK_KEY_MAX is the greatest length of a key, in bytes. */
#define CLEAT_PSK_KEY_MAX 256

/* cleat_context_psk_client returns 1 if the context's clients use pre-shared keys, otherwise 0, as in a new context. */
CLEAT_API int32_t cleat_context_psk_client(int32_t context);

/* cleat_context_set_psk_client returns CLEAT_OK and lets the context's clients use pre-shared keys, or not. on: 1 or
 * 0. DANGEROUS are keys that can be guessed, such as passwords, and keys that several clients have: an attacker who has
 * one can pose as the server. */
CLEAT_API int32_t cleat_context_set_psk_client(int32_t context, int32_t on);

/* cleat_context_psk_server returns 1 if the context's servers use pre-shared keys, otherwise 0, as in a new context. */
CLEAT_API int32_t cleat_context_psk_server(int32_t context);

/* cleat_context_set_psk_server returns CLEAT_OK and lets the context's servers use pre-shared keys, or not. on: 1 or 0.
 * identity_hint: a text of at most CLEAT_PSK_IDENTITY_MAX bytes, without a zero byte, which clients get in plaintext;
 * it may be absent. A server without a certificate then has no TLS 1.3. DANGEROUS are keys that can be guessed: what an
 * observer records of a handshake with a suite without ECDHE is enough to try them. */
CLEAT_API int32_t cleat_context_set_psk_server(int32_t context, int32_t on,
                                               CLEAT_ABSENT const char *identity_hint,
                                               int32_t identity_hint_len);

/* cleat_context_psk_identity_hint returns the length of the hint and copies it to output; 0 if there is none. */
CLEAT_API int32_t cleat_context_psk_identity_hint(int32_t context, CLEAT_BINARY char *output,
                                                  int32_t output_cap);

/* cleat_connection_psk_hint returns the length of the hint that a client's server has sent, and copies it to output; 0
 * if it has sent none, or an empty one. CLEAT_USAGE if the client does not wait for a key. */
CLEAT_API int32_t cleat_connection_psk_hint(int32_t connection, CLEAT_BINARY char *output,
                                            int32_t output_cap);

/* cleat_connection_psk_identity returns the length of the identity and copies it to output: on a server that waits for
 * a key, the one that the client claims to have; once the handshake is done, on both sides, the one whose key was used.
 * 0 if it is empty, and if there is none. */
CLEAT_API int32_t cleat_connection_psk_identity(int32_t connection, CLEAT_BINARY char *output,
                                                int32_t output_cap);

/* cleat_connection_answer_psk returns CLEAT_OK and lets the handshake that has returned CLEAT_WANT_PSK go on at the
 * next call. identity: on a client, at most CLEAT_PSK_IDENTITY_MAX bytes without a zero byte, which are sent in
 * plaintext; absent it is empty. On a server it must be absent. key: at most CLEAT_PSK_KEY_MAX bytes; absent or
 * empty, the caller refuses: the peer gets the alert unknown_psk_identity of a server, handshake_failure of a
 * client, and the handshake fails with CLEAT_SSL, PSK_IDENTITY_NOT_FOUND. A server that answers with a random key
 * instead does not reveal which identities it knows: both sides fail as with a wrong key. The key is wiped once it
 * was used. CLEAT_USAGE if the connection does not wait for a key; after an error it can be answered again. */
CLEAT_API int32_t cleat_connection_answer_psk(int32_t connection, CLEAT_ABSENT const char *identity,
                                              int32_t identity_len, CLEAT_ABSENT const char *key,
                                              int32_t key_len);

#endif
