/* verify.h: the verification of a connection's peer. */
#ifndef CLEAT_CORE_VERIFY_H
#define CLEAT_CORE_VERIFY_H

#include "base/boringssl.h"
#include "tls/connection.h"
#include "x509/peer.h"

/* cleat_verify_set_up makes connections of a context verify by cleat's own code (core/x509/peer.h),
 * and offer and accept all algorithms that BoringSSL can verify. Returns whether it could. */
bool cleat_verify_set_up(SSL_CTX *ssl_ctx, int32_t verify_mode);

/* cleat_verify_with returns whether ssl now verifies signatures of the handshake with these algorithms; the default
 * ones if there are none. */
bool cleat_verify_with(SSL *ssl, const struct cleat_sigalgs *algorithms);

/* cleat_verify_start sets what a connection asks its peer for. The flags and the name are read from
 * the connection when the peer has sent its certificates. */
void cleat_verify_start(SSL *ssl, bool server_side, int32_t verify_mode);

/* cleat_verify_resumed returns whether the client of a server's resumed session would be accepted
 * now: its certificate may have expired or been revoked since, or a CA be gone from a directory. If
 * it would not, the connection's verify_error says why. ssl_verify_retry: the caller is to answer. */
enum ssl_verify_result_t cleat_verify_resumed(struct cleat_connection *connection);

/* cleat_verify_chain verifies again what the peer has sent, and returns the verified chain, which the caller
 * frees; NULL, and why, if it is not accepted any more. */
STACK_OF(X509) * cleat_verify_chain(const struct cleat_connection *connection,
                                    const STACK_OF(CRYPTO_BUFFER) * sent,
                                    struct cleat_peer_report *report);

/* cleat_verify_name returns the name that the peer of a client is verified for; NULL if it has none. */
const char *cleat_verify_name(const struct cleat_connection *connection);

/* cleat_verify_code returns why the connection's peer was refused: OpenSSL's X509_V_ERR_ number.
 * cleat_verify_describe puts a reason in words, cut at size. */
int32_t cleat_verify_code(const struct cleat_connection *connection);
void cleat_verify_describe(const struct cleat_connection *connection,
                           const struct cleat_verify_error *error, char *text, size_t size);

/* cleat_verify_write does so for a verification with that name, NULL for none, and that fault of an OCSP response. */
void cleat_verify_write(const struct cleat_verify_error *error, const char *name,
                        enum cleat_ocsp_fault ocsp_fault, char *text, size_t size);

#endif
