/* strict.c: OpenSSL 3's checks with X509_V_FLAG_X509_STRICT, in its order and with its verify codes
 * (check_extensions in crypto/x509/x509_vfy.c). Checks that BoringSSL always makes are omitted: extensions that are
 * malformed or repeated, extensions of certificates that are not of version 3, explicit curve parameters. */
#include "x509/strict.h"

static bool is_critical(const X509 *certificate, int nid) {
    int at = X509_get_ext_by_NID(certificate, nid, -1);
    return at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(certificate, at)) == 1;
}

static bool is_present(const X509 *certificate, int nid) {
    return X509_get_ext_by_NID(certificate, nid, -1) >= 0;
}

/* Without a key usage extension the result is false, as in OpenSSL's checks, which look at the bits of the
 * extension. */
static bool has_usage(X509 *certificate, uint32_t bit) {
    return (X509_get_extension_flags(certificate) & EXFLAG_KUSAGE) != 0 &&
           (X509_get_key_usage(certificate) & bit) != 0;
}

static bool is_ca(X509 *certificate) {
    return (X509_get_extension_flags(certificate) & EXFLAG_CA) != 0;
}

static int check_ca(X509 *certificate) {
    uint32_t flags = X509_get_extension_flags(certificate);
    if (X509_get_pathlen(certificate) != -1) {
        if (!is_ca(certificate)) return CLEAT_X509_PATHLEN_INVALID_FOR_NON_CA;
        if (!has_usage(certificate, X509v3_KU_KEY_CERT_SIGN)) {
            return CLEAT_X509_PATHLEN_WITHOUT_KU_KEY_CERT_SIGN;
        }
    }
    if (is_ca(certificate)) {
        if (!is_critical(certificate, NID_basic_constraints)) {
            return CLEAT_X509_CA_BCONS_NOT_CRITICAL;
        }
        if ((flags & EXFLAG_KUSAGE) == 0) return CLEAT_X509_CA_CERT_MISSING_KEY_USAGE;
    } else if (has_usage(certificate, X509v3_KU_KEY_CERT_SIGN)) {
        return CLEAT_X509_KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA;
    }
    return X509_V_OK;
}

/* The number of alternative names in the extension, which may be empty; -1 if it cannot be parsed. */
static int count_names(X509 *certificate) {
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int count = names == NULL ? -1 : (int)sk_GENERAL_NAME_num(names);
    GENERAL_NAMES_free(names);
    return count;
}

static int check_names(X509 *certificate) {
    bool has_alternatives = is_present(certificate, NID_subject_alt_name);
    bool is_empty = X509_NAME_entry_count(X509_get_subject_name(certificate)) == 0;
    if (X509_NAME_entry_count(X509_get_issuer_name(certificate)) == 0) {
        return CLEAT_X509_ISSUER_NAME_EMPTY;
    }
    if (is_empty) {
        if (is_ca(certificate) || has_usage(certificate, X509v3_KU_CRL_SIGN) || !has_alternatives) {
            return CLEAT_X509_SUBJECT_NAME_EMPTY;
        }
        if (!is_critical(certificate, NID_subject_alt_name)) {
            return CLEAT_X509_EMPTY_SUBJECT_SAN_NOT_CRITICAL;
        }
    }
    if (has_alternatives && count_names(certificate) <= 0) return CLEAT_X509_EMPTY_SUBJECT_ALT_NAME;
    return X509_V_OK;
}

static bool algorithms_differ(const X509 *certificate) {
    const X509_ALGOR *outer = NULL;
    X509_get0_signature(NULL, &outer, certificate);
    return X509_ALGOR_cmp(outer, X509_get0_tbs_sigalg(certificate)) != 0;
}

static int check_identifiers(X509 *certificate, bool is_last) {
    if (is_critical(certificate, NID_authority_key_identifier)) {
        return CLEAT_X509_AUTHORITY_KEY_IDENTIFIER_CRITICAL;
    }
    if (is_critical(certificate, NID_subject_key_identifier)) {
        return CLEAT_X509_SUBJECT_KEY_IDENTIFIER_CRITICAL;
    }
    if (X509_get_version(certificate) < X509_VERSION_3) {
        return X509_get_ext_count(certificate) > 0 ? CLEAT_X509_EXTENSIONS_REQUIRE_VERSION_3
                                                   : X509_V_OK;
    }
    if (!is_last && X509_get0_authority_key_id(certificate) == NULL) {
        return CLEAT_X509_MISSING_AUTHORITY_KEY_IDENTIFIER;
    }
    if (is_ca(certificate) && X509_get0_subject_key_id(certificate) == NULL) {
        return CLEAT_X509_MISSING_SUBJECT_KEY_IDENTIFIER;
    }
    return X509_V_OK;
}

static int check(X509 *certificate, size_t depth, size_t count) {
    uint32_t flags = X509_get_extension_flags(certificate);
    bool states_ca = (flags & EXFLAG_BCONS) != 0 && is_ca(certificate);
    int code;
    /* A certificate that counts as a CA only because of its version or its key usage is refused. */
    if (!states_ca && (depth > 0 || ((flags & EXFLAG_BCONS) == 0 &&
                                     (has_usage(certificate, X509v3_KU_KEY_CERT_SIGN) ||
                                      X509_check_ca(certificate) == 1)))) {
        return CLEAT_X509_INVALID_CA;
    }
    /* RFC 6818 section 2: the requirements do not apply to a lone self-signed certificate. */
    if (count == 1) return X509_V_OK;
    code = check_ca(certificate);
    if (code == X509_V_OK) code = check_names(certificate);
    if (code == X509_V_OK && algorithms_differ(certificate)) {
        code = CLEAT_X509_SIGNATURE_ALGORITHM_INCONSISTENCY;
    }
    if (code == X509_V_OK) code = check_identifiers(certificate, depth + 1 == count);
    return code;
}

bool cleat_strict_check(const STACK_OF(X509) * chain, struct cleat_verify_error *error) {
    size_t count = sk_X509_num(chain);
    size_t i;
    for (i = 0; i < count; i++) {
        int number = check(sk_X509_value(chain, i), i, count);
        if (number == X509_V_OK) continue;
        cleat_verify_error_set(error, number, (int)i);
        return false;
    }
    return true;
}
