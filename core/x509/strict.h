/* strict.h: what OpenSSL 3's X509_V_FLAG_X509_STRICT asks of a chain. BoringSSL's flag of that name
 * does nothing. */
#ifndef CLEAT_CORE_STRICT_H
#define CLEAT_CORE_STRICT_H

#include "x509/verify_error.h"

/* The flag in an X509_VERIFY_PARAM: OpenSSL's number, which BoringSSL passes over. */
#define CLEAT_STRICT_FLAG 0x20ul

/* cleat_strict_check returns whether a whole chain, the peer's own certificate first, is as RFC 5280
 * wants it, and notes why not. */
bool cleat_strict_check(const STACK_OF(X509) * chain, struct cleat_verify_error *error);

#endif
