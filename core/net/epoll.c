/* epoll.c: an epoll instance, and an eventfd that wakes waiting threads when the id is closed. */
#include "cleat/epoll.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/argument.h"
#include "base/memory.h"
#include "net/wait.h"

_Static_assert(CLEAT_EPOLLIN == EPOLLIN && CLEAT_EPOLLPRI == EPOLLPRI &&
                   CLEAT_EPOLLOUT == EPOLLOUT && CLEAT_EPOLLERR == EPOLLERR &&
                   CLEAT_EPOLLHUP == EPOLLHUP && CLEAT_EPOLLRDHUP == EPOLLRDHUP &&
                   CLEAT_EPOLLONESHOT == EPOLLONESHOT && (uint32_t)CLEAT_EPOLLET == EPOLLET,
               "the events are the system's");
_Static_assert(CLEAT_EPOLL_CTL_ADD == EPOLL_CTL_ADD && CLEAT_EPOLL_CTL_DEL == EPOLL_CTL_DEL &&
                   CLEAT_EPOLL_CTL_MOD == EPOLL_CTL_MOD,
               "the operations are the system's");

enum { EVENTS_MAX = 1024 };

struct cleat_epoll {
    struct cleat_object object;
    int fd;
    int closing; /* an eventfd, which is written when the id is closed */
};

static void epoll_destroy(struct cleat_object *object) {
    struct cleat_epoll *self = (struct cleat_epoll *)object;
    if (self->fd >= 0) close(self->fd);
    if (self->closing >= 0) close(self->closing);
    cleat_release(self);
}

static void epoll_interrupt(struct cleat_object *object) {
    const struct cleat_epoll *self = (struct cleat_epoll *)object;
    eventfd_write(self->closing, 1);
}

int32_t cleat_epoll_new(void) {
    CLEAT_NO_CANCEL();
    struct cleat_epoll *self = cleat_allocate(sizeof *self);
    if (self == NULL) return cleat_fail_nomem();
    cleat_object_init(&self->object, CLEAT_KIND_EPOLL, epoll_destroy);
    self->object.interrupt = epoll_interrupt;
    self->closing = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->fd = self->closing < 0 ? -1 : epoll_create1(EPOLL_CLOEXEC);
    if (self->fd < 0) {
        int32_t result = cleat_fail_errno(errno);
        cleat_object_unref(&self->object);
        return result;
    }
    return cleat_handle_open(&self->object);
}

int32_t cleat_epoll_control(int32_t epoll, int32_t operation, int32_t fd, int32_t events) {
    struct cleat_epoll *self;
    struct epoll_event event = {.events = (uint32_t)events, .data = {.fd = fd}};
    int32_t result = CLEAT_OK;
    CLEAT_FIND(self, epoll, CLEAT_KIND_EPOLL);
    if (operation < CLEAT_EPOLL_CTL_ADD || operation > CLEAT_EPOLL_CTL_MOD) {
        result = cleat_fail_usage(2, "operation is %d, not a CLEAT_EPOLL_CTL_*", (int)operation);
    } else if (epoll_ctl(self->fd, operation, fd, &event) != 0)
        result = cleat_fail_errno(errno);
    CLEAT_DONE(self);
    return result;
}

/* Stores the events that are ready now, without waiting. Returns how many, or minus an errno. */
static int collect(const struct cleat_epoll *self, struct epoll_event *found, int32_t *fds,
                   int32_t *events, int32_t capacity) {
    int count = epoll_wait(self->fd, found, capacity, 0);
    int i;
    for (i = 0; i < count; i++) {
        fds[i] = found[i].data.fd;
        events[i] = (int32_t)found[i].events;
    }
    return count < 0 ? -errno : count;
}

static int32_t wait_for_events(struct cleat_epoll *self, int32_t *fds, int32_t *events,
                               int32_t capacity, cleat_deadline deadline) {
    struct epoll_event found[EVENTS_MAX]; /* 12 KiB */
    struct pollfd items[] = {{.fd = self->fd, .events = POLLIN},
                             {.fd = self->closing, .events = POLLIN}};
    for (;;) {
        int count = collect(self, found, fds, events, capacity);
        int32_t status;
        int ready;
        if (count < 0) return cleat_fail_errno(-count);
        if (count > 0 || cleat_deadline_left(deadline) == 0) return count;
        status = cleat_wait_enter(&self->object, true);
        if (status < 0) return status;
        ready = cleat_wait_poll(items, 2, deadline);
        status = cleat_wait_leave(&self->object, true);
        if (status < 0) return status;
        if (ready < 0) return cleat_fail_errno(-ready);
    }
}

int32_t cleat_epoll_wait(int32_t epoll, int32_t *fds, int32_t fds_cap, int32_t *events,
                         int32_t events_cap, double timeout) {
    struct cleat_epoll *self;
    cleat_deadline deadline;
    int32_t result;
    CLEAT_CHECK_OUT(2, fds, fds_cap);
    CLEAT_CHECK_OUT(4, events, events_cap);
    CLEAT_SET_DEADLINE(6, timeout, deadline);
    CLEAT_CHECK_RANGE(3, fds_cap, 1, EVENTS_MAX);
    if (events_cap != fds_cap) return cleat_fail_usage(5, "events and fds differ in capacity");
    CLEAT_FIND(self, epoll, CLEAT_KIND_EPOLL);
    result = wait_for_events(self, fds, events, fds_cap, deadline);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_epoll_fileno(int32_t epoll) {
    struct cleat_epoll *self;
    int32_t fd;
    CLEAT_FIND(self, epoll, CLEAT_KIND_EPOLL);
    fd = self->fd;
    CLEAT_DONE(self);
    return fd;
}
