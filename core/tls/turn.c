#include "tls/turn.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "net/wait.h"
#include "tls/connection.h"

/* A call that waits: on its own stack. */
struct cleat_turn_waiter {
    struct cleat_turn_waiter *next;
    pthread_cond_t changed; /* granted, or the connection was closed */
    unsigned wants; /* once granted, what the call has */
    unsigned later; /* what it wants after the handshake */
    bool granted;
};

void cleat_turn_grant(struct cleat_turns *turns) {
    struct cleat_turn_waiter **link = &turns->first;
    unsigned taken = turns->held;
    while (*link != NULL) {
        struct cleat_turn_waiter *waiter = *link;
        if ((waiter->wants & taken) != 0) {
            taken |= waiter->wants; /* later calls do not overtake it */
            link = &waiter->next;
            continue;
        }
        taken |= waiter->wants;
        turns->held |= waiter->wants;
        waiter->granted = true;
        *link = waiter->next;
        pthread_cond_signal(&waiter->changed);
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
        pthread_cond_signal(&waiter->changed);
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
    cleat_turn_grant(turns); /* it may have stood before others */
}

/* Deadlines are the monotonic clock's, so the condition variable is as well. */
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

int32_t cleat_turn_wait(struct cleat_connection *self, unsigned wants, unsigned later,
                        cleat_deadline deadline, unsigned *held) {
    struct cleat_turn_waiter waiter = {.wants = wants, .later = later};
    int32_t status;
    int error = 0;
    *held = CLEAT_TURN_NONE;
    if ((wanted_or_held(&self->turns) & wants) == 0) { /* the others wait for another turn */
        self->turns.held |= wants;
        *held = wants;
        return CLEAT_OK;
    }
    if (deadline == CLEAT_DEADLINE_NOW) {
        bool sends =
            wants == CLEAT_TURN_WRITE || (wants == CLEAT_TURN_BOTH && self->transport.sends);
        return CLEAT_STATUS(sends ? CLEAT_WANT_WRITE : CLEAT_WANT_READ, 0);
    }
    if (!init(&waiter.changed)) return cleat_fail_nomem();
    status = cleat_wait_enter(&self->object, true);
    if (status >= 0) {
        append(&self->turns, &waiter);
        while (!waiter.granted && error != ETIMEDOUT && !cleat_object_is_closed(&self->object)) {
            error = wait_until(&waiter.changed, &self->lock, deadline);
        }
        if (!waiter.granted) withdraw(&self->turns, &waiter);
        status = cleat_wait_leave(&self->object, true);
        if (status >= 0 && !waiter.granted) status = cleat_fail(CLEAT_TIMEOUT, 0, "timed out");
        if (status < 0 && waiter.granted) cleat_turn_release(&self->turns, waiter.wants);
    }
    pthread_cond_destroy(&waiter.changed);
    if (status >= 0) *held = waiter.wants;
    return status;
}
