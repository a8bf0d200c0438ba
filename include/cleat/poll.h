/* poll.h: waits for several descriptors (POSIX poll). */
#ifndef CLEAT_POLL_H
#define CLEAT_POLL_H

#include "cleat/base.h"

/* CLEAT_POLL* are the events of poll(2), to be combined. ERR, HUP and NVAL are reported without being requested. */
#define CLEAT_POLLIN 1
#define CLEAT_POLLPRI 2
#define CLEAT_POLLOUT 4
#define CLEAT_POLLERR 8
#define CLEAT_POLLHUP 16
#define CLEAT_POLLNVAL 32

/* cleat_poll returns how many of the descriptors have events, 0 if the timeout expired first, and stores the events
 * of each in revents. fds are file descriptors, not ids; events: CLEAT_POLL* for each; the three lengths must be
 * equal, and fds_len counts elements (0: only wait for the timeout). A descriptor that is not open has the event
 * CLEAT_POLLNVAL. A signal ends the wait only in an interruptible thread (cleat/interrupt.h). A connection may have
 * decrypted bytes although its descriptor is not readable: see cleat_connection_pending. CLEAT_SYS. */
CLEAT_API int32_t cleat_poll(const int32_t *fds, int32_t fds_len, const int32_t *events,
                             int32_t events_len, int32_t *revents, int32_t revents_cap,
                             double timeout);

/* cleat_watch_new returns the id of a watch: one descriptor (cleat_watch_fileno) that becomes readable when fd has
 * one of the events or the timeout has expired, for event loops that can only wait for readable descriptors. fd is a
 * file descriptor that epoll supports, and still belongs to the caller; closing it removes it from the watch.
 * events: CLEAT_POLL* (IN, PRI and OUT); 0 to wait for the timeout only, and then fd may be -1. timeout: seconds
 * from now, negative without a limit. A watch uses two descriptors, or one if fd is -1. CLEAT_SYS (EBADF; EPERM: fd
 * is a regular file; EMFILE). */
CLEAT_API CLEAT_NO_WAIT CLEAT_NEW_ID int32_t cleat_watch_new(int32_t fd, int32_t events,
                                                             double timeout);

/* cleat_watch_fileno returns the watch's descriptor, for use in select or poll. The id owns it; do not read from it
 * or close it. */
CLEAT_API int32_t cleat_watch_fileno(int32_t watch);

/* cleat_watch_signal returns CLEAT_OK and makes the watch's descriptor permanently readable, which wakes an event
 * loop that is waiting for it. CLEAT_SYS. */
CLEAT_API int32_t cleat_watch_signal(int32_t watch);

#endif
