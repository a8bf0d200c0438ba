/* version.h: what this library is and what it was linked with. */
#ifndef CLEAT_VERSION_H
#define CLEAT_VERSION_H

#include "cleat/base.h"

/* CLEAT_ABI_VERSION is the version of the ABI that this header describes. It grows by one
 * whenever functions or constants are added; nothing is ever taken away within a soname. */
#define CLEAT_ABI_VERSION 2

/* cleat_abi_version returns the CLEAT_ABI_VERSION that the loaded library was built with: at
 * least the caller's own if every function that the caller knows is there. */
CLEAT_API int32_t cleat_abi_version(void);

/* cleat_version returns the length of cleat's version, such as "0.1.0", and copies it to output. */
CLEAT_API int32_t cleat_version(char *output, int32_t output_cap);

/* cleat_boringssl_version returns the length of a text that names the BoringSSL inside
 * ("BoringSSL, API 42") and copies it to output. */
CLEAT_API int32_t cleat_boringssl_version(char *output, int32_t output_cap);

/* cleat_boringssl_api returns BORINGSSL_API_VERSION of the BoringSSL inside, for example 42. */
CLEAT_API int32_t cleat_boringssl_api(void);

/* cleat_openssl_version_number returns the version of OpenSSL that the BoringSSL inside says
 * it is compatible with, as OPENSSL_VERSION_NUMBER (0x1010107f is 1.1.1). */
CLEAT_API int32_t cleat_openssl_version_number(void);

#endif
