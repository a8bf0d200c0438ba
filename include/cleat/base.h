/* base.h: the macros that every other header of cleat uses. */
#ifndef CLEAT_BASE_H
#define CLEAT_BASE_H

#include <stdint.h>

#ifdef __cplusplus
#define CLEAT_API extern "C" __attribute__((visibility("default")))
#else
#define CLEAT_API __attribute__((visibility("default")))
#endif

/* Marks a result or an output that is a new id, which the caller closes. The generator of the bindings reads it; in
 * C it expands to nothing. */
#define CLEAT_NEW_ID

/* Marks a new id that is 0 if there is no such object. */
#define CLEAT_OR_ZERO

/* Marks an id that the function closes when it succeeds. */
#define CLEAT_CLOSES

/* Marks input bytes that may be absent: NULL with length 0. */
#define CLEAT_ABSENT

/* Marks an output text that may contain any byte. Other texts are UTF-8. */
#define CLEAT_BINARY

/* Marks a function that waits for the system's resolver or for a person, so that it may block for longer than its
 * timeout, if it has one. Other functions without a timeout block only on files. */
#define CLEAT_MAY_BLOCK

/* Marks a function that returns at once, although it has a timeout, which limits a later wait, or can return
 * CLEAT_RESOLVE. */
#define CLEAT_NO_WAIT

#endif
