/* wait.h: waits for a descriptor until a deadline, or until the object's id is closed. */
#ifndef CLEAT_CORE_WAIT_H
#define CLEAT_CORE_WAIT_H

#include <poll.h> /* POLLIN, POLLOUT */
#include <stdbool.h>

#include "base/clock.h"
#include "base/handle.h"

/* cleat_wait_enter and cleat_wait_leave enclose every system call (or wait on a condition variable) that may block
 * on behalf of an object: in between, cleat_close interrupts the object. Both return CLEAT_OK, or CLEAT_CLOSED if
 * the object's id was closed; do not call leave if enter has returned CLEAT_CLOSED. blocks: whether the call may
 * block; if it is false, the call is not counted as waiting, and leave still reports that the id was closed. */
int32_t cleat_wait_enter(struct cleat_object *object, bool blocks);
int32_t cleat_wait_leave(struct cleat_object *object, bool blocks);

/* cleat_wait_poll is ppoll until a deadline: it returns how many of the items are ready, 0 when the
 * deadline has passed, or minus an errno: EINTR only in an interruptible thread (base/interrupt.h). */
int cleat_wait_poll(struct pollfd *items, nfds_t count, cleat_deadline deadline);

/* cleat_wait returns CLEAT_OK when fd has one of the poll events, or an error or hang-up, which the next system call
 * will report; CLEAT_TIMEOUT when the deadline has passed; CLEAT_CLOSED when the object's id was closed; CLEAT_SYS,
 * with EINTR in an interruptible thread. A deadline of CLEAT_DEADLINE_NOW does not wait: CLEAT_WANT_READ or, if
 * events has only POLLOUT, CLEAT_WANT_WRITE. */
int32_t cleat_wait(struct cleat_object *object, int fd, short events, cleat_deadline deadline);

/* cleat_wait_moment waits for a few milliseconds, for a condition that no poll event reports; the caller then tries
 * again. It returns CLEAT_OK and the other statuses as cleat_wait does; in an interruptible thread CLEAT_SYS with EINTR
 * in any case. A deadline of CLEAT_DEADLINE_NOW does not wait: CLEAT_WANT_WRITE. */
int32_t cleat_wait_moment(struct cleat_object *object, cleat_deadline deadline);

#endif
