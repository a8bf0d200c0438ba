/* hostile.h: what the cases of this folder share. */
#ifndef CLEAT_SPEC_HOSTILE_H
#define CLEAT_SPEC_HOSTILE_H

#include <stdint.h>

/* expect_reason: the call failed in class CLEAT_SSL or CLEAT_ALERT for one of the reasons, with | between, or in
 * class CLEAT_EOF for the reason "EOF". where says in which case if not. */
void expect_reason(const char *where, int32_t status, const char *reasons);

/* expect_dead: whatever is asked of the connection now fails, and gives no data. */
void expect_dead(const char *where, int32_t connection);

/* memory_in_use returns the heap's bytes; 0 where that is not known. */
int64_t memory_in_use(void);

/* What is tried, each in its own file; they return how many cases there were. */
int try_beginnings(void);
int try_established(void);
int try_deadlines(void);

#endif
