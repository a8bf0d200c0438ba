/* path.c: depth first, from the peer's certificate up: trusted issuers first, then those that were
 * sent. An edge of a path is a signature that verifies; what cannot be part of a good path is left
 * out before its signature is computed. Each path that reaches a trust anchor is verified as a whole,
 * with that anchor alone as the trusted one: nothing is accepted by what is done here.
 *
 * The peer chooses what is sent. So the search is bounded in the work that it may do, whatever it
 * finds: see enum. */
#include "x509/path.h"

#include "base/memory.h"
#include "x509/exact_path.h"
#include "x509/strength.h"

enum {
    LENGTH_MAX = 16, /* of a path, anchor included */
    TRIES_MAX = 12, /* paths that are verified as a whole */
    TRIES_WITH_LISTS_MAX = 4, /* the same where that includes revocation lists, of any length */
    LOOKS_MAX = 20000, /* issuers that are compared with a certificate */
    COST_MAX = 6000, /* of signatures and name constraints, in microseconds: an estimate */
};

struct search {
    const struct cleat_chain_request *request;
    X509_STORE_CTX *store; /* for looking into it */
    bool partial; /* any trusted certificate is an anchor */
    int tries;
    int tries_max;
    int looks;
    int cost;
    size_t length;
    X509 *path[LENGTH_MAX]; /* the peer's own first */
};

/* What it takes to verify one of the key's signatures, in microseconds. */
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

/* What it takes to compare all names of the peer's certificate with all constraints of an issuer: a
 * name takes four bytes, a constraint six, and a comparison ten nanoseconds. */
static int cost_of_constraints(X509 *issuer, X509 *leaf) {
    double bytes;
    if (X509_get_ext_by_NID(issuer, NID_name_constraints, -1) < 0) return 0;
    bytes = (double)i2d_X509(issuer, NULL) * (double)i2d_X509(leaf, NULL);
    return bytes / 2400 > COST_MAX ? COST_MAX : (int)(bytes / 2400);
}

static bool has_spent(const struct search *self) {
    return self->tries >= self->tries_max || self->looks >= LOOKS_MAX || self->cost >= COST_MAX;
}

static bool is_current(const struct search *self, X509 *certificate) {
    return X509_cmp_time_posix(X509_get0_notBefore(certificate), self->request->now) < 0 &&
           X509_cmp_time_posix(X509_get0_notAfter(certificate), self->request->now) > 0;
}

static bool is_same_key(const X509 *one, const X509 *other) {
    return ASN1_STRING_cmp(X509_get0_pubkey_bitstr(one), X509_get0_pubkey_bitstr(other)) == 0;
}

/* A name comes again in a path only with another key. */
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

/* Whether the path may have as many intermediates below the issuer as it has. */
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
    self->looks++;
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

/* Verifies the path as a whole, with the last of it as the only anchor. */
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

/* Goes on with a certificate that has issued the last one of the path. */
static bool go_on(struct search *self, X509 *issuer, bool is_anchor) {
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
    for (i = 0; i < sk_X509_num(issuers) && !found && !has_spent(self); i++) {
        X509 *issuer = sk_X509_value(issuers, i);
        if (!can_issue(self, issuer) || !has_issued(self, issuer)) continue;
        found = go_on(self, issuer, trusted && (self->partial || is_root(issuer)));
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

/* For looking into a store. NULL if memory lacks. */
static X509_STORE_CTX *open_store(const struct search *self, X509_STORE *store) {
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    if (context == NULL || X509_STORE_CTX_init(context, store, self->request->leaf, NULL) == 1) {
        return context;
    }
    X509_STORE_CTX_free(context);
    return NULL;
}

/* A store does not look into its directories for a name that it has, nor into one behind another
 * where it has found it. Another certificate of that name may be there: a renewed root. */
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
    if (has_spent(self) || self->length == LENGTH_MAX) return false;
    /* What is weakly signed can be an anchor only. */
    if (cleat_strength_has_weak_signature(self->path[self->length - 1])) return false;
    return search_store(self, self->store) || search_directories(self) ||
           search_among(self, self->request->sent, false);
}

/* The peer's own certificate may be trusted itself. */
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
