/* verify.h: what is asked of a peer's chain beyond what BoringSSL asks, and what a refusal is
 * called. */
#ifndef CLEAT_CORE_VERIFY_H
#define CLEAT_CORE_VERIFY_H

#include "base/boringssl.h"
#include "tls/connection.h"

/* cleat_verify_certificate is BoringSSL's verify callback: called for each certificate of a
 * chain, from the trusted one down to the peer's own, and for each fault. Returns whether to go
 * on. */
int cleat_verify_certificate(int ok, X509_STORE_CTX *verification);

/* cleat_verify_code returns why the connection's peer was refused: OpenSSL's X509_V_ERR_ number.
 * cleat_verify_describe puts it in words, cut at size. */
int32_t cleat_verify_code(const struct cleat_connection *connection);
void cleat_verify_describe(const struct cleat_connection *connection, char *text, size_t size);

#endif
