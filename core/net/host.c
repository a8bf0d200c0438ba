/* host.c: host look-ups by gethostbyname_r, gethostbyaddr_r and getnameinfo. */
#include "net/host.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/argument.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "cleat/names.h"
#include "net/addrinfo.h"

_Static_assert(CLEAT_NI_NUMERICHOST == NI_NUMERICHOST && CLEAT_NI_NUMERICSERV == NI_NUMERICSERV &&
                   CLEAT_NI_NOFQDN == NI_NOFQDN && CLEAT_NI_NAMEREQD == NI_NAMEREQD &&
                   CLEAT_NI_DGRAM == NI_DGRAM,
               "the flags are the system's");

enum { ROOM = 1024, ROOM_MAX = 1024 * 1024, NAMES_ROOM = NI_MAXHOST + NI_MAXSERV };

/* code_of returns the EAI_ code for an h_errno. */
static int code_of(int reason) {
    switch (reason) {
        case HOST_NOT_FOUND: return EAI_NONAME;
        case TRY_AGAIN: return EAI_AGAIN;
        case NO_DATA: return EAI_NODATA;
        default: return EAI_FAIL;
    }
}

/* Makes one attempt. Returns 0, an EAI_ code, or -1 if the buffer is too small. */
static int lookup_host(struct cleat_host *host, size_t size, int32_t lookup, const char *name,
                       const struct cleat_address *address) {
    struct hostent *found = NULL;
    int reason = NO_RECOVERY;
    int error;
    if (lookup == CLEAT_LOOKUP_HOST) {
        error = gethostbyname_r(name, &host->entry, host->room, size, &found, &reason);
    } else {
        const void *storage = &address->storage;
        bool is_ipv4 = address->storage.ss_family == AF_INET;
        const void *bytes = is_ipv4
                                ? (const void *)&((const struct sockaddr_in *)storage)->sin_addr
                                : (const void *)&((const struct sockaddr_in6 *)storage)->sin6_addr;
        error = gethostbyaddr_r(bytes, is_ipv4 ? 4 : 16, address->storage.ss_family, &host->entry,
                                host->room, size, &found, &reason);
    }
    if (error == ERANGE) return -1;
    return found != NULL ? 0 : code_of(reason);
}

static int lookup_names(struct cleat_host *host, const struct cleat_address *address, int flags) {
    host->entry.h_name = host->room;
    host->service = host->room + NI_MAXHOST;
    return getnameinfo((const struct sockaddr *)&address->storage, address->len, host->room,
                       NI_MAXHOST, host->room + NI_MAXHOST, NI_MAXSERV, flags);
}

int cleat_host_lookup(struct cleat_host **host, int32_t lookup, const char *name,
                      const struct cleat_address *address, int flags) {
    size_t size = lookup == CLEAT_LOOKUP_NAMES ? NAMES_ROOM : ROOM;
    int code = -1;
    int error;
    *host = NULL;
    for (; code == -1 && size <= ROOM_MAX; size *= 2) {
        cleat_host_free(*host);
        *host = cleat_allocate(sizeof **host + size);
        if (*host == NULL) return EAI_MEMORY;
        code = lookup == CLEAT_LOOKUP_NAMES ? lookup_names(*host, address, flags)
                                            : lookup_host(*host, size, lookup, name, address);
    }
    if (code == 0) return 0;
    error = errno;
    cleat_host_free(*host);
    *host = NULL;
    errno = error;
    return code == -1 ? EAI_OVERFLOW : code;
}

void cleat_host_free(struct cleat_host *host) {
    cleat_release(host);
}

/* Checks the arguments, and parses the address to look up. */
static int32_t check(struct cleat_address *address, int32_t lookup, const char *host,
                     int32_t host_len, int32_t port, int32_t flags) {
    enum { FLAGS = NI_NUMERICHOST | NI_NUMERICSERV | NI_NOFQDN | NI_NAMEREQD | NI_DGRAM };
    bool names = lookup == CLEAT_LOOKUP_NAMES;
    CLEAT_CHECK_TEXT(2, host, host_len);
    CLEAT_CHECK_RANGE(1, lookup, CLEAT_LOOKUP_HOST, CLEAT_LOOKUP_NAMES);
    CLEAT_CHECK_RANGE(4, port, 0, names ? 65535 : 0);
    if ((flags & ~(names ? FLAGS : 0)) != 0) return cleat_fail_usage(5, "unknown flags");
    memset(address, 0, sizeof *address);
    return lookup == CLEAT_LOOKUP_HOST
               ? CLEAT_OK
               : cleat_address_parse_numeric(address, host, host_len, port, 2);
}

int32_t cleat_host_lookup_new(struct cleat_lookup **query, int32_t lookup, const char *host,
                              int32_t host_len, int32_t port, int32_t flags) {
    const struct addrinfo hints = {.ai_flags = flags};
    struct cleat_address address;
    int error;
    int32_t status = check(&address, lookup, host, host_len, port, flags);
    if (status < 0) return status;
    error = cleat_lookup_new(query, host != NULL ? host : "", host_len, NULL, 0, &hints);
    if (error != 0) return error == ENOMEM ? cleat_fail_nomem() : cleat_fail_errno(error);
    (*query)->kind = lookup;
    (*query)->address = address;
    return CLEAT_OK;
}

/* Runs the look-up in a background thread, so that a signal can end the call of an interruptible thread. */
static int lookup_in_background(struct cleat_lookup *lookup) {
    int error = cleat_lookup_run(lookup);
    if (error == 0) return lookup->code;
    lookup->number = error;
    return EAI_SYSTEM;
}

int32_t cleat_addrinfo_lookup(int32_t lookup, const char *host, int32_t host_len, int32_t port,
                              int32_t flags) {
    CLEAT_NO_CANCEL();
    struct cleat_lookup *query;
    int code;
    int fd;
    int32_t result = cleat_host_lookup_new(&query, lookup, host, host_len, port, flags);
    if (result < 0) return result;
    fd = query->fd;
    if (cleat_is_interruptible()) {
        code = lookup_in_background(query);
    } else {
        code = cleat_host_lookup(&query->found, lookup, query->host, &query->address, flags);
        query->number = errno;
    }
    result =
        code != 0 ? cleat_address_fail(code, query->number) : cleat_addrinfo_of_host(query->found);
    cleat_lookup_release(query);
    close(fd);
    return result;
}
