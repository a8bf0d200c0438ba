/* socket.h: sockets, as the connections over them see them. */
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
    bool borrowed; /* fd is the caller's: it is not closed here */
    int family;
    int type;
    atomic_bool connected; /* cleat has connected or accepted it */
    atomic_int port; /* of the peer that cleat has connected it to; 0: not known, or none */
    atomic_bool nodelay_chosen; /* the user has set TCP_NODELAY, on it or on its listener */
    atomic_bool discards_input; /* what is unread is discarded before close(2) */
    /* Of an accepted one, the address that accept returned: an Internet address or an unnamed peer; never changed. */
    uint8_t peer_len; /* 0: not known */
    uint8_t peer[28];
};

/* cleat_socket_check_stream returns CLEAT_OK if fd is a stream socket, and stores whether it is
 * TCP's. CLEAT_SYS; CLEAT_UNSUPPORTED. */
int32_t cleat_socket_check_stream(int fd, bool *is_tcp);

/* cleat_socket_set_nodelay switches Nagle's algorithm off: TLS sends in flights, each of which
 * would otherwise wait for the peer's delayed ACK of the one before. A failure is ignored. */
void cleat_socket_set_nodelay(int fd);

/* cleat_socket_wants_nodelay returns whether the socket may be TCP's and the user has not chosen. */
bool cleat_socket_wants_nodelay(const struct cleat_socket *socket);

/* cleat_socket_discard_input receives and drops what has arrived, up to a bound, without waiting.
 * A socket that is closed with unread input resets the connection (RFC 2525 section 2.17), and the
 * peer loses what was sent last. */
void cleat_socket_discard_input(int fd);

/* cleat_socket_inode returns the number of the socket behind fd, which no other open socket has, or 0. */
uint64_t cleat_socket_inode(int fd);

/* cleat_socket_discard_later lets that be done right before the socket is closed. */
static inline void cleat_socket_discard_later(struct cleat_socket *socket) {
    atomic_store_explicit(&socket->discards_input, true, memory_order_relaxed);
}

/* cleat_socket_peer_port returns the port of the peer of a socket, or, if that is NULL, of a connected descriptor; 0 if
 * it has none, or fd is -1. */
int32_t cleat_socket_peer_port(const struct cleat_socket *socket, int fd);

/* cleat_fail_not_stream reports a socket that is none. */
int32_t cleat_fail_not_stream(void);

#endif
