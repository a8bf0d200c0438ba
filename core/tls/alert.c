/* alert.c: records the last alert in each direction. */
#include "tls/alert.h"

#include "base/argument.h"
#include "tls/connection.h"

/* BoringSSL's info callback. */
static void on_event(const SSL *ssl, int type, int value) {
    struct cleat_connection *connection = SSL_get_app_data(ssl);
    if (type == SSL_CB_READ_ALERT) connection->alert_received = (value & 0xff) + 1;
    if (type == SSL_CB_WRITE_ALERT) connection->alert_sent = (value & 0xff) + 1;
}

void cleat_alert_set_up(SSL_CTX *ssl_ctx) {
    SSL_CTX_set_info_callback(ssl_ctx, on_event);
}

int32_t cleat_connection_alert(int32_t connection, int32_t direction, int32_t *description) {
    int32_t recorded;
    CLEAT_CHECK_RANGE(2, direction, CLEAT_DIRECTION_RECEIVED, CLEAT_DIRECTION_SENT);
    CLEAT_CHECK_POINTER(3, description);
    CLEAT_BEGIN(connection);
    recorded = direction == CLEAT_DIRECTION_SENT ? self->alert_sent : self->alert_received;
    *description = recorded > 0 ? recorded - 1 : -1;
    CLEAT_END(recorded > 0 ? 1 : 0);
}
