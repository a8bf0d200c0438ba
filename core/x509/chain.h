/* chain.h: the verification of a peer's certificate by X509_verify_cert, and what is asked of the
 * chain beyond that: what trusted certificates say of themselves, the strength of keys and
 * signatures, IP addresses under name constraints, VERIFY_X509_STRICT. */
#ifndef CLEAT_CORE_CHAIN_H
#define CLEAT_CORE_CHAIN_H

#include "x509/verify_error.h"

/* What a verification starts from. Nothing here is modified but the store, which caches what it
 * finds in directories. */
struct cleat_chain_request {
    X509 *leaf; /* the peer's own certificate */
    STACK_OF(X509) * sent; /* all that the peer sent, in its order; may have the leaf among them */
    X509_STORE *store; /* what is trusted, and the revocation lists */
    X509_STORE **directories; /* one for each directory that store looks into: see path.c */
    size_t directory_count;
    X509_VERIFY_PARAM *param; /* flags, purpose, host name or address */
    int purpose; /* X509_PURPOSE_SSL_SERVER, _CLIENT, or _ANY */
    int64_t now; /* the time of the verification, in POSIX seconds; param has it too */
    int32_t depth; /* how many intermediates a path may have */
    STACK_OF(X509) * *accepted; /* where an accepted chain is put; NULL: nowhere */
    STACK_OF(X509) * *refused; /* where the chain is put that the error is about; NULL: nowhere */
    struct cleat_verify_faults *faults; /* NULL, but for cleat_verification_faults */
    bool has_looked; /* set by verification.c if it has looked into directories for the result */
};

/* cleat_chain_verify returns whether the certificate is accepted, and notes why not. Where the request
 * has a place for faults it goes on after each of them, notes all, and accepts nothing. It verifies
 * the one chain that X509_verify_cert builds: from intermediates, or from what was sent if that is
 * NULL, to one of anchors, or to what is in the store if that is NULL. Anchors must be from the
 * store. */
bool cleat_chain_verify(const struct cleat_chain_request *request, STACK_OF(X509) * intermediates,
                        STACK_OF(X509) * anchors, struct cleat_verify_error *error);

/* cleat_chain_trust returns the X509_TRUST_ that an anchor must have for a purpose, where its trust is
 * written beside it ("BEGIN TRUSTED CERTIFICATE"). */
int cleat_chain_trust(int purpose);

/* cleat_chain_check returns whether the certificate at depth may stand there, by its extensions and
 * strength, and notes why not. Dates, signatures and names are not looked at. */
bool cleat_chain_check(const STACK_OF(X509) * chain, size_t depth, int purpose,
                       struct cleat_verify_error *error);

/* cleat_chain_is_signed_by returns whether the issuer's key verifies the certificate's signature. If not,
 * BoringSSL's error queue may have the reason. */
bool cleat_chain_is_signed_by(X509 *certificate, X509 *issuer);

/* cleat_chain_is_issued_by returns whether the names match and the signature is the issuer's. Whether the issuer may
 * issue certificates is not looked at. The error queue as above. */
bool cleat_chain_is_issued_by(X509 *certificate, X509 *issuer);

/* cleat_chain_is_self_signed returns whether the certificate's own key verifies its signature: that
 * subject and issuer are the same does not make it so. */
bool cleat_chain_is_self_signed(X509 *certificate);

/* cleat_chain_is_in_store returns whether the store of the verification has this very certificate. */
bool cleat_chain_is_in_store(X509 *certificate, X509_STORE_CTX *verification);

/* cleat_chain_accept puts an accepted chain, the peer's own certificate first, where the request asks
 * for it: it is the caller's to free. Returns false if memory lacks. */
bool cleat_chain_accept(const struct cleat_chain_request *request, const STACK_OF(X509) * chain);

#endif
