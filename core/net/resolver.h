/* resolver.h: getaddrinfo in background threads, which take look-ups from a queue. */
#ifndef CLEAT_CORE_RESOLVER_H
#define CLEAT_CORE_RESOLVER_H

#include <netdb.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"

/* The maximum number of threads that run look-ups at the same time. */
#define CLEAT_RESOLVER_THREADS 8

struct cleat_lookup {
    /* The query. */
    char *host; /* or NULL */
    char *service; /* or NULL */
    struct addrinfo hints;
    int32_t kind; /* 0: getaddrinfo; CLEAT_LOOKUP_*: net/host.h's, with ai_flags for its flags */
    struct cleat_address address; /* for CLEAT_LOOKUP_ADDRESS and NAMES */
    int fd; /* an eventfd, written when done; the caller closes it after cleat_lookup_release */

    /* The result, valid once done is true. */
    atomic_bool done;
    int code;
    int number; /* errno, for EAI_SYSTEM */
    struct addrinfo *list;
    struct cleat_host *found; /* of a CLEAT_LOOKUP_* */

    /* Private to resolver.c. */
    bool started;
    int state;
    unsigned generation; /* see fork in resolver.c */
    struct cleat_lookup *next;
    struct cleat_lookup *previous;
};

/* cleat_lookup_new creates a look-up with copies of the texts, and its descriptor. Returns 0 or an errno: ENOMEM, or
 * eventfd's. */
int cleat_lookup_new(struct cleat_lookup **lookup, const char *host, int32_t host_len,
                     const char *service, int32_t service_len, const struct addrinfo *hints);

/* cleat_lookup_start returns CLEAT_OK and queues the look-up. CLEAT_SYS if no thread is running and none can be
 * created. */
int32_t cleat_lookup_start(struct cleat_lookup *lookup);

/* cleat_lookup_is_lost returns whether the thread that would complete the look-up exists only in the process from
 * which this one was forked. */
bool cleat_lookup_is_lost(const struct cleat_lookup *lookup);

/* cleat_lookup_run starts a look-up and waits for its end, or for a signal: it returns 0, or an errno. */
int cleat_lookup_run(struct cleat_lookup *lookup);

/* cleat_getaddrinfo is getaddrinfo: it returns an EAI_ code, with errno for EAI_SYSTEM. In an
 * interruptible thread (base/interrupt.h) a look-up that needs the network runs in the background,
 * and a signal ends the call: EAI_SYSTEM with EINTR. */
int cleat_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                      struct addrinfo **list);

/* cleat_lookup_release frees a look-up, or leaves that to the thread that is executing it. The caller may close its
 * descriptor afterwards: no thread writes to it any more. */
void cleat_lookup_release(struct cleat_lookup *lookup);

#endif
