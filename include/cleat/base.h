/* base.h: what every other header of cleat needs. */
#ifndef CLEAT_BASE_H
#define CLEAT_BASE_H

#include <stdint.h>

#ifdef __cplusplus
#define CLEAT_API extern "C" __attribute__((visibility("default")))
#else
#define CLEAT_API __attribute__((visibility("default")))
#endif

/* Marks a result or an output that is a new id, which the caller closes. Bindings are generated
 * from it; to C it is nothing. */
#define CLEAT_NEW_ID

/* Marks a new id that may be 0 instead: there is no object. */
#define CLEAT_OR_ZERO

/* Marks an id that the function closes when it succeeds. */
#define CLEAT_CLOSES

/* Marks bytes in that may be absent: NULL with length 0. */
#define CLEAT_ABSENT

/* Marks a text out that is bytes of any value. Other texts are UTF-8. */
#define CLEAT_BINARY

/* Marks a function that may block for longer than its timeout, or that has none: it waits for the
 * system's resolver or for a person. The other functions without a timeout wait for nothing but
 * files. */
#define CLEAT_MAY_BLOCK

/* Marks a function whose timeout is not its own: it returns at once. */
#define CLEAT_NO_WAIT

#endif
