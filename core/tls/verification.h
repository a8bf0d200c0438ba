/* verification.h: what a verification has found, as an object. */
#ifndef CLEAT_CORE_TLS_VERIFICATION_H
#define CLEAT_CORE_TLS_VERIFICATION_H

#include "base/boringssl.h"
#include "base/handle.h"
#include "x509/ocsp.h"
#include "x509/verify_error.h"

/* Never modified once its id is made. The lists are never NULL. */
struct cleat_verification {
    struct cleat_object object;
    struct cleat_verify_error error; /* X509_V_OK: accepted */
    struct cleat_verify_faults faults; /* if more were looked for */
    enum cleat_ocsp_fault ocsp_fault;
    char *name; /* that was asked for, or NULL */
    STACK_OF(CRYPTO_BUFFER) * sent;
    STACK_OF(CRYPTO_BUFFER) * verified; /* empty unless accepted without a connection */
    STACK_OF(CRYPTO_BUFFER) * refused; /* the one that the faults are about */
};

/* cleat_verification_make returns an object without an id, and takes over the three lists, of which NULL is one that
 * could not be made. name: NULL for none. NULL if memory lacks. */
struct cleat_verification *cleat_verification_make(const char *name, STACK_OF(CRYPTO_BUFFER) * sent,
                                                   STACK_OF(CRYPTO_BUFFER) * verified,
                                                   STACK_OF(CRYPTO_BUFFER) * refused);

#endif
