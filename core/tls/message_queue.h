/* message_queue.h: the messages of a connection whose context has asked for them, until its caller takes them. */
#ifndef CLEAT_CORE_MESSAGE_QUEUE_H
#define CLEAT_CORE_MESSAGE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cleat_message;

struct cleat_message_queue {
    struct cleat_message *oldest;
    struct cleat_message *newest;
    size_t bytes; /* of all that are here */
    int32_t lost; /* since the newest */
};

/* cleat_message_queue_add adds a copy; what there is no room or no memory for is counted. */
void cleat_message_queue_add(struct cleat_message_queue *queue, bool sent, int version,
                             int content_type, const void *bytes, size_t len);

void cleat_message_queue_free(struct cleat_message_queue *queue);

#endif
