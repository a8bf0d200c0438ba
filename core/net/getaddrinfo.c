/* getaddrinfo.c: name resolution in the calling thread; or, for interruptible threads, in a background thread
 * (resolver.c). */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "net/resolver.h"

/* Waits for as long as the look-up takes. Other waits of interruptible threads end after CLEAT_INTERRUPT_INTERVAL;
 * this one does not, since the caller would have to start the look-up again. Returns 0 or an errno. */
static int wait_for(const struct cleat_lookup *lookup) {
    struct pollfd item = {.fd = lookup->fd, .events = POLLIN, .revents = 0};
    while (!atomic_load(&lookup->done)) {
        if (ppoll(&item, 1, NULL, NULL) < 0) return errno;
    }
    return 0;
}

int cleat_lookup_run(struct cleat_lookup *lookup) {
    return cleat_lookup_start(lookup) < 0 ? EAGAIN : wait_for(lookup);
}

static int look_up(struct cleat_lookup *lookup, struct addrinfo **list) {
    int error = cleat_lookup_run(lookup);
    if (error != 0) {
        errno = error;
        return EAI_SYSTEM;
    }
    *list = lookup->list;
    lookup->list = NULL;
    errno = lookup->number;
    return lookup->code;
}

static int32_t length_of(const char *text) {
    return text == NULL ? 0 : (int32_t)strlen(text);
}

int cleat_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                      struct addrinfo **list) {
    struct addrinfo numeric = *hints;
    struct cleat_lookup *lookup;
    int code;
    int error;
    int fd;
    if (!cleat_is_interruptible() || host == NULL) return getaddrinfo(host, service, hints, list);
    numeric.ai_flags |= AI_NUMERICHOST;
    code = getaddrinfo(host, service, &numeric, list);
    if (code != EAI_NONAME) return code;
    error = cleat_lookup_new(&lookup, host, length_of(host), service, length_of(service), hints);
    if (error == ENOMEM) return EAI_MEMORY;
    code = EAI_SYSTEM;
    if (error == 0) {
        code = look_up(lookup, list);
        error = errno;
        fd = lookup->fd;
        cleat_lookup_release(lookup);
        close(fd);
    }
    errno = error;
    return code;
}
