#include "tls/turn.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "net/wait.h"
#include "tls/connection.h"

/* A waiting call, on the stack of its thread. */
struct cleat_turn_waiter {
    struct cleat_turn_waiter *next;
    pthread_cond_t changed; /* signalled when the turn is granted or the connection closed */
    int fd; /* in an interruptible thread, an eventfd that is written likewise; otherwise -1 */
    unsigned wants; /* the turns that the call waits for; once granted, those that it has */
    unsigned later; /* the turns that it wants after the handshake */
    bool granted;
};

static void wake(struct cleat_turn_waiter *waiter) {
    pthread_cond_signal(&waiter->changed);
    if (waiter->fd >= 0) (void)!eventfd_write(waiter->fd, 1);
}

void cleat_turn_grant(struct cleat_turns *turns) {
    struct cleat_turn_waiter **link = &turns->first;
    unsigned taken = turns->held;
    while (*link != NULL) {
        struct cleat_turn_waiter *waiter = *link;
        if ((waiter->wants & taken) != 0) {
            taken |= waiter->wants; /* later calls must not overtake it */
            link = &waiter->next;
            continue;
        }
        taken |= waiter->wants;
        turns->held |= waiter->wants;
        waiter->granted = true;
        *link = waiter->next;
        wake(waiter);
    }
}

void cleat_turn_handshake_done(struct cleat_turns *turns) {
    struct cleat_turn_waiter *waiter;
    if (turns->first == NULL) return;
    for (waiter = turns->first; waiter != NULL; waiter = waiter->next)
        waiter->wants = waiter->later;
    cleat_turn_grant(turns);
}

void cleat_turn_interrupt(struct cleat_turns *turns) {
    struct cleat_turn_waiter *waiter;
    for (waiter = turns->first; waiter != NULL; waiter = waiter->next) {
        wake(waiter);
    }
}

static unsigned wanted_or_held(const struct cleat_turns *turns) {
    const struct cleat_turn_waiter *waiter;
    unsigned taken = turns->held;
    for (waiter = turns->first; waiter != NULL; waiter = waiter->next) taken |= waiter->wants;
    return taken;
}

static void append(struct cleat_turns *turns, struct cleat_turn_waiter *waiter) {
    struct cleat_turn_waiter **link = &turns->first;
    while (*link != NULL) link = &(*link)->next;
    *link = waiter;
}

static void withdraw(struct cleat_turns *turns, struct cleat_turn_waiter *waiter) {
    struct cleat_turn_waiter **link = &turns->first;
    while (*link != waiter) link = &(*link)->next;
    *link = waiter->next;
    cleat_turn_grant(turns); /* calls behind it may be able to proceed */
}

/* Deadlines are times of the monotonic clock, so the condition variable uses it, too. */
static bool init(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    bool ready;
    if (pthread_condattr_init(&attributes) != 0) return false;
    ready = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
            pthread_cond_init(condition, &attributes) == 0;
    pthread_condattr_destroy(&attributes);
    return ready;
}

static int wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, cleat_deadline deadline) {
    struct timespec time;
    if (deadline == CLEAT_DEADLINE_NEVER) return pthread_cond_wait(condition, lock);
    time.tv_sec = (time_t)(deadline / 1000000000);
    time.tv_nsec = (long)(deadline % 1000000000);
    return pthread_cond_timedwait(condition, lock, &time);
}

/* Signals do not end pthread_cond_wait, so interruptible threads wait for an eventfd instead. */
static bool open_waiter(struct cleat_turn_waiter *waiter) {
    waiter->fd = -1;
    if (!init(&waiter->changed)) {
        errno = ENOMEM;
        return false;
    }
    if (!cleat_is_interruptible()) return true;
    waiter->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (waiter->fd < 0) pthread_cond_destroy(&waiter->changed);
    return waiter->fd >= 0;
}

static void close_waiter(struct cleat_turn_waiter *waiter) {
    pthread_cond_destroy(&waiter->changed);
    if (waiter->fd >= 0) close(waiter->fd);
}

static int32_t wait_interruptibly(struct cleat_connection *self, struct cleat_turn_waiter *waiter,
                                  cleat_deadline deadline) {
    int32_t status;
    pthread_mutex_unlock(&self->lock);
    status = cleat_wait(&self->object, waiter->fd, POLLIN, deadline);
    pthread_mutex_lock(&self->lock);
    return status;
}

/* Waits until the turn is granted, the deadline has passed or the connection is closed, and returns
 * CLEAT_OK, CLEAT_TIMEOUT, CLEAT_CLOSED or CLEAT_SYS. */
static int32_t wait_for_grant(struct cleat_connection *self, struct cleat_turn_waiter *waiter,
                              cleat_deadline deadline) {
    int32_t status = cleat_wait_enter(&self->object, true);
    int32_t left;
    int error = 0;
    if (status < 0) return status;
    append(&self->turns, waiter);
    while (!waiter->granted && status >= 0 && error != ETIMEDOUT &&
           !cleat_object_is_closed(&self->object)) {
        if (waiter->fd >= 0) {
            status = wait_interruptibly(self, waiter, deadline);
        } else {
            error = wait_until(&waiter->changed, &self->lock, deadline);
        }
    }
    if (!waiter->granted) withdraw(&self->turns, waiter);
    left = cleat_wait_leave(&self->object, true);
    if (left < 0) {
        status = left;
    } else if (waiter->granted) {
        status = CLEAT_OK; /* even if the deadline has passed meanwhile */
    } else if (status >= 0) {
        status = cleat_fail(CLEAT_TIMEOUT, 0, "timed out");
    }
    if (status < 0 && waiter->granted) cleat_turn_release(&self->turns, waiter->wants);
    return status;
}

int32_t cleat_turn_wait(struct cleat_connection *self, unsigned wants, unsigned later,
                        cleat_deadline deadline, unsigned *held) {
    struct cleat_turn_waiter waiter = {.wants = wants, .later = later};
    int32_t status;
    *held = CLEAT_TURN_NONE;
    if ((wanted_or_held(&self->turns) & wants) == 0) { /* the waiting calls want the other turn */
        self->turns.held |= wants;
        *held = wants;
        return CLEAT_OK;
    }
    if (deadline == CLEAT_DEADLINE_NOW) {
        bool sends =
            wants == CLEAT_TURN_WRITE || (wants == CLEAT_TURN_BOTH && self->transport.sends);
        return CLEAT_STATUS(sends ? CLEAT_WANT_WRITE : CLEAT_WANT_READ, 0);
    }
    if (!open_waiter(&waiter)) return cleat_fail_errno(errno);
    status = wait_for_grant(self, &waiter, deadline);
    close_waiter(&waiter);
    if (status >= 0) *held = waiter.wants;
    return status;
}
