/* host.h: host look-ups (CLEAT_LOOKUP_*) and their results. */
#ifndef CLEAT_CORE_HOST_H
#define CLEAT_CORE_HOST_H

#include <netdb.h>
#include <stdint.h>

#include "net/resolver.h"

/* The result of a look-up. entry has pointers into room. */
struct cleat_host {
    struct hostent entry; /* for CLEAT_LOOKUP_NAMES only the name is set */
    const char *service; /* for CLEAT_LOOKUP_NAMES; otherwise NULL */
    char room[];
};

/* cleat_host_lookup looks up a host in the calling thread: it returns 0 and the result, or an EAI_ code, with errno for
 * EAI_SYSTEM. name: for CLEAT_LOOKUP_HOST; address: for the other two; flags: NI_*. */
int cleat_host_lookup(struct cleat_host **host, int32_t lookup, const char *name,
                      const struct cleat_address *address, int flags);

/* host may be NULL. */
void cleat_host_free(struct cleat_host *host);

/* cleat_host_lookup_new returns CLEAT_OK and a look-up with the arguments of cleat_addrinfo_lookup, or the status to
 * return. */
int32_t cleat_host_lookup_new(struct cleat_lookup **query, int32_t lookup, const char *host,
                              int32_t host_len, int32_t port, int32_t flags);

#endif
