/* transport.h: how a connection's bytes reach the network: a BIO of our own.
 *
 * The TLS library never touches the descriptor with SIGPIPE in reach, never waits in it, and
 * never reads ahead of what it needs. What it writes is gathered here and goes out in one send
 * when the connection flushes: the records of one write, or the messages of one flight. Over
 * memory the gathered bytes stay until they are drained. */
#ifndef CLEAT_CORE_TRANSPORT_H
#define CLEAT_CORE_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/boringssl.h"

/* Bytes in the order in which they came; no memory is kept while there are none. */
struct cleat_queue {
    uint8_t *bytes;
    size_t start;
    size_t end;
    size_t room;
};

enum {
    CLEAT_RECORD = 16384, /* the most that one record holds (RFC 8446 section 5.1) */
    CLEAT_CHUNK = 65536, /* what a large write encrypts and sends at once */
    /* What the records of a chunk may add to it: header, explicit nonce, tag or MAC and
     * padding, content type. */
    CLEAT_CHUNK_OVERHEAD = 512,
    CLEAT_TAIL = 7,
    CLEAT_HEAD = 5, /* a record's header: what the library reads first, and nothing besides */
    /* How often the TLS library may read from the network before the call looks at the clock
     * again: twice for each record. */
    CLEAT_READS = 256
};

struct cleat_transport {
    int fd; /* -1: memory */
    bool direct; /* the next record goes out at once, if nothing is in its way */
    bool waits; /* whoever reads can wait: do not ask the network, say how much is wanted */
    bool receiving; /* a thread does so, without the lock: what comes is that thread's */
    int wanted; /* how much the last read that got nothing was for; 0 if it may not be received */
    uint8_t head[CLEAT_HEAD]; /* what such a thread has received and the library not read yet */
    uint8_t head_start;
    uint8_t head_end;
    bool ended; /* the network has no more bytes */
    int reads; /* of the network in this turn; the connection sets it to 0 */
    int error; /* errno of a recv or send that failed, until cleared */
    struct cleat_queue in; /* memory only: fed and not yet read */
    struct cleat_queue out; /* gathered and not yet sent or drained */
    uint8_t tail[CLEAT_TAIL]; /* the last bytes that were read, of the handshake */
    bool keeps_tail; /* until that is done */
    bool fresh; /* something was gathered since the last flush */
    int64_t gathered; /* bytes that ever went into out */
    int64_t sent; /* bytes that ever left it */
};

bool cleat_queue_append(struct cleat_queue *queue, const void *bytes, size_t len);
size_t cleat_queue_take(struct cleat_queue *queue, void *bytes, size_t len);
bool cleat_queue_reserve(struct cleat_queue *queue, size_t len);
void cleat_queue_free(struct cleat_queue *queue);

static inline size_t cleat_queue_len(const struct cleat_queue *queue) {
    return queue->end - queue->start;
}

/* cleat_transport_attach returns whether ssl now reads and writes through the transport, which
 * must outlive it. */
bool cleat_transport_attach(struct cleat_transport *transport, SSL *ssl);

/* cleat_transport_receive waits in the kernel for up to len bytes and returns how many came, 0 at
 * the network's end, or -1 and stores the errno: EAGAIN if fd does not block. */
int cleat_transport_receive(int fd, uint8_t *bytes, size_t len, int *error);

/* cleat_transport_flush sends what is gathered, as far as the network takes it without
 * waiting: true if all of it, or if the transport is memory. If it is false, error tells
 * whether the network failed or is just full. */
bool cleat_transport_flush(struct cleat_transport *transport);

/* cleat_transport_ended_in_alert returns whether the last thing that was read is a fatal alert
 * in the clear, and stores its description. OpenSSL's clients refuse a certificate that way in
 * TLS 1.3, where only encrypted records are due, so that BoringSSL sees a broken record. */
bool cleat_transport_ended_in_alert(const struct cleat_transport *transport, int32_t *alert);

void cleat_transport_free(struct cleat_transport *transport);

#endif
