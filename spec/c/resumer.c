#include "resumer.h"

#include "expect.h"

static int keep(SSL *ssl, SSL_SESSION *session) {
    struct resumer *resumer = SSL_get_app_data(ssl);
    SSL_SESSION_free(resumer->session);
    resumer->session = session;
    resumer->given++;
    return 1;
}

static enum ssl_verify_result_t take(SSL *ssl, uint8_t *alert) {
    (void)ssl;
    (void)alert;
    return ssl_verify_ok;
}

static void stand_still(const SSL *ssl, struct timeval *now) {
    (void)ssl;
    now->tv_sec = 1800000000;
    now->tv_usec = 0;
}

void resumer_open(struct resumer *resumer, uint16_t version) {
    *resumer = (struct resumer){.ssl_ctx = SSL_CTX_new(TLS_with_buffers_method())};
    EXPECT(SSL_CTX_set_min_proto_version(resumer->ssl_ctx, version) == 1);
    EXPECT(SSL_CTX_set_max_proto_version(resumer->ssl_ctx, version) == 1);
    SSL_CTX_set_custom_verify(resumer->ssl_ctx, SSL_VERIFY_NONE, take);
    SSL_CTX_set_session_cache_mode(resumer->ssl_ctx,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(resumer->ssl_ctx, keep);
    SSL_CTX_set_current_time_cb(resumer->ssl_ctx, stand_still);
}

void resumer_close(struct resumer *resumer) {
    SSL_free(resumer->ssl);
    SSL_SESSION_free(resumer->session);
    SSL_CTX_free(resumer->ssl_ctx);
}

void resumer_present(struct resumer *resumer, X509 *x509, EVP_PKEY *key) {
    uint8_t *der = NULL;
    int len = i2d_X509(x509, &der);
    CRYPTO_BUFFER *buffer = CRYPTO_BUFFER_new(der, (size_t)len, NULL);
    EXPECT(SSL_CTX_set_chain_and_key(resumer->ssl_ctx, &buffer, 1, key, NULL) == 1);
    CRYPTO_BUFFER_free(buffer);
    OPENSSL_free(der);
}

void resumer_start(struct resumer *resumer, SSL_SESSION *offer) {
    SSL_free(resumer->ssl);
    resumer->ssl = SSL_new(resumer->ssl_ctx);
    resumer->given = 0;
    resumer->done = false;
    SSL_set_app_data(resumer->ssl, resumer);
    SSL_set_connect_state(resumer->ssl);
    SSL_set_bio(resumer->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (offer != NULL) EXPECT(SSL_set_session(resumer->ssl, offer) == 1);
}

static bool move(struct resumer *resumer, int32_t connection) {
    char bytes[65536];
    int len = (int)cleat_connection_drain(connection, bytes, sizeof bytes);
    bool moved = len > 0;
    char byte;
    if (len > 0) EXPECT(BIO_write(SSL_get_rbio(resumer->ssl), bytes, len) == len);
    if (SSL_do_handshake(resumer->ssl) == 1) {
        resumer->done = true;
        (void)SSL_read(resumer->ssl, &byte, 1);
    }
    ERR_clear_error();
    len = BIO_read(SSL_get_wbio(resumer->ssl), bytes, sizeof bytes);
    if (len > 0) EXPECT(cleat_connection_feed(connection, bytes, len) == len);
    return moved || len > 0;
}

int32_t resumer_run(struct resumer *resumer, int32_t connection) {
    int32_t status;
    do {
        status = cleat_connection_handshake(connection, 0);
        if (status < 0 && CLEAT_CLASS(status) == CLEAT_WANT_SESSION) return status;
    } while (move(resumer, connection));
    return status;
}
