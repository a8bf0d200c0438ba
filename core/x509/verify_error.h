/* verify_error.h: the reason why a certificate chain was refused, as OpenSSL's number (X509_V_ERR_*) and text. */
#ifndef CLEAT_CORE_VERIFY_ERROR_H
#define CLEAT_CORE_VERIFY_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/boringssl.h"

/* OpenSSL's numbers that BoringSSL does not define or uses for something else. */
enum {
    CLEAT_X509_EE_KEY_TOO_SMALL = 66,
    CLEAT_X509_CA_KEY_TOO_SMALL = 67,
    CLEAT_X509_CA_MD_TOO_WEAK = 68,
    CLEAT_X509_INVALID_CALL = 69,
    CLEAT_X509_STORE_LOOKUP = 70,
    CLEAT_X509_OCSP_VERIFY_NEEDED = 73,
    CLEAT_X509_OCSP_VERIFY_FAILED = 74,
    CLEAT_X509_OCSP_CERT_UNKNOWN = 75,
    CLEAT_X509_SIGNATURE_ALGORITHM_INCONSISTENCY = 78,
    CLEAT_X509_INVALID_CA = 79,
    CLEAT_X509_PATHLEN_INVALID_FOR_NON_CA = 80,
    CLEAT_X509_PATHLEN_WITHOUT_KU_KEY_CERT_SIGN = 81,
    CLEAT_X509_KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA = 82,
    CLEAT_X509_ISSUER_NAME_EMPTY = 83,
    CLEAT_X509_SUBJECT_NAME_EMPTY = 84,
    CLEAT_X509_MISSING_AUTHORITY_KEY_IDENTIFIER = 85,
    CLEAT_X509_MISSING_SUBJECT_KEY_IDENTIFIER = 86,
    CLEAT_X509_EMPTY_SUBJECT_ALT_NAME = 87,
    CLEAT_X509_EMPTY_SUBJECT_SAN_NOT_CRITICAL = 88,
    CLEAT_X509_CA_BCONS_NOT_CRITICAL = 89,
    CLEAT_X509_AUTHORITY_KEY_IDENTIFIER_CRITICAL = 90,
    CLEAT_X509_SUBJECT_KEY_IDENTIFIER_CRITICAL = 91,
    CLEAT_X509_CA_CERT_MISSING_KEY_USAGE = 92,
    CLEAT_X509_EXTENSIONS_REQUIRE_VERSION_3 = 93,
    CLEAT_X509_RPK_UNTRUSTED = 95,
};

/* The reason of a refusal. error is BoringSSL's number, which determines the alert; number is OpenSSL's number if
 * BoringSSL has none for the reason, and 0 otherwise. Both are 0 for an accepted chain. */
struct cleat_verify_error {
    int error;
    int number;
    int depth; /* of the certificate at fault: 0 is the peer's own */
};

/* The faults of a chain; the first is the reason of its refusal. */
enum { CLEAT_VERIFY_FAULTS_MAX = 16 };
struct cleat_verify_faults {
    int32_t count;
    struct cleat_verify_error list[CLEAT_VERIFY_FAULTS_MAX];
};

/* cleat_verify_faults_add adds a fault, unless it is already in the list or the list is full. */
void cleat_verify_faults_add(struct cleat_verify_faults *self, struct cleat_verify_error error);

/* cleat_verify_error_set sets the reason to one of OpenSSL's numbers above. */
void cleat_verify_error_set(struct cleat_verify_error *self, int number, int depth);

/* cleat_verify_error_number returns OpenSSL's number, and cleat_verify_error_text its text. */
int32_t cleat_verify_error_number(const struct cleat_verify_error *self);
const char *cleat_verify_error_text(const struct cleat_verify_error *self);

/* cleat_verify_error_alert returns the alert to send to the peer. */
uint8_t cleat_verify_error_alert(const struct cleat_verify_error *self);

#endif
