/* test_messages.c: cleat_connection_next_message: which messages are recorded, and that those for which there is no
 * room are counted. */
#include <string.h>

#include "base/error.h"
#include "cleat.h"
#include "expect.h"
#include "tls/message_queue.h"

struct message {
    int32_t len, sent, version, type, lost;
    double seconds;
};

static struct message next(int32_t connection, char *output, int32_t cap) {
    struct message m = {0};
    m.len = cleat_connection_next_message(connection, output, cap, &m.sent, &m.version, &m.type,
                                          &m.seconds, &m.lost);
    return m;
}

static int32_t client(int32_t on) {
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    int32_t connection;
    EXPECT(cleat_context_message_events(context) == 0);
    EXPECT(cleat_context_set_message_events(context, on) == CLEAT_OK);
    EXPECT(cleat_context_message_events(context) == on);
    EXPECT(CLEAT_CLASS(cleat_context_set_message_events(context, 2)) == CLEAT_USAGE);
    connection = cleat_connection_over_memory(context, 0, NULL, 0);
    EXPECT(cleat_context_set_message_events(context, 1 - on) ==
           CLEAT_OK); /* for later connections */
    EXPECT(cleat_close(context) == CLEAT_OK);
    EXPECT(cleat_connection_handshake(connection, 0) == CLEAT_STATUS(CLEAT_WANT_READ, 0));
    return connection;
}

static void test_taking(void) {
    static char output[65536];
    int32_t connection = client(1);
    int32_t seen = 0;
    double before = 0;
    struct message m;
    struct message again;
    do {
        m = next(connection, NULL, 0); /* returns the length, and removes nothing */
        if (m.len == 0) break;
        again = next(connection, output, m.len - 1);
        EXPECT(again.len == m.len);
        again = next(connection, output, m.len);
        EXPECT(again.len == m.len && again.type == m.type && again.sent == m.sent);
        seen++;
        EXPECT(m.sent == 1 && m.lost == 0 && m.seconds >= before);
        EXPECT(m.type == CLEAT_MESSAGE_HANDSHAKE ? output[0] == 1 : m.len == 5);
        EXPECT(m.type == CLEAT_MESSAGE_HANDSHAKE || m.type == CLEAT_MESSAGE_HEADER);
        before = m.seconds;
    } while (seen < 100);
    EXPECT(seen == 2); /* a ClientHello and the header of its record */
    EXPECT(m.sent == 0 && m.version == 0 && m.type == 0 && m.lost == 0);
    EXPECT(cleat_close(connection) == CLEAT_OK);
    EXPECT(CLEAT_CLASS(next(connection, output, 1).len) == CLEAT_HANDLE);
}

static void test_off(void) {
    char output[16];
    int32_t connection = client(0);
    EXPECT(next(connection, output, 16).len == 0);
    EXPECT(cleat_close(connection) == CLEAT_OK);
}

/* The limit is for all messages together; the next message after a lack of room has the number of lost ones. */
static void test_bound(void) {
    static char bytes[65536];
    struct cleat_message_queue queue = {0};
    int i;
    for (i = 0; i < CLEAT_MESSAGES_MAX / (int)sizeof bytes + 3; i++) {
        cleat_message_queue_add(&queue, true, 0, CLEAT_MESSAGE_HANDSHAKE, bytes, sizeof bytes);
    }
    EXPECT(queue.bytes == CLEAT_MESSAGES_MAX && queue.lost == 3);
    cleat_message_queue_add(&queue, true, 0, CLEAT_MESSAGE_HANDSHAKE, bytes, 1);
    EXPECT(queue.bytes == CLEAT_MESSAGES_MAX && queue.lost == 4);
    cleat_message_queue_free(&queue);
    EXPECT(queue.bytes == 0 && queue.oldest == NULL && queue.newest == NULL);
    cleat_message_queue_add(&queue, true, 0, CLEAT_MESSAGE_HANDSHAKE, bytes, 1);
    EXPECT(queue.bytes == 1 && queue.lost == 0);
    cleat_message_queue_free(&queue);
}

int main(void) {
    test_taking();
    test_off();
    test_bound();
    EXPECT(cleat_handle_count() == 0);
    return 0;
}
