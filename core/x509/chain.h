/* chain.h: the verification of a peer's certificate by X509_verify_cert, with additional checks of the chain: the
 * extensions of trusted certificates, the strength of keys and signatures, IP addresses under name constraints,
 * VERIFY_X509_STRICT. */
#ifndef CLEAT_CORE_CHAIN_H
#define CLEAT_CORE_CHAIN_H

#include "x509/verify_error.h"

/* The input of a verification. It is not modified, except for the store, which caches what it finds in directories,
 * and the outputs. */
struct cleat_chain_request {
    X509 *leaf; /* the peer's own certificate */
    /* All certificates that the peer sent, in its order; may include the leaf. */
    STACK_OF(X509) * sent;
    X509_STORE *store; /* the trusted certificates and the revocation lists */
    /* One for each directory in which store looks for certificates: see path.c. */
    X509_STORE **directories;
    size_t directory_count;
    X509_VERIFY_PARAM *param; /* flags, purpose, host name or address */
    int purpose; /* X509_PURPOSE_SSL_SERVER, _CLIENT, or _ANY */
    int64_t now; /* the time of the verification, in POSIX seconds; param has it too */
    int32_t depth; /* how many intermediates a path may have */
    STACK_OF(X509) * *accepted; /* output: the accepted chain; may be NULL */
    STACK_OF(X509) * *refused; /* output: the chain to which the error refers; may be NULL */
    struct cleat_verify_faults *faults; /* output of cleat_verification_faults, otherwise NULL */
    bool used_directories; /* output of verification.c: the result depends on directories */
};

/* cleat_chain_verify returns whether the certificate is accepted, and stores the reason of a refusal in error. If
 * the request has faults, it continues after each fault, records all of them, and returns false. It verifies the one
 * chain that X509_verify_cert builds: from intermediates (NULL: the certificates that were sent) to one of anchors
 * (NULL: any in the store). Anchors must be in the store. */
bool cleat_chain_verify(const struct cleat_chain_request *request, STACK_OF(X509) * intermediates,
                        STACK_OF(X509) * anchors, struct cleat_verify_error *error);

/* cleat_chain_trust returns the X509_TRUST_ number for a purpose, which an anchor with explicit trust settings
 * ("BEGIN TRUSTED CERTIFICATE") must have. */
int cleat_chain_trust(int purpose);

/* cleat_chain_check returns whether the extensions and the strength of the certificate allow it at that depth, and
 * stores the reason in error if not. It does not check dates, signatures and names. */
bool cleat_chain_check(const STACK_OF(X509) * chain, size_t depth, int purpose,
                       struct cleat_verify_error *error);

/* cleat_chain_is_signed_by returns whether the issuer's key verifies the certificate's signature. If not,
 * BoringSSL's error queue may contain the reason. */
bool cleat_chain_is_signed_by(X509 *certificate, X509 *issuer);

/* cleat_chain_is_issued_by returns whether the names match and the issuer's key verifies the signature. It does not
 * check whether the issuer is a CA. The error queue is as above. */
bool cleat_chain_is_issued_by(X509 *certificate, X509 *issuer);

/* cleat_chain_is_self_signed returns whether subject and issuer are the same and the certificate's own key verifies
 * its signature. */
bool cleat_chain_is_self_signed(X509 *certificate);

/* cleat_chain_is_in_store returns whether the store of the verification contains this exact certificate. */
bool cleat_chain_is_in_store(X509 *certificate, X509_STORE_CTX *verification);

/* cleat_chain_accept stores a copy of an accepted chain, the peer's own certificate first, in the request's
 * accepted. The caller frees it. Returns false if an allocation failed. */
bool cleat_chain_accept(const struct cleat_chain_request *request, const STACK_OF(X509) * chain);

#endif
