/* address.h: resolves host and service names to addresses (POSIX getaddrinfo).
 *
 * An address is a host text and a port. For IPv4 and IPv6 the host is numeric or a name, "" is the wildcard address,
 * and IPv6 may carry a scope ("fe80::1%eth0"). For AF_UNIX the host is the path and the port is 0; a path that
 * begins with a zero byte is in Linux's abstract namespace. */
#ifndef CLEAT_ADDRESS_H
#define CLEAT_ADDRESS_H

#include "cleat/base.h"

/* CLEAT_AF_* are the address families, with Linux's numbers. */
#define CLEAT_AF_UNSPEC 0
#define CLEAT_AF_UNIX 1
#define CLEAT_AF_INET 2
#define CLEAT_AF_INET6 10

/* CLEAT_AI_* are flags for cleat_addrinfo_resolve, with Linux's numbers. */
#define CLEAT_AI_PASSIVE 1
#define CLEAT_AI_CANONNAME 2
#define CLEAT_AI_NUMERICHOST 4
#define CLEAT_AI_V4MAPPED 8
#define CLEAT_AI_ALL 16
#define CLEAT_AI_ADDRCONFIG 32
#define CLEAT_AI_NUMERICSERV 1024

/* CLEAT_EAI_* are the values of statuses of class CLEAT_RESOLVE. */
#define CLEAT_EAI_BADFLAGS 1
#define CLEAT_EAI_NONAME 2
#define CLEAT_EAI_AGAIN 3
#define CLEAT_EAI_FAIL 4
#define CLEAT_EAI_NODATA 5
#define CLEAT_EAI_FAMILY 6
#define CLEAT_EAI_SOCKTYPE 7
#define CLEAT_EAI_SERVICE 8
#define CLEAT_EAI_ADDRFAMILY 9
#define CLEAT_EAI_MEMORY 10
#define CLEAT_EAI_SYSTEM 11
#define CLEAT_EAI_OVERFLOW 12

/* cleat_addrinfo_resolve returns the id of a list of addresses for a host and a service, in the order in which they
 * should be tried. host: a name or a numeric address; absent for the loopback address, or for the wildcard one with
 * CLEAT_AI_PASSIVE. service: a name or a decimal port; absent for port 0. host and service must not both be absent.
 * family, socktype and proto restrict the result; socktype: CLEAT_SOCK_*, or 0 for any; proto: CLEAT_IPPROTO_*, or 0
 * for any. flags: CLEAT_AI_*. The call blocks for as long as the system's resolver does. CLEAT_RESOLVE; CLEAT_SYS. */
CLEAT_API CLEAT_MAY_BLOCK CLEAT_NEW_ID int32_t cleat_addrinfo_resolve(
    CLEAT_ABSENT const char *host, int32_t host_len, CLEAT_ABSENT const char *service,
    int32_t service_len, int32_t family, int32_t socktype, int32_t proto, int32_t flags);

/* cleat_resolution_new returns the id of a resolution, which does what cleat_addrinfo_resolve does in a background
 * thread, for programs that must not block. It uses one descriptor. At most 8 threads run look-ups at a time;
 * further look-ups are queued in order. A thread ends when the queue is empty. Closing a resolution closes its
 * descriptor and removes it from the queue; a thread that is already resolving it continues until the system's
 * resolver returns, and no call waits for that. A child process that was forked has none of these threads, and
 * creates new ones. flags: CLEAT_AI_*. CLEAT_SYS (EMFILE; EAGAIN: the thread cannot be created). */
CLEAT_API CLEAT_NEW_ID int32_t cleat_resolution_new(CLEAT_ABSENT const char *host, int32_t host_len,
                                                    CLEAT_ABSENT const char *service,
                                                    int32_t service_len, int32_t family,
                                                    int32_t socktype, int32_t proto, int32_t flags);

/* cleat_resolution_fileno returns a descriptor that becomes readable once the resolution is complete, for use in
 * select or poll. The id owns it; do not read from it or close it. */
CLEAT_API int32_t cleat_resolution_fileno(int32_t resolution);

/* cleat_resolution_addrinfo returns the id of a list of addresses, a new id at each call, once the resolution is
 * complete. timeout: seconds, negative to wait without a limit, 0 not to wait. CLEAT_WANT_READ; CLEAT_TIMEOUT;
 * CLEAT_CLOSED; CLEAT_RESOLVE: with CLEAT_EAI_AGAIN also in a child process, for a resolution that was incomplete when
 * the process was forked; CLEAT_SYS. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_resolution_addrinfo(int32_t resolution, double timeout);

/* cleat_addrinfo_count returns the number of addresses in the list. */
CLEAT_API int32_t cleat_addrinfo_count(int32_t addrinfo);

/* cleat_addrinfo_address returns the length of the numeric host of the address at index (from 0), copies it to
 * output, and stores the other fields of the entry; flowinfo and scope_id are 0 except for IPv6. CLEAT_USAGE for an
 * index out of range; CLEAT_SYS (EAFNOSUPPORT) for the address of a sender whose family is none of CLEAT_AF_*. */
CLEAT_API int32_t cleat_addrinfo_address(int32_t addrinfo, int32_t index, CLEAT_BINARY char *output,
                                         int32_t output_cap, int32_t *family, int32_t *socktype,
                                         int32_t *proto, int32_t *port, int32_t *flowinfo,
                                         int32_t *scope_id);

/* cleat_addrinfo_canonname returns the length of the canonical host name and copies it to output; 0 unless the list
 * was made with CLEAT_AI_CANONNAME or by cleat_addrinfo_lookup. */
CLEAT_API int32_t cleat_addrinfo_canonname(int32_t addrinfo, char *output, int32_t output_cap);

#endif
