/* message_queue.c: BoringSSL reports messages by a callback, but the ABI has no callbacks: messages are queued until
 * the caller reads them. */
#include "tls/message_queue.h"

#include <string.h>

#include "base/argument.h"
#include "base/clock.h"
#include "base/memory.h"
#include "cleat/clock.h"
#include "cleat/message.h"
#include "tls/connection.h"
#include "tls/context.h"

struct cleat_message {
    struct cleat_message *newer;
    double seconds;
    int32_t version;
    int32_t content_type;
    int32_t lost; /* messages that were discarded before it */
    int32_t len;
    bool sent;
    uint8_t bytes[];
};

_Static_assert(CLEAT_MESSAGE_CHANGE_CIPHER_SPEC == SSL3_RT_CHANGE_CIPHER_SPEC &&
                   CLEAT_MESSAGE_ALERT == SSL3_RT_ALERT &&
                   CLEAT_MESSAGE_HANDSHAKE == SSL3_RT_HANDSHAKE &&
                   CLEAT_MESSAGE_HEADER == SSL3_RT_HEADER &&
                   CLEAT_MESSAGE_CLIENT_HELLO_INNER == SSL3_RT_CLIENT_HELLO_INNER,
               "the kinds are BoringSSL's");

void cleat_message_queue_add(struct cleat_message_queue *queue, bool sent, int version,
                             int content_type, const void *bytes, size_t len) {
    struct cleat_message *made = NULL;
    if (len <= CLEAT_MESSAGES_MAX - queue->bytes) made = cleat_allocate(sizeof *made + len);
    if (made == NULL) {
        if (queue->lost < INT32_MAX) queue->lost++;
        return;
    }
    made->sent = sent;
    made->version = version;
    made->content_type = content_type;
    made->lost = queue->lost;
    made->len = (int32_t)len;
    cleat_monotonic(&made->seconds);
    memcpy(made->bytes, bytes, len);
    *(queue->newest != NULL ? &queue->newest->newer : &queue->oldest) = made;
    queue->newest = made;
    queue->bytes += len;
    queue->lost = 0;
}

static void remove_oldest(struct cleat_message_queue *queue) {
    struct cleat_message *removed = queue->oldest;
    queue->oldest = removed->newer;
    if (queue->oldest == NULL) queue->newest = NULL;
    queue->bytes -= (size_t)removed->len;
    cleat_release(removed);
}

void cleat_message_queue_free(struct cleat_message_queue *queue) {
    while (queue->oldest != NULL) remove_oldest(queue);
}

int32_t cleat_context_message_events(int32_t context) {
    CLEAT_CONTEXT_BEGIN(context);
    CLEAT_CONTEXT_END(self->settings.message_events ? 1 : 0);
}

int32_t cleat_context_set_message_events(int32_t context, int32_t on) {
    CLEAT_CHECK_RANGE(2, on, 0, 1);
    CLEAT_CONTEXT_BEGIN(context);
    self->settings.message_events = on == 1;
    cleat_context_changed(self);
    CLEAT_CONTEXT_END(CLEAT_OK);
}

int32_t cleat_connection_next_message(int32_t connection, char *output, int32_t output_cap,
                                      int32_t *sent, int32_t *tls_version, int32_t *content_type,
                                      double *seconds, int32_t *lost_count) {
    static const struct cleat_message none;
    const struct cleat_message *message;
    int32_t result = 0;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_CHECK_POINTER(4, sent);
    CLEAT_CHECK_POINTER(5, tls_version);
    CLEAT_CHECK_POINTER(6, content_type);
    CLEAT_CHECK_POINTER(7, seconds);
    CLEAT_CHECK_POINTER(8, lost_count);
    CLEAT_BEGIN(connection);
    message = self->messages.oldest != NULL ? self->messages.oldest : &none;
    *sent = message->sent ? 1 : 0;
    *tls_version = message->version;
    *content_type = message->content_type;
    *seconds = message->seconds;
    *lost_count = message == &none ? self->messages.lost : message->lost;
    if (message == &none) {
        self->messages.lost = 0;
    } else {
        result = cleat_copy_out((const char *)message->bytes, message->len, output, output_cap);
        if (result >= 0 && result <= output_cap) remove_oldest(&self->messages);
    }
    CLEAT_END(result);
}
