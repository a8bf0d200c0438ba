/* name_constraint.h: name constraints (RFC 5280 section 4.2.1.10), including those on IP addresses, which BoringSSL
 * does not evaluate. */
#ifndef CLEAT_CORE_NAME_CONSTRAINT_H
#define CLEAT_CORE_NAME_CONSTRAINT_H

#include <stdbool.h>

#include "base/boringssl.h"

/* cleat_name_constraint_check returns X509_V_OK if all certificates above allow all names of the certificate at
 * depth, and the X509_V_ERR_ number otherwise. Kinds of constraints that neither BoringSSL nor this file evaluates
 * fail as in BoringSSL. */
int cleat_name_constraint_check(const STACK_OF(X509) * chain, int depth);

#endif
