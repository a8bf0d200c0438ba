/* exact_path.h: the verification of a path that X509_verify_cert would not build. */
#ifndef CLEAT_CORE_EXACT_PATH_H
#define CLEAT_CORE_EXACT_PATH_H

#include "x509/chain.h"

/* cleat_exact_path_is_needed returns whether X509_verify_cert, given only the certificates of the path, would build
 * a different one, since it looks at names and key identifiers only. path: the peer's own certificate first, the
 * anchor last. */
bool cleat_exact_path_is_needed(const STACK_OF(X509) * path);

/* cleat_exact_path_verify returns whether the path is accepted. It refuses paths that need revocation lists or
 * policies, which only X509_verify_cert can check. */
bool cleat_exact_path_verify(const struct cleat_chain_request *request,
                             const STACK_OF(X509) * path);

#endif
