/* interrupt.h: makes waits interruptible by signals.
 *
 * By default a signal does not end a call: if a system call returns EINTR, cleat repeats it. Runtimes that run
 * signal handlers between two instructions of a program (Python, Ruby, Perl, Racket) would then run none while a
 * call waits. Their bindings make the thread interruptible: a waiting call then returns CLEAT_SYS with CLEAT_EINTR
 * after a signal; the binding lets the runtime run its handlers, and repeats the call with the same arguments and
 * the remaining timeout. */
#ifndef CLEAT_INTERRUPT_H
#define CLEAT_INTERRUPT_H

#include "cleat/base.h"

/* cleat_set_interruptible returns the calling thread's previous setting, 0 or 1, and sets it. interruptible: 1 makes
 * waiting calls of this thread return CLEAT_SYS (EINTR) once a signal handler has run in the thread during the wait,
 * with or without SA_RESTART, and also after they have waited for a second, so that the caller notices within a
 * second a signal that arrived just before the wait or in another thread. 0, the initial setting of every thread:
 * signals do not end calls.
 *
 * An interrupted call has not failed: repeat it with the same arguments. No data is lost; a write that is
 * interrupted after some of its data returns how many bytes were written. A call with a timeout of 0, or one that
 * does not have to wait, is never interrupted. */
CLEAT_API int32_t cleat_set_interruptible(int32_t interruptible);

#endif
