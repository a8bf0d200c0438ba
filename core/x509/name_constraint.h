/* name_constraint.h: name constraints (RFC 5280 section 4.2.1.10) on IP addresses, which BoringSSL
 * does not evaluate, together with those that it does. */
#ifndef CLEAT_CORE_NAME_CONSTRAINT_H
#define CLEAT_CORE_NAME_CONSTRAINT_H

#include <stdbool.h>

#include "base/boringssl.h"

/* cleat_name_constraint_check returns X509_V_OK if the certificate at depth has only names that
 * all certificates above it in the chain allow, and the X509_V_ERR_ number otherwise. Constraints
 * of a kind that is neither BoringSSL's nor IP addresses fail as BoringSSL's do. */
int cleat_name_constraint_check(const STACK_OF(X509) * chain, int depth);

#endif
