/* resolution.c: getaddrinfo in a thread of its own, which tells by a descriptor that it is done.
 *
 * The thread is detached and holds the object, so nobody has to wait for it: if the id is closed
 * first, the thread is the last holder and frees the object. The library stays in memory for it
 * (it is linked with -z nodelete). */
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net/address.h"
#include "base/argument.h"
#include "cleat/address.h"
#include "base/clock.h"
#include "base/handle.h"
#include "base/memory.h"
#include "net/wait.h"

struct cleat_resolution {
    struct cleat_object object;
    int fd; /* an eventfd, written when done */
    char *host;
    char *service;
    struct addrinfo hints;
    atomic_bool done; /* what follows is set */
    int code;
    int number; /* errno, for EAI_SYSTEM */
    struct addrinfo *list;
};

static void resolution_destroy(struct cleat_object *object) {
    struct cleat_resolution *self = (struct cleat_resolution *)object;
    if (self->list != NULL) freeaddrinfo(self->list);
    if (self->fd >= 0) close(self->fd);
    cleat_release(self->host);
    cleat_release(self->service);
    cleat_release(self);
}

/* The descriptor becomes readable, and stays so. */
static void wake(struct cleat_object *object) {
    (void)!eventfd_write(((struct cleat_resolution *)object)->fd, 1);
}

static void *resolve(void *argument) {
    struct cleat_resolution *self = argument;
    self->code = getaddrinfo(self->host, self->service, &self->hints, &self->list);
    self->number = errno;
    if (self->code != 0) self->list = NULL;
    atomic_store(&self->done, true);
    wake(&self->object);
    cleat_object_drop(&self->object);
    return NULL;
}

/* start runs the thread. It gets none of the process's signals: their handlers are not made for
 * a thread that the program does not know of. */
static int32_t start(struct cleat_resolution *self) {
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all;
    sigset_t before;
    int error;
    cleat_object_hold(&self->object);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_attr_init(&attributes);
    if (error == 0) {
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        error = pthread_create(&thread, &attributes, resolve, self);
        pthread_attr_destroy(&attributes);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0) return CLEAT_OK;
    cleat_object_drop(&self->object);
    return cleat_fail_errno(error);
}

int32_t cleat_resolution_new(const char *host, int32_t host_len, const char *service,
                             int32_t service_len, int32_t family, int32_t type, int32_t protocol,
                             int32_t flags) {
    struct cleat_resolution *self;
    int32_t result = CLEAT_OK;
    CLEAT_CHECK_TEXT(1, host, host_len);
    CLEAT_CHECK_TEXT(3, service, service_len);
    self = cleat_allocate(sizeof *self);
    if (self == NULL) return cleat_fail_nomem();
    cleat_object_init(&self->object, CLEAT_KIND_RESOLUTION, resolution_destroy);
    self->object.interrupt = wake;
    self->hints = (struct addrinfo){
        .ai_family = family, .ai_socktype = type, .ai_protocol = protocol, .ai_flags = flags};
    atomic_init(&self->done, false);
    self->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->fd < 0) result = cleat_fail_errno(errno);
    if (host != NULL) self->host = cleat_copy_text(host, host_len);
    if (service != NULL) self->service = cleat_copy_text(service, service_len);
    if ((host != NULL && self->host == NULL) || (service != NULL && self->service == NULL)) {
        result = cleat_fail_nomem();
    }
    if (result >= 0) result = start(self);
    if (result < 0) {
        cleat_object_drop(&self->object);
        return result;
    }
    return cleat_handle_open(&self->object);
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
    cleat_deadline deadline = cleat_deadline_after(timeout);
    int32_t result = CLEAT_OK;
    CLEAT_CHECK_TIMEOUT(2, timeout);
    CLEAT_FIND(self, resolution, CLEAT_KIND_RESOLUTION);
    while (result >= 0 && !atomic_load(&self->done)) {
        result = cleat_wait(&self->object, self->fd, POLLIN, deadline);
    }
    if (result >= 0) {
        result = self->code != 0 ? cleat_address_fail(self->code, self->number)
                                 : cleat_addrinfo_of_list(self->list);
    }
    CLEAT_DONE(self);
    return result;
}
