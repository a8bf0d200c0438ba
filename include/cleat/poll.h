/* poll.h: waiting for many descriptors (POSIX poll). */
#ifndef CLEAT_POLL_H
#define CLEAT_POLL_H

#include "cleat/base.h"

/* CLEAT_POLL* are the events of poll(2), to be combined. ERR, HUP and NVAL are only reported. */
#define CLEAT_POLLIN 1
#define CLEAT_POLLPRI 2
#define CLEAT_POLLOUT 4
#define CLEAT_POLLERR 8
#define CLEAT_POLLHUP 16
#define CLEAT_POLLNVAL 32

/* cleat_poll returns how many of the descriptors have something to report, 0 if the timeout ran out first, and stores
 * for each its events in revents. fds are file descriptors, not ids; events is one set of CLEAT_POLL* for each; the
 * three lengths must be equal, and fds_len counts elements (0 just waits). A descriptor that is not open is reported
 * by CLEAT_POLLNVAL. A signal ends the wait only in an interruptible thread (cleat/interrupt.h). A connection may
 * hold decrypted bytes that no descriptor shows: see cleat_connection_pending. CLEAT_SYS. */
CLEAT_API int32_t cleat_poll(const int32_t *fds, int32_t fds_len, const int32_t *events,
                             int32_t events_len, int32_t *revents, int32_t revents_cap,
                             double timeout);

/* cleat_watch_new returns the id of a watch: one descriptor (cleat_watch_fileno) that becomes
 * readable when fd has one of the events or the timeout has run out, for event loops that can
 * wait for a readable descriptor and for nothing else. fd is a file descriptor of a kind that
 * poll can wait for, and stays the caller's; closing it ends the watching for it. events:
 * CLEAT_POLL*, 0 for the timeout alone, where fd may be -1; timeout: seconds, from now, negative
 * without a limit. A watch takes two descriptors, one without fd. CLEAT_SYS (EBADF, EPERM: a file's
 * descriptor, EMFILE). */
CLEAT_API CLEAT_NO_WAIT CLEAT_NEW_ID int32_t cleat_watch_new(int32_t fd, int32_t events,
                                                             double timeout);

/* cleat_watch_fileno returns the watch's descriptor, for use in select or poll. It stays the
 * id's own, and is not to be read. */
CLEAT_API int32_t cleat_watch_fileno(int32_t watch);

/* cleat_watch_signal returns CLEAT_OK and makes the watch's descriptor readable now, and for
 * good, which wakes a loop that waits for it. CLEAT_SYS. */
CLEAT_API int32_t cleat_watch_signal(int32_t watch);

#endif
