/* exact_path.h: the verification of one path that X509_verify_cert would not take. */
#ifndef CLEAT_CORE_EXACT_PATH_H
#define CLEAT_CORE_EXACT_PATH_H

#include "x509/chain.h"

/* cleat_exact_path_is_needed returns whether X509_verify_cert, given nothing but the path, would take
 * another: it goes by names and key identifiers alone. path: the peer's own certificate first, the
 * anchor last. */
bool cleat_exact_path_is_needed(const STACK_OF(X509) * path);

/* cleat_exact_path_verify returns whether the path is accepted. What only X509_verify_cert can check,
 * revocation lists and policies, makes it refuse a path that would need it. */
bool cleat_exact_path_verify(const struct cleat_chain_request *request,
                             const STACK_OF(X509) * path);

#endif
