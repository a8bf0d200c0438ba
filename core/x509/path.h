/* path.h: the search for a path from a peer's certificate to a trust anchor.
 *
 * X509_verify_cert builds one path, of the first issuer that fits by name and key identifier at
 * each step. Where that one fails, others may be good: a cross-signed intermediate, a renewed root,
 * a key that was rolled over. */
#ifndef CLEAT_CORE_PATH_H
#define CLEAT_CORE_PATH_H

#include "x509/chain.h"

/* cleat_path_verify returns whether there is a path that cleat_chain_verify accepts. If there is
 * none, or none among those that are tried, error is that of the path that X509_verify_cert builds. */
bool cleat_path_verify(const struct cleat_chain_request *request, struct cleat_verify_error *error);

/* cleat_path_is_final returns whether the error is one of the peer's certificate by itself, which no
 * other path and no other trusted certificate mends, or of the process. */
bool cleat_path_is_final(const struct cleat_verify_error *error);

#endif
