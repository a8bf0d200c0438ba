/* version.h: the versions of cleat, of its ABI, and of the linked BoringSSL. */
#ifndef CLEAT_VERSION_H
#define CLEAT_VERSION_H

#include "cleat/base.h"

/* CLEAT_VERSION_MAJOR is the first number of the version of these headers. The build, the shared library's name and
 * pkg-config use the version from here. */
#define CLEAT_VERSION_MAJOR 0

/* CLEAT_VERSION_MINOR is the second number. */
#define CLEAT_VERSION_MINOR 1

/* CLEAT_VERSION_PATCH is the third number. */
#define CLEAT_VERSION_PATCH 0

/* CLEAT_VERSION_STRING is the version as a text, "MAJOR.MINOR.PATCH". */
#define CLEAT_VERSION_STRING "0.1.0"

/* CLEAT_ABI is the version of the ABI that these headers describe. It grows by one in each release
 * that adds functions or constants; none is ever removed within a soname. */
#define CLEAT_ABI 2

/* CLEAT_ABI_VERSION is CLEAT_ABI under its older name, which differs from cleat_abi_version by case
 * only: a language that ignores case uses CLEAT_ABI. */
#define CLEAT_ABI_VERSION 2

/* cleat_abi_version returns the CLEAT_ABI that the loaded library was built with. If it is at least
 * the caller's CLEAT_ABI, the library has every function that the caller's headers declare. */
CLEAT_API int32_t cleat_abi_version(void);

/* cleat_version returns the length of the loaded library's version, such as "0.1.0", and copies it to output. */
CLEAT_API int32_t cleat_version(char *output, int32_t output_cap);

/* cleat_boringssl_version returns the length of a text that identifies the linked BoringSSL ("BoringSSL, API 42")
 * and copies it to output. */
CLEAT_API int32_t cleat_boringssl_version(char *output, int32_t output_cap);

/* cleat_boringssl_api returns BORINGSSL_API_VERSION of the linked BoringSSL, for example 42. */
CLEAT_API int32_t cleat_boringssl_api(void);

/* cleat_openssl_version_number returns the version of OpenSSL with which BoringSSL declares itself compatible, in
 * the format of OPENSSL_VERSION_NUMBER (0x1010107f is 1.1.1). */
CLEAT_API int32_t cleat_openssl_version_number(void);

#endif
