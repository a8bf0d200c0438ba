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

#endif
