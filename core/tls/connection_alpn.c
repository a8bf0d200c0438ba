/* connection_alpn.c: lets a server set a connection's application protocols after it has read those that the client
 * offers. */
#include "tls/connection_alpn.h"

#include "base/argument.h"
#include "base/memory.h"

/* The length of the two-byte length prefix. */
#define HEAD 2

bool cleat_alpn_keep_offered(struct cleat_connection *connection, const SSL_CLIENT_HELLO *hello) {
    const uint8_t *extension;
    size_t len;
    cleat_alpn_unref(connection->offered_alpn);
    connection->offered_alpn = NULL;
    if (!SSL_early_callback_ctx_extension_get(
            hello, TLSEXT_TYPE_application_layer_protocol_negotiation, &extension, &len) ||
        len <= HEAD) {
        return true;
    }
    return cleat_alpn_new((const char *)extension + HEAD, (int32_t)len - HEAD, "offered ALPN",
                          &connection->offered_alpn) != CLEAT_STATUS(CLEAT_NOMEM, 0);
}

int32_t cleat_connection_offered_alpn(int32_t connection, char *output, int32_t output_cap) {
    CLEAT_CHECK_OUT(2, output, output_cap);
    int32_t result = 0;
    CLEAT_BEGIN(connection);
    if (self->offered_alpn != NULL) {
        const struct cleat_alpn *list = self->offered_alpn;
        result = cleat_copy_out((const char *)list->wire, (int64_t)list->len, output, output_cap);
    }
    CLEAT_END(result);
}

int32_t cleat_connection_set_alpn_protocols(int32_t connection, const char *protocols,
                                            int32_t protocols_len) {
    struct cleat_alpn *list;
    int32_t result;
    CLEAT_BEGIN(connection);
    result = cleat_alpn_new(protocols, protocols_len, "ALPN", &list);
    if (result < 0) {
        /* recorded already */
    } else if (self->pause != CLEAT_PAUSE_SERVER_NAME) {
        result = cleat_fail_usage(
            0, "the connection does not wait for cleat_connection_answer_server_name");
    } else if (self->configuration->alpn == NULL) {
        result = cleat_fail_usage(0, "the connection's context has no application protocols");
    } else {
        struct cleat_alpn *before = self->own_alpn;
        self->own_alpn = list;
        self->chooses_alpn = true;
        list = before;
    }
    cleat_alpn_unref(list);
    CLEAT_END(result);
}
