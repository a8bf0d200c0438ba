/* strict.h: the checks of OpenSSL 3's X509_V_FLAG_X509_STRICT. BoringSSL's flag of that name has no effect. */
#ifndef CLEAT_CORE_STRICT_H
#define CLEAT_CORE_STRICT_H

#include "x509/verify_error.h"

/* The flag in an X509_VERIFY_PARAM: OpenSSL's number, which BoringSSL ignores. */
#define CLEAT_STRICT_FLAG 0x20ul

/* cleat_strict_check returns whether a chain, the peer's own certificate first, meets these requirements of RFC
 * 5280, and stores the reason in error if not. */
bool cleat_strict_check(const STACK_OF(X509) * chain, struct cleat_verify_error *error);

#endif
