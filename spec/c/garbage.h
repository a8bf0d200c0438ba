/* garbage.h: calls every function of the ABI with bad values, alone, in pairs and all together, and demands of each
 * call:
 *
 * - a status whose class the function's comment lists, or an answer; a status for sure if an argument is one that
 *   cleat.h refuses, and then, if it is the only bad one, CLEAT_HANDLE or CLEAT_USAGE with the argument's position;
 * - a thread's record of the failure that has the same status and a text;
 * - that nothing is written behind a capacity, nor to other outputs where the call failed;
 * - that the thread returns from it, although pthread_cancel of the thread is pending;
 * - at the end, no id and no descriptor more than at the beginning.
 *
 * Timeouts are 0, so that nothing waits. The tables are in test_garbage.c, which is generated. */
#ifndef CLEAT_SPEC_GARBAGE_H
#define CLEAT_SPEC_GARBAGE_H

#include <stddef.h>

#include "cleat.h"

enum { MOST_PARAMETERS = 12 };

/* The kinds of parameters; a length or capacity goes with its pointer. ID is an id of one kind of object, ANY_ID of
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

/* One argument: the members that its kind of parameter takes. */
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
    int32_t refused; /* the class of status that the convention demands for it, or 0 */
};

struct function {
    const char *name;
    int32_t (*call)(const struct value *v);
    uint64_t classes; /* bits: those that its comment lists */
    struct parameter parameters[MOST_PARAMETERS];
};

/* A certificate with something of everything that functions read, in PEM. */
extern const char garbage_certificate[];

/* garbage_run returns 0 if all went well. kinds ends with 0, functions with a NULL name. */
int garbage_run(const struct function *functions, const int32_t *kinds);

#endif
