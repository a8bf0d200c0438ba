/* verification.h: verification objects. */
#ifndef CLEAT_CORE_TLS_VERIFICATION_H
#define CLEAT_CORE_TLS_VERIFICATION_H

#include "base/boringssl.h"
#include "base/handle.h"
#include "x509/ocsp.h"
#include "x509/verify_error.h"

/* The object is immutable once its id is open. The lists are never NULL. */
struct cleat_verification {
    struct cleat_object object;
    struct cleat_verify_error error; /* X509_V_OK if accepted */
    struct cleat_verify_faults faults; /* empty unless all faults were collected */
    enum cleat_ocsp_fault ocsp_fault;
    char *name; /* the name that was verified, or NULL */
    STACK_OF(CRYPTO_BUFFER) * sent;
    STACK_OF(CRYPTO_BUFFER) * verified; /* empty unless accepted without a connection */
    STACK_OF(CRYPTO_BUFFER) * refused; /* the chain to which the faults refer */
};

/* cleat_verification_make returns an object without an id, and takes over the three lists. name: NULL for none. It
 * returns NULL if an allocation failed, here or, shown by a list that is NULL, in the caller. */
struct cleat_verification *cleat_verification_make(const char *name, STACK_OF(CRYPTO_BUFFER) * sent,
                                                   STACK_OF(CRYPTO_BUFFER) * verified,
                                                   STACK_OF(CRYPTO_BUFFER) * refused);

#endif
