/* verification.h: the verification of a peer's certificate with a trust object. */
#ifndef CLEAT_CORE_VERIFICATION_H
#define CLEAT_CORE_VERIFICATION_H

#include "x509/path.h"
#include "x509/trust.h"

/* cleat_verification_run returns whether a peer is accepted, and stores the reason in error if not. It sets the
 * stores of the request: first the store of what was loaded; if that is not sufficient, and always for revocation
 * lists, a new store that also looks into the trust object's directories, so that it uses their present contents. */
bool cleat_verification_run(struct cleat_trust *trust, struct cleat_chain_request *request,
                            struct cleat_verify_error *error);

/* cleat_verification_faults adds all faults that X509_verify_cert finds in the chain of a refused peer. The request
 * is the one that was refused. */
void cleat_verification_faults(struct cleat_trust *trust, struct cleat_chain_request *request,
                               struct cleat_verify_faults *faults);

#endif
