/* names.h: names of hosts, services, protocols and network interfaces, and addresses as bytes (POSIX's
 * gethostbyname, gethostbyaddr, getnameinfo, getservbyname, if_nametoindex, inet_pton and their like).
 *
 * The system's resolver answers the look-ups: from its hosts file, its name servers, and its databases of services
 * and protocols. */
#ifndef CLEAT_NAMES_H
#define CLEAT_NAMES_H

#include "cleat/base.h"

/* CLEAT_LOOKUP_* are the kinds of cleat_addrinfo_lookup. HOST: the IPv4 addresses of a host name, its canonical name
 * and its aliases (gethostbyname). ADDRESS: the name and the aliases of the host with a numeric address
 * (gethostbyaddr). NAMES: the host name and the service name of a numeric address and a port (getnameinfo). */
#define CLEAT_LOOKUP_HOST 1
#define CLEAT_LOOKUP_ADDRESS 2
#define CLEAT_LOOKUP_NAMES 3

/* CLEAT_NI_* are flags for CLEAT_LOOKUP_NAMES, with Linux's numbers. NUMERICHOST, NUMERICSERV: return the number
 * without a look-up; NOFQDN: omit the local domain from the host's name; NAMEREQD: fail if the host has no name;
 * DGRAM: look up the UDP service. */
#define CLEAT_NI_NUMERICHOST 1
#define CLEAT_NI_NUMERICSERV 2
#define CLEAT_NI_NOFQDN 4
#define CLEAT_NI_NAMEREQD 8
#define CLEAT_NI_DGRAM 16

/* cleat_addrinfo_lookup returns the id of a list (cleat/address.h) with the result of a look-up: addresses, a
 * canonical name (cleat_addrinfo_canonname), aliases (cleat_addrinfo_alias) and, for CLEAT_LOOKUP_NAMES, a service
 * name (cleat_addrinfo_service). host: a host name for CLEAT_LOOKUP_HOST, otherwise a numeric address. lookup:
 * CLEAT_LOOKUP_*; port: 0 to 65535, for CLEAT_LOOKUP_NAMES; flags: CLEAT_NI_*, for CLEAT_LOOKUP_NAMES, otherwise 0.
 * The call blocks for as long as the system's resolver does. CLEAT_RESOLVE (NONAME: there is no such host; NODATA:
 * the host has no address; AGAIN, FAIL: a name server has failed); CLEAT_SYS. */
CLEAT_API CLEAT_MAY_BLOCK CLEAT_NEW_ID int32_t cleat_addrinfo_lookup(int32_t lookup,
                                                                     const char *host,
                                                                     int32_t host_len, int32_t port,
                                                                     int32_t flags);

/* cleat_resolution_lookup returns the id of a resolution, which does the same in a background thread, as that of
 * cleat_resolution_new. cleat_resolution_addrinfo returns its result. lookup: CLEAT_LOOKUP_*; flags: CLEAT_NI_*;
 * host and port are as for cleat_addrinfo_lookup. CLEAT_RESOLVE (NONAME: host is not a numeric address); CLEAT_SYS
 * (EMFILE; EAGAIN: the thread cannot be created). */
CLEAT_API CLEAT_NO_WAIT CLEAT_NEW_ID int32_t cleat_resolution_lookup(int32_t lookup,
                                                                     const char *host,
                                                                     int32_t host_len, int32_t port,
                                                                     int32_t flags);

/* cleat_addrinfo_alias_count returns the number of aliases; 0 for lists that are not results of a look-up
 * (CLEAT_LOOKUP_*). */
CLEAT_API int32_t cleat_addrinfo_alias_count(int32_t addrinfo);

/* cleat_addrinfo_alias returns the length of the alias at index (from 0) and copies it to output. CLEAT_USAGE for an
 * index out of range. */
CLEAT_API int32_t cleat_addrinfo_alias(int32_t addrinfo, int32_t index, char *output,
                                       int32_t output_cap);

/* cleat_addrinfo_service returns the length of the name of the service, or of its number, and copies it to output; 0
 * for lists that are not results of CLEAT_LOOKUP_NAMES. */
CLEAT_API int32_t cleat_addrinfo_service(int32_t addrinfo, char *output, int32_t output_cap);

/* cleat_service_port returns the port number of a service, 0 to 65535. transport: the name of the protocol, "tcp" or
 * "udp"; absent for any. CLEAT_RESOLVE (SERVICE: there is no such service). */
CLEAT_API CLEAT_MAY_BLOCK int32_t cleat_service_port(const char *service, int32_t service_len,
                                                     CLEAT_ABSENT const char *transport,
                                                     int32_t transport_len);

/* cleat_service_name returns the length of the name of the service with a port number, and copies it to output.
 * port: 0 to 65535. transport: as for cleat_service_port; absent for any. CLEAT_RESOLVE (SERVICE: there is no such
 * service). */
CLEAT_API CLEAT_MAY_BLOCK int32_t cleat_service_name(int32_t port,
                                                     CLEAT_ABSENT const char *transport,
                                                     int32_t transport_len, char *output,
                                                     int32_t output_cap);

/* cleat_protocol_number returns the number of a protocol, for example 6 for "tcp". CLEAT_RESOLVE (NONAME: there is
 * no such protocol). */
CLEAT_API CLEAT_MAY_BLOCK int32_t cleat_protocol_number(const char *name, int32_t name_len);

/* cleat_host_name returns the length of the machine's host name and copies it to output. CLEAT_SYS. */
CLEAT_API int32_t cleat_host_name(char *output, int32_t output_cap);

/* cleat_interface_index returns the number (index) of a network interface, 1 or more. CLEAT_SYS (ENODEV: there is no
 * such interface). */
CLEAT_API int32_t cleat_interface_index(const char *name, int32_t name_len);

/* cleat_interface_name returns the length of the name of the network interface with the index number, and copies it
 * to output. number: 1 or more. CLEAT_SYS (ENXIO: there is no such interface). */
CLEAT_API int32_t cleat_interface_name(int32_t number, char *output, int32_t output_cap);

/* cleat_interface_names returns the length of the names of all network interfaces, each followed by a line feed, and
 * copies them to output. CLEAT_SYS. */
CLEAT_API int32_t cleat_interface_names(char *output, int32_t output_cap);

/* cleat_inet_pton returns how many bytes it stored in buf: the numeric address in host as bytes in network byte
 * order, 4 for CLEAT_AF_INET and 16 for CLEAT_AF_INET6. family: CLEAT_AF_*; with CLEAT_AF_UNSPEC the forms of IPv4
 * addresses that inet_aton accepts, such as "127.1". CLEAT_SYS (EAFNOSUPPORT); CLEAT_USAGE if host is not such an
 * address, or buf_cap is too small. */
CLEAT_API int32_t cleat_inet_pton(int32_t family, const char *host, int32_t host_len, char *buf,
                                  int32_t buf_cap);

/* cleat_inet_ntop returns the length of the text of the address in data, in the form of cleat_inet_pton's bytes, and
 * copies it to output. family: CLEAT_AF_* (INET or INET6). CLEAT_SYS (EAFNOSUPPORT); CLEAT_USAGE for another number
 * of bytes. */
CLEAT_API int32_t cleat_inet_ntop(int32_t family, const char *data, int32_t data_len, char *output,
                                  int32_t output_cap);

#endif
