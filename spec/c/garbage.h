/* garbage.h: calls every function of the ABI with invalid values, alone, in pairs and all together, and checks of each
 * call:
 *
 * - It returns a status whose class the function's comment lists, or a result. If an argument is one that cleat.h
 *   refuses, it returns a status; if that argument is the only invalid one, CLEAT_HANDLE or CLEAT_USAGE with its
 *   position.
 * - The thread's error record has the same status and a text.
 * - Nothing is written beyond a capacity, nor to other outputs if the call fails.
 * - The call returns, although pthread_cancel of its thread is pending.
 * - At the end as many ids and descriptors are open as at the beginning.
 *
 * Timeouts are 0, so that no call waits. The tables are in test_garbage.c, which is generated. */
#ifndef CLEAT_SPEC_GARBAGE_H
#define CLEAT_SPEC_GARBAGE_H

#include <stddef.h>

#include "cleat.h"

enum { MOST_PARAMETERS = 12 };

/* The kinds of parameters; a length or capacity belongs to its pointer. ID is an id of one kind of object, ANY_ID of
 * any. */
enum parameter_kind {
    END,
    INT,
    ID,
    ANY_ID,
    DOUBLE,
    BYTES,
    INTS,
    TEXT,
    BUF,
    INT_OUT,
    DOUBLE_OUT,
    INTS_OUT
};

struct parameter {
    enum parameter_kind kind;
    int32_t object; /* of an ID: CLEAT_KIND_* */
    const char *name;
};

/* One argument: the members that its kind of parameter needs. */
struct value {
    int32_t i;
    double d;
    const char *bytes;
    const int32_t *ints;
    char *room;
    int32_t *int_out;
    double *double_out;
    int32_t *ints_out;
    int32_t size;
    int32_t refused; /* the class of status that cleat.h specifies for it, or 0 */
};

struct function {
    const char *name;
    int32_t (*call)(const struct value *v);
    uint64_t classes; /* bits of the classes that its comment lists */
    struct parameter parameters[MOST_PARAMETERS];
};

/* A certificate with every field that functions read, in PEM. */
extern const char garbage_certificate[];

/* garbage_run returns 0 if all checks pass. kinds ends with 0, functions with a NULL name. */
int garbage_run(const struct function *functions, const int32_t *kinds);

#endif
