/* fuzz.h: declarations that the fuzzers share. Each is one file, NAME.c, with LLVMFuzzerTestOneInput; its seeds, and
 * inputs that once failed, are in seeds/NAME. script/fuzz runs them. */
#ifndef CLEAT_SPEC_FUZZ_H
#define CLEAT_SPEC_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../c/expect.h" /* every call is checked for the classes that its comment lists */

/* A fuzzer reports a fault by a crash. */
#define DEMAND(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Checks that the thread's error record has the failure, with a text. */
static inline int32_t checked(int32_t result) {
    char text[8];
    if (result < 0 && CLEAT_CLASS(result) > CLEAT_NEED_PASSWORD) {
        DEMAND(cleat_error_status() == result);
        DEMAND(cleat_error_message(text, sizeof text) > 0);
    }
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
