/* ocsp_must_staple.c: the TLS feature extension status_request (RFC 7633). */
#include <string.h>

#include "x509/ocsp.h"

/* id-pe-tlsfeature, 1.3.6.1.5.5.7.1.24 */
static const uint8_t tls_feature[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x18};

#define STATUS_REQUEST 5 /* the number of the TLS extension */

/* A malformed list counts as one with status_request: the safe interpretation. */
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

bool cleat_ocsp_is_must_staple(const X509 *certificate) {
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
