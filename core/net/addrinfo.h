/* addrinfo.h: lists of addresses (CLEAT_KIND_ADDRINFO). */
#ifndef CLEAT_CORE_ADDRINFO_H
#define CLEAT_CORE_ADDRINFO_H

#include <stdint.h>

struct addrinfo;
struct cleat_address;
struct cleat_host;

/* cleat_addrinfo_of_address returns the id of a list of one address, or of an empty list if the address's len is 0. */
int32_t cleat_addrinfo_of_address(const struct cleat_address *address);

/* cleat_addrinfo_of_list returns the id of a copy of getaddrinfo's list. */
int32_t cleat_addrinfo_of_list(const struct addrinfo *list);

/* cleat_addrinfo_of_host returns the id of a list with the result of a look-up (net/host.h). */
int32_t cleat_addrinfo_of_host(const struct cleat_host *host);

#endif
