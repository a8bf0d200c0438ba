/* resumer.h: a client that is BoringSSL without cleat, over memory, which keeps its sessions and offers them: for tests
 * of what servers resume. Its clock stands still. */
#ifndef CLEAT_SPEC_RESUMER_H
#define CLEAT_SPEC_RESUMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/boringssl.h"

struct resumer {
    SSL_CTX *ssl_ctx;
    SSL *ssl; /* of the connection under way; NULL if there is none */
    SSL_SESSION *session; /* the newest; NULL if there is none */
    int given; /* how many it has got in this connection */
    bool done; /* its handshake */
};

/* version: the only one that it speaks. */
void resumer_open(struct resumer *resumer, uint16_t version);
void resumer_close(struct resumer *resumer);

/* resumer_present gives it a certificate and its key. */
void resumer_present(struct resumer *resumer, X509 *x509, EVP_PKEY *key);

/* resumer_start begins a connection, which offers the session; NULL for none. */
void resumer_start(struct resumer *resumer, SSL_SESSION *offer);

/* resumer_run goes on with both handshakes until nothing moves, or the server asks for a session, and returns the
 * server's status. A client reads after its own, for tickets. */
int32_t resumer_run(struct resumer *resumer, int32_t connection);

#endif
