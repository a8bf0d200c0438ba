/* verify.h: the verification of a connection's peer. */
#ifndef CLEAT_CORE_VERIFY_H
#define CLEAT_CORE_VERIFY_H

#include "base/boringssl.h"
#include "tls/connection.h"
#include "x509/peer.h"

/* cleat_verify_set_up makes connections of ssl_ctx verify their peers by core/x509/peer.h, and offer and accept all
 * signature algorithms that BoringSSL can verify. Returns false on failure. */
bool cleat_verify_set_up(SSL_CTX *ssl_ctx, int32_t verify_mode);

/* cleat_verify_with makes ssl verify signatures of the handshake with these algorithms, or with the default ones if
 * the list is empty. Returns false on failure. */
bool cleat_verify_with(SSL *ssl, const struct cleat_sigalgs *algorithms);

/* cleat_verify_start sets whether ssl requests and requires a certificate. The flags and the name are read from the
 * connection when the peer has sent its certificates. */
void cleat_verify_start(SSL *ssl, bool server_side, int32_t verify_mode);

/* cleat_verify_resumed verifies the client of a server's resumed session again: its certificate may have expired or
 * been revoked since, or a CA may have been removed from a directory. ssl_verify_ok; ssl_verify_invalid, with the
 * reason in the connection's verify_error; ssl_verify_retry if the caller must answer. */
enum ssl_verify_result_t cleat_verify_resumed(struct cleat_connection *connection);

/* cleat_verify_chain verifies the certificates that the peer has sent again, and returns the verified chain, which
 * the caller frees; NULL, with the reason in report, if it is no longer accepted. */
STACK_OF(X509) * cleat_verify_chain(const struct cleat_connection *connection,
                                    const STACK_OF(CRYPTO_BUFFER) * sent,
                                    struct cleat_peer_report *report);

/* cleat_verify_name returns the name for which a client verifies its server; NULL if there is none. */
const char *cleat_verify_name(const struct cleat_connection *connection);

/* cleat_verify_code returns the verify code of the connection's peer (OpenSSL's X509_V_ERR_ numbers).
 * cleat_verify_describe writes the text of a reason, truncated to size. */
int32_t cleat_verify_code(const struct cleat_connection *connection);
void cleat_verify_describe(const struct cleat_connection *connection,
                           const struct cleat_verify_error *error, char *text, size_t size);

/* cleat_verify_write does the same for the given name, NULL for none, and fault of an OCSP response. */
void cleat_verify_write(const struct cleat_verify_error *error, const char *name,
                        enum cleat_ocsp_fault ocsp_fault, char *text, size_t size);

#endif
