/* message.c: BoringSSL's message callback, which is called before BoringSSL processes a received message, and after
 * it has written one. */
#include "tls/message.h"

#include "tls/connection.h"
#include "tls/group.h"
#include "tls/sigalg.h"

#define NAMED_CURVE 3

uint16_t cleat_message_named_curve(CBS *body) {
    uint8_t type;
    uint16_t group;
    CBS point;
    if (!CBS_get_u8(body, &type) || type != NAMED_CURVE || !CBS_get_u16(body, &group) ||
        !CBS_get_u8_length_prefixed(body, &point)) {
        return 0;
    }
    return group;
}

static void on_message(int is_write, int version, int content_type, const void *bytes, size_t len,
                       SSL *ssl, void *unused) {
    struct cleat_connection *connection = SSL_get_app_data(ssl);
    uint8_t type;
    CBS message;
    (void)unused;
    if (connection->keeps_messages) {
        cleat_message_queue_add(&connection->messages, is_write != 0, version, content_type, bytes,
                                len);
    }
    if (connection->established) return;
    CBS_init(&message, bytes, len);
    if (content_type != SSL3_RT_HANDSHAKE || !CBS_get_u8(&message, &type) ||
        !CBS_skip(&message, 3)) {
        return;
    }
    if (is_write != 0) {
        cleat_sigalg_record(connection, ssl, type, message);
    } else {
        cleat_group_check(connection, ssl, type, message);
    }
}

void cleat_message_handshake_done(struct cleat_connection *connection) {
    if (!connection->keeps_messages) SSL_set_msg_callback(connection->ssl, NULL);
}

void cleat_message_set_up(SSL_CTX *ssl_ctx) {
    SSL_CTX_set_msg_callback(ssl_ctx, on_message);
}
