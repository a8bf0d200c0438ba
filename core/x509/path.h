/* path.h: the search for a path from a peer's certificate to a trust anchor.
 *
 * X509_verify_cert builds only one path, with the first issuer that matches by name and key identifier at each step.
 * If that path fails, another may be valid: by a cross-signed intermediate, a renewed root, or a key that was rolled
 * over. */
#ifndef CLEAT_CORE_PATH_H
#define CLEAT_CORE_PATH_H

#include "x509/chain.h"

/* cleat_path_verify returns whether there is a path that cleat_chain_verify accepts. If the search finds none, error
 * is that of the path that X509_verify_cert has built. */
bool cleat_path_verify(const struct cleat_chain_request *request, struct cleat_verify_error *error);

/* cleat_path_is_final returns whether no other path and no other trusted certificate can avoid the error, because it
 * concerns the peer's certificate itself or is a failure of this process. */
bool cleat_path_is_final(const struct cleat_verify_error *error);

#endif
