/* chain.c: verifies one chain. BoringSSL does not check the extensions of trusted certificates, and accepts keys and
 * signatures of any strength. OpenSSL checks both, at the security level that Python and Debian set:
 * docs/decisions/09 and 12. */
#include "x509/chain.h"

#include "base/memory.h"
#include "x509/name_constraint.h"
#include "x509/strength.h"
#include "x509/strict.h"

/* The app data of a verification, for its callback. */
struct state {
    int purpose;
    /* Depth of the last certificate whose names were checked against name constraints, or -1. */
    int constrained;
    struct cleat_verify_error *error;
    struct cleat_verify_faults *faults; /* NULL: the first fault ends the verification */
};

bool cleat_chain_is_signed_by(X509 *certificate, X509 *issuer) {
    EVP_PKEY *key = X509_get_pubkey(issuer);
    bool verified = key != NULL && X509_verify(certificate, key) == 1;
    EVP_PKEY_free(key);
    return verified;
}

bool cleat_chain_is_issued_by(X509 *certificate, X509 *issuer) {
    return X509_check_issued(issuer, certificate) == X509_V_OK &&
           cleat_chain_is_signed_by(certificate, issuer);
}

bool cleat_chain_is_self_signed(X509 *certificate) {
    bool verified = (X509_get_extension_flags(certificate) & EXFLAG_SI) != 0 &&
                    cleat_chain_is_signed_by(certificate, certificate);
    ERR_clear_error();
    return verified;
}

bool cleat_chain_is_in_store(X509 *certificate, X509_STORE_CTX *verification) {
    STACK_OF(X509) *found = X509_STORE_get1_certs(verification, X509_get_subject_name(certificate));
    bool is_found = false;
    size_t i;
    for (i = 0; found != NULL && i < sk_X509_num(found) && !is_found; i++) {
        is_found = X509_cmp(sk_X509_value(found, i), certificate) == 0;
    }
    sk_X509_pop_free(found, X509_free);
    return is_found;
}

static bool is_partial(X509_STORE_CTX *verification) {
    return (X509_VERIFY_PARAM_get_flags(X509_STORE_CTX_get0_param(verification)) &
            X509_V_FLAG_PARTIAL_CHAIN) != 0;
}

/* The number of intermediates between the certificate at depth and the peer's own. Self-issued ones do not count:
 * RFC 5280 section 4.2.1.9. */
static long path_length(const STACK_OF(X509) * chain, size_t depth) {
    long length = 0;
    size_t i;
    for (i = 1; i < depth; i++) {
        if ((X509_get_extension_flags(sk_X509_value(chain, i)) & EXFLAG_SI) == 0) length++;
    }
    return length;
}

/* Checks a certificate's extensions. BoringSSL has not checked those of trusted certificates, which the peer's own
 * may be. */
static int check_extensions(const STACK_OF(X509) * chain, size_t depth, int purpose) {
    X509 *certificate = sk_X509_value(chain, depth);
    long limit = X509_get_pathlen(certificate);
    if (depth > 0 && X509_check_ca(certificate) == 0) return X509_V_ERR_INVALID_CA;
    if ((X509_get_extension_flags(certificate) & EXFLAG_CRITICAL) != 0) {
        return X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION;
    }
    if (X509_check_purpose(certificate, purpose, depth > 0) <= 0) return X509_V_ERR_INVALID_PURPOSE;
    if (depth > 0 && limit >= 0 && path_length(chain, depth) > limit) {
        return X509_V_ERR_PATH_LENGTH_EXCEEDED;
    }
    return X509_V_OK;
}

static int check_strength(const STACK_OF(X509) * chain, size_t depth) {
    X509 *certificate = sk_X509_value(chain, depth);
    if (cleat_strength_has_weak_key(certificate)) {
        return depth == 0 ? CLEAT_X509_EE_KEY_TOO_SMALL : CLEAT_X509_CA_KEY_TOO_SMALL;
    }
    /* A trust anchor's own signature is not checked. */
    if (depth + 1 < sk_X509_num(chain) && cleat_strength_has_weak_signature(certificate)) {
        return CLEAT_X509_CA_MD_TOO_WEAK;
    }
    return X509_V_OK;
}

int cleat_chain_trust(int purpose) {
    switch (purpose) {
        case X509_PURPOSE_SSL_SERVER: return X509_TRUST_SSL_SERVER;
        case X509_PURPOSE_SSL_CLIENT: return X509_TRUST_SSL_CLIENT;
        default: return X509_TRUST_COMPAT;
    }
}

bool cleat_chain_check(const STACK_OF(X509) * chain, size_t depth, int purpose,
                       struct cleat_verify_error *error) {
    int code = check_extensions(chain, depth, purpose);
    int number = code == X509_V_OK ? check_strength(chain, depth) : X509_V_OK;
    if (number != X509_V_OK) {
        cleat_verify_error_set(error, number, (int)depth);
    } else {
        *error = (struct cleat_verify_error){code, 0, (int)depth};
    }
    return error->error == X509_V_OK;
}

/* BoringSSL does not treat a self-signed certificate whose key usage excludes signing certificates as its own
 * issuer, and so reports a missing issuer even if the certificate itself is trusted. With PARTIAL_CHAIN the chain
 * ends there, and BoringSSL continues with its other checks, such as the dates. */
static bool end_at_trusted(X509 *certificate, X509_STORE_CTX *verification, int depth) {
    if (depth != 0 ||
        X509_STORE_CTX_get_error(verification) != X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
        !cleat_chain_is_in_store(certificate, verification) ||
        !cleat_chain_is_self_signed(certificate)) {
        return false;
    }
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(verification), X509_V_FLAG_PARTIAL_CHAIN);
    return true;
}

/* Called when BoringSSL has found a name constraint of a kind that it does not evaluate. It calls once for each
 * issuer with such a constraint; the first call checks the constraints of all issuers. */
static bool check_constraints(X509_STORE_CTX *verification, struct state *state, int depth) {
    int code;
    if (X509_STORE_CTX_get_error(verification) != X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE) {
        return false;
    }
    if (state->constrained == depth) return true;
    code = cleat_name_constraint_check(X509_STORE_CTX_get0_chain(verification), depth);
    if (code == X509_V_OK) {
        state->constrained = depth;
        return true;
    }
    X509_STORE_CTX_set_error(verification, code);
    return false;
}

/* BoringSSL of 2023 reports depth -1 if a common name violates the constraints. */
static int depth_of(X509_STORE_CTX *verification) {
    int depth = X509_STORE_CTX_get_error_depth(verification);
    return depth < 0 ? 0 : depth;
}

/* If all faults are collected, records this one and lets the verification continue. Returns whether it continues. */
static int record_fault(X509_STORE_CTX *verification, const struct state *state, int number,
                        int depth) {
    int code = X509_STORE_CTX_get_error(verification);
    if (state->faults == NULL) return 0;
    cleat_verify_faults_add(state->faults, (struct cleat_verify_error){code, number, depth});
    X509_STORE_CTX_set_error(verification, X509_V_OK);
    return 1;
}

/* BoringSSL's verify callback, which is called for each fault, and for each certificate of a chain from the trusted
 * one down to the peer's own. Returns whether the verification continues. */
static int on_certificate(int ok, X509_STORE_CTX *verification) {
    X509 *certificate = X509_STORE_CTX_get_current_cert(verification);
    int depth = depth_of(verification);
    struct state *state = X509_STORE_CTX_get_ex_data(verification, 0);
    STACK_OF(X509) * chain;
    if (certificate == NULL) return ok;
    if (ok != 1) {
        if (!end_at_trusted(certificate, verification, depth) &&
            !check_constraints(verification, state, depth)) {
            return record_fault(verification, state, 0, depth);
        }
        X509_STORE_CTX_set_error(verification, X509_V_OK);
        return 1;
    }
    chain = X509_STORE_CTX_get0_chain(verification);
    /* BoringSSL treats a certificate whose issuer has the same name as self-signed. If its own key does not verify
     * its signature, it is trusted only with PARTIAL_CHAIN. */
    if (sk_X509_num(chain) == 1 && !is_partial(verification) &&
        !cleat_chain_is_self_signed(certificate)) {
        X509_STORE_CTX_set_error(verification, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
        return record_fault(verification, state, 0, depth);
    }
    if (cleat_chain_check(chain, (size_t)depth, state->purpose, state->error)) return 1;
    X509_STORE_CTX_set_error(verification, state->error->error);
    return record_fault(verification, state, state->error->number, depth);
}

static bool set_up(X509_STORE_CTX *verification, const struct cleat_chain_request *request,
                   STACK_OF(X509) * intermediates, struct state *state) {
    return verification != NULL &&
           X509_STORE_CTX_init(verification, request->store, request->leaf, intermediates) == 1 &&
           X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(verification), request->param) == 1 &&
           X509_STORE_CTX_set_app_data(verification, state) == 1 && !cleat_memory_failed();
}

/* NULL if an allocation failed. */
static STACK_OF(X509) * copy_chain(const STACK_OF(X509) * chain) {
    STACK_OF(X509) *copy = sk_X509_dup(chain);
    size_t i;
    for (i = 0; i < sk_X509_num(copy); i++) X509_up_ref(sk_X509_value(copy, i));
    return copy;
}

bool cleat_chain_accept(const struct cleat_chain_request *request, const STACK_OF(X509) * chain) {
    if (request->accepted == NULL) return true;
    *request->accepted = copy_chain(chain);
    return *request->accepted != NULL;
}

/* Stores a refused chain in place of an earlier one. It fails only if an allocation has failed. */
static void keep_refused(const struct cleat_chain_request *request, const STACK_OF(X509) * chain) {
    if (request->refused == NULL) return;
    sk_X509_pop_free(*request->refused, X509_free);
    *request->refused = chain == NULL ? NULL : copy_chain(chain);
}

static bool is_too_long(const struct cleat_chain_request *request, const STACK_OF(X509) * chain) {
    return sk_X509_num(chain) > (size_t)request->depth + 2;
}

bool cleat_chain_verify(const struct cleat_chain_request *request, STACK_OF(X509) * intermediates,
                        STACK_OF(X509) * anchors, struct cleat_verify_error *error) {
    struct state state = {request->purpose, -1, error, request->faults};
    X509_STORE_CTX *verification = X509_STORE_CTX_new();
    bool accepted;
    *error = (struct cleat_verify_error){X509_V_ERR_OUT_OF_MEM, 0, 0};
    if (!set_up(verification, request, intermediates == NULL ? request->sent : intermediates,
                &state)) {
        X509_STORE_CTX_free(verification);
        return false;
    }
    if (anchors != NULL) X509_STORE_CTX_set0_trusted_stack(verification, anchors);
    X509_STORE_CTX_set_verify_cb(verification, on_certificate);
    accepted = X509_verify_cert(verification) == 1;
    if (!accepted) {
        error->error = X509_STORE_CTX_get_error(verification);
        error->depth = depth_of(verification);
        if (error->error == X509_V_OK) error->error = X509_V_ERR_UNSPECIFIED;
    } else if ((X509_VERIFY_PARAM_get_flags(request->param) & CLEAT_STRICT_FLAG) != 0) {
        accepted = cleat_strict_check(X509_STORE_CTX_get0_chain(verification), error);
        if (!accepted && request->faults != NULL) cleat_verify_faults_add(request->faults, *error);
    }
    /* BoringSSL's own depth limit is not used: it would report a missing issuer. */
    if (accepted && is_too_long(request, X509_STORE_CTX_get0_chain(verification))) {
        accepted = false;
        *error = (struct cleat_verify_error){X509_V_ERR_CERT_CHAIN_TOO_LONG, 0, request->depth + 1};
        if (request->faults != NULL) cleat_verify_faults_add(request->faults, *error);
    }
    if (request->faults != NULL) {
        accepted = false;
    } else if (!accepted && intermediates == NULL && anchors == NULL) {
        keep_refused(request, X509_STORE_CTX_get0_chain(verification));
    }
    /* BoringSSL ignores some failed allocations, after which its result cannot be trusted. */
    if (cleat_memory_failed() ||
        (accepted && !cleat_chain_accept(request, X509_STORE_CTX_get0_chain(verification)))) {
        accepted = false;
        *error = (struct cleat_verify_error){X509_V_ERR_OUT_OF_MEM, 0, 0};
    } else if (accepted) {
        *error = (struct cleat_verify_error){X509_V_OK, 0, 0};
    }
    X509_STORE_CTX_free(verification);
    return accepted;
}
