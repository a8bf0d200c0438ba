/* socket.h: sockets, without TLS (POSIX sockets; addresses as in cleat/address.h).
 *
 * A call that would wait longer than its timeout returns CLEAT_WANT_READ or CLEAT_WANT_WRITE if the timeout is 0,
 * and CLEAT_TIMEOUT otherwise, whether or not the descriptor has the flag O_NONBLOCK. Signals do not end a call,
 * except in an interruptible thread (cleat/interrupt.h). */
#ifndef CLEAT_SOCKET_H
#define CLEAT_SOCKET_H

#include "cleat/base.h"

/* CLEAT_SOCK_* are the socket types. */
#define CLEAT_SOCK_STREAM 1
#define CLEAT_SOCK_DGRAM 2

/* CLEAT_SOL_* and CLEAT_IPPROTO_* are levels of options and protocol numbers. */
#define CLEAT_SOL_SOCKET 1
#define CLEAT_IPPROTO_IP 0
#define CLEAT_IPPROTO_TCP 6
#define CLEAT_IPPROTO_UDP 17
#define CLEAT_IPPROTO_IPV6 41

/* CLEAT_SO_* are options of level CLEAT_SOL_SOCKET. */
#define CLEAT_SO_REUSEADDR 2
#define CLEAT_SO_TYPE 3
#define CLEAT_SO_ERROR 4
#define CLEAT_SO_BROADCAST 6
#define CLEAT_SO_SNDBUF 7
#define CLEAT_SO_RCVBUF 8
#define CLEAT_SO_KEEPALIVE 9
#define CLEAT_SO_OOBINLINE 10
#define CLEAT_SO_LINGER 13
#define CLEAT_SO_REUSEPORT 15
#define CLEAT_SO_RCVLOWAT 18
#define CLEAT_SO_RCVTIMEO 20
#define CLEAT_SO_SNDTIMEO 21
#define CLEAT_SO_ACCEPTCONN 30
#define CLEAT_SO_PROTOCOL 38
#define CLEAT_SO_DOMAIN 39

/* CLEAT_TCP_* are options of level CLEAT_IPPROTO_TCP. */
#define CLEAT_TCP_NODELAY 1
#define CLEAT_TCP_MAXSEG 2
#define CLEAT_TCP_CORK 3
#define CLEAT_TCP_KEEPIDLE 4
#define CLEAT_TCP_KEEPINTVL 5
#define CLEAT_TCP_KEEPCNT 6
#define CLEAT_TCP_DEFER_ACCEPT 9
#define CLEAT_TCP_QUICKACK 12
#define CLEAT_TCP_USER_TIMEOUT 18

/* CLEAT_IPV6_V6ONLY is an option of level CLEAT_IPPROTO_IPV6. */
#define CLEAT_IPV6_V6ONLY 26

/* CLEAT_MSG_* are flags for cleat_socket_send and cleat_socket_recv. */
#define CLEAT_MSG_OOB 1
#define CLEAT_MSG_PEEK 2
#define CLEAT_MSG_DONTROUTE 4
#define CLEAT_MSG_CTRUNC 8
#define CLEAT_MSG_TRUNC 32
#define CLEAT_MSG_EOR 128
#define CLEAT_MSG_WAITALL 256

/* CLEAT_SHUT_* are the directions of cleat_socket_shutdown. */
#define CLEAT_SHUT_RD 0
#define CLEAT_SHUT_WR 1
#define CLEAT_SHUT_RDWR 2

/* CLEAT_SOMAXCONN is the maximum backlog: cleat_socket_listen reduces larger ones to it. */
#define CLEAT_SOMAXCONN 4096

/* cleat_socket_new returns the id of a new socket. family: CLEAT_AF_*; socktype: CLEAT_SOCK_*; proto: 0 for the
 * family's default. CLEAT_SYS. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_socket_new(int32_t family, int32_t socktype, int32_t proto);

/* cleat_socket_from_fd returns the id of a socket that takes over the caller's descriptor: closing the id closes it,
 * unless cleat_socket_detach returns it first. On failure the caller still owns it. CLEAT_SYS with EBADF or
 * ENOTSOCK. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_socket_from_fd(int32_t fd);

/* cleat_socket_over_fd returns the id of a socket over a descriptor that the caller continues to own: it must stay
 * open as long as the socket, and closing the id does not close it. If a call is waiting when the id is closed,
 * cleat_close shuts the descriptor down nevertheless. CLEAT_SYS with EBADF or ENOTSOCK. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_socket_over_fd(int32_t fd);

/* cleat_socket_duplicate returns the id of a socket that owns a duplicate of a descriptor (dup). The caller still
 * owns fd and may close it at any time. Both refer to the same system socket: they share the connection, the flag
 * O_NONBLOCK and the options. CLEAT_SYS (EBADF, ENOTSOCK, EMFILE). */
CLEAT_API CLEAT_NEW_ID int32_t cleat_socket_duplicate(int32_t fd);

/* cleat_socket_pair returns CLEAT_OK and stores the ids of two sockets that are connected to
 * each other. family: CLEAT_AF_UNIX; socktype and proto as in cleat_socket_new. CLEAT_SYS. */
CLEAT_API int32_t cleat_socket_pair(int32_t family, int32_t socktype, int32_t proto,
                                    CLEAT_NEW_ID int32_t *first, CLEAT_NEW_ID int32_t *second);

/* cleat_socket_fileno returns the socket's descriptor, for use in select or poll. The id still owns it. */
CLEAT_API int32_t cleat_socket_fileno(int32_t socket);

/* cleat_socket_detach returns the socket's descriptor, which the caller owns from then on, and closes the id.
 * CLEAT_USAGE while another thread or a connection uses the socket; the id then stays open. CLEAT_CLOSED. */
CLEAT_API int32_t cleat_socket_detach(CLEAT_CLOSES int32_t socket);

/* cleat_socket_family returns the socket's CLEAT_AF_*. */
CLEAT_API int32_t cleat_socket_family(int32_t socket);

/* cleat_socket_type returns the socket's CLEAT_SOCK_*. */
CLEAT_API int32_t cleat_socket_type(int32_t socket);

/* cleat_socket_protocol returns the socket's protocol number, for example CLEAT_IPPROTO_TCP. */
CLEAT_API int32_t cleat_socket_protocol(int32_t socket);

/* cleat_socket_set_blocking returns CLEAT_OK and sets or clears O_NONBLOCK on the descriptor. It has no effect on
 * cleat's functions; it is for code that uses the descriptor directly. blocking: 0 or 1. CLEAT_SYS. */
CLEAT_API int32_t cleat_socket_set_blocking(int32_t socket, int32_t blocking);

/* cleat_socket_bind returns CLEAT_OK and binds the socket to an address of its family. port: 0
 * to 65535, 0 for a free one. CLEAT_SYS; CLEAT_RESOLVE. */
CLEAT_API CLEAT_MAY_BLOCK int32_t cleat_socket_bind(int32_t socket, const char *host,
                                                    int32_t host_len, int32_t port);

/* cleat_socket_listen returns CLEAT_OK and makes the socket accept connections. backlog: the maximum number of
 * connections that wait to be accepted, 0 or more. CLEAT_SYS. */
CLEAT_API int32_t cleat_socket_listen(int32_t socket, int32_t backlog);

/* cleat_socket_accept returns the id of a socket for the next connection. If timeout is not negative, the listening
 * descriptor is permanently set to O_NONBLOCK. CLEAT_WANT_READ; CLEAT_TIMEOUT; CLEAT_CLOSED; CLEAT_SYS. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_socket_accept(int32_t socket, double timeout);

/* cleat_socket_connect returns CLEAT_OK once the socket is connected to an address of its family; a name is resolved
 * first and its first address is tried. port: 0 to 65535. After CLEAT_WANT_WRITE the connection is in progress: wait
 * until the socket is writable and call again with the same address. CLEAT_TIMEOUT; CLEAT_CLOSED; CLEAT_SYS
 * (ECONNREFUSED, EISCONN ...); CLEAT_RESOLVE. */
CLEAT_API CLEAT_MAY_BLOCK int32_t cleat_socket_connect(int32_t socket, const char *host,
                                                       int32_t host_len, int32_t port,
                                                       double timeout);

/* cleat_socket_connect_flow returns CLEAT_OK, as cleat_socket_connect, with the flow information of an IPv6 address
 * (RFC 3493 section 3.3: the flow label and the traffic class), which Linux uses if the option IPV6_FLOWINFO_SEND is
 * set. flowinfo: 0 to 0x0fffffff; 0 for other families. CLEAT_WANT_WRITE; CLEAT_TIMEOUT; CLEAT_CLOSED; CLEAT_SYS
 * (EINVAL: another socket has reserved the flow label); CLEAT_RESOLVE. */
CLEAT_API CLEAT_MAY_BLOCK int32_t cleat_socket_connect_flow(int32_t socket, const char *host,
                                                            int32_t host_len, int32_t port,
                                                            int32_t flowinfo, double timeout);

/* cleat_socket_send returns how many of the bytes were sent, which may be fewer than data_len.
 * flags: CLEAT_MSG_*. CLEAT_WANT_WRITE; CLEAT_TIMEOUT; CLEAT_CLOSED; CLEAT_SYS (EPIPE,
 * ECONNRESET, ENOTCONN ...). */
CLEAT_API int32_t cleat_socket_send(int32_t socket, const char *data, int32_t data_len,
                                    int32_t flags, double timeout);

/* cleat_socket_recv returns how many bytes were received, 0 at the end of the stream. flags: CLEAT_MSG_*.
 * CLEAT_WANT_READ; CLEAT_TIMEOUT; CLEAT_CLOSED; CLEAT_SYS. */
CLEAT_API int32_t cleat_socket_recv(int32_t socket, char *buf, int32_t buf_cap, int32_t flags,
                                    double timeout);

/* cleat_socket_recv_room returns how many bytes of buffer a receive call can use, at most wanted, for callers that
 * allocate a buffer for each call: 64 KiB for streams and Internet datagrams, unless wanted is less or flags has
 * CLEAT_MSG_WAITALL; for other datagrams more, if the next one is longer or none has arrived. It does not wait.
 * flags: CLEAT_MSG_*. */
CLEAT_API int32_t cleat_socket_recv_room(int32_t socket, int32_t wanted, int32_t flags);

/* cleat_socket_sendto returns how many of the bytes were sent to an address of the socket's
 * family, in one datagram. flags: CLEAT_MSG_*; port: 0 to 65535. CLEAT_WANT_WRITE;
 * CLEAT_TIMEOUT; CLEAT_CLOSED; CLEAT_SYS; CLEAT_RESOLVE. */
CLEAT_API CLEAT_MAY_BLOCK int32_t cleat_socket_sendto(int32_t socket, const char *data,
                                                      int32_t data_len, int32_t flags,
                                                      const char *host, int32_t host_len,
                                                      int32_t port, double timeout);

/* cleat_socket_sendto_flow returns how many of the bytes were sent, as cleat_socket_sendto, with flow information as
 * in cleat_socket_connect_flow. flags: CLEAT_MSG_*; flowinfo: 0 to 0x0fffffff. CLEAT_WANT_WRITE; CLEAT_TIMEOUT;
 * CLEAT_CLOSED; CLEAT_SYS; CLEAT_RESOLVE. */
CLEAT_API CLEAT_MAY_BLOCK int32_t cleat_socket_sendto_flow(int32_t socket, const char *data,
                                                           int32_t data_len, int32_t flags,
                                                           const char *host, int32_t host_len,
                                                           int32_t port, int32_t flowinfo,
                                                           double timeout);

/* cleat_socket_recvfrom returns how many bytes of a datagram it stored in buf; the rest is discarded. It stores the
 * id of a list (cleat/address.h) with the sender's address, or of an empty list if the sender has none; the caller
 * closes it. flags: CLEAT_MSG_*. CLEAT_WANT_READ; CLEAT_TIMEOUT; CLEAT_CLOSED; CLEAT_SYS. */
CLEAT_API int32_t cleat_socket_recvfrom(int32_t socket, char *buf, int32_t buf_cap, int32_t flags,
                                        double timeout, CLEAT_NEW_ID int32_t *sender);

/* cleat_socket_recvmsg returns how many bytes it stored in buf, as cleat_socket_recvfrom, and stores the flags of
 * recvmsg(2), CLEAT_MSG_*: TRUNC if the datagram was longer, EOR at the end of a record, OOB, CTRUNC if the peer has
 * sent ancillary data (descriptors), which is discarded. The sender's list is as in cleat_socket_recvfrom. flags:
 * CLEAT_MSG_*; msg_flags: CLEAT_MSG_*. CLEAT_WANT_READ; CLEAT_TIMEOUT; CLEAT_CLOSED; CLEAT_SYS. */
CLEAT_API int32_t cleat_socket_recvmsg(int32_t socket, char *buf, int32_t buf_cap, int32_t flags,
                                       double timeout, int32_t *msg_flags,
                                       CLEAT_NEW_ID int32_t *sender);

/* cleat_socket_shutdown returns CLEAT_OK and ends one or both directions of the connection.
 * how: CLEAT_SHUT_*. CLEAT_SYS (ENOTCONN). */
CLEAT_API int32_t cleat_socket_shutdown(int32_t socket, int32_t how);

/* cleat_socket_getsockname returns the length of the host part of the socket's local address, copies it to output
 * and stores the other parts; flowinfo and scope_id are 0 except for IPv6. CLEAT_SYS. */
CLEAT_API int32_t cleat_socket_getsockname(int32_t socket, CLEAT_BINARY char *output,
                                           int32_t output_cap, int32_t *port, int32_t *flowinfo,
                                           int32_t *scope_id);

/* cleat_socket_getpeername returns the same for the peer's address. For an accepted socket this is
 * the address that accept returned, even after the peer has disconnected. CLEAT_SYS (ENOTCONN). */
CLEAT_API int32_t cleat_socket_getpeername(int32_t socket, CLEAT_BINARY char *output,
                                           int32_t output_cap, int32_t *port, int32_t *flowinfo,
                                           int32_t *scope_id);

/* cleat_socket_connected returns 1 if the socket has or had a peer, and 0 if it never had one. It makes a system
 * call only for a socket that cleat has neither connected nor accepted. CLEAT_SYS. */
CLEAT_API int32_t cleat_socket_connected(int32_t socket);

/* cleat_socket_getsockopt returns CLEAT_OK and stores the value of an option that is an int.
 * CLEAT_SYS (ENOPROTOOPT). */
CLEAT_API int32_t cleat_socket_getsockopt(int32_t socket, int32_t level, int32_t option,
                                          int32_t *value);

/* cleat_socket_setsockopt returns CLEAT_OK and sets an option that is an int. CLEAT_SYS
 * (ENOPROTOOPT, EINVAL). */
CLEAT_API int32_t cleat_socket_setsockopt(int32_t socket, int32_t level, int32_t option,
                                          int32_t value);

/* cleat_socket_getsockopt_bytes returns how many bytes of the option's value it stored in buf. CLEAT_SYS. */
CLEAT_API int32_t cleat_socket_getsockopt_bytes(int32_t socket, int32_t level, int32_t option,
                                                char *buf, int32_t buf_cap);

/* cleat_socket_setsockopt_bytes returns CLEAT_OK and sets an option from bytes in the form
 * that the system defines. CLEAT_SYS. */
CLEAT_API int32_t cleat_socket_setsockopt_bytes(int32_t socket, int32_t level, int32_t option,
                                                const char *data, int32_t data_len);

#endif
