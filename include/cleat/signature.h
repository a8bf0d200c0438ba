/* signature.h: private keys that are elsewhere: in another process, a PKCS#11 token, a key service.
 *
 * A context gets the certificate chain alone. A handshake that needs a signature by its key returns
 * CLEAT_WANT_SIGNATURE, and goes on after cleat_connection_answer_signature. In between the caller may take its time,
 * and signs the bytes of cleat_connection_signature_input, or their digest, with the algorithm that
 * cleat_connection_signature_algorithm names. A resumed handshake needs no signature. */
#ifndef CLEAT_SIGNATURE_H
#define CLEAT_SIGNATURE_H

#include "cleat/base.h"

/* CLEAT_SIGNATURE_* are TLS's signature schemes (RFC 8446 section 4.2.3). RSA-PSS has a salt as long as the digest.
 * An ECDSA signature is the DER of r and s. With TLS 1.3 an ECDSA scheme is for its curve's keys only, with TLS 1.2 for
 * those of any curve. Those with SHA-1 are for TLS 1.2 with peers that know no other; RSA_PKCS1_MD5_SHA1, which has no
 * number in TLS, and ECDSA_SHA1 are those of TLS 1.0 and 1.1. */
#define CLEAT_SIGNATURE_RSA_PKCS1_SHA1 0x0201
#define CLEAT_SIGNATURE_ECDSA_SHA1 0x0203
#define CLEAT_SIGNATURE_RSA_PKCS1_SHA256 0x0401
#define CLEAT_SIGNATURE_ECDSA_SECP256R1_SHA256 0x0403
#define CLEAT_SIGNATURE_RSA_PKCS1_SHA384 0x0501
#define CLEAT_SIGNATURE_ECDSA_SECP384R1_SHA384 0x0503
#define CLEAT_SIGNATURE_RSA_PKCS1_SHA512 0x0601
#define CLEAT_SIGNATURE_ECDSA_SECP521R1_SHA512 0x0603
#define CLEAT_SIGNATURE_RSA_PSS_RSAE_SHA256 0x0804
#define CLEAT_SIGNATURE_RSA_PSS_RSAE_SHA384 0x0805
#define CLEAT_SIGNATURE_RSA_PSS_RSAE_SHA512 0x0806
#define CLEAT_SIGNATURE_ED25519 0x0807
#define CLEAT_SIGNATURE_RSA_PKCS1_MD5_SHA1 0xff01

/* CLEAT_REMOTE_KEY_* are the types of keys that can be elsewhere. */
#define CLEAT_REMOTE_KEY_RSA 1
#define CLEAT_REMOTE_KEY_P256 2
#define CLEAT_REMOTE_KEY_P384 3
#define CLEAT_REMOTE_KEY_P521 4
#define CLEAT_REMOTE_KEY_P224 5 /* not with TLS 1.3 */
#define CLEAT_REMOTE_KEY_ED25519 6

/* cleat_context_load_cert_chain_remote_key returns the CLEAT_REMOTE_KEY_* of the own certificate's key, and makes
 * connections of the context present the certificates of certfile, as cleat_context_load_cert_chain does; their
 * handshakes return CLEAT_WANT_SIGNATURE where they need the key. A private key in certfile is not looked at. Of an RSA
 * key they want signatures only, so that the cipher suites of TLS 1.2 that decrypt with it (RSA key exchange) are left
 * out; connections cannot be made, CLEAT_SSL, NO_CIPHER_MATCH, if the context has no other. CLEAT_SYS with the file's
 * name at cleat_error_filename; CLEAT_SSL: PEM NO_START_LINE, SSL UNKNOWN_CERTIFICATE_TYPE for a key of another type,
 * ...; CLEAT_USAGE for PEM data where the file's name is due. */
CLEAT_API int32_t cleat_context_load_cert_chain_remote_key(int32_t context, const char *certfile,
                                                           int32_t certfile_len);

/* cleat_context_load_cert_chain_remote_key_data returns the same CLEAT_REMOTE_KEY_*, and does the same from a PEM text
 * in memory. CLEAT_SSL as there. */
CLEAT_API int32_t cleat_context_load_cert_chain_remote_key_data(int32_t context, const char *certs,
                                                                int32_t certs_len);

/* cleat_connection_signature_algorithm returns the number of the algorithm, a CLEAT_SIGNATURE_* constant, for the
 * signature that the handshake waits for, or 0 if it waits for none. */
CLEAT_API int32_t cleat_connection_signature_algorithm(int32_t connection);

/* cleat_connection_signature_key returns the CLEAT_REMOTE_KEY_* of the key for that signature, as it was returned when
 * the certificate was loaded, or 0 if the handshake waits for none. */
CLEAT_API int32_t cleat_connection_signature_key(int32_t connection);

/* cleat_connection_signature_input returns the length of the message that is to be signed, and copies it to output. It
 * is not hashed yet. CLEAT_USAGE if the handshake waits for no signature. */
CLEAT_API int32_t cleat_connection_signature_input(int32_t connection, CLEAT_BINARY char *output,
                                                   int32_t output_cap);

/* cleat_connection_signature_digest returns the length of the message's digest by the algorithm's hash, and copies it
 * to output; 0 for Ed25519, which signs the message itself. It is what PKCS#11 tokens and key services sign.
 * CLEAT_USAGE as above; CLEAT_SSL if BoringSSL cannot hash. */
CLEAT_API int32_t cleat_connection_signature_digest(int32_t connection, CLEAT_BINARY char *output,
                                                    int32_t output_cap);

/* cleat_connection_signature_public_key returns the length of the public key of the certificate that was sent,
 * SubjectPublicKeyInfo in DER, and copies it to output: to find the private key by. CLEAT_USAGE and CLEAT_SSL as above.
 * */
CLEAT_API int32_t cleat_connection_signature_public_key(int32_t connection,
                                                        CLEAT_BINARY char *output,
                                                        int32_t output_cap);

/* cleat_connection_answer_signature returns CLEAT_OK and lets the handshake that has returned CLEAT_WANT_SIGNATURE go
 * on at the next call. signature absent: the key's owner refuses; the peer gets the alert internal_error, and the
 * handshake fails with CLEAT_SSL, PRIVATE_KEY_OPERATION_FAILED. A signature that the certificate's key does not verify
 * is CLEAT_SSL, BAD_SIGNATURE, here, and a refusal otherwise: it never reaches the peer. CLEAT_USAGE if the connection
 * has not asked; CLEAT_NOMEM, after which it can be answered again. */
CLEAT_API int32_t cleat_connection_answer_signature(int32_t connection,
                                                    CLEAT_ABSENT const char *signature,
                                                    int32_t signature_len);

/* cleat_sign returns the length of a signature of data by the private key in keyfile, and copies it to output: what
 * cleat_connection_answer_signature takes, made where the key is. password opens an encrypted key, and may be absent.
 * algorithm: CLEAT_SIGNATURE_*. data is the message, not its digest. Each call reads the key, and signs: NULL with
 * capacity 0 costs a signature, and the length of two ECDSA signatures may differ. CLEAT_SSL, WRONG_SIGNATURE_TYPE, if
 * the algorithm does not fit the key, and CLEAT_NEED_PASSWORD, CLEAT_SYS, CLEAT_SSL and CLEAT_USAGE as
 * cleat_context_load_cert_chain. What was read of the file is wiped. */
CLEAT_API int32_t cleat_sign(const char *keyfile, int32_t keyfile_len,
                             CLEAT_ABSENT const char *password, int32_t password_len,
                             int32_t algorithm, const char *data, int32_t data_len,
                             CLEAT_BINARY char *output, int32_t output_cap);

/* cleat_sign_data returns the length of the same, from the key's PEM text in memory. algorithm: CLEAT_SIGNATURE_*.
 * password may be absent. CLEAT_NEED_PASSWORD and CLEAT_SSL as above. */
CLEAT_API int32_t cleat_sign_data(const char *key, int32_t key_len,
                                  CLEAT_ABSENT const char *password, int32_t password_len,
                                  int32_t algorithm, const char *data, int32_t data_len,
                                  CLEAT_BINARY char *output, int32_t output_cap);

#endif
