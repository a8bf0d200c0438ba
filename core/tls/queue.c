#include "tls/queue.h"

#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"

/* Room for the records of one large write. The process keeps one spare block of that size: otherwise the heap would
 * return its pages to the system and request them again at each write. */
#define LARGE_ROOM ((size_t)CLEAT_CHUNK + CLEAT_CHUNK_OVERHEAD)

static _Atomic(uint8_t *) spare;

static void release(uint8_t *bytes, size_t room) {
    uint8_t *none = NULL;
    if (room == LARGE_ROOM && atomic_compare_exchange_strong(&spare, &none, bytes)) return;
    cleat_release_public(bytes);
}

bool cleat_queue_reserve(struct cleat_queue *queue, size_t len) {
    size_t used = queue->end - queue->start;
    uint8_t *larger;
    size_t room;
    if (queue->room - queue->end >= len) return true;
    if (queue->start > 0 && queue->room - used >= len) {
        memmove(queue->bytes, queue->bytes + queue->start, used);
        queue->start = 0;
        queue->end = used;
        return true;
    }
    room = queue->end + len;
    if (room < queue->room * 2) room = queue->room * 2;
    if (queue->bytes == NULL && room == LARGE_ROOM) {
        larger = atomic_exchange(&spare, NULL);
        if (larger == NULL) larger = cleat_resize_public(NULL, room);
    } else {
        larger = cleat_resize_public(queue->bytes, room);
    }
    if (larger == NULL) return false;
    queue->bytes = larger;
    queue->room = room;
    return true;
}

bool cleat_queue_append(struct cleat_queue *queue, const void *bytes, size_t len) {
    if (len == 0) return true;
    if (!cleat_queue_reserve(queue, len)) return false;
    memcpy(queue->bytes + queue->end, bytes, len);
    queue->end += len;
    return true;
}

size_t cleat_queue_pop(struct cleat_queue *queue, void *bytes, size_t len) {
    size_t available = queue->end - queue->start;
    if (len > available) len = available;
    if (len == 0) return 0;
    if (bytes != NULL) memcpy(bytes, queue->bytes + queue->start, len);
    queue->start += len;
    if (queue->start == queue->end) cleat_queue_free(queue);
    return len;
}

void cleat_queue_free(struct cleat_queue *queue) {
    release(queue->bytes, queue->room);
    memset(queue, 0, sizeof *queue);
}
