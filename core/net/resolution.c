/* resolution.c: name resolution in a background thread, for programs that must not block. resolver.c performs the
 * look-up; a descriptor becomes readable when it is done. */
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/argument.h"
#include "base/clock.h"
#include "base/handle.h"
#include "base/memory.h"
#include "cleat/address.h"
#include "cleat/names.h"
#include "net/address.h"
#include "net/addrinfo.h"
#include "net/host.h"
#include "net/resolver.h"
#include "net/wait.h"

struct cleat_resolution {
    struct cleat_object object;
    int fd; /* the look-up's eventfd */
    struct cleat_lookup *lookup;
};

static void resolution_destroy(struct cleat_object *object) {
    struct cleat_resolution *self = (struct cleat_resolution *)object;
    if (self->lookup != NULL) cleat_lookup_release(self->lookup);
    if (self->fd >= 0) close(self->fd);
    cleat_release(self);
}

/* Makes the descriptor readable; it stays readable. */
static void wake(struct cleat_object *object) {
    (void)!eventfd_write(((struct cleat_resolution *)object)->fd, 1);
}

/* begin creates a resolution, which owns the look-up, and starts it. error: the result of cleat_lookup_new. */
static int32_t begin(struct cleat_lookup *lookup, int error) {
    struct cleat_resolution *self;
    int32_t result;
    if (error != 0) return cleat_fail_errno(error);
    self = cleat_allocate(sizeof *self);
    if (self == NULL) {
        int fd = lookup->fd;
        cleat_lookup_release(lookup);
        close(fd);
        return cleat_fail_nomem();
    }
    cleat_object_init(&self->object, CLEAT_KIND_RESOLUTION, resolution_destroy);
    self->object.interrupt = wake;
    self->lookup = lookup;
    self->fd = lookup->fd;
    result = cleat_lookup_start(lookup);
    if (result < 0) {
        cleat_object_unref(&self->object);
        return result;
    }
    return cleat_handle_open(&self->object);
}

int32_t cleat_resolution_new(const char *host, int32_t host_len, const char *service,
                             int32_t service_len, int32_t family, int32_t socktype, int32_t proto,
                             int32_t flags) {
    CLEAT_NO_CANCEL();
    const struct addrinfo hints = {
        .ai_family = family, .ai_socktype = socktype, .ai_protocol = proto, .ai_flags = flags};
    struct cleat_lookup *lookup;
    int error;
    CLEAT_CHECK_TEXT(1, host, host_len);
    CLEAT_CHECK_TEXT(3, service, service_len);
    error = cleat_lookup_new(&lookup, host, host_len, service, service_len, &hints);
    return begin(lookup, error);
}

int32_t cleat_resolution_lookup(int32_t lookup, const char *host, int32_t host_len, int32_t port,
                                int32_t flags) {
    CLEAT_NO_CANCEL();
    struct cleat_lookup *query;
    int32_t status = cleat_host_lookup_new(&query, lookup, host, host_len, port, flags);
    return status < 0 ? status : begin(query, 0);
}

int32_t cleat_resolution_fileno(int32_t resolution) {
    struct cleat_resolution *self;
    int32_t fd;
    CLEAT_FIND(self, resolution, CLEAT_KIND_RESOLUTION);
    fd = self->fd;
    CLEAT_DONE(self);
    return fd;
}

int32_t cleat_resolution_addrinfo(int32_t resolution, double timeout) {
    struct cleat_resolution *self;
    cleat_deadline deadline;
    int32_t result = CLEAT_OK;
    CLEAT_SET_DEADLINE(2, timeout, deadline);
    CLEAT_FIND(self, resolution, CLEAT_KIND_RESOLUTION);
    while (result >= 0 && !atomic_load(&self->lookup->done)) {
        result = cleat_lookup_is_lost(self->lookup)
                     ? cleat_address_fail(EAI_AGAIN, 0)
                     : cleat_wait(&self->object, self->fd, POLLIN, deadline);
    }
    if (result >= 0) {
        const struct cleat_lookup *found = self->lookup;
        result = found->code != 0       ? cleat_address_fail(found->code, found->number)
                 : found->found != NULL ? cleat_addrinfo_of_host(found->found)
                                        : cleat_addrinfo_of_list(found->list);
    }
    CLEAT_DONE(self);
    return result;
}
