/* expect.h: the one assertion of the C tests, which prints the failed condition and ends the program; and the check
 * that every call of a cleat function makes: the class of its status must be one that its comment lists. */
#ifndef CLEAT_SPEC_EXPECT_H
#define CLEAT_SPEC_EXPECT_H

#include <stdio.h>
#include <stdlib.h>

#include "cleat.h"

/* Returns the result of a call of the function, or ends the program if its status has a class that is not in the bits.
 * */
static inline int32_t classes_checked(const char *function, uint64_t bits, int32_t result) {
    int64_t class = CLEAT_CLASS((int64_t)result); /* the result may be of any integer type */
    if (result < 0 && (class > 63 || (bits >> class & 1) == 0)) {
        fprintf(stderr, "%s returned a status of class %d, which its comment does not list\n",
                function, (int)class);
        abort();
    }
    return result;
}

#include "classes.h"

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            char text_[512];                                                                       \
            int32_t len_ = cleat_error_message(text_, sizeof text_);                               \
            fprintf(stderr, "%s:%d: not so: %s (last failure: %.*s)\n", __FILE__, __LINE__,        \
                    #condition, (int)len_, text_);                                                 \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static inline void expect_usage(int32_t status) {
    EXPECT(CLEAT_CLASS(status) == CLEAT_USAGE);
}

#endif
