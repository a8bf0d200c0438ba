/* credential.h: the certificate chains and private keys with which this side authenticates itself.
 *
 * A context can have several, one for each type of key: ECDSA with P-256, with P-384, with P-521, Ed25519, RSA.
 * Loading a chain of another type adds it; loading one of the same type replaces that chain and its staples (see
 * staple.h). Existing connections keep what they have. A connection presents the first chain, in the order above,
 * that its peer can verify: by the signature algorithms that the peer offers and, in TLS 1.2 and earlier, by the
 * peer's cipher suites and curves and the certificate types that a server requests. Among those, chains that are
 * issued by a CA that the peer has named are preferred: in the CertificateRequest of a server, or, with BoringSSL of
 * 2026, in a client's extension for this (RFC 8446 section 4.2.4). The order of loading has no
 * effect. If the peer can verify none, the handshake fails. A chain cannot be removed: make a new context. */
#ifndef CLEAT_CREDENTIAL_H
#define CLEAT_CREDENTIAL_H

#include "cleat/base.h"

/* CLEAT_PASSWORD_MAX is the longest password for a private key, in bytes. */
#define CLEAT_PASSWORD_MAX 1024

/* cleat_context_load_cert_chain returns CLEAT_OK and makes connections of the context present the certificates of
 * certfile: PEM, this side's certificate first, then its issuers. keyfile contains the private key in PEM; absent,
 * the key is in certfile too. password decrypts an encrypted key, and is otherwise ignored; at most
 * CLEAT_PASSWORD_MAX bytes. A second call replaces the first chain if the keys are of the same type, otherwise it
 * adds another chain. A UTF-8 byte order mark at the beginning of a file is skipped. Nothing changes if the call
 * fails. Supported encryption: PBES2 with PBKDF2 (HMAC with SHA-1 or SHA-2) or scrypt, and AES-CBC or 3DES; that of
 * PKCS#12; traditional PEM encryption. The cost of the key derivation is limited: CLEAT_SSL with PKCS8
 * BAD_ITERATION_COUNT or EVP MEMORY_LIMIT_EXCEEDED. CLEAT_NEED_PASSWORD if the key is encrypted and password is
 * absent; CLEAT_SYS with the file's name at cleat_error_filename; CLEAT_SSL: PEM NO_START_LINE, CIPHER BAD_DECRYPT
 * (a wrong password), X509 KEY_VALUES_MISMATCH, ...; CLEAT_USAGE if PEM data is passed in place of a file name,
 * which the message does not repeat. The contents of the files are wiped from memory. */
CLEAT_API int32_t cleat_context_load_cert_chain(
    int32_t context, const char *certfile, int32_t certfile_len, CLEAT_ABSENT const char *keyfile,
    int32_t keyfile_len, CLEAT_ABSENT const char *password, int32_t password_len);

/* cleat_context_load_cert_chain_data returns CLEAT_OK and does the same with PEM texts in memory. key absent: the
 * key is in certs too. CLEAT_NEED_PASSWORD and CLEAT_SSL as for cleat_context_load_cert_chain. */
CLEAT_API int32_t cleat_context_load_cert_chain_data(int32_t context, const char *certs,
                                                     int32_t certs_len,
                                                     CLEAT_ABSENT const char *key, int32_t key_len,
                                                     CLEAT_ABSENT const char *password,
                                                     int32_t password_len);

#endif
