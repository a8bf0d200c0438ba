/* queue.h: a byte queue, which has no memory while it is empty. */
#ifndef CLEAT_CORE_QUEUE_H
#define CLEAT_CORE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CLEAT_CHUNK = 65536, /* how many bytes a large write encrypts and sends at once */
    /* The maximum overhead of the records of a chunk: headers, explicit nonces, tags or MACs and padding, content
     * types. */
    CLEAT_CHUNK_OVERHEAD = 512
};

struct cleat_queue {
    uint8_t *bytes;
    size_t start;
    size_t end;
    size_t room;
};

bool cleat_queue_append(struct cleat_queue *queue, const void *bytes, size_t len);

/* cleat_queue_pop removes up to len bytes from the queue, copies them to bytes unless that is NULL, and returns how
 * many. */
size_t cleat_queue_pop(struct cleat_queue *queue, void *bytes, size_t len);

/* cleat_queue_reserve makes room for len more bytes, which can then be appended without an allocation. Returns false
 * if an allocation failed. */
bool cleat_queue_reserve(struct cleat_queue *queue, size_t len);
void cleat_queue_free(struct cleat_queue *queue);

static inline size_t cleat_queue_len(const struct cleat_queue *queue) {
    return queue->end - queue->start;
}

#endif
