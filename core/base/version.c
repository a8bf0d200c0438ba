#include "cleat/version.h"

#include <stdio.h>
#include <string.h>

#include "base/argument.h"
#include "base/boringssl.h"

_Static_assert(CLEAT_ABI == CLEAT_ABI_VERSION, "CLEAT_ABI_VERSION is an alias");

int32_t cleat_abi_version(void) {
    return CLEAT_ABI;
}

int32_t cleat_version(char *output, int32_t output_cap) {
    CLEAT_CHECK_OUT(1, output, output_cap);
    return cleat_copy_out(CLEAT_VERSION_STRING, (int64_t)strlen(CLEAT_VERSION_STRING), output,
                          output_cap);
}

int32_t cleat_boringssl_version(char *output, int32_t output_cap) {
    char text[32];
    CLEAT_CHECK_OUT(1, output, output_cap);
    snprintf(text, sizeof text, "BoringSSL, API %d", BORINGSSL_API_VERSION);
    return cleat_copy_out(text, (int64_t)strlen(text), output, output_cap);
}

int32_t cleat_boringssl_api(void) {
    return BORINGSSL_API_VERSION;
}

int32_t cleat_openssl_version_number(void) {
    return (int32_t)OpenSSL_version_num();
}
