/* ocsp.c: OCSP responses. The first byte says what the others are: 0, a whole response, without a valid signature; 1, a
 * ResponseData, which the issuer signs; 2, the part of the certificate's status after the CertID, which the issuer
 * signs in a response. Only the last one can be accepted. */
#undef _FORTIFY_SOURCE
#include "../c/ocsp_made.h"

#include <time.h>

#include "base/error.h"
#include "fuzz.h"
#include "x509/ocsp.h"

/* The seeds' responses are valid at this time. */
time_t time(
    time_t *
        now) { /* NOLINT(readability-inconsistent-declaration-parameter-name): libc's parameters have reserved names */
    if (now != NULL) *now = 1796000000;
    return 1796000000;
}

static struct ca_certificate root;
static struct ca_certificate leaf;

static void make_certificates(void) {
    static const struct ca_request ca = {.name = "root", .serial = 1, .ends = 1000, .is_ca = true};
    static const struct ca_request host = {.name = "localhost", .serial = 2, .ends = 1000};
    if (root.x509 != NULL) return;
    root = ca_issue(&ca, NULL);
    leaf = ca_issue(&host, &root);
}

static enum cleat_ocsp_fault verify(const uint8_t *response, size_t len,
                                    struct cleat_ocsp_status *status) {
    cleat_error_clear_queue();
    return cleat_ocsp_verify(response, len, leaf.x509, root.x509, time(NULL), status);
}

static void check_status(const struct cleat_ocsp_status *status) {
    bool is_revoked = status->status == CLEAT_OCSP_REVOKED;
    DEMAND(status->status >= CLEAT_OCSP_GOOD && status->status <= CLEAT_OCSP_UNKNOWN);
    DEMAND(status->this_update <= time(NULL) + CLEAT_OCSP_SKEW);
    DEMAND(cleat_ocsp_end(status) > time(NULL));
    DEMAND(is_revoked || (status->revoked_at == 0 && status->reason == -1));
    DEMAND(status->reason >= -1 && status->reason < 128);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct cleat_ocsp_status status;
    enum cleat_ocsp_fault fault;
    uint8_t *response;
    size_t len;
    if (size < 1) return 0;
    make_certificates();
    switch (data[0] % 3) {
        case 0:
            fault = verify(data + 1, size - 1, &status);
            DEMAND(fault != CLEAT_OCSP_NO_FAULT && fault != CLEAT_OCSP_NO_MEMORY);
            DEMAND(cleat_ocsp_covers(data + 1, size - 1, leaf.x509, (data[0] & 1) != 0) !=
                   CLEAT_OCSP_NO_MEMORY);
            break;
        case 1:
            response = ocsp_signed(&root, data + 1, size - 1, &len);
            fault = verify(response, len, &status);
            OPENSSL_free(response);
            if (fault == CLEAT_OCSP_NO_FAULT) check_status(&status);
            break;
        default:
            response = ocsp_made(&root, leaf.x509, data + 1, size - 1, &len);
            fault = verify(response, len, &status);
            OPENSSL_free(response);
            DEMAND(fault == CLEAT_OCSP_NO_FAULT || fault == CLEAT_OCSP_MALFORMED ||
                   fault == CLEAT_OCSP_CRITICAL_EXTENSION || fault == CLEAT_OCSP_NOT_YET_VALID ||
                   fault == CLEAT_OCSP_EXPIRED);
            if (fault == CLEAT_OCSP_NO_FAULT) check_status(&status);
    }
    return 0;
}
