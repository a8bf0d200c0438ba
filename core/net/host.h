/* host.h: questions about hosts (CLEAT_LOOKUP_*), and their answers. */
#ifndef CLEAT_CORE_HOST_H
#define CLEAT_CORE_HOST_H

#include <netdb.h>
#include <stdint.h>

#include "net/resolver.h"

/* The answer: entry has pointers into room. */
struct cleat_host {
    struct hostent entry; /* of CLEAT_LOOKUP_NAMES the name only */
    const char *service; /* of CLEAT_LOOKUP_NAMES; else NULL */
    char room[];
};

/* cleat_host_ask asks the system, in the calling thread: it returns 0 and the answer, or an EAI_ code, with errno for
 * EAI_SYSTEM. name: for CLEAT_LOOKUP_HOST; address: for the other two; flags: NI_*. */
int cleat_host_ask(struct cleat_host **host, int32_t question, const char *name,
                   const struct cleat_address *address, int flags);

/* host may be NULL. */
void cleat_host_free(struct cleat_host *host);

/* cleat_host_question returns CLEAT_OK and a look-up for a question, with the arguments of cleat_addrinfo_lookup; or
 * the status to return. */
int32_t cleat_host_question(struct cleat_lookup **made, int32_t lookup, const char *host,
                            int32_t host_len, int32_t port, int32_t flags);

#endif
