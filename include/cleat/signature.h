/* signature.h: remote private keys: in another process, a PKCS#11 token, a key service.
 *
 * The context has only the certificate chain. A handshake that needs a signature by its key returns
 * CLEAT_WANT_SIGNATURE, and continues after cleat_connection_answer_signature, which the caller may call at any
 * later time. The caller signs the bytes of cleat_connection_signature_input, or their digest, with the algorithm
 * that cleat_connection_signature_algorithm returns. A resumed handshake needs no signature. */
#ifndef CLEAT_SIGNATURE_H
#define CLEAT_SIGNATURE_H

#include "cleat/base.h"

/* CLEAT_SIGNATURE_* are TLS's signature schemes (RFC 8446 section 4.2.3). RSA-PSS has a salt as long as the digest.
 * An ECDSA signature is the DER encoding of r and s. In TLS 1.3 an ECDSA scheme is only for keys on its curve, in
 * TLS 1.2 for keys on any curve. Schemes with SHA-1 are used in TLS 1.2 with peers that support no other. TLS 1.0
 * and 1.1 use ECDSA_SHA1 and RSA_PKCS1_MD5_SHA1, which has no number in TLS. */
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

/* CLEAT_REMOTE_KEY_* are the types of remote keys. */
#define CLEAT_REMOTE_KEY_RSA 1
#define CLEAT_REMOTE_KEY_P256 2
#define CLEAT_REMOTE_KEY_P384 3
#define CLEAT_REMOTE_KEY_P521 4
#define CLEAT_REMOTE_KEY_P224 5 /* not with TLS 1.3 */
#define CLEAT_REMOTE_KEY_ED25519 6

/* cleat_context_load_cert_chain_remote_key returns the CLEAT_REMOTE_KEY_* of this side's certificate, and makes
 * connections of the context present the certificates of certfile, as cleat_context_load_cert_chain does; their
 * handshakes return CLEAT_WANT_SIGNATURE when they need the key. A private key in certfile is ignored. A remote RSA
 * key is used for signatures only, so the TLS 1.2 cipher suites with RSA key exchange, which decrypts, are disabled;
 * if the context has no other suites, making a connection fails with CLEAT_SSL, NO_CIPHER_MATCH. CLEAT_SYS with the
 * file's name at cleat_error_filename; CLEAT_SSL: PEM NO_START_LINE, SSL UNKNOWN_CERTIFICATE_TYPE for a key of
 * another type, ...; CLEAT_USAGE if PEM data is passed in place of a file name. */
CLEAT_API int32_t cleat_context_load_cert_chain_remote_key(int32_t context, const char *certfile,
                                                           int32_t certfile_len);

/* cleat_context_load_cert_chain_remote_key_data returns the same CLEAT_REMOTE_KEY_*, and does the same with a PEM
 * text in memory. CLEAT_SSL as for cleat_context_load_cert_chain_remote_key. */
CLEAT_API int32_t cleat_context_load_cert_chain_remote_key_data(int32_t context, const char *certs,
                                                                int32_t certs_len);

/* cleat_connection_signature_algorithm returns the CLEAT_SIGNATURE_* of the signature that the handshake waits for,
 * or 0 if it waits for none. */
CLEAT_API int32_t cleat_connection_signature_algorithm(int32_t connection);

/* cleat_connection_signature_key returns the CLEAT_REMOTE_KEY_* of the key for that signature, as it was returned when
 * the certificate was loaded, or 0 if the handshake waits for none. */
CLEAT_API int32_t cleat_connection_signature_key(int32_t connection);

/* cleat_connection_signature_input returns the length of the message to sign, which is not hashed, and copies it to
 * output. CLEAT_USAGE if the handshake waits for no signature. */
CLEAT_API int32_t cleat_connection_signature_input(int32_t connection, CLEAT_BINARY char *output,
                                                   int32_t output_cap);

/* cleat_connection_signature_digest returns the length of the message's digest by the algorithm's hash, and copies
 * it to output; 0 for Ed25519, which signs the message itself. PKCS#11 tokens and key services usually sign a
 * digest. CLEAT_USAGE as above; CLEAT_SSL if BoringSSL cannot compute the digest. */
CLEAT_API int32_t cleat_connection_signature_digest(int32_t connection, CLEAT_BINARY char *output,
                                                    int32_t output_cap);

/* cleat_connection_signature_public_key returns the length of the public key of the certificate that was sent,
 * SubjectPublicKeyInfo in DER, and copies it to output; it identifies the private key. CLEAT_USAGE and CLEAT_SSL as
 * above. */
CLEAT_API int32_t cleat_connection_signature_public_key(int32_t connection,
                                                        CLEAT_BINARY char *output,
                                                        int32_t output_cap);

/* cleat_connection_answer_signature returns CLEAT_OK and lets the handshake that has returned CLEAT_WANT_SIGNATURE
 * continue at the next call. signature absent: the caller refuses; the peer receives the alert internal_error, and
 * the handshake fails with CLEAT_SSL, PRIVATE_KEY_OPERATION_FAILED. For a signature that the certificate's key does
 * not verify this function returns CLEAT_SSL, BAD_SIGNATURE, and the handshake fails as after a refusal: the
 * signature is never sent. CLEAT_USAGE unless the handshake waits for a signature; CLEAT_NOMEM, after which the
 * caller can answer again. */
CLEAT_API int32_t cleat_connection_answer_signature(int32_t connection,
                                                    CLEAT_ABSENT const char *signature,
                                                    int32_t signature_len);

/* cleat_sign returns the length of a signature of data by the private key in keyfile, and copies it to output, for
 * cleat_connection_answer_signature: it is for the process that has the key. password decrypts an encrypted key, and
 * may be absent. algorithm: CLEAT_SIGNATURE_*. data is the message, not its digest. Each call reads the key and
 * signs: a call with capacity 0 also takes the time of a signature, and the lengths of two ECDSA signatures may
 * differ. CLEAT_SSL, WRONG_SIGNATURE_TYPE, if the algorithm does not match the key; CLEAT_NEED_PASSWORD, CLEAT_SYS,
 * CLEAT_SSL and CLEAT_USAGE as for cleat_context_load_cert_chain. The content of the file is wiped from memory. */
CLEAT_API int32_t cleat_sign(const char *keyfile, int32_t keyfile_len,
                             CLEAT_ABSENT const char *password, int32_t password_len,
                             int32_t algorithm, const char *data, int32_t data_len,
                             CLEAT_BINARY char *output, int32_t output_cap);

/* cleat_sign_data returns the length of a signature in the same way, with the key's PEM text in memory. algorithm:
 * CLEAT_SIGNATURE_*. password may be absent. CLEAT_NEED_PASSWORD and CLEAT_SSL as above. */
CLEAT_API int32_t cleat_sign_data(const char *key, int32_t key_len,
                                  CLEAT_ABSENT const char *password, int32_t password_len,
                                  int32_t algorithm, const char *data, int32_t data_len,
                                  CLEAT_BINARY char *output, int32_t output_cap);

#endif
