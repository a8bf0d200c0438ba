#include "gate.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool is_open;
static int hanging;
static int most;

void gate_pass(bool waits) {
    pthread_mutex_lock(&lock);
    hanging++;
    if (hanging > most) most = hanging;
    pthread_cond_broadcast(&changed);
    while (waits && !is_open) pthread_cond_wait(&changed, &lock);
    hanging--;
    pthread_mutex_unlock(&lock);
}

void gate_set(bool open) {
    pthread_mutex_lock(&lock);
    is_open = open;
    if (!open) most = hanging;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

void gate_await(int number) {
    pthread_mutex_lock(&lock);
    while (hanging < number) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static int locked(const int *number) {
    int result;
    pthread_mutex_lock(&lock);
    result = *number;
    pthread_mutex_unlock(&lock);
    return result;
}

int gate_hanging(void) {
    return locked(&hanging);
}

int gate_most(void) {
    return locked(&most);
}

void gate_after_fork(void) {
    pthread_mutex_init(&lock, NULL);
    pthread_cond_init(&changed, NULL);
    is_open = true;
}
