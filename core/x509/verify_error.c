#include "x509/verify_error.h"

/* BoringSSL derives the alert from its own number, which is chosen here so that the alert is OpenSSL's:
 * bad_certificate for weak keys and digests and for raw public keys, certificate_unknown for OpenSSL's other
 * numbers. */
void cleat_verify_error_set(struct cleat_verify_error *self, int number, int depth) {
    bool is_bad = number <= CLEAT_X509_CA_MD_TOO_WEAK || number == CLEAT_X509_RPK_UNTRUSTED;
    self->error = is_bad ? X509_V_ERR_CERT_REJECTED : X509_V_ERR_INVALID_EXTENSION;
    self->number = number;
    self->depth = depth;
}

void cleat_verify_faults_add(struct cleat_verify_faults *self, struct cleat_verify_error error) {
    int32_t i;
    for (i = 0; i < self->count; i++) {
        const struct cleat_verify_error *other = &self->list[i];
        if (other->error == error.error && other->number == error.number &&
            other->depth == error.depth) {
            return;
        }
    }
    if (self->count < CLEAT_VERIFY_FAULTS_MAX) self->list[self->count++] = error;
}

int32_t cleat_verify_error_number(const struct cleat_verify_error *self) {
    if (self->number != 0) return self->number;
    switch (self->error) {
        case X509_V_ERR_INVALID_CALL: return CLEAT_X509_INVALID_CALL;
        case X509_V_ERR_STORE_LOOKUP: return CLEAT_X509_STORE_LOOKUP;
        /* OpenSSL has no such code: it compares the common name, or fails with this one. */
        case X509_V_ERR_NAME_CONSTRAINTS_WITHOUT_SANS: return X509_V_ERR_UNSUPPORTED_NAME_SYNTAX;
        default: return self->error;
    }
}

const char *cleat_verify_error_text(const struct cleat_verify_error *self) {
    switch (self->number) {
        case CLEAT_X509_EE_KEY_TOO_SMALL: return "certificate's key is too weak";
        case CLEAT_X509_CA_KEY_TOO_SMALL: return "issuer's key is too weak";
        case CLEAT_X509_CA_MD_TOO_WEAK: return "signature's digest is too weak";
        case CLEAT_X509_OCSP_VERIFY_NEEDED: return "OCSP verification needed";
        case CLEAT_X509_OCSP_VERIFY_FAILED: return "OCSP verification failed";
        case CLEAT_X509_OCSP_CERT_UNKNOWN: return "OCSP unknown cert";
        case CLEAT_X509_SIGNATURE_ALGORITHM_INCONSISTENCY:
            return "cert info signature and signature algorithm mismatch";
        case CLEAT_X509_INVALID_CA: return "invalid CA certificate";
        case CLEAT_X509_PATHLEN_INVALID_FOR_NON_CA: return "Path length invalid for non-CA cert";
        case CLEAT_X509_PATHLEN_WITHOUT_KU_KEY_CERT_SIGN:
            return "Path length given without key usage keyCertSign";
        case CLEAT_X509_KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA:
            return "Key usage keyCertSign invalid for non-CA cert";
        case CLEAT_X509_ISSUER_NAME_EMPTY: return "Issuer name empty";
        case CLEAT_X509_SUBJECT_NAME_EMPTY: return "Subject name empty";
        case CLEAT_X509_MISSING_AUTHORITY_KEY_IDENTIFIER: return "Missing Authority Key Identifier";
        case CLEAT_X509_MISSING_SUBJECT_KEY_IDENTIFIER: return "Missing Subject Key Identifier";
        case CLEAT_X509_EMPTY_SUBJECT_ALT_NAME: return "Empty Subject Alternative Name extension";
        case CLEAT_X509_EMPTY_SUBJECT_SAN_NOT_CRITICAL:
            return "Subject empty and Subject Alt Name extension not critical";
        case CLEAT_X509_CA_BCONS_NOT_CRITICAL:
            return "Basic Constraints of CA cert not marked critical";
        case CLEAT_X509_AUTHORITY_KEY_IDENTIFIER_CRITICAL:
            return "Authority Key Identifier marked critical";
        case CLEAT_X509_SUBJECT_KEY_IDENTIFIER_CRITICAL:
            return "Subject Key Identifier marked critical";
        case CLEAT_X509_CA_CERT_MISSING_KEY_USAGE:
            return "CA cert does not include key usage extension";
        case CLEAT_X509_RPK_UNTRUSTED:
            return "raw public key untrusted: it is not among the keys that are set for peers";
        case CLEAT_X509_EXTENSIONS_REQUIRE_VERSION_3:
            return "Using cert extension requires at least X509v3";
        default: return X509_verify_cert_error_string(self->error);
    }
}

uint8_t cleat_verify_error_alert(const struct cleat_verify_error *self) {
    switch (self->number) {
        case CLEAT_X509_OCSP_VERIFY_NEEDED:
        case CLEAT_X509_OCSP_VERIFY_FAILED:
        case CLEAT_X509_OCSP_CERT_UNKNOWN: return SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE;
        default: return (uint8_t)SSL_alert_from_verify_result(self->error);
    }
}
