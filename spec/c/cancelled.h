/* cancelled.h: calls of the ABI while pthread_cancel of their thread is pending. A call that reaches a cancellation
 * point without having disabled cancellation ends the thread there, and the test with it: each time, without a race. */
#ifndef CLEAT_SPEC_CANCELLED_H
#define CLEAT_SPEC_CANCELLED_H

/* cancelled_allow cancels this thread, which has an effect in calls until cancelled_forbid; name is for the message of
 * the failure. The thread cannot be cancelled afterwards. */
void cancelled_allow(const char *name);
void cancelled_forbid(void);

#endif
