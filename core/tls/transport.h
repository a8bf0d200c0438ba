/* transport.h: the BIO between BoringSSL and the network, or memory.
 *
 * System calls on the descriptor never raise SIGPIPE and never block inside BoringSSL. Input is not read ahead of
 * what BoringSSL needs, except during the handshake: the bytes that certainly belong to the handshake, and fewer
 * than a record with data behind them. So a descriptor with data remains readable, and bytes behind the handshake or
 * close_notify stay in the socket. What BoringSSL writes is buffered and sent by a single send when the connection
 * flushes: the records of one write, or the messages of one flight. Over memory the bytes stay buffered until they
 * are drained. The BIO accepts everything that BoringSSL writes, so that BoringSSL never has a partly written
 * record; callers flush before they let it write.
 *
 * Only transport.c and transport_wait.c change the fields. All functions must be called with the connection's lock
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
    CLEAT_RECORD = 16384, /* the maximum length of a record's data (RFC 8446 section 5.1) */
    CLEAT_TAIL = 7,
    CLEAT_HEAD = 5, /* the length of a record's header, which BoringSSL reads separately */
    CLEAT_AHEAD = 12, /* how many bytes are read ahead of what certainly belongs to the handshake */
    CLEAT_EXPECTED_MAX = 2048, /* a ClientHello with X25519MLKEM768 has up to 1900 */
    /* How often BoringSSL may read from the network before the call checks its deadline. It reads twice for each
     * record. */
    CLEAT_READS = 256,
    CLEAT_DRAIN_LIMIT = 256 * 1024 /* the default limit of a transport over memory */
};

/* How one call of BoringSSL may use the network. */
enum cleat_transport_mode {
    CLEAT_TRANSPORT_PLAIN, /* reads do not wait; writes are buffered */
    CLEAT_TRANSPORT_WAITS, /* the caller can block: skip the non-blocking recv */
    CLEAT_TRANSPORT_NO_INPUT, /* reads find nothing; writes are buffered */
    CLEAT_TRANSPORT_DIRECT /* writes are sent at once, unless earlier ones are buffered */
};

struct cleat_transport {
    int fd; /* -1 over memory */
    enum cleat_transport_mode mode;
    /* The length of the last read that found nothing; 0 if it must not be received yet. */
    int wanted;
    /* Bytes that certainly belong to the handshake and were not received yet: see transport.c. */
    int expected;
    int reads; /* the number of reads from the network in this call of BoringSSL */
    int error; /* errno of a recv or send that has failed in this call, or ENOMEM */
    bool out_of_memory; /* bytes of a record are lost: nothing can be sent any more */
    bool ended; /* the end of the network's input was reached */
    bool handshaking;
    bool fresh; /* something was written since the last flush */
    bool sends; /* the last wait was for the descriptor to become writable */
    bool final; /* a fatal alert was written: nothing follows it */
    bool shut; /* the alert was sent, and the sending direction shut down */
    uint64_t inode; /* of the socket at that time */
    uint8_t head[CLEAT_HEAD + CLEAT_AHEAD]; /* received and not yet read by BoringSSL */
    uint8_t head_start;
    uint8_t head_end;
    struct cleat_queue in; /* fed, or received beyond the size of head, and not yet read */
    struct cleat_queue out; /* buffered and not yet sent or drained */
    size_t limit; /* over memory: no write begins while out has this many bytes */
    uint8_t tail[CLEAT_TAIL]; /* the last bytes of the handshake that were read */
    struct cleat_handshake_tap *tap; /* inspects the handshake; NULL if there is none */
    int64_t buffered; /* total number of bytes written */
    int64_t began; /* the same before this call of BoringSSL */
    int64_t sent; /* total number of bytes sent or drained */
};

void cleat_transport_init(struct cleat_transport *transport, int fd);
void cleat_transport_free(struct cleat_transport *transport);

/* cleat_transport_attach makes ssl read and write through the transport, which must outlive it. Returns false if an
 * allocation failed. */
bool cleat_transport_attach(struct cleat_transport *transport, SSL *ssl);

/* cleat_transport_begin must be called before each call of BoringSSL that may read or write. */
static inline void cleat_transport_begin(struct cleat_transport *transport,
                                         enum cleat_transport_mode mode) {
    transport->began = transport->buffered;
    transport->error = 0;
    transport->reads = 0;
    transport->wanted = 0;
    transport->mode = mode;
}

/* cleat_transport_expect sets the minimum number of bytes, up to CLEAT_EXPECTED_MAX, that the peer will send as part
 * of the handshake before data or close_notify. */
void cleat_transport_expect(struct cleat_transport *transport, int len);

/* For transport_wait.c. cleat_transport_prepare returns how many bytes may be received when BoringSSL wants len;
 * cleat_transport_split must then be called with the result of recv. It copies up to len bytes to buffer and returns
 * how many; it stores the rest until BoringSSL reads it. */
int cleat_transport_prepare(struct cleat_transport *transport, int len);
int cleat_transport_split(struct cleat_transport *transport, const char *bytes, int got,
                          char *buffer, int len);

/* cleat_transport_handshake_done must be called when the handshake is done. */
void cleat_transport_handshake_done(struct cleat_transport *transport);

/* cleat_transport_set_tap sets the tap, NULL for none, that inspects the received bytes from now on. The caller owns
 * it. BoringSSL reads the byte that the tap withholds only after cleat_transport_release. */
void cleat_transport_set_tap(struct cleat_transport *transport, struct cleat_handshake_tap *tap);
void cleat_transport_release(struct cleat_transport *transport);

/* cleat_transport_reserve reserves memory for len bytes of records, so that no allocation can fail between them.
 * Returns false if an allocation failed. */
bool cleat_transport_reserve(struct cleat_transport *transport, size_t len);

/* cleat_transport_flush sends what is buffered, as far as possible without waiting. It returns true if everything
 * was sent, or over memory. Otherwise error is the network's errno, or 0 if the network is full. */
bool cleat_transport_flush(struct cleat_transport *transport);

/* cleat_transport_flush_quietly does the same and preserves error. */
void cleat_transport_flush_quietly(struct cleat_transport *transport);

/* cleat_transport_has_written returns whether this call of BoringSSL has written something. */
static inline bool cleat_transport_has_written(const struct cleat_transport *transport) {
    return transport->buffered > transport->began;
}

/* cleat_transport_finish must be called after a fatal alert was buffered. Once the alert is sent, the sending
 * direction is shut down and unread input is discarded: closing a descriptor with unread input would reset the
 * connection, and the peer might never receive the alert. */
void cleat_transport_finish(struct cleat_transport *transport);

/* cleat_transport_discard discards unread input again, right before the descriptor may be closed, if it is still the
 * same socket. */
void cleat_transport_discard(struct cleat_transport *transport);

/* cleat_transport_wait releases the connection's lock and waits until the descriptor is readable or writable, as
 * want (CLEAT_WANT_*) says. sends: the caller also sends what is buffered, so that writability ends the wait, too.
 * CLEAT_OK; want itself if the call must not wait: over memory, or with CLEAT_DEADLINE_NOW; CLEAT_TIMEOUT;
 * CLEAT_CLOSED; CLEAT_SYS. */
int32_t cleat_transport_wait(struct cleat_transport *transport, struct cleat_object *object,
                             pthread_mutex_t *lock, int32_t want, bool sends,
                             cleat_deadline deadline);

/* cleat_transport_receive_ahead waits in recv for a record's header. It may only be called if the next byte begins a
 * record and nothing is buffered. CLEAT_OK, also if the descriptor is non-blocking; CLEAT_CLOSED; CLEAT_SYS. */
int32_t cleat_transport_receive_ahead(struct cleat_transport *transport,
                                      struct cleat_object *object, pthread_mutex_t *lock);

/* cleat_transport_is_empty returns whether nothing is buffered in either direction. */
static inline bool cleat_transport_is_empty(const struct cleat_transport *transport) {
    return transport->head_start == transport->head_end && cleat_queue_len(&transport->in) == 0 &&
           cleat_queue_len(&transport->out) == 0;
}

/* cleat_transport_ended_in_alert returns whether the last bytes that were read are a fatal alert in plaintext, and
 * stores its description. OpenSSL's clients send such an alert in TLS 1.3 when they refuse a certificate; BoringSSL,
 * which expects encrypted records there, reports a bad record. */
bool cleat_transport_ended_in_alert(const struct cleat_transport *transport, int32_t *alert);

/* cleat_transport_interrupt wakes a thread in cleat_transport_wait because the connection's id was closed. */
void cleat_transport_interrupt(const struct cleat_transport *transport);

/* For transports over memory. */
bool cleat_transport_feed(struct cleat_transport *transport, const char *data, int32_t data_len);
void cleat_transport_feed_eof(struct cleat_transport *transport);
int32_t cleat_transport_drain(struct cleat_transport *transport, char *buf, int32_t buf_cap);
void cleat_transport_set_limit(struct cleat_transport *transport, int32_t limit);

/* cleat_transport_is_full returns whether a write must wait until the caller has drained some bytes. */
static inline bool cleat_transport_is_full(const struct cleat_transport *transport) {
    return transport->fd < 0 && cleat_queue_len(&transport->out) >= transport->limit;
}

#endif
