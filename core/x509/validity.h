/* validity.h: how long a verified chain stays verified. */
#ifndef CLEAT_CORE_VALIDITY_H
#define CLEAT_CORE_VALIDITY_H

#include <stdint.h>

#include "base/boringssl.h"

/* cleat_validity_end returns the first second at which a chain that was verified at now may have to be verified
 * again: a certificate of it, the trust anchor included, ends; or a revocation list ends or comes into force.
 * Times are in POSIX seconds. crls: NULL where lists do not count. 0 if a date cannot be read. */
int64_t cleat_validity_end(const STACK_OF(X509) * chain, const STACK_OF(X509_CRL) * crls,
                           int64_t now);

#endif
