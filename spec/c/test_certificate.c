/* test_certificate.c: the results of the certificate functions for malformed and unusual fields: each field is read
 * separately, and a malformed one is CLEAT_SSL for the functions that read it, and for no others. */
#include <stdbool.h>
#include <string.h>

#include "expect.h"
#include "odd_certificate.h"

static char room[4096];

static bool is(int32_t len, const char *expected, size_t expected_len) {
    return len == (int32_t)expected_len && memcmp(room, expected, expected_len) == 0;
}

#define IS(call, text) EXPECT(is((call), (text), sizeof(text) - 1))
#define IS_SSL(call) EXPECT(CLEAT_CLASS(call) == CLEAT_SSL)

static bool failed_for(const char *library, const char *reason) {
    char text[64];
    int32_t len = cleat_error_library(text, sizeof text);
    if (len != (int32_t)strlen(library) || memcmp(text, library, strlen(library)) != 0) {
        return false;
    }
    if (reason == NULL) return true;
    len = cleat_error_reason(text, sizeof text);
    return len == (int32_t)strlen(reason) && memcmp(text, reason, strlen(reason)) == 0;
}

static void test_names(int32_t odd) {
    static const int32_t subject = CLEAT_NAME_SUBJECT;
    EXPECT(cleat_certificate_name_count(odd, subject) == ODD_COUNT);
    IS(cleat_certificate_name_value(odd, subject, ODD_STRING, room, sizeof room), "odd");
    IS(cleat_certificate_name_value(odd, subject, ODD_BITS, room, sizeof room), "bits");
    IS(cleat_certificate_name_value(odd, subject, ODD_SEQUENCE, room, sizeof room), "\x0c\x01x");
    IS(cleat_certificate_name_type(odd, subject, ODD_JURISDICTION, room, sizeof room),
       "jurisdictionCountryName");
    IS(cleat_certificate_name_value(odd, subject, ODD_JURISDICTION, room, sizeof room), "DE");
    IS_SSL(cleat_certificate_name_type(odd, subject, ODD_LONG_TYPE, room, sizeof room));
    EXPECT(failed_for("ASN1", "INVALID_OBJECT_ENCODING"));
    IS(cleat_certificate_name_value(odd, subject, ODD_LONG_TYPE, room, sizeof room), "long");
    EXPECT(cleat_certificate_name_rdn(odd, subject, ODD_LONG_TYPE) == ODD_LONG_TYPE);
}

static void test_times(int32_t odd) {
    IS(cleat_certificate_not_before(odd, room, sizeof room), "Jan  5 08:04:43 2024 GMT");
    IS(cleat_certificate_not_after(odd, room, sizeof room), "Bad time value");
}

/* A failure to decode is not cached as an empty list. */
static void test_extensions(int32_t odd) {
    int i;
    for (i = 0; i < 2; i++) {
        IS_SSL(cleat_certificate_alt_name_count(odd));
        EXPECT(failed_for("ASN1", NULL));
        IS_SSL(cleat_certificate_alt_name_type(odd, 0, room, sizeof room));
        IS_SSL(cleat_certificate_alt_name_value(odd, 0, room, sizeof room));
        IS_SSL(cleat_certificate_name_count(odd, CLEAT_NAME_ALT));
        IS_SSL(cleat_certificate_name_rdn(odd, CLEAT_NAME_ALT, 0));
        IS_SSL(cleat_certificate_uri_count(odd, CLEAT_URI_OCSP));
        EXPECT(failed_for("X509V3", "DUPLICATE_EXTENSION"));
        IS_SSL(cleat_certificate_uri_count(odd, CLEAT_URI_CA_ISSUERS));
        IS_SSL(cleat_certificate_uri(odd, CLEAT_URI_OCSP, 0, room, sizeof room));
        IS_SSL(cleat_certificate_uri_count(odd, CLEAT_URI_CRL));
        EXPECT(failed_for("ASN1", NULL));
    }
}

int main(void) {
    static char again[4096];
    int32_t odd = cleat_certificate_from_pem(odd_certificate, (int32_t)strlen(odd_certificate));
    int32_t len;
    int32_t copy;
    EXPECT(odd > 0);
    test_extensions(odd);
    test_names(odd);
    test_times(odd);
    EXPECT(cleat_certificate_version(odd) == 3);
    IS(cleat_certificate_serial_number(odd, room, sizeof room), "01");
    len = cleat_certificate_der(odd, room, sizeof room);
    EXPECT(len > 0 && len <= (int32_t)sizeof room);
    copy = cleat_certificate_from_der(room, len);
    EXPECT(copy > 0 && cleat_certificate_der(copy, again, sizeof again) == len);
    EXPECT(memcmp(room, again, (size_t)len) == 0);
    EXPECT(cleat_close(odd) == CLEAT_OK && cleat_close(copy) == CLEAT_OK);
    return 0;
}
