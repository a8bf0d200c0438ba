/* message_queue.h: the recorded messages of a connection, until its caller reads them. */
#ifndef CLEAT_CORE_MESSAGE_QUEUE_H
#define CLEAT_CORE_MESSAGE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cleat_message;

struct cleat_message_queue {
    struct cleat_message *oldest;
    struct cleat_message *newest;
    size_t bytes; /* of all queued messages */
    int32_t lost; /* messages that were discarded after the newest */
};

/* cleat_message_queue_add adds a copy of a message. If the queue is full or an allocation fails, it counts the
 * message as lost. */
void cleat_message_queue_add(struct cleat_message_queue *queue, bool sent, int version,
                             int content_type, const void *bytes, size_t len);

void cleat_message_queue_free(struct cleat_message_queue *queue);

#endif
