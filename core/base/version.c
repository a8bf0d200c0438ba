#include "cleat/version.h"

#include <stdio.h>
#include <string.h>

#include "base/argument.h"
#include "base/boringssl.h"

#ifndef CLEAT_PROJECT_VERSION
#error "the build defines CLEAT_PROJECT_VERSION from the project's version"
#endif

int32_t cleat_abi_version(void) {
    return CLEAT_ABI_VERSION;
}

int32_t cleat_version(char *out, int32_t out_cap) {
    CLEAT_CHECK_OUT(1, out, out_cap);
    return cleat_copy_out(CLEAT_PROJECT_VERSION, (int64_t)strlen(CLEAT_PROJECT_VERSION), out,
                          out_cap);
}

int32_t cleat_boringssl_version(char *out, int32_t out_cap) {
    char text[32];
    CLEAT_CHECK_OUT(1, out, out_cap);
    snprintf(text, sizeof text, "BoringSSL, API %d", BORINGSSL_API_VERSION);
    return cleat_copy_out(text, (int64_t)strlen(text), out, out_cap);
}

int32_t cleat_boringssl_api(void) {
    return BORINGSSL_API_VERSION;
}

int32_t cleat_openssl_version_number(void) {
    return (int32_t)OpenSSL_version_num();
}
