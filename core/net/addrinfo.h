/* addrinfo.h: lists of addresses (CLEAT_KIND_ADDRINFO). */
#ifndef CLEAT_CORE_ADDRINFO_H
#define CLEAT_CORE_ADDRINFO_H

#include <stdint.h>

struct addrinfo;
struct cleat_address;
struct cleat_host;

/* cleat_addrinfo_of_address returns the id of a list of that address, or of none if its len is
 * 0. */
int32_t cleat_addrinfo_of_address(const struct cleat_address *address);

/* cleat_addrinfo_of_list returns the id of a list of what getaddrinfo has found. */
int32_t cleat_addrinfo_of_list(const struct addrinfo *list);

/* cleat_addrinfo_of_host returns the id of a list of what a question has found (net/host.h). */
int32_t cleat_addrinfo_of_host(const struct cleat_host *host);

#endif
