#include "interrupting.h"

#include <sched.h>
#include <signal.h>

#include "expect.h"

static atomic_int signals;

static void on_signal(int number) {
    (void)number;
    atomic_fetch_add(&signals, 1);
}

void interrupting_handle(int flags) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
    EXPECT(sigaction(SIGUSR1, &action, NULL) == 0);
}

static double now(void) {
    double seconds;
    EXPECT(cleat_monotonic(&seconds) == CLEAT_OK);
    return seconds;
}

void *interrupting_call(void *argument) {
    struct interrupting *self = argument;
    EXPECT(cleat_set_interruptible(self->interruptible) == 0);
    for (;;) {
        double begun = now();
        self->result = self->waiting->call(self->waiting);
        if (self->result != INTERRUPTED) break;
        if (now() - begun < self->shortest) self->shortest = now() - begun;
        EXPECT(cleat_error_status() == INTERRUPTED);
        atomic_fetch_add(&self->interrupted, 1);
    }
    EXPECT(cleat_set_interruptible(0) == self->interruptible);
    atomic_store(&self->returned, true);
    return NULL;
}

void interrupting_signal(struct interrupting *self, pthread_t thread) {
    enum { TIMES = 5, SIGNALS = 50 };
    int before = atomic_load(&signals);
    while (self->interruptible == 1 ? atomic_load(&self->interrupted) < TIMES
                                    : atomic_load(&signals) - before < SIGNALS) {
        EXPECT(!atomic_load(&self->returned));
        if (waiting_is_inside(self->waiting)) EXPECT(pthread_kill(thread, SIGUSR1) == 0);
        sched_yield();
    }
}

void interrupting_test(struct waiting *waiting, int32_t interruptible) {
    struct interrupting self = {
        .waiting = waiting, .interruptible = interruptible, .shortest = 1e9};
    pthread_t thread;
    waiting->open(waiting);
    EXPECT(pthread_create(&thread, NULL, interrupting_call, &self) == 0);
    interrupting_signal(&self, thread);
    waiting->release(waiting);
    EXPECT(pthread_join(thread, NULL) == 0);
    if (self.result != waiting->result)
        fprintf(stderr, "%s: %d\n", waiting->name, (int)self.result);
    EXPECT(self.result == waiting->result);
    /* by the signal, and not because a second has passed */
    EXPECT(interruptible == 0 ? atomic_load(&self.interrupted) == 0 : self.shortest < 1.0);
    waiting_close(waiting);
}
