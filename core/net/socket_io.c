/* socket_io.c: sends and receives data. */
#include <errno.h>
#include <sys/socket.h>

#include "base/argument.h"
#include "net/address.h"
#include "net/addrinfo.h"
#include "net/socket.h"
#include "net/wait.h"

_Static_assert(CLEAT_MSG_OOB == MSG_OOB && CLEAT_MSG_PEEK == MSG_PEEK &&
                   CLEAT_MSG_DONTROUTE == MSG_DONTROUTE && CLEAT_MSG_TRUNC == MSG_TRUNC &&
                   CLEAT_MSG_WAITALL == MSG_WAITALL && CLEAT_MSG_CTRUNC == MSG_CTRUNC &&
                   CLEAT_MSG_EOR == MSG_EOR,
               "the flags are the system's");

/* Sets MSG_DONTWAIT unless the timeout is infinite: then the call may block in the kernel. */
static int32_t begin(struct cleat_socket *self, cleat_deadline deadline, int *flags) {
    if (deadline != CLEAT_DEADLINE_NEVER) *flags |= MSG_DONTWAIT;
    return cleat_wait_enter(&self->object, deadline == CLEAT_DEADLINE_NEVER);
}

/* Ends what begin began, and converts the result of the system call to the function's result; or sets *again to
 * repeat the system call. */
static int32_t end(struct cleat_socket *self, cleat_deadline deadline, ssize_t moved, int error,
                   short event, bool *again) {
    int32_t closed = cleat_wait_leave(&self->object, deadline == CLEAT_DEADLINE_NEVER);
    *again = false;
    /* cleat_close shuts the socket down to wake waiting threads: the end of stream that they then see is not from
     * the peer. */
    if (closed < 0 && (moved <= 0 || deadline == CLEAT_DEADLINE_NEVER)) return closed;
    if (moved >= 0) return (int32_t)moved;
    *again = true;
    if (error == EINTR) return CLEAT_OK;
    if (error == EAGAIN) {
        int32_t status = cleat_wait(&self->object, self->fd, event, deadline);
        *again = status >= 0;
        return status;
    }
    *again = false;
    return cleat_fail_errno(error);
}

int32_t cleat_socket_send(int32_t socket, const char *data, int32_t data_len, int32_t flags,
                          double timeout) {
    struct cleat_socket *self;
    cleat_deadline deadline;
    int call_flags = flags | MSG_NOSIGNAL;
    bool again = true;
    int32_t result = 0;
    CLEAT_CHECK_IN(2, data, data_len);
    CLEAT_SET_DEADLINE(5, timeout, deadline);
    CLEAT_FIND(self, socket, CLEAT_KIND_SOCKET);
    while (again) {
        ssize_t moved;
        result = begin(self, deadline, &call_flags);
        if (result < 0) break;
        moved = send(self->fd, data, (size_t)data_len, call_flags);
        result = end(self, deadline, moved, errno, POLLOUT, &again);
    }
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_socket_recv(int32_t socket, char *buf, int32_t buf_cap, int32_t flags,
                          double timeout) {
    struct cleat_socket *self;
    cleat_deadline deadline;
    int call_flags = flags;
    bool again = true;
    int32_t result = 0;
    CLEAT_CHECK_OUT(2, buf, buf_cap);
    CLEAT_SET_DEADLINE(5, timeout, deadline);
    CLEAT_FIND(self, socket, CLEAT_KIND_SOCKET);
    while (again) {
        ssize_t moved;
        result = begin(self, deadline, &call_flags);
        if (result < 0) break;
        moved = recv(self->fd, buf, (size_t)buf_cap, call_flags);
        /* With MSG_TRUNC recv returns the whole length of a datagram, which may exceed buf_cap. */
        if (moved > buf_cap) moved = buf_cap;
        result = end(self, deadline, moved, errno, POLLIN, &again);
    }
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_socket_sendto(int32_t socket, const char *data, int32_t data_len, int32_t flags,
                            const char *host, int32_t host_len, int32_t port, double timeout) {
    CLEAT_CHECK_IN(2, data, data_len);
    CLEAT_CHECK_TIMEOUT(8, timeout);
    return cleat_socket_sendto_flow(socket, data, data_len, flags, host, host_len, port, 0,
                                    timeout);
}

int32_t cleat_socket_sendto_flow(int32_t socket, const char *data, int32_t data_len, int32_t flags,
                                 const char *host, int32_t host_len, int32_t port, int32_t flowinfo,
                                 double timeout) {
    struct cleat_socket *self;
    struct cleat_address address;
    cleat_deadline deadline;
    int call_flags = flags | MSG_NOSIGNAL;
    bool again;
    int32_t result;
    CLEAT_CHECK_IN(2, data, data_len);
    CLEAT_CHECK_RANGE(8, flowinfo, 0, CLEAT_FLOWINFO_MAX);
    CLEAT_SET_DEADLINE(9, timeout, deadline);
    CLEAT_FIND(self, socket, CLEAT_KIND_SOCKET);
    result = cleat_address_parse(&address, self->family, host, host_len, port, 5);
    again = result >= 0;
    if (again) cleat_address_set_flowinfo(&address, flowinfo);
    if (self->family == AF_UNIX) call_flags |= MSG_DONTWAIT;
    while (again) {
        ssize_t moved;
        result = begin(self, deadline, &call_flags);
        if (result < 0) break;
        moved = sendto(self->fd, data, (size_t)data_len, call_flags,
                       (const struct sockaddr *)&address.storage, address.len);
        if (moved < 0 && errno == EAGAIN && self->family == AF_UNIX) {
            result = cleat_wait_leave(&self->object, deadline == CLEAT_DEADLINE_NEVER);
            /* Linux reports a socket that is not connected as writable although the receiver's queue is full, and a
             * sender that blocks in the kernel is not woken when its socket is shut down. */
            if (result >= 0) result = cleat_wait_moment(&self->object, deadline);
            again = result >= 0;
        } else {
            result = end(self, deadline, moved, errno, POLLOUT, &again);
        }
    }
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_socket_recvfrom(int32_t socket, char *buf, int32_t buf_cap, int32_t flags,
                              double timeout, int32_t *sender) {
    CLEAT_NO_CANCEL();
    int32_t msg_flags;
    CLEAT_CHECK_OUT(2, buf, buf_cap);
    CLEAT_CHECK_TIMEOUT(5, timeout);
    CLEAT_CHECK_POINTER(6, sender);
    return cleat_socket_recvmsg(socket, buf, buf_cap, flags, timeout, &msg_flags, sender);
}

int32_t cleat_socket_recvmsg(int32_t socket, char *buf, int32_t buf_cap, int32_t flags,
                             double timeout, int32_t *msg_flags, int32_t *sender) {
    struct cleat_socket *self;
    struct cleat_address address = {.len = 0};
    struct iovec room = {.iov_base = buf, .iov_len = (size_t)buf_cap};
    struct msghdr message = {.msg_name = &address.storage, .msg_iov = &room, .msg_iovlen = 1};
    cleat_deadline deadline;
    int call_flags = flags;
    bool again = true;
    int32_t result = 0;
    CLEAT_CHECK_OUT(2, buf, buf_cap);
    CLEAT_SET_DEADLINE(5, timeout, deadline);
    CLEAT_CHECK_POINTER(6, msg_flags);
    CLEAT_CHECK_POINTER(7, sender);
    CLEAT_FIND(self, socket, CLEAT_KIND_SOCKET);
    while (again) {
        ssize_t moved;
        result = begin(self, deadline, &call_flags);
        if (result < 0) break;
        message.msg_namelen = sizeof address.storage;
        moved = recvmsg(self->fd, &message, call_flags);
        address.len = message.msg_namelen;
        if (moved > buf_cap) moved = buf_cap;
        result = end(self, deadline, moved, errno, POLLIN, &again);
    }
    if (result >= 0) {
        int32_t id = cleat_addrinfo_of_address(&address);
        if (id < 0) result = id;
        if (id > 0) {
            *sender = id;
            *msg_flags = message.msg_flags;
        }
    }
    CLEAT_DONE(self);
    return result;
}

enum {
    ROOM = 64 * 1024, /* more than the data of an IP packet, and enough of a stream for one call */
    ROOM_DATAGRAM = 2 * 1024 * 1024 /* more than the longest datagram of other families on Linux */
};

int32_t cleat_socket_recv_room(int32_t socket, int32_t wanted, int32_t flags) {
    struct cleat_socket *self;
    int32_t room = ROOM;
    if (wanted < 0) return cleat_fail_usage(2, "negative capacity");
    CLEAT_FIND(self, socket, CLEAT_KIND_SOCKET);
    if (self->type == SOCK_STREAM) {
        if ((flags & MSG_WAITALL) != 0) room = wanted;
    } else if (wanted > room && self->family != AF_INET && self->family != AF_INET6) {
        char none;
        ssize_t next = recv(self->fd, &none, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
        if (next < 0) room = ROOM_DATAGRAM;
        if (next > room) room = next < ROOM_DATAGRAM ? (int32_t)next : ROOM_DATAGRAM;
    }
    CLEAT_DONE(self);
    return wanted < room ? wanted : room;
}

void cleat_socket_discard_input(int fd) {
    enum { TIMES = 64 };
    char bytes[16384];
    int i;
    for (i = 0; i < TIMES; i++) {
        ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EINTR)) return;
    }
}
