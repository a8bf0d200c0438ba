/* watch.c: an epoll instance, which can itself be polled, over a descriptor and a timer; or the timer alone.
 * cleat_watch_signal fires the timer. */
#include <errno.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/argument.h"
#include "base/clock.h"
#include "base/handle.h"
#include "base/memory.h"
#include "cleat/poll.h"

_Static_assert(CLEAT_POLLIN == EPOLLIN && CLEAT_POLLPRI == EPOLLPRI && CLEAT_POLLOUT == EPOLLOUT,
               "the events are the system's");

struct cleat_watch {
    struct cleat_object object;
    int epoll; /* -1 if there is no descriptor to watch */
    int timer;
};

static void watch_destroy(struct cleat_object *object) {
    struct cleat_watch *self = (struct cleat_watch *)object;
    if (self->epoll >= 0) close(self->epoll);
    if (self->timer >= 0) close(self->timer);
    cleat_release(self);
}

/* The value 0 would disarm the timer: a deadline of now is 1 nanosecond. */
static bool set_timer(struct cleat_watch *self, cleat_deadline deadline) {
    struct itimerspec when = {{0, 0}, {0, 1}};
    if (deadline == CLEAT_DEADLINE_NEVER) return true;
    if (deadline != CLEAT_DEADLINE_NOW) {
        when.it_value.tv_sec = (time_t)(deadline / 1000000000);
        when.it_value.tv_nsec = (long)(deadline % 1000000000);
    }
    return timerfd_settime(self->timer, TFD_TIMER_ABSTIME, &when, NULL) == 0;
}

static bool add(struct cleat_watch *self, int fd, uint32_t events) {
    struct epoll_event event = {.events = events};
    return epoll_ctl(self->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool set_up(struct cleat_watch *self, int fd, uint32_t events, cleat_deadline deadline) {
    self->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (self->timer < 0 || !set_timer(self, deadline)) return false;
    if (fd == -1 && events == 0) return true;
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    return self->epoll >= 0 && add(self, fd, events) && add(self, self->timer, EPOLLIN);
}

int32_t cleat_watch_new(int32_t fd, int32_t events, double timeout) {
    CLEAT_NO_CANCEL();
    cleat_deadline deadline = cleat_deadline_after(timeout);
    struct cleat_watch *self;
    CLEAT_CHECK_RANGE(2, events, 0, CLEAT_POLLIN | CLEAT_POLLPRI | CLEAT_POLLOUT);
    CLEAT_CHECK_TIMEOUT(3, timeout);
    self = cleat_allocate(sizeof *self);
    if (self == NULL) return cleat_fail_nomem();
    cleat_object_init(&self->object, CLEAT_KIND_WATCH, watch_destroy);
    self->epoll = -1;
    self->timer = -1;
    if (!set_up(self, fd, (uint32_t)events, deadline)) {
        int32_t result = cleat_fail_errno(errno);
        cleat_object_unref(&self->object);
        return result;
    }
    return cleat_handle_open(&self->object);
}

int32_t cleat_watch_fileno(int32_t watch) {
    struct cleat_watch *self;
    int32_t fd;
    CLEAT_FIND(self, watch, CLEAT_KIND_WATCH);
    fd = self->epoll >= 0 ? self->epoll : self->timer;
    CLEAT_DONE(self);
    return fd;
}

int32_t cleat_watch_signal(int32_t watch) {
    struct cleat_watch *self;
    int32_t result = CLEAT_OK;
    CLEAT_FIND(self, watch, CLEAT_KIND_WATCH);
    if (!set_timer(self, CLEAT_DEADLINE_NOW)) result = cleat_fail_errno(errno);
    CLEAT_DONE(self);
    return result;
}
