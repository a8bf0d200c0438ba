/* epoll.h: waits for a large set of descriptors that rarely changes (Linux epoll). */
#ifndef CLEAT_EPOLL_H
#define CLEAT_EPOLL_H

#include "cleat/base.h"

/* CLEAT_EPOLL* are the events and modes of epoll_ctl(2), to be combined. ERR and HUP are always reported. */
#define CLEAT_EPOLLIN 1
#define CLEAT_EPOLLPRI 2
#define CLEAT_EPOLLOUT 4
#define CLEAT_EPOLLERR 8
#define CLEAT_EPOLLHUP 16
#define CLEAT_EPOLLRDNORM 0x40
#define CLEAT_EPOLLRDBAND 0x80
#define CLEAT_EPOLLWRNORM 0x100
#define CLEAT_EPOLLWRBAND 0x200
#define CLEAT_EPOLLMSG 0x400
#define CLEAT_EPOLLRDHUP 0x2000
#define CLEAT_EPOLLEXCLUSIVE 0x10000000
#define CLEAT_EPOLLWAKEUP 0x20000000
#define CLEAT_EPOLLONESHOT 0x40000000
#define CLEAT_EPOLLET (-2147483648)

/* CLEAT_EPOLL_CTL_* are the operations of cleat_epoll_control. */
#define CLEAT_EPOLL_CTL_ADD 1
#define CLEAT_EPOLL_CTL_DEL 2
#define CLEAT_EPOLL_CTL_MOD 3

/* cleat_epoll_new returns the id of an empty epoll instance, which uses two descriptors. CLEAT_SYS (EMFILE, ENFILE). */
CLEAT_API CLEAT_NEW_ID int32_t cleat_epoll_new(void);

/* cleat_epoll_control returns CLEAT_OK and adds fd to the instance with its events, changes its events, or removes
 * it (events is then ignored). fd is a file descriptor, not an id, and still belongs to the caller; closing it
 * removes it, unless it has a duplicate. operation: CLEAT_EPOLL_CTL_*; events: CLEAT_EPOLL*. CLEAT_SYS (EBADF;
 * EEXIST: fd is already in the instance; ENOENT: it is not; EPERM: fd is a regular file). */
CLEAT_API int32_t cleat_epoll_control(int32_t epoll, int32_t operation, int32_t fd, int32_t events);

/* cleat_epoll_wait returns how many descriptors are ready, 0 if the timeout expired first, and stores each with its
 * events; events: CLEAT_EPOLL*. At most fds_cap are reported, 1 to 1024; the two capacities must be equal. A signal
 * ends the wait only in an interruptible thread (cleat/interrupt.h). A connection may have decrypted bytes although
 * its descriptor is not readable: see cleat_connection_pending. CLEAT_SYS, CLEAT_CLOSED. */
CLEAT_API int32_t cleat_epoll_wait(int32_t epoll, int32_t *fds, int32_t fds_cap, int32_t *events,
                                   int32_t events_cap, double timeout);

/* cleat_epoll_fileno returns the instance's descriptor, which is readable while events are ready. The id owns it. */
CLEAT_API int32_t cleat_epoll_fileno(int32_t epoll);

#endif
