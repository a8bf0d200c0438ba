/* ocsp.h: the verification of OCSP responses (RFC 6960), for which BoringSSL has no functions. */
#ifndef CLEAT_CORE_OCSP_H
#define CLEAT_CORE_OCSP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/boringssl.h"
#include "cleat/staple.h"

/* How many seconds the clocks of responder and verifier may differ. A response without nextUpdate is treated as if
 * that were its thisUpdate, so that it is valid for this time. */
#define CLEAT_OCSP_SKEW 300

/* Why a response is not accepted. */
enum cleat_ocsp_fault {
    CLEAT_OCSP_NO_FAULT,
    CLEAT_OCSP_MALFORMED,
    CLEAT_OCSP_NOT_SUCCESSFUL, /* the responder reports an error instead of a status */
    CLEAT_OCSP_CRITICAL_EXTENSION,
    CLEAT_OCSP_NOT_COVERED, /* it covers other certificates only */
    CLEAT_OCSP_WRONG_ISSUER, /* it covers a certificate with that serial number of another CA */
    CLEAT_OCSP_AMBIGUOUS, /* it has several statuses for the certificate */
    /* The responder is not the issuer, and its certificate is not in the response. */
    CLEAT_OCSP_NO_SIGNER,
    CLEAT_OCSP_NOT_AUTHORIZED, /* the issuer has not authorized it to sign responses */
    CLEAT_OCSP_WEAK, /* a signature or key that is too weak, or an unknown algorithm */
    CLEAT_OCSP_BAD_SIGNATURE,
    CLEAT_OCSP_NOT_YET_VALID,
    CLEAT_OCSP_EXPIRED,
    CLEAT_OCSP_NO_MEMORY
};

/* The status of one certificate, in a response. Times are in POSIX seconds. */
struct cleat_ocsp_status {
    int32_t status; /* CLEAT_OCSP_GOOD, _REVOKED, _UNKNOWN */
    int64_t this_update;
    int64_t next_update; /* 0 if it has none */
    int64_t revoked_at; /* 0 if it is not revoked */
    int32_t reason; /* the CRLReason of RFC 5280, or -1 if there is none */
};

/* cleat_ocsp_verify returns CLEAT_OCSP_NO_FAULT and stores the certificate's status if the response is signed by the
 * issuer or by a responder that the issuer has authorized, and is valid at now. The caller must have verified that
 * issuer has issued the certificate. */
enum cleat_ocsp_fault cleat_ocsp_verify(const uint8_t *response, size_t len, X509 *certificate,
                                        X509 *issuer, int64_t now,
                                        struct cleat_ocsp_status *status);

/* cleat_ocsp_end returns the first second at which the response has expired. */
int64_t cleat_ocsp_end(const struct cleat_ocsp_status *status);

/* cleat_ocsp_covers returns CLEAT_OCSP_NO_FAULT if a response is well-formed and covers the certificate's serial
 * number; with by_issuer, the name of its issuer must match, too. It verifies no signature. */
enum cleat_ocsp_fault cleat_ocsp_covers(const uint8_t *response, size_t len,
                                        const X509 *certificate, bool by_issuer);

/* cleat_ocsp_is_must_staple returns whether a certificate requires its server to staple a response: the TLS feature
 * status_request of RFC 7633 ("must-staple"). */
bool cleat_ocsp_is_must_staple(const X509 *certificate);

/* cleat_ocsp_fault_name returns the mnemonic of a fault, cleat_ocsp_fault_text its description. */
const char *cleat_ocsp_fault_name(enum cleat_ocsp_fault fault);
const char *cleat_ocsp_fault_text(enum cleat_ocsp_fault fault);

#endif
