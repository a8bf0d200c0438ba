/* socket_option.c: a socket's properties, addresses and options. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/argument.h"
#include "net/address.h"
#include "net/socket.h"

_Static_assert(CLEAT_SOL_SOCKET == SOL_SOCKET && CLEAT_IPPROTO_TCP == IPPROTO_TCP &&
                   CLEAT_IPPROTO_UDP == IPPROTO_UDP && CLEAT_IPPROTO_IPV6 == IPPROTO_IPV6,
               "the levels are the system's");
_Static_assert(CLEAT_SO_REUSEADDR == SO_REUSEADDR && CLEAT_SO_TYPE == SO_TYPE &&
                   CLEAT_SO_ERROR == SO_ERROR && CLEAT_SO_BROADCAST == SO_BROADCAST &&
                   CLEAT_SO_SNDBUF == SO_SNDBUF && CLEAT_SO_RCVBUF == SO_RCVBUF &&
                   CLEAT_SO_KEEPALIVE == SO_KEEPALIVE && CLEAT_SO_OOBINLINE == SO_OOBINLINE &&
                   CLEAT_SO_LINGER == SO_LINGER && CLEAT_SO_REUSEPORT == SO_REUSEPORT &&
                   CLEAT_SO_RCVLOWAT == SO_RCVLOWAT && CLEAT_SO_RCVTIMEO == SO_RCVTIMEO &&
                   CLEAT_SO_SNDTIMEO == SO_SNDTIMEO && CLEAT_SO_ACCEPTCONN == SO_ACCEPTCONN &&
                   CLEAT_SO_PROTOCOL == SO_PROTOCOL && CLEAT_SO_DOMAIN == SO_DOMAIN,
               "the options are the system's");
_Static_assert(CLEAT_TCP_NODELAY == TCP_NODELAY && CLEAT_TCP_MAXSEG == TCP_MAXSEG &&
                   CLEAT_TCP_CORK == TCP_CORK && CLEAT_TCP_KEEPIDLE == TCP_KEEPIDLE &&
                   CLEAT_TCP_KEEPINTVL == TCP_KEEPINTVL && CLEAT_TCP_KEEPCNT == TCP_KEEPCNT &&
                   CLEAT_TCP_DEFER_ACCEPT == TCP_DEFER_ACCEPT &&
                   CLEAT_TCP_QUICKACK == TCP_QUICKACK &&
                   CLEAT_TCP_USER_TIMEOUT == TCP_USER_TIMEOUT && CLEAT_IPV6_V6ONLY == IPV6_V6ONLY,
               "the options are the system's");

static int32_t get_option(int fd, int option) {
    int value = 0;
    socklen_t len = sizeof value;
    if (getsockopt(fd, SOL_SOCKET, option, &value, &len) != 0) return cleat_fail_errno(errno);
    return value;
}

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

int32_t cleat_socket_check_stream(int fd, bool *is_tcp) {
    int32_t type = SOCK_STREAM;
    int32_t protocol = fd < 0 ? cleat_fail_errno(EBADF) : get_option(fd, SO_PROTOCOL);
    if (protocol < 0) return protocol;
    *is_tcp = protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP;
    if (!*is_tcp) type = get_option(fd, SO_TYPE);
    if (type < 0) return type;
    return type == SOCK_STREAM ? CLEAT_OK : cleat_fail_not_stream();
}

void cleat_socket_set_nodelay(int fd) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool cleat_socket_wants_nodelay(const struct cleat_socket *socket) {
    return (socket->family == AF_INET || socket->family == AF_INET6) &&
           socket->type == SOCK_STREAM &&
           !atomic_load_explicit(&socket->nodelay_chosen, memory_order_relaxed);
}

uint64_t cleat_socket_inode(int fd) {
    struct stat status;
    return fstat(fd, &status) == 0 ? (uint64_t)status.st_ino : 0;
}

int32_t cleat_fail_not_stream(void) {
    return cleat_fail(CLEAT_UNSUPPORTED, 0, "only stream sockets are supported");
}

int32_t cleat_socket_family(int32_t socket) {
    struct cleat_socket *self;
    int32_t result;
    CLEAT_FIND(self, socket, CLEAT_KIND_SOCKET);
    result = self->family;
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_socket_type(int32_t socket) {
    struct cleat_socket *self;
    int32_t result;
    CLEAT_FIND(self, socket, CLEAT_KIND_SOCKET);
    result = self->type;
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_socket_protocol(int32_t socket) {
    struct cleat_socket *self;
    int32_t result;
    CLEAT_FIND(self, socket, CLEAT_KIND_SOCKET);
    result = get_option(self->fd, SO_PROTOCOL);
    CLEAT_DONE(self);
    return result;
}

static bool get_peer(const struct cleat_socket *self, struct cleat_address *peer) {
    if (self->peer_len > 0) {
        memcpy(&peer->storage, self->peer, self->peer_len);
        peer->len = self->peer_len;
        return true;
    }
    return getpeername(self->fd, (struct sockaddr *)&peer->storage, &peer->len) == 0;
}

int32_t cleat_socket_peer_port(const struct cleat_socket *socket, int fd) {
    struct cleat_address peer = {.len = sizeof peer.storage};
    int32_t port = socket == NULL ? 0 : atomic_load_explicit(&socket->port, memory_order_relaxed);
    if (port != 0 || fd < 0) return port;
    if (getpeername(fd, (struct sockaddr *)&peer.storage, &peer.len) != 0) return 0;
    return cleat_address_port(&peer);
}

static bool get_own(const struct cleat_socket *self, struct cleat_address *own) {
    return getsockname(self->fd, (struct sockaddr *)&own->storage, &own->len) == 0;
}

int32_t cleat_socket_connected(int32_t socket) {
    struct cleat_socket *self;
    struct cleat_address peer = {.len = sizeof peer.storage};
    int32_t result = 1;
    CLEAT_FIND(self, socket, CLEAT_KIND_SOCKET);
    if (!atomic_load_explicit(&self->connected, memory_order_relaxed) && !get_peer(self, &peer)) {
        result = errno == ENOTCONN ? 0 : cleat_fail_errno(errno);
    }
    CLEAT_DONE(self);
    return result;
}

typedef bool (*name_function)(const struct cleat_socket *self, struct cleat_address *name);

static int32_t copy_name(int32_t socket, name_function function, char *output, int32_t output_cap,
                         int32_t *port, int32_t *flowinfo, int32_t *scope_id) {
    struct cleat_socket *self;
    struct cleat_address name = {.len = sizeof name.storage};
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_CHECK_POINTER(4, port);
    CLEAT_CHECK_POINTER(5, flowinfo);
    CLEAT_CHECK_POINTER(6, scope_id);
    CLEAT_FIND(self, socket, CLEAT_KIND_SOCKET);
    if (!function(self, &name)) {
        result = cleat_fail_errno(errno);
    } else {
        result = cleat_address_copy_out((const struct sockaddr *)&name.storage, name.len, output,
                                        output_cap, port, flowinfo, scope_id);
    }
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_socket_getsockname(int32_t socket, char *output, int32_t output_cap, int32_t *port,
                                 int32_t *flowinfo, int32_t *scope_id) {
    return copy_name(socket, get_own, output, output_cap, port, flowinfo, scope_id);
}

int32_t cleat_socket_getpeername(int32_t socket, char *output, int32_t output_cap, int32_t *port,
                                 int32_t *flowinfo, int32_t *scope_id) {
    return copy_name(socket, get_peer, output, output_cap, port, flowinfo, scope_id);
}

int32_t cleat_socket_getsockopt(int32_t socket, int32_t level, int32_t option, int32_t *value) {
    struct cleat_socket *self;
    int current = 0;
    socklen_t len = sizeof current;
    int32_t result = CLEAT_OK;
    CLEAT_CHECK_POINTER(4, value);
    CLEAT_FIND(self, socket, CLEAT_KIND_SOCKET);
    if (getsockopt(self->fd, level, option, &current, &len) != 0) {
        result = cleat_fail_errno(errno);
    } else {
        *value = current;
    }
    CLEAT_DONE(self);
    return result;
}

static void mark_nodelay_chosen(struct cleat_socket *self, int32_t level, int32_t option) {
    if (level != IPPROTO_TCP || option != TCP_NODELAY) return;
    atomic_store_explicit(&self->nodelay_chosen, true, memory_order_relaxed);
}

int32_t cleat_socket_setsockopt(int32_t socket, int32_t level, int32_t option, int32_t value) {
    struct cleat_socket *self;
    int32_t result = CLEAT_OK;
    CLEAT_FIND(self, socket, CLEAT_KIND_SOCKET);
    if (setsockopt(self->fd, level, option, &value, sizeof value) != 0) {
        result = cleat_fail_errno(errno);
    } else {
        mark_nodelay_chosen(self, level, option);
    }
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_socket_getsockopt_bytes(int32_t socket, int32_t level, int32_t option, char *buf,
                                      int32_t buf_cap) {
    struct cleat_socket *self;
    socklen_t len;
    int32_t result;
    CLEAT_CHECK_OUT(4, buf, buf_cap);
    CLEAT_FIND(self, socket, CLEAT_KIND_SOCKET);
    len = (socklen_t)buf_cap;
    result = getsockopt(self->fd, level, option, buf, &len) == 0 ? (int32_t)len
                                                                 : cleat_fail_errno(errno);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_socket_setsockopt_bytes(int32_t socket, int32_t level, int32_t option,
                                      const char *data, int32_t data_len) {
    struct cleat_socket *self;
    int32_t result = CLEAT_OK;
    CLEAT_CHECK_IN(4, data, data_len);
    CLEAT_FIND(self, socket, CLEAT_KIND_SOCKET);
    if (setsockopt(self->fd, level, option, data, (socklen_t)data_len) != 0) {
        result = cleat_fail_errno(errno);
    } else {
        mark_nodelay_chosen(self, level, option);
    }
    CLEAT_DONE(self);
    return result;
}
