/* address.h: converts between socket addresses and the host and port that represent them in the ABI. */
#ifndef CLEAT_CORE_ADDRESS_H
#define CLEAT_CORE_ADDRESS_H

#include <stdint.h>
#include <sys/socket.h>

struct cleat_address {
    struct sockaddr_storage storage;
    socklen_t len;
};

/* cleat_address_parse returns CLEAT_OK and the address in a family of a host and a port, which are the exported
 * function's arguments at position and position + 2. A name is resolved. CLEAT_RESOLVE; CLEAT_SYS; CLEAT_USAGE. */
int32_t cleat_address_parse(struct cleat_address *address, int family, const char *host,
                            int32_t host_len, int32_t port, int32_t position);

/* cleat_address_parse_numeric returns CLEAT_OK and the address that is written in host, of either IP family. No name is
 * resolved: CLEAT_RESOLVE (NONAME). */
int32_t cleat_address_parse_numeric(struct cleat_address *address, const char *host,
                                    int32_t host_len, int32_t port, int32_t position);

/* cleat_address_copy_out returns the length of the host, copies the host, and stores the other parts, as the ABI's
 * functions that return an address do. */
int32_t cleat_address_copy_out(const struct sockaddr *address, socklen_t len, char *output,
                               int32_t output_cap, int32_t *port, int32_t *flowinfo,
                               int32_t *scope_id);

#define CLEAT_FLOWINFO_MAX 0x0fffffff

/* cleat_address_set_flowinfo sets the flow information of an IPv6 address; others have none. */
void cleat_address_set_flowinfo(struct cleat_address *address, int32_t flowinfo);

/* cleat_address_port returns the port of an IPv4 or IPv6 address, and 0 for other families. */
int32_t cleat_address_port(const struct cleat_address *address);

/* cleat_address_fail reports getaddrinfo's result code. number: errno, for EAI_SYSTEM. */
int32_t cleat_address_fail(int code, int number);

#endif
