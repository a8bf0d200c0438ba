/* exporter.c: exported keying material. */
#include "tls/exporter.h"

#include "base/argument.h"
#include "base/memory.h"
#include "cleat/exporter.h"

/* The labels with which TLS 1.2 itself derives secrets (RFC 5705 section 4; RFC 7627 section 4). They cannot collide
 * in TLS 1.3, but are refused there too, so that a program's result does not depend on the negotiated version. */
static bool is_reserved(const char *label, int32_t len) {
    static const char *const reserved[] = {"client finished", "server finished", "master secret",
                                           "extended master secret", "key expansion"};
    size_t i;
    for (i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (strlen(reserved[i]) == (size_t)len && memcmp(reserved[i], label, (size_t)len) == 0)
            return true;
    }
    return false;
}

static int32_t export(struct cleat_connection *self, const char *label, int32_t label_len,
                      const char *value, int32_t value_len, char *buf, int32_t buf_cap) {
    static const uint8_t empty[1] = {0};
    const uint8_t *bytes = value_len > 0 ? (const uint8_t *)value : empty;
    if (!self->established) return cleat_fail_usage(0, "handshake not done yet");
    if (!cleat_exporter_is_safe(self)) {
        return cleat_fail_named("SSL", "NO_EXTENDED_MASTER_SECRET",
                                "the peer lacks the extended master secret (RFC 7627), without "
                                "which keying material is not safe to export");
    }
    cleat_error_clear_queue();
    if (SSL_export_keying_material(self->ssl, (uint8_t *)buf, (size_t)buf_cap, label,
                                   (size_t)label_len, bytes, (size_t)value_len,
                                   value != NULL ? 1 : 0) != 1) {
        OPENSSL_cleanse(buf, (size_t)buf_cap);
        return cleat_fail_ssl("SSL_export_keying_material");
    }
    return buf_cap;
}

int32_t cleat_connection_export_keying_material(int32_t connection, const char *label,
                                                int32_t label_len, const char *context_value,
                                                int32_t context_value_len, char *buf,
                                                int32_t buf_cap) {
    int32_t result;
    CLEAT_CHECK_IN(2, label, label_len);
    CLEAT_CHECK_RANGE(3, label_len, 1, CLEAT_EXPORT_LABEL_MAX);
    CLEAT_CHECK_IN(4, context_value, context_value_len);
    CLEAT_CHECK_RANGE(5, context_value_len, 0, CLEAT_EXPORT_CONTEXT_MAX);
    CLEAT_CHECK_OUT(6, buf, buf_cap);
    CLEAT_CHECK_RANGE(7, buf_cap, 1, CLEAT_EXPORT_MAX);
    if (is_reserved(label, label_len)) {
        return cleat_fail_usage(2, "TLS itself uses this label");
    }
    CLEAT_BEGIN(connection);
    result = export(self, label, label_len, context_value, context_value_len, buf, buf_cap);
    CLEAT_END(result);
}
