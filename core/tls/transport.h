/* transport.h: how a connection's bytes reach the network: a BIO of our own.
 *
 * The TLS library never touches the descriptor with SIGPIPE in reach, and never waits in it. Nothing is
 * read ahead of what it needs, except in a handshake: what is certainly of the handshake, and less than a
 * record with data beyond. So a descriptor with data is readable all the same, and what follows the
 * handshake or close_notify stays in the socket. What the library writes is buffered here and goes out in one send
 * when the connection flushes: the records of one write, or the messages of one flight. Over
 * memory the buffered bytes stay until they are drained. The BIO takes all that the library
 * writes: callers flush before they let it write, so that it is never left within a record.
 *
 * The fields are changed in transport.c and transport_wait.c only. All functions are called with the connection's lock
 * held. */
#ifndef CLEAT_CORE_TRANSPORT_H
#define CLEAT_CORE_TRANSPORT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/boringssl.h"
#include "base/clock.h"
#include "base/handle.h"
#include "tls/handshake_tap.h"
#include "tls/queue.h"

enum {
    CLEAT_RECORD = 16384, /* the most that one record holds (RFC 8446 section 5.1) */
    CLEAT_TAIL = 7,
    CLEAT_HEAD = 5, /* a record's header: what the library reads first, and nothing besides */
    CLEAT_AHEAD = 12, /* what a handshake receives beyond what is certainly its own, at most */
    CLEAT_EXPECTED_MAX = 2048, /* a ClientHello with X25519MLKEM768 has up to 1900 */
    /* How often the TLS library may read from the network before the call looks at the clock
     * again: twice for each record. */
    CLEAT_READS = 256,
    CLEAT_DRAIN_LIMIT = 256 * 1024 /* of a transport over memory, unless it is set */
};

/* How one call of the library may use the network. */
enum cleat_transport_mode {
    CLEAT_TRANSPORT_PLAIN, /* reads do not wait; what is written is buffered */
    CLEAT_TRANSPORT_WAITS, /* the caller can block: skip the non-blocking recv */
    CLEAT_TRANSPORT_DEAF, /* there is nothing to read; what is written is buffered */
    CLEAT_TRANSPORT_DIRECT /* what is written is sent at once, if nothing is buffered before it */
};

struct cleat_transport {
    int fd; /* -1: memory */
    enum cleat_transport_mode mode;
    int wanted; /* how much the last read that got nothing was for; 0 if it may not be received */
    int expected; /* bytes that are certainly the handshake's and not received: see transport.c */
    int reads; /* of the network in this call of the library */
    int error; /* errno of a recv or send that failed in it, ENOMEM */
    bool out_of_memory; /* bytes of a record are lost: nothing can follow them */
    bool ended; /* the network has no more bytes */
    bool handshaking;
    bool fresh; /* something was buffered since the last flush */
    bool sends; /* the last wait was for the network to take what is buffered */
    bool final; /* a fatal alert is the last thing that is sent */
    bool shut; /* it was sent, and the sending direction shut down */
    uint64_t inode; /* of the socket at that time */
    uint8_t head[CLEAT_HEAD + CLEAT_AHEAD]; /* received and not yet read by the library */
    uint8_t head_start;
    uint8_t head_end;
    struct cleat_queue in; /* fed and not yet read; or received, where head has no room */
    struct cleat_queue out; /* buffered and not yet sent or drained */
    size_t limit; /* over memory: with so many bytes in out no write begins */
    uint8_t tail[CLEAT_TAIL]; /* the last bytes that were read, of the handshake */
    struct cleat_handshake_tap *tap; /* what follows the handshake; NULL if nothing does */
    int64_t buffered; /* bytes that ever went into out, or past it */
    int64_t began; /* the same, before this call of the library */
    int64_t sent; /* bytes that ever left it */
};

void cleat_transport_init(struct cleat_transport *transport, int fd);
void cleat_transport_free(struct cleat_transport *transport);

/* cleat_transport_attach returns whether ssl now reads and writes through the transport, which
 * must outlive it. */
bool cleat_transport_attach(struct cleat_transport *transport, SSL *ssl);

/* cleat_transport_begin comes before each call of the library that may read or write. */
static inline void cleat_transport_begin(struct cleat_transport *transport,
                                         enum cleat_transport_mode mode) {
    transport->began = transport->buffered;
    transport->error = 0;
    transport->reads = 0;
    transport->wanted = 0;
    transport->mode = mode;
}

/* cleat_transport_expect says how many bytes of the handshake the peer sends next, at least, before anything that is
 * not the handshake's: data, close_notify. At most CLEAT_EXPECTED_MAX. */
void cleat_transport_expect(struct cleat_transport *transport, int len);

/* For transport_wait.c. cleat_transport_prepare returns how much may be received where the library wants len bytes;
 * then cleat_transport_split is called with what recv has returned. It moves up to len bytes to buffer and returns how
 * many; what is left is kept until the library reads it. */
int cleat_transport_prepare(struct cleat_transport *transport, int len);
int cleat_transport_split(struct cleat_transport *transport, const char *bytes, int got,
                          char *buffer, int len);

/* cleat_transport_handshake_done is called when nothing of the handshake is to be received. */
void cleat_transport_handshake_done(struct cleat_transport *transport);

/* cleat_transport_set_tap lets a tap, or NULL for none, follow what is received from now on. The caller owns it. What
 * the tap holds back is read as if it had not come yet, until cleat_transport_release. */
void cleat_transport_set_tap(struct cleat_transport *transport, struct cleat_handshake_tap *tap);
void cleat_transport_release(struct cleat_transport *transport);

/* cleat_transport_reserve returns whether the records of a chunk can be buffered without an
 * allocation that could fail in their middle. */
bool cleat_transport_reserve(struct cleat_transport *transport, size_t len);

/* cleat_transport_flush sends what is buffered, as far as the network takes it without waiting:
 * true if all of it, or if the transport is memory. If it is false, error says whether the
 * network failed (an errno) or is just full (0). */
bool cleat_transport_flush(struct cleat_transport *transport);

/* cleat_transport_flush_quietly does so and keeps error as it was. */
void cleat_transport_flush_quietly(struct cleat_transport *transport);

/* cleat_transport_has_written returns whether this call of the library has written something. */
static inline bool cleat_transport_has_written(const struct cleat_transport *transport) {
    return transport->buffered > transport->began;
}

/* cleat_transport_finish is called when a fatal alert was buffered. Once it is sent, the sending
 * direction is shut down, and unread input is discarded: closing the descriptor
 * with unread input would reset the connection, and the peer might never see the alert. */
void cleat_transport_finish(struct cleat_transport *transport);

/* cleat_transport_discard does the same again, right before the descriptor may be closed, if it is
 * still the same socket. */
void cleat_transport_discard(struct cleat_transport *transport);

/* cleat_transport_wait waits without the connection's lock for what the library wants
 * (CLEAT_WANT_*). sends: the caller also sends what is buffered, so it waits for the network to
 * take it as well. CLEAT_OK; want itself if there is no waiting: over memory, or with
 * CLEAT_DEADLINE_NOW; CLEAT_TIMEOUT; CLEAT_CLOSED; CLEAT_SYS. */
int32_t cleat_transport_wait(struct cleat_transport *transport, struct cleat_object *object,
                             pthread_mutex_t *lock, int32_t want, bool sends,
                             cleat_deadline deadline);

/* cleat_transport_receive_ahead receives a record's header, and waits for it, in recv. It may be
 * called where a record begins with the next byte and nothing is on its way to the library.
 * CLEAT_OK, also if the descriptor does not block; CLEAT_CLOSED; CLEAT_SYS. */
int32_t cleat_transport_receive_ahead(struct cleat_transport *transport,
                                      struct cleat_object *object, pthread_mutex_t *lock);

/* cleat_transport_is_empty returns whether nothing is on its way to the library or to the network. */
static inline bool cleat_transport_is_empty(const struct cleat_transport *transport) {
    return transport->head_start == transport->head_end && cleat_queue_len(&transport->in) == 0 &&
           cleat_queue_len(&transport->out) == 0;
}

/* cleat_transport_ended_in_alert returns whether the last thing that was read is a fatal alert
 * in plaintext, and stores its description. OpenSSL's clients refuse a certificate that way in
 * TLS 1.3, where only encrypted records are due, so that BoringSSL sees a broken record. */
bool cleat_transport_ended_in_alert(const struct cleat_transport *transport, int32_t *alert);

/* cleat_transport_interrupt wakes a thread in cleat_transport_wait, for the connection was closed. */
void cleat_transport_interrupt(const struct cleat_transport *transport);

/* Over memory: the other end of the transport. */
bool cleat_transport_feed(struct cleat_transport *transport, const char *data, int32_t data_len);
void cleat_transport_feed_eof(struct cleat_transport *transport);
int32_t cleat_transport_drain(struct cleat_transport *transport, char *buf, int32_t buf_cap);
void cleat_transport_set_limit(struct cleat_transport *transport, int32_t limit);

/* cleat_transport_is_full returns whether a write has to wait until some bytes are drained. */
static inline bool cleat_transport_is_full(const struct cleat_transport *transport) {
    return transport->fd < 0 && cleat_queue_len(&transport->out) >= transport->limit;
}

#endif
