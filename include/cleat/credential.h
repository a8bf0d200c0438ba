/* credential.h: the certificate chains and private keys with which this side identifies itself.
 *
 * A context can have several, one for each type of key: ECDSA with P-256, with P-384, with P-521, Ed25519, RSA.
 * Loading another type adds; loading the same type replaces, with its staples (see staple.h). Connections that exist
 * keep what they have. A connection presents the first of them, in this order, that its peer can verify: by the
 * signature algorithms that the peer offers and, in TLS 1.2 and below, by its cipher suites and curves and the
 * certificate types that a server asks for. Of those that the peer can verify one comes first that is issued by a CA
 * that the peer names: a server that asks for a certificate, or, with BoringSSL of 2026, a client that uses the
 * extension for that (RFC 8446 section 4.2.4). The order of loading has no effect. If there is none that the peer can
 * verify, the handshake fails. None can be removed: make a new context. */
#ifndef CLEAT_CREDENTIAL_H
#define CLEAT_CREDENTIAL_H

#include "cleat/base.h"

/* CLEAT_PASSWORD_MAX is the longest password for a private key, in bytes. */
#define CLEAT_PASSWORD_MAX 1024

/* cleat_context_load_cert_chain returns CLEAT_OK and makes connections of the context present
 * the certificates of certfile: PEM, the own certificate first, then its issuers. keyfile
 * holds the private key in PEM; absent, the key is in certfile too. password opens an
 * encrypted key, and is not looked at otherwise. A second call replaces the first if the keys
 * are of one type, otherwise it adds to it. A UTF-8 byte order mark before either text is
 * skipped. Nothing changes if it fails.
 * Encryption: PBES2 with PBKDF2 (HMAC with SHA-1 or SHA-2) or scrypt, and AES-CBC or 3DES; PKCS#12's;
 * traditional PEM's. A file's cost is bounded: PKCS8 BAD_ITERATION_COUNT, EVP MEMORY_LIMIT_EXCEEDED.
 * CLEAT_NEED_PASSWORD if the key is encrypted and password is absent; CLEAT_SYS with the
 * file's name at cleat_error_filename; CLEAT_SSL: PEM NO_START_LINE, CIPHER BAD_DECRYPT (a
 * wrong password), X509 KEY_VALUES_MISMATCH, ...; CLEAT_USAGE for PEM data where a file's name
 * is due, which the message does not repeat. What was read of the files is wiped. */
CLEAT_API int32_t cleat_context_load_cert_chain(
    int32_t context, const char *certfile, int32_t certfile_len, CLEAT_ABSENT const char *keyfile,
    int32_t keyfile_len, CLEAT_ABSENT const char *password, int32_t password_len);

/* cleat_context_load_cert_chain_data returns CLEAT_OK and does the same from PEM texts in
 * memory. key absent: the key is in certs too. CLEAT_NEED_PASSWORD and
 * CLEAT_SSL as there. */
CLEAT_API int32_t cleat_context_load_cert_chain_data(int32_t context, const char *certs,
                                                     int32_t certs_len,
                                                     CLEAT_ABSENT const char *key, int32_t key_len,
                                                     CLEAT_ABSENT const char *password,
                                                     int32_t password_len);

#endif
