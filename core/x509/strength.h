/* strength.h: detects keys and signatures that are too weak. */
#ifndef CLEAT_CORE_STRENGTH_H
#define CLEAT_CORE_STRENGTH_H

#include <stdbool.h>

#include "base/boringssl.h"

/* cleat_strength_has_weak_key and cleat_strength_has_weak_signature require OpenSSL's security level 2, which Python
 * and Debian set: 112 bits. */
bool cleat_strength_has_weak_key(X509 *certificate);
bool cleat_strength_has_weak_signature(const X509 *certificate);

#endif
