/* channel_binding.c: the channel bindings of RFC 5929 and RFC 9266. */
#include "base/argument.h"
#include "tls/credentials.h"
#include "tls/exporter.h"
#include "tls/psk.h"
#include "x509/end_point.h"

/* The length of tls-exporter in bytes. */
enum { EXPORTED = 32 };

/* Each of these functions stores the binding, or the length 0 if there is none. */
static int32_t tls_unique(struct cleat_connection *self, uint8_t *bytes, size_t *len) {
    if (SSL_get_tls_unique(self->ssl, bytes, len, EVP_MAX_MD_SIZE) != 1) *len = 0;
    return CLEAT_OK;
}

static int32_t tls_exporter(struct cleat_connection *self, uint8_t *bytes, size_t *len) {
    static const char label[] = "EXPORTER-Channel-Binding";
    static const uint8_t empty[1] = {0};
    *len = 0;
    if (!cleat_exporter_is_safe(self)) return CLEAT_OK;
    /* RFC 9266 section 2: an empty context value, which up to TLS 1.2 differs from an absent one. */
    if (SSL_export_keying_material(self->ssl, bytes, EXPORTED, label, sizeof label - 1, empty, 0,
                                   1) != 1) {
        return cleat_fail_ssl("SSL_export_keying_material");
    }
    *len = EXPORTED;
    return CLEAT_OK;
}

/* The server's certificate, on either side; NULL if there is none. */
static CRYPTO_BUFFER *server_certificate(const struct cleat_connection *self) {
    const STACK_OF(CRYPTO_BUFFER) * sent;
    if (cleat_psk_is_used(self->ssl)) return NULL;
    if (self->server_side) {
        const struct cleat_credential *own = cleat_connection_credential(self, self->ssl);
        return own == NULL || own->count == 0 ? NULL : own->chain[0];
    }
    sent = SSL_get0_peer_certificates(self->ssl);
    return sent == NULL ? NULL : sk_CRYPTO_BUFFER_value(sent, 0);
}

static int32_t tls_server_end_point(struct cleat_connection *self, uint8_t *bytes, size_t *len) {
    CRYPTO_BUFFER *certificate = server_certificate(self);
    *len = 0;
    return certificate == NULL ? CLEAT_OK : cleat_end_point_digest(certificate, bytes, len);
}

static int32_t make(struct cleat_connection *self, int32_t binding, uint8_t *bytes, size_t *len) {
    switch (binding) {
        case CLEAT_BINDING_TLS_EXPORTER: return tls_exporter(self, bytes, len);
        case CLEAT_BINDING_TLS_SERVER_END_POINT: return tls_server_end_point(self, bytes, len);
        default: return tls_unique(self, bytes, len);
    }
}

int32_t cleat_connection_channel_binding(int32_t connection, int32_t binding, char *output,
                                         int32_t output_cap) {
    CLEAT_CHECK_RANGE(2, binding, CLEAT_BINDING_TLS_UNIQUE, CLEAT_BINDING_TLS_SERVER_END_POINT);
    CLEAT_CHECK_OUT(3, output, output_cap);
    int32_t result = 0;
    CLEAT_BEGIN(connection);
    if (self->established) {
        uint8_t bytes[EVP_MAX_MD_SIZE];
        size_t len = 0;
        cleat_error_clear_queue();
        result = make(self, binding, bytes, &len);
        if (result >= 0)
            result = cleat_copy_out((const char *)bytes, (int64_t)len, output, output_cap);
        cleat_error_clear_queue();
    }
    CLEAT_END(result);
}
