/* raw.h: peers that use BoringSSL without cleat, over memory. They send any bytes as a certificate, and sign with any
 * key. */
#ifndef CLEAT_SPEC_RAW_H
#define CLEAT_SPEC_RAW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/boringssl.h"

struct raw_peer {
    bool server;
    const uint8_t *certificate; /* DER, or any other bytes */
    size_t len;
    EVP_PKEY *key; /* not necessarily the certificate's */
    ssl_cert_compression_func_t
        compress; /* compresses its certificate with zlib; NULL: uncompressed */
};

/* raw_meet does the handshake of a connection over memory with a peer. Returns its status; *error is the peer's error,
 * as ERR_GET_REASON returns it, or 0. */
int32_t raw_meet(int32_t connection, const struct raw_peer *peer, int *error);

/* raw_can_present returns whether BoringSSL accepts the certificate as its own. */
bool raw_can_present(const struct raw_peer *peer);

/* raw_accepts returns whether BoringSSL's client with SSL_VERIFY_NONE and the X.509 method accepts the server. */
bool raw_accepts(const struct raw_peer *server);

#endif
