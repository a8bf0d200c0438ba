/* socket.c: creates, binds, connects and closes sockets. Functions that transfer data are in socket_io.c, properties
 * and options in socket_option.c.
 *
 * The descriptor's O_NONBLOCK flag belongs to the caller. A call with a deadline uses MSG_DONTWAIT, which affects
 * this call only, and waits in cleat_wait. accept and connect have no such flag: a listening socket is set to
 * O_NONBLOCK permanently, a connecting one during the call. */
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/argument.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "net/address.h"
#include "net/wait.h"

_Static_assert(CLEAT_SOCK_STREAM == SOCK_STREAM && CLEAT_SOCK_DGRAM == SOCK_DGRAM,
               "the types are the system's");
_Static_assert(CLEAT_SHUT_RD == SHUT_RD && CLEAT_SHUT_WR == SHUT_WR && CLEAT_SHUT_RDWR == SHUT_RDWR,
               "the directions are the system's");

/* The bits of a type without SOCK_CLOEXEC and SOCK_NONBLOCK. */
#define SOCK_TYPE_MASK 0xf

static void socket_destroy(struct cleat_object *object) {
    struct cleat_socket *self = (struct cleat_socket *)object;
    if (self->fd >= 0 && !self->borrowed) {
        if (atomic_load_explicit(&self->discards_input, memory_order_relaxed)) {
            cleat_socket_discard_input(self->fd);
        }
        close(self->fd);
    }
    cleat_release(self);
}

/* shutdown wakes every thread that waits on the socket, and also ends the wait of a thread that is about to begin
 * one. */
static void socket_interrupt(struct cleat_object *object) {
    shutdown(((struct cleat_socket *)object)->fd, SHUT_RDWR);
}

/* The results of accept. */
struct accepted {
    const struct cleat_socket *listener;
    struct cleat_address peer;
};

/* accepted: NULL for a socket that was not accepted. */
static int32_t open_socket(int fd, int family, int type, bool borrowed,
                           const struct accepted *accepted) {
    struct cleat_socket *self = cleat_allocate(sizeof *self);
    int32_t id;
    if (self == NULL) return cleat_fail_nomem();
    cleat_object_init(&self->object, CLEAT_KIND_SOCKET, socket_destroy);
    self->object.interrupt = socket_interrupt;
    self->fd = -1;
    self->borrowed = borrowed;
    self->family = family;
    self->type = type & SOCK_TYPE_MASK;
    atomic_init(&self->connected, accepted != NULL);
    atomic_init(&self->port, 0);
    /* An accepted socket inherits TCP_NODELAY from its listener. */
    atomic_init(&self->nodelay_chosen,
                accepted != NULL && atomic_load_explicit(&accepted->listener->nodelay_chosen,
                                                         memory_order_relaxed));
    atomic_init(&self->discards_input, false);
    if (accepted != NULL && accepted->peer.len <= sizeof self->peer) {
        self->peer_len = (uint8_t)accepted->peer.len;
        memcpy(self->peer, &accepted->peer.storage, accepted->peer.len);
    }
    cleat_object_ref(&self->object); /* so that fd is not closed if no id can be opened */
    id = cleat_handle_open(&self->object);
    if (id > 0) self->fd = fd;
    cleat_object_unref(&self->object);
    return id;
}

/* open_or_close is for descriptors that the core itself has created: it closes fd on failure. */
static int32_t open_or_close(int fd, int family, int type, const struct accepted *accepted) {
    int32_t id = open_socket(fd, family, type, false, accepted);
    if (id < 0) close(fd);
    return id;
}

int32_t cleat_socket_new(int32_t family, int32_t socktype, int32_t proto) {
    CLEAT_NO_CANCEL();
    int fd;
    CLEAT_CHECK_RANGE(2, socktype, 1, 15);
    fd = socket(family, socktype | SOCK_CLOEXEC, proto);
    if (fd < 0) return cleat_fail_errno(errno);
    return open_or_close(fd, family, socktype, NULL);
}

static int32_t adopt(int32_t fd, bool borrowed) {
    int family = 0;
    int type = 0;
    socklen_t len = sizeof type;
    if (fd < 0) return cleat_fail_errno(EBADF);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) != 0) {
        return cleat_fail_errno(errno);
    }
    return open_socket(fd, family, type, borrowed, NULL);
}

int32_t cleat_socket_from_fd(int32_t fd) {
    CLEAT_NO_CANCEL();
    return adopt(fd, false);
}

int32_t cleat_socket_over_fd(int32_t fd) {
    CLEAT_NO_CANCEL();
    return adopt(fd, true);
}

int32_t cleat_socket_duplicate(int32_t fd) {
    CLEAT_NO_CANCEL();
    int32_t id;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return cleat_fail_errno(errno);
    id = cleat_socket_from_fd(copy);
    if (id < 0) close(copy);
    return id;
}

int32_t cleat_socket_pair(int32_t family, int32_t socktype, int32_t proto, int32_t *first,
                          int32_t *second) {
    CLEAT_NO_CANCEL();
    int fds[2];
    int32_t one;
    int32_t two;
    CLEAT_CHECK_RANGE(2, socktype, 1, 15);
    CLEAT_CHECK_POINTER(4, first);
    CLEAT_CHECK_POINTER(5, second);
    if (socketpair(family, socktype | SOCK_CLOEXEC, proto, fds) != 0)
        return cleat_fail_errno(errno);
    one = open_or_close(fds[0], family, socktype, NULL);
    if (one < 0) {
        close(fds[1]);
        return one;
    }
    two = open_or_close(fds[1], family, socktype, NULL);
    if (two < 0) {
        cleat_close(one);
        return two;
    }
    *first = one;
    *second = two;
    return CLEAT_OK;
}

int32_t cleat_socket_detach(int32_t socket) {
    struct cleat_socket *self;
    int32_t result;
    CLEAT_FIND(self, socket, CLEAT_KIND_SOCKET);
    result = cleat_handle_detach(&self->object);
    if (result >= 0) {
        result = self->fd;
        self->fd = -1;
    }
    CLEAT_DONE(self);
    return result;
}

static int32_t set_nonblocking(int fd, bool nonblocking) {
    int flags = fcntl(fd, F_GETFL);
    int wanted = nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    if (flags < 0) return cleat_fail_errno(errno);
    if (wanted != flags && fcntl(fd, F_SETFL, wanted) < 0) return cleat_fail_errno(errno);
    return CLEAT_OK;
}

int32_t cleat_socket_set_blocking(int32_t socket, int32_t blocking) {
    struct cleat_socket *self;
    int32_t result;
    CLEAT_CHECK_RANGE(2, blocking, 0, 1);
    CLEAT_FIND(self, socket, CLEAT_KIND_SOCKET);
    result = set_nonblocking(self->fd, blocking == 0);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_socket_bind(int32_t socket, const char *host, int32_t host_len, int32_t port) {
    struct cleat_socket *self;
    struct cleat_address address;
    int32_t result;
    CLEAT_FIND(self, socket, CLEAT_KIND_SOCKET);
    result = cleat_address_parse(&address, self->family, host, host_len, port, 2);
    if (result >= 0 &&
        bind(self->fd, (const struct sockaddr *)&address.storage, address.len) != 0) {
        result = cleat_fail_errno(errno);
    }
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_socket_listen(int32_t socket, int32_t backlog) {
    struct cleat_socket *self;
    int32_t result = CLEAT_OK;
    if (backlog < 0) return cleat_fail_usage(2, "negative backlog");
    CLEAT_FIND(self, socket, CLEAT_KIND_SOCKET);
    if (listen(self->fd, backlog > CLEAT_SOMAXCONN ? CLEAT_SOMAXCONN : backlog) != 0) {
        result = cleat_fail_errno(errno);
    }
    CLEAT_DONE(self);
    return result;
}

/* With an infinite timeout and a blocking descriptor, accept and connect block in the kernel; otherwise the
 * descriptor is non-blocking, and cleat_wait waits. */
static int32_t accept_until(struct cleat_socket *self, cleat_deadline deadline) {
    struct accepted accepted = {.listener = self};
    struct cleat_address *peer = &accepted.peer;
    for (;;) {
        int32_t status = cleat_wait_enter(&self->object, deadline == CLEAT_DEADLINE_NEVER);
        int error;
        int fd;
        if (status < 0) return status;
        peer->len = sizeof peer->storage;
        fd = accept4(self->fd, (struct sockaddr *)&peer->storage, &peer->len, SOCK_CLOEXEC);
        error = errno;
        status = cleat_wait_leave(&self->object, deadline == CLEAT_DEADLINE_NEVER);
        if (status < 0) {
            if (fd >= 0) close(fd);
            return status;
        }
        if (fd >= 0) return open_or_close(fd, self->family, self->type, &accepted);
        /* A connection that was aborted before it was accepted is not an error of this call. */
        if (error == EINTR || error == ECONNABORTED) continue;
        if (error != EAGAIN) return cleat_fail_errno(error);
        status = cleat_wait(&self->object, self->fd, POLLIN, deadline);
        if (status < 0) return status;
    }
}

int32_t cleat_socket_accept(int32_t socket, double timeout) {
    struct cleat_socket *self;
    cleat_deadline deadline;
    int32_t result = CLEAT_OK;
    CLEAT_SET_DEADLINE(2, timeout, deadline);
    CLEAT_FIND(self, socket, CLEAT_KIND_SOCKET);
    if (deadline != CLEAT_DEADLINE_NEVER) result = set_nonblocking(self->fd, true);
    if (result >= 0) result = accept_until(self, deadline);
    CLEAT_DONE(self);
    return result;
}

/* retries: whether to try again while the listener's queue is full, as a Unix socket's connect does in the kernel.
 * There it would not be woken when the socket is shut down, and poll does not report it. */
static int32_t connect_until(struct cleat_socket *self, const struct cleat_address *address,
                             cleat_deadline deadline, bool retries) {
    bool blocks = deadline == CLEAT_DEADLINE_NEVER && !retries;
    for (;;) {
        int32_t status = cleat_wait_enter(&self->object, blocks);
        int error;
        int failed;
        if (status < 0) return status;
        failed = connect(self->fd, (const struct sockaddr *)&address->storage, address->len);
        error = errno;
        status = cleat_wait_leave(&self->object, blocks);
        if (status < 0) return status;
        if (failed == 0) return CLEAT_OK;
        if (error == EINTR && cleat_is_interruptible()) return cleat_fail_errno(EINTR);
        /* The kernel is still connecting; calling connect again waits for it. */
        if (error == EINTR) continue;
        if (error == EAGAIN && retries) {
            status = cleat_wait_moment(&self->object, deadline);
        } else if (error == EINPROGRESS || error == EALREADY) {
            status = cleat_wait(&self->object, self->fd, POLLOUT, deadline);
        } else {
            status = cleat_fail_errno(error);
        }
        if (status < 0) return status;
    }
}

int32_t cleat_socket_connect(int32_t socket, const char *host, int32_t host_len, int32_t port,
                             double timeout) {
    CLEAT_CHECK_TIMEOUT(5, timeout);
    return cleat_socket_connect_flow(socket, host, host_len, port, 0, timeout);
}

int32_t cleat_socket_connect_flow(int32_t socket, const char *host, int32_t host_len, int32_t port,
                                  int32_t flowinfo, double timeout) {
    struct cleat_socket *self;
    struct cleat_address address;
    cleat_deadline deadline;
    int flags = O_NONBLOCK;
    bool retries;
    int32_t result;
    CLEAT_CHECK_RANGE(5, flowinfo, 0, CLEAT_FLOWINFO_MAX);
    CLEAT_SET_DEADLINE(6, timeout, deadline);
    CLEAT_FIND(self, socket, CLEAT_KIND_SOCKET);
    result = cleat_address_parse(&address, self->family, host, host_len, port, 2);
    if (result >= 0) cleat_address_set_flowinfo(&address, flowinfo);
    retries = timeout < 0 && self->family == AF_UNIX;
    if (result >= 0 && (deadline != CLEAT_DEADLINE_NEVER || retries)) {
        flags = fcntl(self->fd, F_GETFL);
        if ((flags & O_NONBLOCK) == 0) fcntl(self->fd, F_SETFL, flags | O_NONBLOCK);
    }
    if (result >= 0) {
        atomic_store_explicit(&self->port, cleat_address_port(&address), memory_order_relaxed);
        result = connect_until(self, &address, deadline, retries);
    }
    if (result >= 0) atomic_store_explicit(&self->connected, true, memory_order_relaxed);
    if ((flags & O_NONBLOCK) == 0) fcntl(self->fd, F_SETFL, flags);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_socket_shutdown(int32_t socket, int32_t how) {
    struct cleat_socket *self;
    int32_t result = CLEAT_OK;
    CLEAT_CHECK_RANGE(2, how, CLEAT_SHUT_RD, CLEAT_SHUT_RDWR);
    CLEAT_FIND(self, socket, CLEAT_KIND_SOCKET);
    if (shutdown(self->fd, how) != 0) result = cleat_fail_errno(errno);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_socket_fileno(int32_t socket) {
    struct cleat_socket *self;
    int32_t fd;
    CLEAT_FIND(self, socket, CLEAT_KIND_SOCKET);
    fd = self->fd;
    CLEAT_DONE(self);
    return fd;
}
