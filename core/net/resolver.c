/* resolver.c: see resolver.h.
 *
 * A thread is created when a look-up is queued and fewer than CLEAT_RESOLVER_THREADS are running, and ends when the
 * queue is empty: there are no idle threads. Releasing a look-up removes it from the queue. If a thread is already
 * executing it, it cannot be stopped: the thread frees it when getaddrinfo returns.
 *
 * The threads are detached, and no call waits for them. The library is linked with -z nodelete, so that dlclose does
 * not unmap their code.
 *
 * After fork() the child has none of the threads, and one of them may have held the lock: the fork handler
 * initialises the lock and the queue again. Look-ups that the parent started never complete in the child
 * (cleat_lookup_is_lost), although their descriptors, which both processes share, become readable. */
#include "net/resolver.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "base/error.h"
#include "base/memory.h"
#include "net/host.h"

enum { QUEUED, BUSY, FINISHED, RELEASED };

static struct {
    pthread_mutex_t lock; /* for the fields below, and for each look-up's state */
    struct cleat_lookup *first;
    struct cleat_lookup *last;
    int threads;
    unsigned generation; /* the number of forks since the first process */
} resolver = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void reset_in_child(void) {
    pthread_mutex_init(&resolver.lock, NULL);
    resolver.first = NULL;
    resolver.last = NULL;
    resolver.threads = 0;
    resolver.generation++;
}

static void register_fork_handler(void) {
    pthread_atfork(NULL, NULL, reset_in_child);
}

static void append(struct cleat_lookup *lookup) {
    lookup->state = QUEUED;
    lookup->next = NULL;
    lookup->previous = resolver.last;
    *(resolver.last != NULL ? &resolver.last->next : &resolver.first) = lookup;
    resolver.last = lookup;
}

static void remove_from_queue(struct cleat_lookup *lookup) {
    *(lookup->previous != NULL ? &lookup->previous->next : &resolver.first) = lookup->next;
    *(lookup->next != NULL ? &lookup->next->previous : &resolver.last) = lookup->previous;
}

static void lookup_free(struct cleat_lookup *lookup) {
    if (lookup->list != NULL) freeaddrinfo(lookup->list);
    cleat_host_free(lookup->found);
    cleat_release(lookup->host);
    cleat_release(lookup->service);
    cleat_release(lookup);
}

/* finish stores the result, or frees a look-up that was released. The caller holds the lock. */
static void finish(struct cleat_lookup *lookup, int code, int number, struct addrinfo *list,
                   struct cleat_host *found) {
    lookup->code = code;
    lookup->number = number;
    lookup->list = code == 0 ? list : NULL;
    lookup->found = found;
    if (lookup->state == RELEASED) {
        lookup_free(lookup);
        return;
    }
    lookup->state = FINISHED;
    atomic_store(&lookup->done, true);
    (void)!eventfd_write(lookup->fd, 1); /* it becomes and stays readable */
}

static void *thread_main(void *argument) {
    struct cleat_lookup *lookup;
    (void)argument;
    pthread_mutex_lock(&resolver.lock);
    while ((lookup = resolver.first) != NULL) {
        struct addrinfo *list = NULL;
        struct cleat_host *found = NULL;
        int code;
        int number;
        remove_from_queue(lookup);
        lookup->state = BUSY;
        pthread_mutex_unlock(&resolver.lock);
        code = lookup->kind == 0 ? getaddrinfo(lookup->host, lookup->service, &lookup->hints, &list)
                                 : cleat_host_lookup(&found, lookup->kind, lookup->host,
                                                     &lookup->address, lookup->hints.ai_flags);
        number = errno;
        pthread_mutex_lock(&resolver.lock);
        finish(lookup, code, number, list, found);
    }
    resolver.threads--;
    pthread_mutex_unlock(&resolver.lock);
    return NULL;
}

/* start_thread returns 0 or an errno. The thread blocks all signals: the program's signal handlers must not run in a
 * thread that the program does not know about. */
static int start_thread(void) {
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all;
    sigset_t before;
    int error;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_attr_init(&attributes);
    if (error == 0) {
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        error = pthread_create(&thread, &attributes, thread_main, NULL);
        pthread_attr_destroy(&attributes);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

int cleat_lookup_new(struct cleat_lookup **lookup, const char *host, int32_t host_len,
                     const char *service, int32_t service_len, const struct addrinfo *hints) {
    struct cleat_lookup *made = cleat_allocate(sizeof *made);
    int error = 0;
    *lookup = NULL;
    if (made == NULL) return ENOMEM;
    made->hints = *hints;
    atomic_init(&made->done, false);
    if (host != NULL) made->host = cleat_copy_text(host, host_len);
    if (service != NULL) made->service = cleat_copy_text(service, service_len);
    if ((host != NULL && made->host == NULL) || (service != NULL && made->service == NULL)) {
        error = ENOMEM;
    } else {
        made->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (made->fd < 0) error = errno;
    }
    if (error != 0) {
        lookup_free(made);
        return error;
    }
    *lookup = made;
    return 0;
}

int32_t cleat_lookup_start(struct cleat_lookup *lookup) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int error = 0;
    pthread_once(&once, register_fork_handler);
    pthread_mutex_lock(&resolver.lock);
    lookup->started = true;
    lookup->generation = resolver.generation;
    append(lookup);
    if (resolver.threads < CLEAT_RESOLVER_THREADS) {
        resolver.threads++;
        error = start_thread();
        if (error != 0) resolver.threads--;
        if (resolver.threads > 0) error = 0; /* a running thread will execute it */
    }
    if (error != 0) {
        remove_from_queue(lookup);
        lookup->started = false;
    }
    pthread_mutex_unlock(&resolver.lock);
    return error == 0 ? CLEAT_OK : cleat_fail_errno(error);
}

bool cleat_lookup_is_lost(const struct cleat_lookup *lookup) {
    return lookup->started && lookup->generation != resolver.generation &&
           !atomic_load(&lookup->done);
}

void cleat_lookup_release(struct cleat_lookup *lookup) {
    bool busy = false;
    if (lookup->started && lookup->generation == resolver.generation) {
        pthread_mutex_lock(&resolver.lock);
        if (lookup->state == QUEUED) remove_from_queue(lookup);
        busy = lookup->state == BUSY;
        if (busy) lookup->state = RELEASED;
        pthread_mutex_unlock(&resolver.lock);
    } else if (cleat_lookup_is_lost(lookup)) {
        lookup->list = NULL; /* the parent's thread may have been storing it */
        lookup->found = NULL;
    }
    if (!busy) lookup_free(lookup);
}
