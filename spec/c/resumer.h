/* resumer.h: a client that uses BoringSSL without cleat, over memory, and keeps its sessions and offers them: for tests
 * of the sessions that servers resume. Its clock stands still. */
#ifndef CLEAT_SPEC_RESUMER_H
#define CLEAT_SPEC_RESUMER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/boringssl.h"

struct resumer {
    SSL_CTX *ssl_ctx;
    SSL *ssl; /* of the current connection; NULL if there is none */
    SSL_SESSION *session; /* the newest; NULL if there is none */
    int given; /* how many it has received in this connection */
    bool done; /* its handshake */
};

/* version: the only version that it supports. */
void resumer_open(struct resumer *resumer, uint16_t version);
void resumer_close(struct resumer *resumer);

/* resumer_present loads a certificate and its key. */
void resumer_present(struct resumer *resumer, X509 *x509, EVP_PKEY *key);

/* resumer_start begins a connection, which offers the session; NULL for none. */
void resumer_start(struct resumer *resumer, SSL_SESSION *offer);

/* resumer_run continues both handshakes until no bytes move, or the server pauses for a session, and returns the
 * server's status. A client reads after its handshake, for tickets. */
int32_t resumer_run(struct resumer *resumer, int32_t connection);

#endif
