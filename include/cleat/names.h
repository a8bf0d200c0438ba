/* names.h: names of hosts, services, protocols and network interfaces, and addresses as bytes (POSIX's
 * gethostbyname, gethostbyaddr, getnameinfo, getservbyname, if_nametoindex, inet_pton and their like).
 *
 * The answers are the system's: of its hosts file, its name servers, and the files that describe services and
 * protocols. */
#ifndef CLEAT_NAMES_H
#define CLEAT_NAMES_H

#include "cleat/base.h"

/* CLEAT_LOOKUP_* are the questions of cleat_addrinfo_lookup. HOST: the IPv4 addresses of a host name, with its
 * canonical name and its aliases (gethostbyname). ADDRESS: the name and the aliases of the host that has a numeric
 * address (gethostbyaddr). NAMES: a host name and the name of a service for a numeric address and a port
 * (getnameinfo). */
#define CLEAT_LOOKUP_HOST 1
#define CLEAT_LOOKUP_ADDRESS 2
#define CLEAT_LOOKUP_NAMES 3

/* CLEAT_NI_* are flags for CLEAT_LOOKUP_NAMES, with Linux's numbers: the address, or the port, is not looked up;
 * the host's name without its domain, if that is the local one; a host without a name is an error; the service is
 * UDP's. */
#define CLEAT_NI_NUMERICHOST 1
#define CLEAT_NI_NUMERICSERV 2
#define CLEAT_NI_NOFQDN 4
#define CLEAT_NI_NAMEREQD 8
#define CLEAT_NI_DGRAM 16

/* cleat_addrinfo_lookup returns the id of a list (cleat/address.h) with the answer to a question: addresses,
 * a canonical name (cleat_addrinfo_canonname), aliases (cleat_addrinfo_alias) and, for CLEAT_LOOKUP_NAMES, a service
 * (cleat_addrinfo_service). lookup: CLEAT_LOOKUP_*; port: 0 to 65535, for CLEAT_LOOKUP_NAMES; flags: CLEAT_NI_*, for
 * CLEAT_LOOKUP_NAMES, otherwise 0. It may block on the network for as long as the resolver does. CLEAT_RESOLVE (NONAME:
 * there is no such host; NODATA: the host has no address; AGAIN, FAIL: a name server); CLEAT_SYS. */
CLEAT_API CLEAT_MAY_BLOCK CLEAT_NEW_ID int32_t cleat_addrinfo_lookup(int32_t lookup,
                                                                     const char *host,
                                                                     int32_t host_len, int32_t port,
                                                                     int32_t flags);

/* cleat_resolution_lookup returns the id of a resolution: the same in the background, as cleat_resolution_new.
 * cleat_resolution_addrinfo returns the answer. lookup: CLEAT_LOOKUP_*; flags: CLEAT_NI_*. CLEAT_RESOLVE (NONAME: host
 * is no numeric address); CLEAT_SYS (EMFILE; EAGAIN: no thread can be made). */
CLEAT_API CLEAT_MAY_BLOCK CLEAT_NEW_ID int32_t cleat_resolution_lookup(int32_t lookup,
                                                                       const char *host,
                                                                       int32_t host_len,
                                                                       int32_t port, int32_t flags);

/* cleat_addrinfo_alias_count returns how many aliases the list has: none, unless it is cleat_addrinfo_lookup's. */
CLEAT_API int32_t cleat_addrinfo_alias_count(int32_t addrinfo);

/* cleat_addrinfo_alias returns the length of the alias at index (from 0) and copies it to output. */
CLEAT_API int32_t cleat_addrinfo_alias(int32_t addrinfo, int32_t index, char *output,
                                       int32_t output_cap);

/* cleat_addrinfo_service returns the length of the name of the service, or of its number, and copies it to output; 0
 * unless CLEAT_LOOKUP_NAMES has found it. */
CLEAT_API int32_t cleat_addrinfo_service(int32_t addrinfo, char *output, int32_t output_cap);

/* cleat_service_port returns the number of a service's port. transport: the name of the protocol, "tcp" or "udp";
 * absent for any. CLEAT_RESOLVE (SERVICE: there is no such service). */
CLEAT_API CLEAT_MAY_BLOCK int32_t cleat_service_port(const char *service, int32_t service_len,
                                                     CLEAT_ABSENT const char *transport,
                                                     int32_t transport_len);

/* cleat_service_name returns the length of the name of the service that has a port, and copies it to output. port: 0
 * to 65535. transport: as for cleat_service_port; absent for any. CLEAT_RESOLVE (SERVICE: there is none). */
CLEAT_API CLEAT_MAY_BLOCK int32_t cleat_service_name(int32_t port,
                                                     CLEAT_ABSENT const char *transport,
                                                     int32_t transport_len, char *output,
                                                     int32_t output_cap);

/* cleat_protocol_number returns the number of a protocol, as "tcp" has 6. CLEAT_RESOLVE (NONAME: there is no such
 * protocol). */
CLEAT_API CLEAT_MAY_BLOCK int32_t cleat_protocol_number(const char *name, int32_t name_len);

/* cleat_host_name returns the length of the machine's host name and copies it to output. CLEAT_SYS. */
CLEAT_API int32_t cleat_host_name(char *output, int32_t output_cap);

/* cleat_interface_index returns the number of a network interface. CLEAT_SYS (ENODEV: there is no such interface). */
CLEAT_API int32_t cleat_interface_index(const char *name, int32_t name_len);

/* cleat_interface_name returns the length of the name of the network interface with a number, and copies it to output.
 * number: 1 or more. CLEAT_SYS (ENXIO: there is none). */
CLEAT_API int32_t cleat_interface_name(int32_t number, char *output, int32_t output_cap);

/* cleat_interface_names returns the length of the names of all network interfaces, each followed by a line feed, and
 * copies them to output. CLEAT_SYS. */
CLEAT_API int32_t cleat_interface_names(char *output, int32_t output_cap);

/* cleat_inet_pton returns how many bytes it put into buf: the address that is written in host, in network order, 4
 * bytes for CLEAT_AF_INET and 16 for CLEAT_AF_INET6. family: CLEAT_AF_*; CLEAT_AF_UNSPEC for all forms of IPv4
 * addresses that inet_aton reads, such as "127.1". CLEAT_SYS (EAFNOSUPPORT); CLEAT_USAGE if host is no such
 * address, or buf too small. */
CLEAT_API int32_t cleat_inet_pton(int32_t family, const char *host, int32_t host_len, char *buf,
                                  int32_t buf_cap);

/* cleat_inet_ntop returns the length of the text for an address that is given as bytes, as from cleat_inet_pton, and
 * copies it to output. family: CLEAT_AF_*. CLEAT_SYS (EAFNOSUPPORT); CLEAT_USAGE for another number of bytes. */
CLEAT_API int32_t cleat_inet_ntop(int32_t family, const char *data, int32_t data_len, char *output,
                                  int32_t output_cap);

#endif
