/* peer.h: the verification of a TLS peer by the certificates that it has sent, which are DER until
 * here: they are parsed for a verification and freed after it. */
#ifndef CLEAT_CORE_PEER_H
#define CLEAT_CORE_PEER_H

#include "x509/trust.h"
#include "x509/verify_error.h"

/* What a peer is asked for. */
struct cleat_peer_terms {
    struct cleat_trust *trust;
    int purpose; /* X509_PURPOSE_SSL_SERVER or _CLIENT: what the peer is */
    unsigned long flags; /* X509_V_FLAG_*, CLEAT_STRICT_FLAG */
    const char *name; /* host name or IP address that its certificate must have; NULL: any */
    bool name_is_address;
};

enum cleat_peer_verdict {
    CLEAT_PEER_ACCEPTED,
    CLEAT_PEER_REFUSED,
    CLEAT_PEER_UNDECODABLE /* BoringSSL's TLS takes more than its X.509 parser does */
};

/* cleat_peer_verify returns whether a peer that sent these certificates, at least one and its own
 * first, is accepted. If it is refused, error says why. */
enum cleat_peer_verdict cleat_peer_verify(const struct cleat_peer_terms *terms,
                                          const STACK_OF(CRYPTO_BUFFER) * sent,
                                          struct cleat_verify_error *error);

/* cleat_peer_decode is for a peer of whom nothing is asked but certificates that can be parsed. */
enum cleat_peer_verdict cleat_peer_decode(const STACK_OF(CRYPTO_BUFFER) * sent);

#endif
