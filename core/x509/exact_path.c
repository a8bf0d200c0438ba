/* exact_path.c: paths with certificates without key identifiers.
 *
 * X509_verify_cert looks for issuers by name and key identifier, and treats a certificate whose subject is its
 * issuer as self-signed unless the identifiers differ. If a CA has rolled over its key without key identifiers, or
 * has issued a certificate for its own name, X509_verify_cert misses a path whose signatures are valid. Such a path
 * is verified here: X509_verify_cert verifies the peer's certificate for its name and dates as if it were trusted,
 * and the code below verifies each edge of the path. */
#include "x509/exact_path.h"

#include "base/memory.h"
#include "x509/name_constraint.h"
#include "x509/strict.h"

static bool has_extension(const X509 *certificate, int nid) {
    return X509_get_ext_by_NID(certificate, nid, -1) >= 0;
}

bool cleat_exact_path_is_needed(const STACK_OF(X509) * path) {
    size_t last = sk_X509_num(path) - 1;
    X509 *anchor = sk_X509_value(path, last);
    size_t i;
    for (i = 0; i < last; i++) {
        X509 *certificate = sk_X509_value(path, i);
        if ((X509_get_extension_flags(certificate) & EXFLAG_SS) != 0) return true;
        if (i + 1 < last && X509_check_issued(anchor, certificate) == X509_V_OK) return true;
    }
    return false;
}

static bool is_current(X509 *certificate, int64_t now) {
    return X509_cmp_time_posix(X509_get0_notBefore(certificate), now) < 0 &&
           X509_cmp_time_posix(X509_get0_notAfter(certificate), now) > 0;
}

/* Whether the path depends on the policy processing of RFC 5280 section 6.1. */
static bool has_policies(const X509 *certificate) {
    return has_extension(certificate, NID_policy_constraints) ||
           has_extension(certificate, NID_policy_mappings) ||
           has_extension(certificate, NID_inhibit_any_policy);
}

static bool verify_edges(const struct cleat_chain_request *request, const STACK_OF(X509) * path) {
    struct cleat_verify_error error;
    size_t count = sk_X509_num(path);
    size_t i;
    for (i = 0; i < count; i++) {
        X509 *certificate = sk_X509_value(path, i);
        if (has_policies(certificate) || !is_current(certificate, request->now) ||
            !cleat_chain_check(path, i, request->purpose, &error)) {
            return false;
        }
        if (i + 1 < count && !cleat_chain_is_issued_by(certificate, sk_X509_value(path, i + 1))) {
            return false;
        }
    }
    return true;
}

/* As BoringSSL does: name constraints do not apply to self-issued CA certificates, and a peer's certificate without
 * alternative names is refused below constraints. */
static bool verify_names(const STACK_OF(X509) * path) {
    bool has_constraints = false;
    size_t i;
    for (i = 0; i < sk_X509_num(path); i++) {
        X509 *certificate = sk_X509_value(path, i);
        if (i > 0 && has_extension(certificate, NID_name_constraints)) has_constraints = true;
        if (i > 0 && (X509_get_extension_flags(certificate) & EXFLAG_SI) != 0) continue;
        if (cleat_name_constraint_check(path, (int)i) != X509_V_OK) return false;
    }
    return !has_constraints || has_extension(sk_X509_value(path, 0), NID_subject_alt_name);
}

/* Checks explicit trust settings ("BEGIN TRUSTED CERTIFICATE"). */
static bool verify_anchor(const struct cleat_chain_request *request, X509 *anchor, bool partial) {
    int trust = X509_check_trust(anchor, cleat_chain_trust(request->purpose), 0);
    return trust == X509_TRUST_TRUSTED || (partial && trust != X509_TRUST_REJECTED);
}

/* Verifies the peer's certificate alone, as if it were trusted: names, dates, extensions, strength. */
static bool verify_leaf(const struct cleat_chain_request *request) {
    struct cleat_chain_request alone = *request;
    struct cleat_verify_error error;
    X509_VERIFY_PARAM *param = X509_VERIFY_PARAM_new();
    X509_STORE *store = X509_STORE_new();
    bool accepted = false;
    if (store != NULL && param != NULL && X509_STORE_add_cert(store, request->leaf) == 1 &&
        X509_VERIFY_PARAM_set1(param, request->param) == 1 &&
        X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) == 1) {
        alone.store = store;
        alone.param = param;
        alone.sent = NULL;
        alone.accepted = alone.refused = NULL;
        accepted = cleat_chain_verify(&alone, NULL, NULL, &error);
    }
    X509_VERIFY_PARAM_free(param);
    X509_STORE_free(store);
    return accepted;
}

bool cleat_exact_path_verify(const struct cleat_chain_request *request,
                             const STACK_OF(X509) * path) {
    unsigned long flags = X509_VERIFY_PARAM_get_flags(request->param);
    bool partial = (flags & X509_V_FLAG_PARTIAL_CHAIN) != 0;
    struct cleat_verify_error error;
    if ((flags & (X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL)) != 0) return false;
    if (sk_X509_num(path) > (size_t)request->depth + 2) return false;
    return verify_leaf(request) && verify_edges(request, path) && verify_names(path) &&
           verify_anchor(request, sk_X509_value(path, sk_X509_num(path) - 1), partial) &&
           ((flags & CLEAT_STRICT_FLAG) == 0 || cleat_strict_check(path, &error)) &&
           !cleat_memory_failed() && cleat_chain_accept(request, path);
}
