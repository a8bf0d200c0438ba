/* validity.h: how long the result of a verification is valid. */
#ifndef CLEAT_CORE_VALIDITY_H
#define CLEAT_CORE_VALIDITY_H

#include <stdint.h>

#include "base/boringssl.h"

/* cleat_validity_end returns the first second after now at which a verified chain must be verified again: when a
 * certificate of the chain, including the trust anchor, expires; or when a revocation list expires or becomes valid.
 * Times are in POSIX seconds. crls: NULL if revocation lists are not used. 0 if a date cannot be parsed. */
int64_t cleat_validity_end(const STACK_OF(X509) * chain, const STACK_OF(X509_CRL) * crls,
                           int64_t now);

#endif
