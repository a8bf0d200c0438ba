/* ocsp_check.c: verifies an OCSP response without a connection, and has the texts of faults. */
#include <time.h>

#include "base/argument.h"
#include "base/clock.h"
#include "base/memory.h"
#include "x509/certificate.h"
#include "x509/chain.h"
#include "x509/ocsp.h"

static const struct {
    const char *name;
    const char *text;
} faults[] = {
    [CLEAT_OCSP_NO_FAULT] = {"NO_ERROR", "no error"},
    [CLEAT_OCSP_MALFORMED] = {"MALFORMED_RESPONSE", "the OCSP response is malformed"},
    [CLEAT_OCSP_NOT_SUCCESSFUL] = {"RESPONSE_STATUS",
                                   "the OCSP response reports an error of the responder"},
    [CLEAT_OCSP_CRITICAL_EXTENSION] = {"UNHANDLED_CRITICAL_EXTENSION",
                                       "the OCSP response has an unknown critical extension"},
    [CLEAT_OCSP_NOT_COVERED] = {"CERTIFICATE_NOT_COVERED",
                                "the OCSP response is for other certificates"},
    [CLEAT_OCSP_WRONG_ISSUER] = {"ISSUER_MISMATCH",
                                 "the OCSP response is for a certificate of another issuer"},
    [CLEAT_OCSP_AMBIGUOUS] = {"AMBIGUOUS_STATUS",
                              "the OCSP response has several statuses for the certificate"},
    [CLEAT_OCSP_NO_SIGNER] =
        {"SIGNER_CERTIFICATE_NOT_FOUND",
         "the OCSP response is signed by neither the issuer nor a certificate in it"},
    [CLEAT_OCSP_NOT_AUTHORIZED] = {"RESPONDER_NOT_AUTHORIZED",
                                   "the issuer has not authorized the OCSP responder"},
    [CLEAT_OCSP_WEAK] =
        {"SIGNATURE_ALGORITHM",
         "the OCSP response's signature is too weak or of an unsupported algorithm"},
    [CLEAT_OCSP_BAD_SIGNATURE] = {"SIGNATURE_FAILURE", "the OCSP response's signature is wrong"},
    [CLEAT_OCSP_NOT_YET_VALID] = {"STATUS_NOT_YET_VALID", "the OCSP response is not yet valid"},
    [CLEAT_OCSP_EXPIRED] = {"STATUS_EXPIRED", "the OCSP response has expired"},
    [CLEAT_OCSP_NO_MEMORY] = {"NO_MEMORY", "out of memory"},
};

const char *cleat_ocsp_fault_name(enum cleat_ocsp_fault fault) {
    return faults[fault].name;
}

const char *cleat_ocsp_fault_text(enum cleat_ocsp_fault fault) {
    return faults[fault].text;
}

/* A CA's response is not valid for a certificate of another CA, even if both CAs have the same name. */
static int32_t check_issuer(X509 *certificate, X509 *issuer) {
    bool is_issuer = cleat_chain_is_issued_by(certificate, issuer);
    if (cleat_memory_failed()) return cleat_fail_nomem();
    if (is_issuer) return CLEAT_OK;
    cleat_error_clear_queue();
    return cleat_fail_named("OCSP", "NOT_ISSUED_BY", "the issuer has not issued the certificate");
}

static int32_t check(const char *response, int32_t response_len, X509 *certificate, X509 *issuer,
                     struct cleat_ocsp_status *status) {
    enum cleat_ocsp_fault fault;
    int32_t result;
    cleat_error_clear_queue();
    result = check_issuer(certificate, issuer);
    if (result < 0) return result;
    fault = cleat_ocsp_verify((const uint8_t *)response, (size_t)response_len, certificate, issuer,
                              cleat_wall_clock(), status);
    if (fault == CLEAT_OCSP_NO_MEMORY) return cleat_fail_nomem();
    if (fault == CLEAT_OCSP_NO_FAULT) return CLEAT_OK;
    return cleat_fail_named("OCSP", cleat_ocsp_fault_name(fault), cleat_ocsp_fault_text(fault));
}

int32_t cleat_ocsp_check(const char *response, int32_t response_len, int32_t certificate,
                         int32_t issuer, double *this_update, double *next_update,
                         double *revoked_at, int32_t *reason) {
    struct cleat_certificate *self;
    struct cleat_object *found = NULL;
    struct cleat_ocsp_status status;
    int32_t result;
    CLEAT_CHECK_IN(1, response, response_len);
    CLEAT_CHECK_POINTER(5, this_update);
    CLEAT_CHECK_POINTER(6, next_update);
    CLEAT_CHECK_POINTER(7, revoked_at);
    CLEAT_CHECK_POINTER(8, reason);
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    result = cleat_handle_find(issuer, CLEAT_KIND_CERTIFICATE, &found);
    if (result >= 0) {
        result = check(response, response_len, self->x509,
                       ((struct cleat_certificate *)found)->x509, &status);
        cleat_handle_done(found);
    }
    if (result >= 0) {
        *this_update = (double)status.this_update;
        *next_update = (double)status.next_update;
        *revoked_at = (double)status.revoked_at;
        *reason = status.reason;
        result = status.status;
    }
    CLEAT_DONE(self);
    return result;
}
