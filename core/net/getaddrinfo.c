/* getaddrinfo.c: name resolution in the calling thread, or, where a signal may end it, in the
 * background (resolver.c). */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/memory.h"
#include "net/resolver.h"

static bool copy(const char *text, char **to) {
    if (text != NULL) *to = cleat_copy_text(text, (int32_t)strlen(text));
    return text == NULL || *to != NULL;
}

/* Waits for as long as the look-up takes. A wait that ended after an interval, as others of
 * interruptible threads do, would have to begin the look-up again. Returns 0 or an errno. */
static int wait_for(const struct cleat_lookup *lookup) {
    struct pollfd item = {.fd = lookup->fd, .events = POLLIN, .revents = 0};
    while (!atomic_load(&lookup->done)) {
        if (ppoll(&item, 1, NULL, NULL) < 0) return errno;
    }
    return 0;
}

static int look_up(struct cleat_lookup *lookup, struct addrinfo **list) {
    int error = 0;
    lookup->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (lookup->fd < 0) error = errno;
    if (error == 0 && cleat_lookup_start(lookup) < 0) error = EAGAIN;
    if (error == 0) error = wait_for(lookup);
    if (error != 0) {
        errno = error;
        return EAI_SYSTEM;
    }
    *list = lookup->list;
    lookup->list = NULL;
    errno = lookup->number;
    return lookup->code;
}

int cleat_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                      struct addrinfo **list) {
    struct addrinfo numeric = *hints;
    struct cleat_lookup *lookup;
    int code = EAI_MEMORY;
    int error = 0;
    int fd;
    if (!cleat_is_interruptible()) return getaddrinfo(host, service, hints, list);
    numeric.ai_flags |= AI_NUMERICHOST;
    if (host == NULL || (code = getaddrinfo(host, service, &numeric, list)) != EAI_NONAME) {
        return host == NULL ? getaddrinfo(NULL, service, hints, list) : code;
    }
    lookup = cleat_lookup_new();
    if (lookup == NULL) return EAI_MEMORY;
    lookup->hints = *hints;
    code = EAI_MEMORY;
    if (copy(host, &lookup->host) && copy(service, &lookup->service)) {
        code = look_up(lookup, list);
        error = errno;
    }
    fd = lookup->fd;
    cleat_lookup_drop(lookup);
    if (fd >= 0) close(fd);
    errno = error;
    return code;
}
