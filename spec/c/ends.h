/* ends.h: the two ends of a TLS connection over each kind of transport, for tests in which several threads use one
 * end. */
#ifndef CLEAT_SPEC_ENDS_H
#define CLEAT_SPEC_ENDS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

enum ends_transport { ENDS_SOCKET, ENDS_TCP, ENDS_FD, ENDS_MEMORY, ENDS_TRANSPORTS };

struct ends {
    enum ends_transport transport;
    int32_t client;
    int32_t server;
    int32_t sockets[2]; /* the server's and the client's; 0 if there are none */
    int fds[2]; /* -1 if cleat owns them */
    pthread_t pump; /* over memory: moves the bytes */
    atomic_bool stop;
    atomic_bool paused; /* the network accepts nothing */
    atomic_bool idle; /* and the pump has stopped */
};

/* For how many seconds a call may wait before the test reports that it hangs. */
#define ENDS_PATIENCE 600.0

extern const char *const ends_names[ENDS_TRANSPORTS];

void ends_open(struct ends *ends, enum ends_transport transport, int32_t server_context,
               int32_t client_context, const char *hostname);

/* ends_pause stops the network over memory: after it returns, no bytes are accepted. */
void ends_pause(struct ends *ends);

/* ends_hang_up closes both connections, which ends the calls of other threads. */
void ends_hang_up(const struct ends *ends);

/* ends_close closes everything that is open; no other thread may be in a call. */
void ends_close(struct ends *ends);

/* The calls of the ABI. Over memory they are repeated until the timeout has passed, and then return CLEAT_TIMEOUT as
 * well. */
int32_t ends_handshake(const struct ends *ends, int32_t id, double timeout);
int32_t ends_read(const struct ends *ends, int32_t id, char *buf, int32_t buf_cap, double timeout);
int32_t ends_write(const struct ends *ends, int32_t id, const char *data, int32_t data_len,
                   double timeout);
int32_t ends_shutdown(const struct ends *ends, int32_t id, double timeout);

/* ends_shake does both handshakes. */
void ends_shake(struct ends *ends);

/* ends_drive does both handshakes until they finish or pause, and stores their last results; the client reads after its
 * own, for a late alert. */
void ends_drive(const struct ends *ends, int32_t *client, int32_t *server);

#endif
