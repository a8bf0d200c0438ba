/* connection_info.c: the negotiated parameters and the peer of a connection. */
#include "base/argument.h"
#include "tls/connection.h"
#include "x509/certificate.h"

static int32_t copy_text(const char *text, char *output, int32_t output_cap) {
    return text == NULL ? 0 : cleat_copy_out(text, (int64_t)strlen(text), output, output_cap);
}

int32_t cleat_connection_pending(int32_t connection) {
    CLEAT_BEGIN(connection);
    CLEAT_END(self->established && !self->over ? SSL_pending(self->ssl) : 0);
}

int32_t cleat_connection_server_side(int32_t connection) {
    CLEAT_BEGIN(connection);
    CLEAT_END(self->server_side ? 1 : 0);
}

int32_t cleat_connection_server_hostname(int32_t connection, char *output, int32_t output_cap) {
    CLEAT_CHECK_OUT(2, output, output_cap);
    int32_t result = 0;
    CLEAT_BEGIN(connection);
    result = copy_text(self->server_side ? SSL_get_servername(self->ssl, TLSEXT_NAMETYPE_host_name)
                                         : self->server_hostname,
                       output, output_cap);
    CLEAT_END(result);
}

int32_t cleat_connection_established(int32_t connection) {
    CLEAT_BEGIN(connection);
    CLEAT_END(self->established ? 1 : 0);
}

int32_t cleat_connection_version(int32_t connection, char *output, int32_t output_cap) {
    CLEAT_CHECK_OUT(2, output, output_cap);
    int32_t result = 0;
    CLEAT_BEGIN(connection);
    if (self->established) result = copy_text(SSL_get_version(self->ssl), output, output_cap);
    CLEAT_END(result);
}

const char *cleat_cipher_name(const SSL_CIPHER *cipher) {
    /* OpenSSL uses the standard names of TLS 1.3 suites. */
    return SSL_CIPHER_get_min_version(cipher) >= TLS1_3_VERSION ? SSL_CIPHER_standard_name(cipher)
                                                                : SSL_CIPHER_get_name(cipher);
}

int32_t cleat_connection_cipher(int32_t connection, char *output, int32_t output_cap,
                                int32_t *bits) {
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_CHECK_POINTER(4, bits);
    int32_t result = 0;
    CLEAT_BEGIN(connection);
    *bits = 0;
    if (self->established) {
        const SSL_CIPHER *cipher = SSL_get_current_cipher(self->ssl);
        *bits = SSL_CIPHER_get_bits(cipher, NULL);
        result = copy_text(cleat_cipher_name(cipher), output, output_cap);
    }
    CLEAT_END(result);
}

int32_t cleat_connection_cipher_version(int32_t connection, char *output, int32_t output_cap) {
    CLEAT_CHECK_OUT(2, output, output_cap);
    int32_t result = 0;
    CLEAT_BEGIN(connection);
    if (self->established) {
        /* SSL_CIPHER_get_version returns "TLSv1/SSLv3" for all suites. */
        switch (SSL_CIPHER_get_min_version(SSL_get_current_cipher(self->ssl))) {
            case TLS1_3_VERSION: result = copy_text("TLSv1.3", output, output_cap); break;
            case TLS1_2_VERSION: result = copy_text("TLSv1.2", output, output_cap); break;
            default: result = copy_text("TLSv1/SSLv3", output, output_cap); break;
        }
    }
    CLEAT_END(result);
}

int32_t cleat_connection_alpn_protocol(int32_t connection, char *output, int32_t output_cap) {
    CLEAT_CHECK_OUT(2, output, output_cap);
    int32_t result = 0;
    CLEAT_BEGIN(connection);
    if (self->established) {
        const uint8_t *protocol = NULL;
        unsigned len = 0;
        SSL_get0_alpn_selected(self->ssl, &protocol, &len);
        result = cleat_copy_out((const char *)protocol, len, output, output_cap);
    }
    CLEAT_END(result);
}

int32_t cleat_connection_session_reused(int32_t connection) {
    CLEAT_BEGIN(connection);
    CLEAT_END(self->established && SSL_session_reused(self->ssl) ? 1 : 0);
}

int32_t cleat_connection_verify_mode(int32_t connection) {
    CLEAT_BEGIN(connection);
    CLEAT_END(self->verify_mode);
}

int32_t cleat_connection_peer_certificate(int32_t connection) {
    int32_t result = 0;
    CLEAT_BEGIN(connection);
    if (!self->established) {
        result = cleat_fail_usage(0, "handshake not done yet");
    } else {
        const STACK_OF(CRYPTO_BUFFER) *sent = SSL_get0_peer_certificates(self->ssl);
        cleat_error_clear_queue();
        if (sent != NULL && sk_CRYPTO_BUFFER_num(sent) > 0) {
            result = cleat_certificate_open_buffer(sk_CRYPTO_BUFFER_value(sent, 0));
        }
    }
    CLEAT_END(result);
}

int32_t cleat_connection_npn_protocol(int32_t connection, char *output, int32_t output_cap) {
    CLEAT_CHECK_OUT(2, output, output_cap);
    int32_t result = 0;
    CLEAT_BEGIN(connection);
    if (self->established) {
        const uint8_t *protocol = NULL;
        unsigned len = 0;
        SSL_get0_next_proto_negotiated(self->ssl, &protocol, &len);
        result = cleat_copy_out((const char *)protocol, len, output, output_cap);
    }
    CLEAT_END(result);
}
