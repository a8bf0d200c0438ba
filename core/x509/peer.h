/* peer.h: the verification of a TLS peer by the certificates that it has sent, which are DER until here. They are
 * parsed for a verification and freed after it; where the same verification has succeeded lately (chain_cache.h) they
 * are not even parsed. */
#ifndef CLEAT_CORE_PEER_H
#define CLEAT_CORE_PEER_H

#include "x509/ocsp.h"
#include "x509/trust.h"
#include "x509/verify_error.h"

/* What a peer is asked for. All of it but cache_seconds, time and faults is in the key of the cache: so must be what
 * is added. */
struct cleat_peer_terms {
    struct cleat_trust *trust;
    int purpose; /* X509_PURPOSE_SSL_SERVER or _CLIENT: what the peer is; or _ANY */
    unsigned long flags; /* X509_V_FLAG_*, CLEAT_STRICT_FLAG */
    const char *name; /* host name or IP address that its certificate must have; NULL: any */
    bool name_is_address;
    bool ignores_common_name; /* a name in the subject never counts */
    bool has_depth; /* there is a limit below CLEAT_DEPTH_MAX */
    int32_t depth; /* it: how many intermediates a chain may have */
    bool has_time; /* for another time than the present: then the cache is not used */
    int64_t time; /* it, in POSIX seconds */
    struct cleat_verify_faults *faults; /* where all faults of a refused chain are put, or NULL */
    bool
        asks_ocsp; /* it was asked for an OCSP response: if its certificate says so, it must staple one */
    bool requires_ocsp; /* it must in any case */
    const uint8_t *ocsp_response; /* what it has stapled; NULL if nothing */
    size_t ocsp_response_len;
    int32_t cache_seconds; /* how old an entry of the cache may be; 0: none is looked up or made */
};

enum cleat_peer_verdict {
    CLEAT_PEER_ACCEPTED,
    CLEAT_PEER_REFUSED,
    CLEAT_PEER_UNDECODABLE /* BoringSSL's TLS takes more than its X.509 parser does */
};

/* How a verdict was found. */
enum cleat_peer_cache {
    CLEAT_PEER_CACHE_UNUSED, /* off, or not for these terms */
    CLEAT_PEER_CACHE_HIT,
    CLEAT_PEER_CACHE_MISS
};

struct cleat_peer_report {
    struct cleat_verify_error error; /* why a peer was refused */
    enum cleat_peer_cache cache;
    enum cleat_ocsp_fault ocsp_fault; /* if its OCSP response was not good */
    int64_t until; /* of an accepted one: the first second at which it may not be any more */
    /* The chain that the error is about, the peer's own certificate first: the caller's to free; NULL if there is
     * none. */
    STACK_OF(CRYPTO_BUFFER) * refused;
};

/* cleat_peer_verify returns whether a peer that sent these certificates, at least one and its own first, is
 * accepted. That it has the key of the first is not looked at here: BoringSSL verifies its signature. */
enum cleat_peer_verdict cleat_peer_verify(const struct cleat_peer_terms *terms,
                                          const STACK_OF(CRYPTO_BUFFER) * sent,
                                          struct cleat_peer_report *report);

/* cleat_peer_chain returns the chain that a verification with these terms accepts, the peer's own certificate first and
 * the trust anchor last, for the caller to free. NULL, and why not, if it accepts none. The cache is not used. */
STACK_OF(X509) * cleat_peer_chain(const struct cleat_peer_terms *terms,
                                  const STACK_OF(CRYPTO_BUFFER) * sent,
                                  struct cleat_peer_report *report);

/* cleat_peer_decode is for a peer of whom nothing is asked but certificates that can be parsed. */
enum cleat_peer_verdict cleat_peer_decode(const STACK_OF(CRYPTO_BUFFER) * sent);

#endif
