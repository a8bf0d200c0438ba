/* name_constraint.c: IP addresses under name constraints.
 *
 * BoringSSL's NAME_CONSTRAINTS_check fails for every certificate with an IP address below a constraint on addresses.
 * So the constraints are parsed again: constraints on addresses are evaluated here, as OpenSSL does, and removed
 * from the copy; BoringSSL evaluates the rest of the copy. */
#include "x509/name_constraint.h"

#include <string.h>

/* Whether the one bits of a mask are contiguous at the start. OpenSSL does not check this; RFC 5280 allows only such
 * masks (CIDR). */
static bool is_prefix(const uint8_t *mask, size_t len) {
    bool ended = false;
    size_t i;
    for (i = 0; i < len * 8; i++) {
        bool bit = (mask[i / 8] & (0x80 >> (i % 8))) != 0;
        if (bit && ended) return false;
        if (!bit) ended = true;
    }
    return true;
}

/* X509_V_OK if the address is in the range, which is an address and a mask of the same length. */
static int match(const ASN1_OCTET_STRING *address, const ASN1_OCTET_STRING *range) {
    const uint8_t *bytes = ASN1_STRING_get0_data(address);
    const uint8_t *base = ASN1_STRING_get0_data(range);
    int len = ASN1_STRING_length(address);
    int range_len = ASN1_STRING_length(range);
    int i;
    if (len != 4 && len != 16) return X509_V_ERR_UNSUPPORTED_NAME_SYNTAX;
    if (range_len != 8 && range_len != 32) return X509_V_ERR_UNSUPPORTED_NAME_SYNTAX;
    if (!is_prefix(base + range_len / 2, (size_t)range_len / 2)) {
        return X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX;
    }
    if (range_len != 2 * len)
        return X509_V_ERR_PERMITTED_VIOLATION; /* of the other address family */
    for (i = 0; i < len; i++) {
        if (((bytes[i] ^ base[i]) & base[len + i]) != 0) return X509_V_ERR_PERMITTED_VIOLATION;
    }
    return X509_V_OK;
}

enum result { NONE, OUTSIDE, INSIDE };

/* Compares the address with the address ranges among trees. A malformed range is an error even if another one
 * matches. */
static int compare(const ASN1_OCTET_STRING *address, const STACK_OF(GENERAL_SUBTREE) * trees,
                   enum result *result) {
    size_t i;
    *result = NONE;
    for (i = 0; i < sk_GENERAL_SUBTREE_num(trees); i++) {
        const GENERAL_SUBTREE *tree = sk_GENERAL_SUBTREE_value(trees, i);
        int code;
        if (tree->base->type != GEN_IPADD) continue;
        if (tree->minimum != NULL || tree->maximum != NULL) return X509_V_ERR_SUBTREE_MINMAX;
        code = match(address, tree->base->d.iPAddress);
        if (code == X509_V_OK) {
            *result = INSIDE;
        } else if (code != X509_V_ERR_PERMITTED_VIOLATION) {
            return code;
        } else if (*result == NONE) {
            *result = OUTSIDE;
        }
    }
    return X509_V_OK;
}

static int check_address(const ASN1_OCTET_STRING *address, const NAME_CONSTRAINTS *constraints) {
    enum result result;
    int code = compare(address, constraints->permittedSubtrees, &result);
    if (code != X509_V_OK) return code;
    if (result == OUTSIDE) return X509_V_ERR_PERMITTED_VIOLATION;
    code = compare(address, constraints->excludedSubtrees, &result);
    if (code != X509_V_OK) return code;
    return result == INSIDE ? X509_V_ERR_EXCLUDED_VIOLATION : X509_V_OK;
}

static void remove_ranges(STACK_OF(GENERAL_SUBTREE) * trees) {
    size_t i = 0;
    while (i < sk_GENERAL_SUBTREE_num(trees)) {
        if (sk_GENERAL_SUBTREE_value(trees, i)->base->type == GEN_IPADD) {
            GENERAL_SUBTREE_free(sk_GENERAL_SUBTREE_delete(trees, i));
        } else {
            i++;
        }
    }
}

/* names: the certificate's alternative names. Removes the address ranges from constraints. */
static int check(X509 *certificate, const GENERAL_NAMES *names, NAME_CONSTRAINTS *constraints) {
    size_t ranges = sk_GENERAL_SUBTREE_num(constraints->permittedSubtrees) +
                    sk_GENERAL_SUBTREE_num(constraints->excludedSubtrees);
    size_t i;
    /* BoringSSL's limit, against certificates that are costly to check. */
    if (ranges > 0 && sk_GENERAL_NAME_num(names) > ((size_t)1 << 20) / ranges) {
        return X509_V_ERR_UNSPECIFIED;
    }
    for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        int code = X509_V_OK;
        if (name->type == GEN_IPADD) code = check_address(name->d.iPAddress, constraints);
        if (code != X509_V_OK) return code;
    }
    remove_ranges(constraints->permittedSubtrees);
    remove_ranges(constraints->excludedSubtrees);
    return NAME_CONSTRAINTS_check(certificate, constraints);
}

/* Returns the parsed extension, or NULL. absent: whether there is no such extension; false for one that cannot be
 * parsed. */
static void *parse(X509 *certificate, int nid, bool *absent) {
    int critical = 0;
    void *value = X509_get_ext_d2i(certificate, nid, &critical, NULL);
    *absent = value == NULL && critical == -1;
    return value;
}

int cleat_name_constraint_check(const STACK_OF(X509) * chain, int depth) {
    X509 *certificate = sk_X509_value(chain, (size_t)depth);
    bool absent;
    GENERAL_NAMES *names = parse(certificate, NID_subject_alt_name, &absent);
    int code = names != NULL || absent ? X509_V_OK : X509_V_ERR_INVALID_EXTENSION;
    size_t i;
    for (i = (size_t)depth + 1; i < sk_X509_num(chain) && code == X509_V_OK; i++) {
        NAME_CONSTRAINTS *constraints =
            parse(sk_X509_value(chain, i), NID_name_constraints, &absent);
        if (constraints == NULL) {
            if (!absent) code = X509_V_ERR_INVALID_EXTENSION;
            continue;
        }
        code = check(certificate, names, constraints);
        NAME_CONSTRAINTS_free(constraints);
    }
    GENERAL_NAMES_free(names);
    return code;
}
