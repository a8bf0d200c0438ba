/* ocsp.h: OCSP responses (RFC 6960): what one says of a certificate, and whether it may say so. BoringSSL has none of
 * this. */
#ifndef CLEAT_CORE_OCSP_H
#define CLEAT_CORE_OCSP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/boringssl.h"
#include "cleat/staple.h"

/* By how many seconds the clocks of responder and verifier may differ. A response without nextUpdate counts as one that
 * ends when it begins: it is good for this long. */
#define CLEAT_OCSP_SKEW 300

/* What is wrong with a response. */
enum cleat_ocsp_fault {
    CLEAT_OCSP_FINE,
    CLEAT_OCSP_MALFORMED,
    CLEAT_OCSP_NOT_SUCCESSFUL, /* the responder reports an error, and no status */
    CLEAT_OCSP_CRITICAL_EXTENSION,
    CLEAT_OCSP_NOT_COVERED, /* it is about other certificates */
    CLEAT_OCSP_WRONG_ISSUER, /* it is about a certificate of that serial number, of another CA */
    CLEAT_OCSP_AMBIGUOUS, /* it has several statuses for the certificate */
    CLEAT_OCSP_NO_SIGNER, /* the responder is not the issuer, and its certificate is not there */
    CLEAT_OCSP_NOT_AUTHORIZED, /* the issuer has not made it a responder */
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

/* cleat_ocsp_verify sets status to what a response says of a certificate, if it returns CLEAT_OCSP_FINE: the response
 * is signed by the issuer, or by a responder of the issuer's, and now is in its time. issuer must be known to have
 * issued the certificate: this is not looked at. */
enum cleat_ocsp_fault cleat_ocsp_verify(const uint8_t *response, size_t len, X509 *certificate,
                                        X509 *issuer, int64_t now,
                                        struct cleat_ocsp_status *status);

/* cleat_ocsp_end returns the first second at which the response is too old. */
int64_t cleat_ocsp_end(const struct cleat_ocsp_status *status);

/* cleat_ocsp_names returns whether a response is well-formed and has the serial number of the certificate; with
 * by_issuer, the name of its issuer, too. No signature is verified. */
enum cleat_ocsp_fault cleat_ocsp_names(const uint8_t *response, size_t len, const X509 *certificate,
                                       bool by_issuer);

/* cleat_ocsp_is_due returns whether a certificate says that its server staples a response: the TLS feature
 * status_request of RFC 7633 ("must-staple"). */
bool cleat_ocsp_is_due(const X509 *certificate);

/* cleat_ocsp_fault_name returns a mnemonic for messages, cleat_ocsp_fault_text words. */
const char *cleat_ocsp_fault_name(enum cleat_ocsp_fault fault);
const char *cleat_ocsp_fault_text(enum cleat_ocsp_fault fault);

#endif
