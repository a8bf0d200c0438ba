/* ocsp_due.c: certificates whose servers must staple, and words for what is wrong with a response. */
#include <string.h>

#include "x509/ocsp.h"

/* id-pe-tlsfeature, 1.3.6.1.5.5.7.1.24 */
static const uint8_t tls_feature[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x18};

#define STATUS_REQUEST 5 /* the number of the TLS extension */

/* A malformed list counts: it says that there is something to be kept to. */
static bool lists_status_request(const ASN1_OCTET_STRING *value) {
    CBS in;
    CBS list;
    uint64_t feature;
    CBS_init(&in, ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    if (CBS_get_asn1(&in, &list, CBS_ASN1_SEQUENCE) != 1 || CBS_len(&in) != 0) return true;
    while (CBS_len(&list) > 0) {
        if (CBS_get_asn1_uint64(&list, &feature) != 1 || feature == STATUS_REQUEST) return true;
    }
    return false;
}

bool cleat_ocsp_is_due(const X509 *certificate) {
    int i;
    for (i = 0; i < X509_get_ext_count(certificate); i++) {
        X509_EXTENSION *extension = X509_get_ext(certificate, i);
        const ASN1_OBJECT *oid = X509_EXTENSION_get_object(extension);
        if (OBJ_length(oid) == sizeof tls_feature &&
            memcmp(OBJ_get0_data(oid), tls_feature, sizeof tls_feature) == 0 &&
            lists_status_request(X509_EXTENSION_get_data(extension))) {
            return true;
        }
    }
    return false;
}

static const struct {
    const char *name;
    const char *text;
} words[] = {
    [CLEAT_OCSP_FINE] = {"NO_ERROR", "no error"},
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
    return words[fault].name;
}

const char *cleat_ocsp_fault_text(enum cleat_ocsp_fault fault) {
    return words[fault].text;
}
