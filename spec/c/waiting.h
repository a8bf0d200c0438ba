/* waiting.h: calls that wait in every way that cleat has, for tests of what ends them. */
#ifndef CLEAT_SPEC_WAITING_H
#define CLEAT_SPEC_WAITING_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define WAITING_PATIENCE 60.0
#define WAITING_NO_LIMIT (-1.0)
enum { WAITING_MUCH = 4000000 };

/* A waiting call, its event, and how it continues afterwards. */
struct waiting {
    const char *name;
    const char *
        function; /* the function that the call tests; spec/checks/headers.lua requires each that may wait */
    void (*open)(struct waiting *self);
    /* The call, without a limit. It may be repeated after an interruption. */
    int32_t (*call)(struct waiting *self);
    /* Makes the event for which the call waits. */
    void (*release)(struct waiting *self);
    int32_t result; /* of the call: a count, or CLEAT_OK */
    bool is_held; /* it waits for a turn that another thread has */
    bool is_restarted; /* it waits outside of ppoll, in a system call that SA_RESTART restarts */

    int32_t ids[4]; /* the call waits on the first; 0 if there is none */
    int32_t accepted; /* an id that the call has made; 0 if it did not */
    int32_t other; /* an object that another thread needs */
    int fd; /* a descriptor to close, or 0 */
    int write_fd;
    pthread_t holder; /* the thread with the turn for which the call waits */
    char path[64];
};

/* waiting_each calls test with each kind of call, and with the argument. */
void waiting_each(void (*test)(struct waiting *, int32_t), int32_t argument);

/* The kinds that wait on sockets and on connections. The last entry has no open function. */
extern struct waiting waiting_socket_kinds[];
extern struct waiting waiting_connection_kinds[];

extern int32_t waiting_server_context;
extern int32_t waiting_client_context;
extern char waiting_directory[];
extern const char waiting_bytes[WAITING_MUCH];

void waiting_set_up(void);
void waiting_tear_down(void);

/* waiting_close closes what is open. */
void waiting_close(struct waiting *self);

/* waiting_is_inside returns whether a call waits on the first id. */
bool waiting_is_inside(const struct waiting *self);

#endif
