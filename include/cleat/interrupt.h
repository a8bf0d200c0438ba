/* interrupt.h: calls that a signal can end.
 *
 * A signal does not end a call: where a system call returns EINTR, cleat repeats it. A language whose
 * runtime runs its signal handlers between two instructions of a program (Python, Ruby, Perl, Racket)
 * would run none while a call waits. Its binding makes the thread interruptible: then a call that waits
 * returns CLEAT_SYS with CLEAT_EINTR after a signal, the binding lets the runtime run its handlers,
 * and repeats the call with the same arguments and what is left of the timeout. */
#ifndef CLEAT_INTERRUPT_H
#define CLEAT_INTERRUPT_H

#include "cleat/base.h"

/* cleat_set_interruptible returns the calling thread's previous setting, 0 or 1, and sets it.
 * interruptible: 1 makes the calls of this thread that wait return CLEAT_SYS (EINTR) once a signal
 * handler has run in the thread during the wait, with or without SA_RESTART, and also when they have
 * waited for a second: a signal that came just before the wait, or in another thread, is noticed by
 * the caller within that second. 0, which is every thread's setting at first: a signal ends no call.
 *
 * The interrupted call has not failed: repeat it with the same arguments. No data is lost; a write
 * that was interrupted after some of its data has returned how much that is. A call with a timeout of
 * 0 is never interrupted, nor one that does not have to wait. */
CLEAT_API int32_t cleat_set_interruptible(int32_t interruptible);

#endif
