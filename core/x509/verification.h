/* verification.h: the verification of a peer's certificate with a trust. */
#ifndef CLEAT_CORE_VERIFICATION_H
#define CLEAT_CORE_VERIFICATION_H

#include "x509/path.h"
#include "x509/trust.h"

/* cleat_verification_run returns whether a peer is accepted, and notes why not. It sets the stores of
 * the request: what was loaded first; if that is not enough, and for revocation lists in any case, a
 * new store that looks into the trust's directories too. So what was removed from a directory is not
 * trusted any more, and what was added is. */
bool cleat_verification_run(struct cleat_trust *trust, struct cleat_chain_request *request,
                            struct cleat_verify_error *error);

/* cleat_verification_faults adds what is wrong with the chain of a peer that is refused, as far as
 * X509_verify_cert can go on with it. The request is that of the refusal. */
void cleat_verification_faults(struct cleat_trust *trust, struct cleat_chain_request *request,
                               struct cleat_verify_faults *faults);

#endif
