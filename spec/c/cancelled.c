#include "cancelled.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t calling; /* points to called, between cancelled_allow and cancelled_forbid */
static _Thread_local const char *called;
static _Thread_local bool is_cancelled;

static void report(void *name) {
    fprintf(stderr, "pthread_cancel ended the thread in %s\n", *(const char *const *)name);
    _Exit(1);
}

static void make_key(void) {
    if (pthread_key_create(&calling, report) != 0) abort();
}

void cancelled_forbid(void) {
    int unused;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &unused);
    pthread_once(&once, make_key);
    pthread_setspecific(calling, NULL);
}

void cancelled_allow(const char *name) {
    int unused;
    cancelled_forbid();
    if (!is_cancelled) {
        is_cancelled = true;
        pthread_cancel(pthread_self());
    }
    called = name;
    pthread_setspecific(calling, &called);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &unused);
}
