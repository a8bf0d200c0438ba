/* argument.h: the checks of the arguments of exported functions, by the rules of cleat.h. Each macro returns
 * CLEAT_USAGE from the function if its check fails. position: the argument's position, from 1. */
#ifndef CLEAT_CORE_ARGUMENT_H
#define CLEAT_CORE_ARGUMENT_H

#include <math.h>
#include <string.h>

#include "base/cancel.h"
#include "base/error.h"

/* Bytes in. */
#define CLEAT_CHECK_IN(position, p, len)                                                           \
    do {                                                                                           \
        if ((len) < 0) return cleat_fail_usage((position) + 1, "negative length");                 \
        if ((p) == NULL && (len) > 0) return cleat_fail_usage((position), "NULL of length > 0");   \
    } while (0)

/* Bytes in that are passed to the operating system as a C string: they must not contain a zero byte. */
#define CLEAT_CHECK_TEXT(position, p, len)                                                         \
    do {                                                                                           \
        CLEAT_CHECK_IN(position, p, len);                                                          \
        if ((p) != NULL && memchr((p), 0, (size_t)(len)) != NULL) {                                \
            return cleat_fail_usage((position), "embedded null byte");                             \
        }                                                                                          \
    } while (0)

/* A caller's buffer. */
#define CLEAT_CHECK_OUT(position, p, cap)                                                          \
    do {                                                                                           \
        if ((cap) < 0) return cleat_fail_usage((position) + 1, "negative capacity");               \
        if ((p) == NULL && (cap) > 0) return cleat_fail_usage((position), "NULL of capacity > 0"); \
    } while (0)

/* A pointer to another output. */
#define CLEAT_CHECK_POINTER(position, p)                                                           \
    do {                                                                                           \
        if ((p) == NULL) return cleat_fail_usage((position), "NULL pointer");                      \
    } while (0)

#define CLEAT_CHECK_RANGE(position, x, low, high)                                                  \
    do {                                                                                           \
        if ((x) < (low) || (x) > (high)) {                                                         \
            return cleat_fail_usage((position), "%s is %d, not in %d to %d", #x, (int)(x),         \
                                    (int)(low), (int)(high));                                      \
        }                                                                                          \
    } while (0)

#define CLEAT_CHECK_TIMEOUT(position, timeout)                                                     \
    do {                                                                                           \
        if (isnan(timeout)) return cleat_fail_usage((position), "timeout is not a number");        \
    } while (0)

#endif
