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
    /* Of an accepted one, what accept told: an Internet address or an unnamed peer; never changed. */
    uint8_t peer_len; /* 0: not known */
    uint8_t peer[28];
};

/* cleat_socket_check_stream returns CLEAT_OK if fd is a stream socket. CLEAT_SYS; CLEAT_UNSUPPORTED.
 */
int32_t cleat_socket_check_stream(int fd);

/* cleat_fail_not_stream reports a socket that is none. */
int32_t cleat_fail_not_stream(void);

#endif
