/* ocsp_response.c: a strict DER parser of OCSP responses. */
#include "x509/ocsp_response.h"

#include <string.h>
#include <time.h>

#define EXPLICIT(number) (CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | (number))
#define IMPLICIT(number) (CBS_ASN1_CONTEXT_SPECIFIC | (number))

/* id-pkix-ocsp-basic, 1.3.6.1.5.5.7.48.1.1: the only type of response that is defined. */
static const uint8_t basic[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01};

static bool get_time(CBS *in, int64_t *seconds) {
    CBS text;
    struct tm time;
    return CBS_get_asn1(in, &text, CBS_ASN1_GENERALIZEDTIME) == 1 &&
           CBS_parse_generalized_time(&text, &time, 0) == 1 &&
           OPENSSL_tm_to_posix(&time, seconds) == 1;
}

static bool get_enumerated(CBS *in, uint8_t *value) {
    CBS contents;
    return CBS_get_asn1(in, &contents, CBS_ASN1_ENUMERATED) == 1 &&
           CBS_get_u8(&contents, value) == 1 && CBS_len(&contents) == 0 && *value < 0x80;
}

/* Skips optional extensions with an explicit tag. None of the defined ones needs to be processed: a nonce has no
 * meaning in a response that was not requested with one. */
static enum cleat_ocsp_fault skip_extensions(CBS *in, CBS_ASN1_TAG tag) {
    CBS wrapped;
    CBS list;
    int present = 0;
    if (CBS_get_optional_asn1(in, &wrapped, &present, tag) != 1) return CLEAT_OCSP_MALFORMED;
    if (present == 0) return CLEAT_OCSP_NO_FAULT;
    if (CBS_get_asn1(&wrapped, &list, CBS_ASN1_SEQUENCE) != 1 || CBS_len(&wrapped) != 0 ||
        CBS_len(&list) == 0) {
        return CLEAT_OCSP_MALFORMED;
    }
    while (CBS_len(&list) > 0) {
        CBS extension;
        CBS oid;
        CBS value;
        int critical = 0;
        if (CBS_get_asn1(&list, &extension, CBS_ASN1_SEQUENCE) != 1 ||
            CBS_get_asn1(&extension, &oid, CBS_ASN1_OBJECT) != 1 ||
            (CBS_peek_asn1_tag(&extension, CBS_ASN1_BOOLEAN) == 1 &&
             CBS_get_asn1_bool(&extension, &critical) != 1) ||
            CBS_get_asn1(&extension, &value, CBS_ASN1_OCTETSTRING) != 1 ||
            CBS_len(&extension) != 0) {
            return CLEAT_OCSP_MALFORMED;
        }
        if (critical != 0) return CLEAT_OCSP_CRITICAL_EXTENSION;
    }
    return CLEAT_OCSP_NO_FAULT;
}

static bool get_cert_id(CBS *in, struct cleat_ocsp_single *single) {
    CBS id;
    CBS algorithm;
    return CBS_get_asn1(in, &id, CBS_ASN1_SEQUENCE) == 1 &&
           CBS_get_asn1(&id, &algorithm, CBS_ASN1_SEQUENCE) == 1 &&
           CBS_get_asn1(&algorithm, &single->hash, CBS_ASN1_OBJECT) == 1 &&
           CBS_get_asn1(&id, &single->issuer_name_hash, CBS_ASN1_OCTETSTRING) == 1 &&
           CBS_get_asn1(&id, &single->issuer_key_hash, CBS_ASN1_OCTETSTRING) == 1 &&
           CBS_get_asn1(&id, &single->serial, CBS_ASN1_INTEGER) == 1 &&
           CBS_is_valid_asn1_integer(&single->serial, NULL) == 1 && CBS_len(&id) == 0;
}

static bool get_revocation(CBS *info, struct cleat_ocsp_status *status) {
    CBS wrapped;
    int present = 0;
    uint8_t reason;
    if (!get_time(info, &status->revoked_at) ||
        CBS_get_optional_asn1(info, &wrapped, &present, EXPLICIT(0)) != 1 || CBS_len(info) != 0) {
        return false;
    }
    if (present == 0) return true;
    if (!get_enumerated(&wrapped, &reason) || CBS_len(&wrapped) != 0) return false;
    status->reason = reason;
    return true;
}

static bool get_status(CBS *in, struct cleat_ocsp_status *status) {
    CBS contents;
    CBS_ASN1_TAG tag;
    if (CBS_get_any_asn1(in, &contents, &tag) != 1) return false;
    switch (tag) {
        case IMPLICIT(0): status->status = CLEAT_OCSP_GOOD; return CBS_len(&contents) == 0;
        case EXPLICIT(1):
            status->status = CLEAT_OCSP_REVOKED;
            return get_revocation(&contents, status);
        case IMPLICIT(2): status->status = CLEAT_OCSP_UNKNOWN; return CBS_len(&contents) == 0;
        default: return false;
    }
}

static bool get_next_update(CBS *in, struct cleat_ocsp_status *status) {
    CBS wrapped;
    int present = 0;
    if (CBS_get_optional_asn1(in, &wrapped, &present, EXPLICIT(0)) != 1) return false;
    if (present == 0) return true;
    return get_time(&wrapped, &status->next_update) && CBS_len(&wrapped) == 0 &&
           status->next_update >= status->this_update;
}

enum cleat_ocsp_fault cleat_ocsp_single_next(CBS *statuses, struct cleat_ocsp_single *single) {
    CBS contents;
    enum cleat_ocsp_fault fault;
    memset(single, 0, sizeof *single);
    single->status.reason = -1;
    if (CBS_get_asn1(statuses, &contents, CBS_ASN1_SEQUENCE) != 1 ||
        !get_cert_id(&contents, single) || !get_status(&contents, &single->status) ||
        !get_time(&contents, &single->status.this_update) ||
        !get_next_update(&contents, &single->status)) {
        return CLEAT_OCSP_MALFORMED;
    }
    fault = skip_extensions(&contents, EXPLICIT(1));
    if (fault != CLEAT_OCSP_NO_FAULT) return fault;
    return CBS_len(&contents) == 0 ? CLEAT_OCSP_NO_FAULT : CLEAT_OCSP_MALFORMED;
}

static bool get_responder(CBS *in, struct cleat_ocsp_response *response) {
    CBS contents;
    CBS_ASN1_TAG tag;
    if (CBS_get_any_asn1(in, &contents, &tag) != 1) return false;
    if (tag == EXPLICIT(1)) {
        response->by_key = false;
        return CBS_get_asn1_element(&contents, &response->responder, CBS_ASN1_SEQUENCE) == 1 &&
               CBS_len(&contents) == 0;
    }
    response->by_key = true;
    return tag == EXPLICIT(2) &&
           CBS_get_asn1(&contents, &response->responder, CBS_ASN1_OCTETSTRING) == 1 &&
           CBS_len(&contents) == 0;
}

/* ResponseData */
static enum cleat_ocsp_fault parse_data(CBS data, struct cleat_ocsp_response *response) {
    CBS contents;
    CBS statuses;
    uint64_t version = 0;
    int64_t produced_at;
    struct cleat_ocsp_single single;
    enum cleat_ocsp_fault fault;
    if (CBS_get_asn1(&data, &contents, CBS_ASN1_SEQUENCE) != 1 ||
        CBS_get_optional_asn1_uint64(&contents, &version, EXPLICIT(0), 0) != 1 || version != 0 ||
        !get_responder(&contents, response) || !get_time(&contents, &produced_at) ||
        CBS_get_asn1(&contents, &response->statuses, CBS_ASN1_SEQUENCE) != 1) {
        return CLEAT_OCSP_MALFORMED;
    }
    statuses = response->statuses;
    while (CBS_len(&statuses) > 0) {
        fault = cleat_ocsp_single_next(&statuses, &single);
        if (fault != CLEAT_OCSP_NO_FAULT) return fault;
    }
    fault = skip_extensions(&contents, EXPLICIT(1));
    if (fault != CLEAT_OCSP_NO_FAULT) return fault;
    return CBS_len(&contents) == 0 ? CLEAT_OCSP_NO_FAULT : CLEAT_OCSP_MALFORMED;
}

static bool get_certificates(CBS *in, CBS *certificates) {
    CBS wrapped;
    int present = 0;
    CBS_init(certificates, NULL, 0);
    if (CBS_get_optional_asn1(in, &wrapped, &present, EXPLICIT(0)) != 1) return false;
    return present == 0 ||
           (CBS_get_asn1(&wrapped, certificates, CBS_ASN1_SEQUENCE) == 1 && CBS_len(&wrapped) == 0);
}

/* BasicOCSPResponse */
static enum cleat_ocsp_fault parse_basic(CBS in, struct cleat_ocsp_response *response) {
    CBS contents;
    uint8_t unused;
    if (CBS_get_asn1(&in, &contents, CBS_ASN1_SEQUENCE) != 1 || CBS_len(&in) != 0 ||
        CBS_get_asn1_element(&contents, &response->signed_part, CBS_ASN1_SEQUENCE) != 1 ||
        CBS_get_asn1(&contents, &response->algorithm, CBS_ASN1_SEQUENCE) != 1 ||
        CBS_get_asn1(&contents, &response->signature, CBS_ASN1_BITSTRING) != 1 ||
        CBS_get_u8(&response->signature, &unused) != 1 || unused != 0 ||
        !get_certificates(&contents, &response->certificates) || CBS_len(&contents) != 0) {
        return CLEAT_OCSP_MALFORMED;
    }
    return parse_data(response->signed_part, response);
}

enum cleat_ocsp_fault cleat_ocsp_response_parse(const uint8_t *bytes, size_t len,
                                                struct cleat_ocsp_response *response) {
    CBS in;
    CBS contents;
    CBS wrapped;
    CBS typed;
    CBS type;
    CBS value;
    uint8_t status;
    CBS_init(&in, bytes, len);
    if (CBS_get_asn1(&in, &contents, CBS_ASN1_SEQUENCE) != 1 || CBS_len(&in) != 0 ||
        !get_enumerated(&contents, &status)) {
        return CLEAT_OCSP_MALFORMED;
    }
    if (status != 0) return CLEAT_OCSP_NOT_SUCCESSFUL;
    if (CBS_get_asn1(&contents, &wrapped, EXPLICIT(0)) != 1 || CBS_len(&contents) != 0 ||
        CBS_get_asn1(&wrapped, &typed, CBS_ASN1_SEQUENCE) != 1 || CBS_len(&wrapped) != 0 ||
        CBS_get_asn1(&typed, &type, CBS_ASN1_OBJECT) != 1 ||
        CBS_mem_equal(&type, basic, sizeof basic) != 1 ||
        CBS_get_asn1(&typed, &value, CBS_ASN1_OCTETSTRING) != 1 || CBS_len(&typed) != 0) {
        return CLEAT_OCSP_MALFORMED;
    }
    return parse_basic(value, response);
}
