/* queue.h: bytes in the order in which they came; no memory is kept while there are none. */
#ifndef CLEAT_CORE_QUEUE_H
#define CLEAT_CORE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CLEAT_CHUNK = 65536, /* what a large write encrypts and sends at once */
    /* What the records of a chunk may add to it: header, explicit nonce, tag or MAC and
     * padding, content type. */
    CLEAT_CHUNK_OVERHEAD = 512
};

struct cleat_queue {
    uint8_t *bytes;
    size_t start;
    size_t end;
    size_t room;
};

bool cleat_queue_append(struct cleat_queue *queue, const void *bytes, size_t len);

/* cleat_queue_pop moves up to len bytes out of the queue and returns how many; they are dropped
 * if bytes is NULL. */
size_t cleat_queue_pop(struct cleat_queue *queue, void *bytes, size_t len);

/* cleat_queue_reserve returns whether len more bytes can now be appended without an allocation. */
bool cleat_queue_reserve(struct cleat_queue *queue, size_t len);
void cleat_queue_free(struct cleat_queue *queue);

static inline size_t cleat_queue_len(const struct cleat_queue *queue) {
    return queue->end - queue->start;
}

#endif
