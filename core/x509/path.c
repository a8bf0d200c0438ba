/* path.c: a depth-first search from the peer's certificate upwards; trusted issuers are tried first, then those that
 * the peer has sent. Each edge of a path is a verified signature; certificates that cannot be part of an acceptable
 * path are skipped before their signature is verified. Each path that reaches a trust anchor is then verified as a
 * whole, with that anchor as the only trusted certificate: the search itself accepts nothing.
 *
 * The peer chooses the certificates that it sends, so the work of the search is limited by the constants below. */
#include "x509/path.h"

#include "base/memory.h"
#include "x509/exact_path.h"
#include "x509/strength.h"

enum {
    LENGTH_MAX = 16, /* of a path, including the anchor */
    TRIES_MAX = 12, /* paths that are verified as a whole */
    /* The same if revocation lists, which can be long, are checked for each. */
    TRIES_WITH_LISTS_MAX = 4,
    COMPARISONS_MAX = 20000, /* comparisons of a certificate with a possible issuer */
    COST_MAX = 6000, /* of signatures and name constraints, in microseconds: an estimate */
};

struct search {
    const struct cleat_chain_request *request;
    X509_STORE_CTX *store; /* for look-ups in the store */
    bool partial; /* PARTIAL_CHAIN: any trusted certificate is an anchor */
    int tries;
    int tries_max;
    int comparisons;
    int cost;
    size_t length;
    X509 *path[LENGTH_MAX]; /* the peer's own first */
};

/* An estimate of the time to verify a signature of the issuer's key, in microseconds. */
static int cost_of(X509 *issuer) {
    EVP_PKEY *key = X509_get_pubkey(issuer);
    int bits = key == NULL ? 0 : EVP_PKEY_bits(key);
    int type = key == NULL ? EVP_PKEY_NONE : EVP_PKEY_id(key);
    EVP_PKEY_free(key);
    switch (type) {
        case EVP_PKEY_RSA:
            return 10 + bits / 64 * (bits / 64) / 16; /* 74 for 2048, 1034 for 8192 */
        case EVP_PKEY_EC: return bits <= 256 ? 120 : 1000;
        default: return 120;
    }
}

/* An estimate of the time to compare all names of the peer's certificate with all name constraints of an issuer, in
 * microseconds: a name takes at least four bytes, a constraint six, and a comparison ten nanoseconds. */
static int cost_of_constraints(X509 *issuer, X509 *leaf) {
    double bytes;
    if (X509_get_ext_by_NID(issuer, NID_name_constraints, -1) < 0) return 0;
    bytes = (double)i2d_X509(issuer, NULL) * (double)i2d_X509(leaf, NULL);
    return bytes / 2400 > COST_MAX ? COST_MAX : (int)(bytes / 2400);
}

static bool is_exhausted(const struct search *self) {
    return self->tries >= self->tries_max || self->comparisons >= COMPARISONS_MAX ||
           self->cost >= COST_MAX;
}

static bool is_current(const struct search *self, X509 *certificate) {
    return X509_cmp_time_posix(X509_get0_notBefore(certificate), self->request->now) < 0 &&
           X509_cmp_time_posix(X509_get0_notAfter(certificate), self->request->now) > 0;
}

static bool is_same_key(const X509 *one, const X509 *other) {
    return ASN1_STRING_cmp(X509_get0_pubkey_bitstr(one), X509_get0_pubkey_bitstr(other)) == 0;
}

/* A name may be repeated in a path only with another key. */
static bool is_in_path(const struct search *self, X509 *certificate) {
    size_t i;
    for (i = 0; i < self->length; i++) {
        if (X509_NAME_cmp(X509_get_subject_name(self->path[i]),
                          X509_get_subject_name(certificate)) == 0 &&
            is_same_key(self->path[i], certificate)) {
            return true;
        }
    }
    return false;
}

/* Whether the issuer's path length constraint allows the intermediates below it. */
static bool is_short_enough(const struct search *self, X509 *issuer) {
    long limit = X509_get_pathlen(issuer);
    long length = 0;
    size_t i;
    for (i = 1; i < self->length; i++) {
        if ((X509_get_extension_flags(self->path[i]) & EXFLAG_SI) == 0) length++;
    }
    return limit < 0 || length <= limit;
}

static bool can_issue(struct search *self, X509 *issuer) {
    X509 *top = self->path[self->length - 1];
    if (self->length == LENGTH_MAX) return false;
    self->comparisons++;
    return X509_check_issued(issuer, top) == X509_V_OK &&
           (X509_get_extension_flags(issuer) & (EXFLAG_CRITICAL | EXFLAG_INVALID)) == 0 &&
           X509_check_ca(issuer) != 0 &&
           X509_check_purpose(issuer, self->request->purpose, 1) > 0 && is_current(self, issuer) &&
           is_short_enough(self, issuer) && !cleat_strength_has_weak_key(issuer) &&
           !is_in_path(self, issuer);
}

static bool has_issued(struct search *self, X509 *issuer) {
    self->cost += cost_of(issuer);
    return cleat_chain_is_signed_by(self->path[self->length - 1], issuer);
}

/* Verifies the path as a whole, with its last certificate as the only anchor. */
static bool verify_path(struct search *self, STACK_OF(X509) * path, STACK_OF(X509) * intermediates,
                        STACK_OF(X509) * anchors) {
    struct cleat_verify_error error;
    size_t last = self->length - 1;
    size_t i;
    for (i = 0; i <= last; i++) {
        self->cost += cost_of(self->path[i]) + cost_of_constraints(self->path[i], self->path[0]);
        if (sk_X509_push(path, self->path[i]) == 0) return false;
        if (i > 0 && i < last && sk_X509_push(intermediates, self->path[i]) == 0) return false;
    }
    if (sk_X509_push(anchors, self->path[last]) == 0) return false;
    if (cleat_exact_path_is_needed(path)) return cleat_exact_path_verify(self->request, path);
    return cleat_chain_verify(self->request, intermediates, anchors, &error);
}

static bool try_path(struct search *self) {
    STACK_OF(X509) *path = sk_X509_new_null();
    STACK_OF(X509) *intermediates = sk_X509_new_null();
    STACK_OF(X509) *anchors = sk_X509_new_null();
    bool accepted = path != NULL && intermediates != NULL && anchors != NULL &&
                    verify_path(self, path, intermediates, anchors);
    self->tries++;
    sk_X509_free(path);
    sk_X509_free(intermediates);
    sk_X509_free(anchors);
    return accepted;
}

static bool search(struct search *self);

/* Extends the path by the issuer of its last certificate. */
static bool extend_path(struct search *self, X509 *issuer, bool is_anchor) {
    bool found;
    self->path[self->length++] = issuer;
    found = (is_anchor && try_path(self)) || search(self);
    self->length--;
    return found;
}

static bool is_root(X509 *certificate) {
    return (X509_get_extension_flags(certificate) & EXFLAG_SS) != 0;
}

static bool search_among(struct search *self, const STACK_OF(X509) * issuers, bool trusted) {
    bool found = false;
    size_t i;
    for (i = 0; i < sk_X509_num(issuers) && !found && !is_exhausted(self); i++) {
        X509 *issuer = sk_X509_value(issuers, i);
        if (!can_issue(self, issuer) || !has_issued(self, issuer)) continue;
        found = extend_path(self, issuer, trusted && (self->partial || is_root(issuer)));
    }
    return found;
}

static bool search_store(struct search *self, X509_STORE_CTX *store) {
    STACK_OF(X509) *trusted =
        X509_STORE_get1_certs(store, X509_get_issuer_name(self->path[self->length - 1]));
    bool found = search_among(self, trusted, true);
    sk_X509_pop_free(trusted, X509_free);
    return found;
}

/* Opens a store for look-ups. NULL if an allocation failed. */
static X509_STORE_CTX *open_store(const struct search *self, X509_STORE *store) {
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    if (context == NULL || X509_STORE_CTX_init(context, store, self->request->leaf, NULL) == 1) {
        return context;
    }
    X509_STORE_CTX_free(context);
    return NULL;
}

/* A store does not search its directories for a name that it already contains, and stops at the first directory that
 * has the name. Another directory may have another certificate with that name, such as a renewed root. */
static bool search_directories(struct search *self) {
    bool found = false;
    size_t i;
    for (i = 0; i < self->request->directory_count && !found; i++) {
        X509_STORE_CTX *directory = open_store(self, self->request->directories[i]);
        found = directory != NULL && search_store(self, directory);
        X509_STORE_CTX_free(directory);
    }
    return found;
}

static bool search(struct search *self) {
    if (is_exhausted(self) || self->length == LENGTH_MAX) return false;
    /* A certificate with a weak signature can only be an anchor. */
    if (cleat_strength_has_weak_signature(self->path[self->length - 1])) return false;
    return search_store(self, self->store) || search_directories(self) ||
           search_among(self, self->request->sent, false);
}

/* Tries the path that consists of the peer's own certificate, if it is trusted itself. */
static bool try_leaf(struct search *self) {
    return cleat_chain_is_in_store(self->request->leaf, self->store) &&
           (self->partial || cleat_chain_is_self_signed(self->request->leaf)) && try_path(self);
}

bool cleat_path_is_final(const struct cleat_verify_error *error) {
    switch (error->error) {
        case X509_V_ERR_OUT_OF_MEM:
        case X509_V_ERR_INVALID_CALL:
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_EMAIL_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH: return true;
        case X509_V_ERR_CERT_HAS_EXPIRED:
        case X509_V_ERR_CERT_NOT_YET_VALID:
        case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
        case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
        case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
        case X509_V_ERR_INVALID_PURPOSE: return error->depth == 0;
        default: return error->number == CLEAT_X509_EE_KEY_TOO_SMALL;
    }
}

bool cleat_path_verify(const struct cleat_chain_request *request,
                       struct cleat_verify_error *error) {
    struct search self = {.request = request, .length = 1};
    unsigned long flags = X509_VERIFY_PARAM_get_flags(request->param);
    bool found;
    if (cleat_chain_verify(request, NULL, NULL, error)) return true;
    if (cleat_path_is_final(error)) return false;
    self.path[0] = request->leaf;
    self.partial = (flags & X509_V_FLAG_PARTIAL_CHAIN) != 0;
    self.tries_max = (flags & X509_V_FLAG_CRL_CHECK) != 0 ? TRIES_WITH_LISTS_MAX : TRIES_MAX;
    self.store = open_store(&self, request->store);
    found = self.store != NULL && (try_leaf(&self) || search(&self));
    X509_STORE_CTX_free(self.store);
    ERR_clear_error();
    if (found) {
        *error = (struct cleat_verify_error){X509_V_OK, 0, 0};
    } else if (cleat_memory_failed()) {
        *error = (struct cleat_verify_error){X509_V_ERR_OUT_OF_MEM, 0, 0};
    }
    return found;
}
