/* hostile.h: declarations that the cases of this folder share. */
#ifndef CLEAT_SPEC_HOSTILE_H
#define CLEAT_SPEC_HOSTILE_H

#include <stdint.h>

/* expect_reason: the call has failed with class CLEAT_SSL or CLEAT_ALERT for one of the reasons, which are separated by
 * |, or with class CLEAT_EOF for the reason "EOF". where is the case, for the message. */
void expect_reason(const char *where, int32_t status, const char *reasons);

/* expect_dead: every call on the connection fails now, and returns no data. */
void expect_dead(const char *where, int32_t connection);

/* memory_in_use returns the heap's bytes; 0 if that is not known. */
int64_t memory_in_use(void);

/* The groups of cases, each in its own file; they return the number of cases. */
int try_beginnings(void);
int try_established(void);
int try_deadlines(void);

#endif
