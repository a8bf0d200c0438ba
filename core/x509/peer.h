/* peer.h: the verification of a TLS peer by the certificates that it has sent, in DER. They are parsed for a
 * verification and freed after it; if the cache has the same verification (chain_cache.h), they are not parsed at
 * all. */
#ifndef CLEAT_CORE_PEER_H
#define CLEAT_CORE_PEER_H

#include "x509/ocsp.h"
#include "x509/trust.h"
#include "x509/verify_error.h"

/* The requirements for a peer. All fields except cache_seconds, time and faults are in the key of the cache; a new
 * field must be added to it. */
struct cleat_peer_terms {
    struct cleat_trust *trust;
    int purpose; /* X509_PURPOSE_SSL_SERVER or _CLIENT: the peer's role; or _ANY */
    unsigned long flags; /* X509_V_FLAG_*, CLEAT_STRICT_FLAG */
    const char *name; /* host name or IP address that its certificate must have; NULL: any */
    bool name_is_address;
    bool ignores_common_name; /* common names are never compared */
    bool has_depth; /* depth is set; otherwise the limit is CLEAT_DEPTH_MAX */
    int32_t depth; /* how many intermediates a chain may have */
    bool has_time; /* verify for another time than the present; the cache is then not used */
    int64_t time; /* that time, in POSIX seconds */
    struct cleat_verify_faults *faults; /* output: all faults of a refused chain; may be NULL */
    /* This side has requested an OCSP response: a must-staple certificate needs one. */
    bool asks_ocsp;
    bool requires_ocsp; /* every certificate needs one */
    const uint8_t *ocsp_response; /* the stapled response; NULL if there is none */
    size_t ocsp_response_len;
    int32_t cache_seconds; /* the maximum age of a cache entry; 0 disables the cache */
};

enum cleat_peer_verdict {
    CLEAT_PEER_ACCEPTED,
    CLEAT_PEER_REFUSED,
    /* BoringSSL's TLS code accepts certificates that its X.509 parser refuses. */
    CLEAT_PEER_UNDECODABLE
};

/* Whether the result was cached. */
enum cleat_peer_cache {
    CLEAT_PEER_CACHE_UNUSED, /* disabled, or not applicable to these terms */
    CLEAT_PEER_CACHE_HIT,
    CLEAT_PEER_CACHE_MISS
};

struct cleat_peer_report {
    struct cleat_verify_error error; /* why a peer was refused */
    enum cleat_peer_cache cache;
    enum cleat_ocsp_fault ocsp_fault; /* why the OCSP response was not accepted */
    /* For an accepted peer: the first second at which it may no longer be accepted. */
    int64_t until;
    /* The chain to which the error refers, the peer's own certificate first; the caller frees it. NULL if there is
     * none. */
    STACK_OF(CRYPTO_BUFFER) * refused;
};

/* cleat_peer_verify returns whether a peer that sent these certificates, at least one and its own first, is
 * accepted. It does not verify that the peer has the private key: BoringSSL does so by the signature of the
 * handshake. */
enum cleat_peer_verdict cleat_peer_verify(const struct cleat_peer_terms *terms,
                                          const STACK_OF(CRYPTO_BUFFER) * sent,
                                          struct cleat_peer_report *report);

/* cleat_peer_chain returns the chain that a verification with these terms accepts, the peer's own certificate first
 * and the trust anchor last; the caller frees it. NULL if no chain is accepted, with the reason in report. It does
 * not use the cache. */
STACK_OF(X509) * cleat_peer_chain(const struct cleat_peer_terms *terms,
                                  const STACK_OF(CRYPTO_BUFFER) * sent,
                                  struct cleat_peer_report *report);

/* cleat_peer_decode only checks that the certificates can be parsed. */
enum cleat_peer_verdict cleat_peer_decode(const STACK_OF(CRYPTO_BUFFER) * sent);

#endif
