/* deadline.c: slow peers, over sockets: peers that send nothing, that stop at any byte, that send slowly, that never
 * read, and one that never stops. Each call ends when its timeout has passed, and a byte meanwhile does not extend it.
 * */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include "../c/expect.h"
#include "../c/load.h"
#include "hostile.h"
#include "peer.h"

#define TIMEOUT 0.1
#define SLACK load_bound(3) /* for a busy machine */

static double now(void) {
    double seconds;
    EXPECT(cleat_monotonic(&seconds) == CLEAT_OK);
    return seconds;
}

/* The call that began then has returned CLEAT_TIMEOUT, not before the timeout and not long after it. */
static void expect_timeout(const char *where, int32_t status, double begun, double timeout) {
    double took = now() - begun;
    if (status >= 0 || CLEAT_CLASS(status) != CLEAT_TIMEOUT || took < timeout ||
        took > timeout + SLACK) {
        fprintf(stderr, "%s: after %.3f s\n", where, took);
    }
    EXPECT(status < 0 && CLEAT_CLASS(status) == CLEAT_TIMEOUT);
    EXPECT(took >= timeout && took <= timeout + SLACK);
}

static void try_silence(int32_t version, bool is_server) {
    struct peer peer;
    char byte;
    double begun = now();
    peer_open_socket(&peer, version, is_server);
    expect_timeout("silence", cleat_connection_handshake(peer.id, TIMEOUT), begun, TIMEOUT);
    begun = now();
    expect_timeout("silence", cleat_connection_read(peer.id, &byte, 1, TIMEOUT), begun, TIMEOUT);
    peer_shake_hands(&peer); /* after a timeout the connection can continue */
    begun = now();
    expect_timeout("silence", cleat_connection_read(peer.id, &byte, 1, TIMEOUT), begun, TIMEOUT);
    begun = now();
    expect_timeout("no close_notify", cleat_connection_shutdown(peer.id, TIMEOUT), begun, TIMEOUT);
    peer_close(&peer);
}

/* A peer's first bytes, truncated after so many; returns how many there are. */
static int32_t try_stop(int32_t version, bool is_server, int32_t cut) {
    struct peer peer;
    uint8_t bytes[PEER_RECORD];
    int32_t len;
    double begun;
    peer_open_socket(&peer, version, is_server);
    if (is_server) EXPECT(CLEAT_CLASS(cleat_connection_handshake(peer.id, 0)) == CLEAT_WANT_READ);
    len = peer_step(&peer, bytes);
    if (cut < len) {
        peer_send_raw(&peer, bytes, cut);
        begun = now();
        expect_timeout("stops", cleat_connection_handshake(peer.id, 0.005), begun, 0.005);
        peer_send_raw(&peer, bytes + cut, len - cut); /* the handshake can still finish */
        peer_shake_hands(&peer);
    }
    peer_close(&peer);
    return len;
}

struct drip {
    struct peer *peer;
    const uint8_t *bytes;
    int32_t len;
    atomic_bool stop;
};

/* A byte every few milliseconds: the intervals are shorter than any timeout here. */
static void *drip(void *argument) {
    struct drip *drip = argument;
    int32_t at;
    for (at = 0; at < drip->len && !atomic_load(&drip->stop); at++) {
        peer_send_raw(drip->peer, drip->bytes + at, 1);
        (void)cleat_poll(NULL, 0, NULL, 0, NULL, 0, 0.004);
    }
    return NULL;
}

static void try_drip(int32_t version, bool is_server) {
    struct peer peer;
    uint8_t bytes[PEER_RECORD];
    struct drip dripping = {.peer = &peer, .bytes = bytes};
    pthread_t thread;
    double begun;
    peer_open_socket(&peer, version, is_server);
    if (is_server) EXPECT(CLEAT_CLASS(cleat_connection_handshake(peer.id, 0)) == CLEAT_WANT_READ);
    dripping.len = peer_step(&peer, bytes);
    EXPECT(dripping.len > 60);
    EXPECT(pthread_create(&thread, NULL, drip, &dripping) == 0);
    begun = now();
    expect_timeout("drip", cleat_connection_handshake(peer.id, TIMEOUT), begun, TIMEOUT);
    atomic_store(&dripping.stop, true);
    pthread_join(thread, NULL);
    peer_close(&peer);
}

enum { FLOOD = 32000000 };

/* Tickets, encrypted beforehand so that they arrive faster than they are read: a read gets no data, and always more
 * records. */
static void *flood(void *argument) {
    struct drip *flooding = argument;
    int32_t at = 0;
    while (at < flooding->len) {
        ssize_t moved = send(flooding->peer->fd[1], flooding->bytes + at,
                             (size_t)(flooding->len - at), MSG_NOSIGNAL);
        if (moved < 0) return NULL; /* the socket was shut down */
        at += (int32_t)moved;
    }
    EXPECT(atomic_load(&flooding->stop)); /* the tickets lasted for the whole test */
    return NULL;
}

static int32_t seal_tickets(struct peer *peer, uint8_t *bytes) {
    static const char ticket[] =
        "\x04\x00\x00\x0e\x00\x00\x0e\x10\x00\x00\x00\x00\x00\x00\x01x\x00\x00";
    int32_t len = 0;
    while (len < FLOOD - PEER_RECORD) {
        len += peer_seal(peer, HANDSHAKE, ticket, sizeof ticket - 1, bytes + len);
    }
    return len;
}

static void try_flood(void) {
    struct peer peer;
    uint8_t *bytes = malloc(FLOOD);
    struct drip flooding = {.peer = &peer, .bytes = bytes};
    pthread_t thread;
    int64_t before;
    double begun;
    char byte;
    EXPECT(bytes != NULL);
    peer_open_socket(&peer, CLEAT_TLS1_3_VERSION, true);
    peer_shake_hands(&peer);
    flooding.len = seal_tickets(&peer, bytes);
    before = memory_in_use();
    EXPECT(pthread_create(&thread, NULL, flood, &flooding) == 0);
    begun = now();
    expect_timeout("flood", cleat_connection_read(peer.id, &byte, 1, TIMEOUT), begun, TIMEOUT);
    /* A call with a timeout of 0 returns before the end of the flood, which flood() expects. */
    EXPECT(CLEAT_CLASS(cleat_connection_read(peer.id, &byte, 1, 0)) == CLEAT_WANT_READ);
    EXPECT(memory_in_use() < before + 1000000);
    atomic_store(&flooding.stop, true);
    shutdown(peer.fd[1], SHUT_RDWR);
    pthread_join(thread, NULL);
    peer_close(&peer);
    free(bytes);
}

static void try_full(int32_t version, bool is_server) {
    static const char much[8000000];
    const int small = 4096;
    struct peer peer;
    int32_t written = 0;
    int32_t status;
    double begun;
    peer_open_socket(&peer, version, is_server);
    peer_shake_hands(&peer);
    EXPECT(setsockopt(peer.fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
    EXPECT(setsockopt(peer.fd[1], SOL_SOCKET, SO_RCVBUF, &small, sizeof small) == 0);
    begun = now();
    do { /* it accepts the bytes that fit, and then times out */
        status = cleat_connection_write(peer.id, much + written, (int32_t)sizeof much - written,
                                        TIMEOUT);
        if (status > 0) written += status;
        if (status > 0) begun = now();
    } while (status > 0 && written < (int32_t)sizeof much);
    EXPECT(written < (int32_t)sizeof much);
    expect_timeout("full", status, begun, TIMEOUT);
    peer_close(&peer);
}

int try_deadlines(void) {
    int count = 1;
    int side;
    int v;
    for (v = 0; v < 2; v++) {
        int32_t version = v == 0 ? CLEAT_TLS1_2_VERSION : CLEAT_TLS1_3_VERSION;
        for (side = 0; side < 2; side++) {
            int32_t len = try_stop(version, side == 1, 0);
            int32_t cut;
            try_silence(version, side == 1);
            for (cut = 1; cut < len; cut += 59, count++) try_stop(version, side == 1, cut);
            try_drip(version, side == 1);
            try_full(version, side == 1);
            count += 4;
        }
    }
    try_flood();
    return count;
}
