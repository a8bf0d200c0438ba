/* socket.h: sockets, as the connections over them see them. */
#ifndef CLEAT_CORE_SOCKET_H
#define CLEAT_CORE_SOCKET_H

#include "cleat/socket.h"
#include "handle.h"

struct cleat_socket {
    struct cleat_object object;
    int fd; /* -1 after detach */
};

/* cleat_socket_check_stream returns CLEAT_OK if fd is a stream socket. CLEAT_SYS;
 * CLEAT_UNSUPPORTED. */
int32_t cleat_socket_check_stream(int fd);

/* cleat_socket_family_of returns the address family of fd, AF_UNSPEC if it has none. */
int cleat_socket_family_of(int fd);

#endif
