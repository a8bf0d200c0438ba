#include "raw.h"

#include "base/error.h"
#include "expect.h"

static int key_index(void) {
    static int index = -1;
    if (index < 0) index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    return index;
}

static enum ssl_private_key_result_t sign(SSL *ssl, uint8_t *out, size_t *out_len, size_t max_out,
                                          uint16_t algorithm, const uint8_t *in, size_t in_len) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done;
    (void)algorithm;
    *out_len = max_out;
    done = context != NULL &&
           EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL,
                              SSL_get_ex_data(ssl, key_index())) == 1 &&
           EVP_DigestSign(context, out, out_len, in, in_len) == 1;
    EVP_MD_CTX_free(context);
    return done ? ssl_private_key_success : ssl_private_key_failure;
}

static enum ssl_private_key_result_t no_more(SSL *ssl, uint8_t *out, size_t *out_len,
                                             size_t max_out) {
    (void)ssl;
    (void)out;
    (void)out_len;
    (void)max_out;
    return ssl_private_key_failure;
}

static const SSL_PRIVATE_KEY_METHOD method = {sign, NULL, no_more};

static enum ssl_verify_result_t take(SSL *ssl, uint8_t *alert) {
    (void)ssl;
    (void)alert;
    return ssl_verify_ok;
}

static SSL *finish(SSL_CTX *ssl_ctx, bool server) {
    SSL *ssl = SSL_new(ssl_ctx);
    EXPECT(ssl != NULL);
    if (server) {
        SSL_set_accept_state(ssl);
    } else {
        SSL_set_connect_state(ssl);
    }
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_CTX_free(ssl_ctx);
    return ssl;
}

/* NULL if BoringSSL does not load such a certificate. */
static SSL *new_peer(const struct raw_peer *peer) {
    SSL_CTX *ssl_ctx = SSL_CTX_new(TLS_with_buffers_method());
    CRYPTO_BUFFER *buffer = CRYPTO_BUFFER_new(peer->certificate, peer->len, NULL);
    bool is_set = SSL_CTX_set_chain_and_key(ssl_ctx, &buffer, 1, NULL, &method) == 1;
    SSL *ssl;
    CRYPTO_BUFFER_free(buffer);
    if (!is_set) {
        SSL_CTX_free(ssl_ctx);
        ERR_clear_error();
        return NULL;
    }
    if (peer->compress != NULL) {
        EXPECT(SSL_CTX_add_cert_compression_alg(ssl_ctx, TLSEXT_cert_compression_zlib,
                                                peer->compress, NULL) == 1);
    }
    SSL_CTX_set_custom_verify(ssl_ctx, SSL_VERIFY_NONE, take);
    ssl = finish(ssl_ctx, peer->server);
    EXPECT(SSL_set_ex_data(ssl, key_index(), peer->key) == 1);
    return ssl;
}

bool raw_can_present(const struct raw_peer *peer) {
    SSL *ssl = new_peer(peer);
    SSL_free(ssl);
    return ssl != NULL;
}

/* One call, and its result. */
static int step(SSL *ssl) {
    int result = SSL_do_handshake(ssl);
    int reason = 0;
    if (result != 1 && SSL_get_error(ssl, result) == SSL_ERROR_SSL)
        reason = ERR_GET_REASON(ERR_peek_error());
    if (result == 1) { /* after the handshake an alert may arrive */
        char byte;
        if (SSL_read(ssl, &byte, 1) < 0) reason = ERR_GET_REASON(ERR_peek_error());
    }
    ERR_clear_error();
    return reason;
}

int32_t raw_meet(int32_t connection, const struct raw_peer *peer, int *error) {
    SSL *ssl = new_peer(peer);
    int32_t status = CLEAT_STATUS(CLEAT_WANT_READ, 0);
    char bytes[16384];
    int turn;
    *error = 0;
    EXPECT(ssl != NULL);
    for (turn = 0; turn < 5; turn++) {
        int len;
        if (status < 0 && CLEAT_CLASS(status) == CLEAT_WANT_READ)
            status = cleat_connection_handshake(connection, 0);
        len = (int)cleat_connection_drain(connection, bytes, sizeof bytes);
        if (len > 0) EXPECT(BIO_write(SSL_get_rbio(ssl), bytes, len) == len);
        if (*error == 0) *error = step(ssl);
        len = BIO_read(SSL_get_wbio(ssl), bytes, sizeof bytes);
        if (len > 0) EXPECT(cleat_connection_feed(connection, bytes, len) == len);
    }
    SSL_free(ssl);
    return status;
}

static void move(SSL *from, SSL *to) {
    char bytes[16384];
    int len = BIO_read(SSL_get_wbio(from), bytes, sizeof bytes);
    if (len > 0) EXPECT(BIO_write(SSL_get_rbio(to), bytes, len) == len);
}

bool raw_accepts(const struct raw_peer *server) {
    SSL *ssl = new_peer(server);
    SSL *client;
    bool done = false;
    int turn;
    if (ssl == NULL) return false;
    client = finish(SSL_CTX_new(TLS_method()), false);
    for (turn = 0; turn < 4 && !done; turn++) {
        done = SSL_do_handshake(client) == 1;
        move(client, ssl);
        (void)SSL_do_handshake(ssl);
        move(ssl, client);
        ERR_clear_error();
    }
    SSL_free(client);
    SSL_free(ssl);
    return done;
}
