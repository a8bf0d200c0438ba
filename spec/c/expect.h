/* expect.h: the one assertion of the C tests. It says what was wrong and ends the program. */
#ifndef CLEAT_SPEC_EXPECT_H
#define CLEAT_SPEC_EXPECT_H

#include <stdio.h>
#include <stdlib.h>

#include "cleat.h"

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

#endif
