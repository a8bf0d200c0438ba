/* wait.h: waiting for a descriptor, until a deadline or until the object's id is closed. */
#ifndef CLEAT_CORE_WAIT_H
#define CLEAT_CORE_WAIT_H

#include <poll.h> /* POLLIN, POLLOUT */

#include "base/clock.h"
#include "base/handle.h"

/* cleat_wait returns CLEAT_OK when fd has one of the poll events, or an error or hang-up for
 * the next call to find; CLEAT_TIMEOUT when the deadline has passed; CLEAT_CLOSED when the
 * object's id was closed; CLEAT_SYS. A deadline of CLEAT_DEADLINE_NOW does not wait:
 * CLEAT_WANT_READ or, if events has only POLLOUT, CLEAT_WANT_WRITE. */
int32_t cleat_wait(struct cleat_object *object, int fd, short events, cleat_deadline deadline);

#endif
