/* socket.h: sockets, for connections over them. */
#ifndef CLEAT_CORE_SOCKET_H
#define CLEAT_CORE_SOCKET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/handle.h"
#include "cleat/socket.h"

struct cleat_socket {
    struct cleat_object object;
    int fd; /* -1 after detach */
    bool borrowed; /* fd belongs to the caller: the core does not close it */
    int family;
    int type;
    atomic_bool connected; /* cleat has connected or accepted the socket */
    atomic_int port; /* the port to which cleat has connected the socket; 0 if unknown or none */
    /* The caller has set TCP_NODELAY on the socket or on its listener. */
    atomic_bool nodelay_chosen;
    atomic_bool discards_input; /* unread input is discarded before close(2) */
    /* The address that accept returned, if it fits here: IPv4, IPv6 or unnamed. Never changed. */
    uint8_t peer_len; /* 0 if unknown */
    uint8_t peer[28];
};

/* cleat_socket_check_stream returns CLEAT_OK if fd is a stream socket, and stores whether it is a TCP socket.
 * CLEAT_SYS; CLEAT_UNSUPPORTED. */
int32_t cleat_socket_check_stream(int fd, bool *is_tcp);

/* cleat_socket_set_nodelay disables Nagle's algorithm: otherwise each flight of the handshake would wait for the
 * peer's delayed ACK of the previous one. A failure is ignored. */
void cleat_socket_set_nodelay(int fd);

/* cleat_socket_wants_nodelay returns whether the socket may be a TCP socket and the caller has not set TCP_NODELAY. */
bool cleat_socket_wants_nodelay(const struct cleat_socket *socket);

/* cleat_socket_discard_input receives and discards what has arrived, up to 1 MiB, without waiting. Closing a socket
 * with unread input resets the connection (RFC 2525 section 2.17), and the peer may lose what was sent last. */
void cleat_socket_discard_input(int fd);

/* cleat_socket_inode returns the inode number of the socket behind fd, which no other open socket has, or 0. */
uint64_t cleat_socket_inode(int fd);

/* cleat_socket_discard_later has the input discarded right before the socket is closed. */
static inline void cleat_socket_discard_later(struct cleat_socket *socket) {
    atomic_store_explicit(&socket->discards_input, true, memory_order_relaxed);
}

/* cleat_socket_peer_port returns the port of the peer of a socket or, if socket is NULL, of a connected descriptor;
 * 0 if there is none, or fd is -1. */
int32_t cleat_socket_peer_port(const struct cleat_socket *socket, int fd);

/* cleat_fail_not_stream reports a socket that is not a stream socket. */
int32_t cleat_fail_not_stream(void);

#endif
