/* address.h: names to addresses (POSIX getaddrinfo).
 *
 * An address is a host text and a port. For IPv4 and IPv6 the host is numeric or a name, "" is
 * the wildcard address, and IPv6 may carry a scope ("fe80::1%eth0"). For AF_UNIX the host is
 * the path and the port is 0; a path that begins with a zero byte is in Linux's abstract
 * namespace. */
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

/* cleat_addrinfo_resolve returns the id of a list of addresses for a host and a service, in
 * the order in which they should be tried. host: a name or a numeric address; absent for the
 * loopback address, or for the wildcard one with CLEAT_AI_PASSIVE. service: a name or a
 * decimal port; absent for port 0. Not both absent. family, socktype and proto restrict the
 * answer, 0 does not; flags are CLEAT_AI_*. It may block on the network for as long as the
 * resolver does. CLEAT_RESOLVE; CLEAT_SYS. */
CLEAT_API CLEAT_MAY_BLOCK CLEAT_NEW_ID int32_t cleat_addrinfo_resolve(
    CLEAT_ABSENT const char *host, int32_t host_len, CLEAT_ABSENT const char *service,
    int32_t service_len, int32_t family, int32_t socktype, int32_t proto, int32_t flags);

/* cleat_resolution_new returns the id of a resolution: the same in the background, for programs
 * that must not block. It takes a descriptor. At most 8 threads look names up at a time; further
 * look-ups wait in a queue, in order. A thread ends when there is no more to look up. Closing a
 * resolution frees its descriptor, and takes it out of the queue; a thread that is already busy
 * with it goes on until the system's resolver returns, and no call waits for that. A child made
 * by fork has no such threads: resolutions of before do not end there, new ones do. flags:
 * CLEAT_AI_*. CLEAT_SYS
 * (EMFILE; EAGAIN: no thread can be made). */
CLEAT_API CLEAT_NEW_ID int32_t cleat_resolution_new(CLEAT_ABSENT const char *host, int32_t host_len,
                                                    CLEAT_ABSENT const char *service,
                                                    int32_t service_len, int32_t family,
                                                    int32_t socktype, int32_t proto, int32_t flags);

/* cleat_resolution_fileno returns a descriptor that is readable once the resolution has ended,
 * for use in select or poll. It stays the id's own, and is not to be read. */
CLEAT_API int32_t cleat_resolution_fileno(int32_t resolution);

/* cleat_resolution_addrinfo returns the id of a list of addresses, a new one at each call, once
 * the resolution has ended. timeout: seconds, negative to wait without a limit, 0 not to wait. CLEAT_WANT_READ;
 * CLEAT_TIMEOUT; CLEAT_CLOSED; CLEAT_RESOLVE; CLEAT_SYS. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_resolution_addrinfo(int32_t resolution, double timeout);

/* cleat_addrinfo_count returns how many addresses are in the list. */
CLEAT_API int32_t cleat_addrinfo_count(int32_t addrinfo);

/* cleat_addrinfo_address returns the length of the numeric host of the address at index (from
 * 0), copies it to output, and stores what else the entry says; flowinfo and scope_id are 0 but
 * for IPv6. CLEAT_SYS (EAFNOSUPPORT) for a sender's address of another family than CLEAT_AF_*. */
CLEAT_API int32_t cleat_addrinfo_address(int32_t addrinfo, int32_t index, CLEAT_BINARY char *output,
                                         int32_t output_cap, int32_t *family, int32_t *socktype,
                                         int32_t *proto, int32_t *port, int32_t *flowinfo,
                                         int32_t *scope_id);

/* cleat_addrinfo_canonname returns the length of the canonical host name and copies it to output;
 * 0 unless CLEAT_AI_CANONNAME was asked for. */
CLEAT_API int32_t cleat_addrinfo_canonname(int32_t addrinfo, char *output, int32_t output_cap);

#endif
