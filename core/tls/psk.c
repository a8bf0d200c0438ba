/* psk.c: suspends a handshake when it needs a pre-shared key.
 *
 * BoringSSL's callbacks find the caller's answer in the connection. They refuse if there is no answer, which happens
 * if the tap has not withheld a byte, and if the answer was for another identity or hint: the tap parses the
 * messages separately, and its result must equal BoringSSL's. */
#include "tls/psk.h"

#include <string.h>

#include "base/memory.h"

enum { NAME = 16, KEY = 32 };

_Static_assert(CLEAT_PSK_IDENTITY_MAX == PSK_MAX_IDENTITY_LEN &&
                   CLEAT_PSK_KEY_MAX == PSK_MAX_PSK_LEN &&
                   (int)CLEAT_TAP_TEXT == (int)CLEAT_PSK_IDENTITY_MAX,
               "BoringSSL has the same limits");

static bool has_key_for(const struct cleat_psk *psk, const char *text) {
    size_t len = text == NULL ? 0 : strlen(text);
    return psk != NULL && psk->key_len > 0 && len == psk->tap.text_len &&
           memcmp(psk->tap.text, len == 0 ? "" : text, len) == 0;
}

static unsigned pop_key(struct cleat_psk *psk, uint8_t *key, unsigned max) {
    unsigned len = psk->key_len;
    if (len > max) return 0;
    memcpy(key, psk->key, len);
    OPENSSL_cleanse(psk->key, sizeof psk->key);
    psk->key_len = 0;
    return len;
}

static unsigned client_key(SSL *ssl, const char *hint, char *identity, unsigned max_identity,
                           uint8_t *key, unsigned max) {
    const struct cleat_connection *connection = SSL_get_app_data(ssl);
    struct cleat_psk *psk = connection->psk;
    if (!has_key_for(psk, hint) || psk->identity_len >= max_identity) return 0;
    memcpy(identity, psk->identity, psk->identity_len);
    identity[psk->identity_len] = '\0';
    return pop_key(psk, key, max);
}

static unsigned server_key(SSL *ssl, const char *identity, uint8_t *key, unsigned max) {
    const struct cleat_connection *connection = SSL_get_app_data(ssl);
    if (!has_key_for(connection->psk, identity)) return 0;
    return pop_key(connection->psk, key, max);
}

bool cleat_psk_set_up(SSL_CTX *ssl_ctx, const struct cleat_settings *settings) {
    if (settings->psk_client) SSL_CTX_set_psk_client_callback(ssl_ctx, client_key);
    if (!settings->psk_server) return true;
    SSL_CTX_set_psk_server_callback(ssl_ctx, server_key);
    return SSL_CTX_use_psk_identity_hint(ssl_ctx, settings->psk_hint) == 1;
}

void cleat_psk_end(struct cleat_connection *connection) {
    cleat_transport_set_tap(&connection->transport, NULL);
    cleat_release(connection->psk);
    connection->psk = NULL;
}

/* A server without a certificate cannot use TLS 1.3. */
static bool restrict_version(SSL *ssl, const struct cleat_configuration *configuration) {
    return configuration->credentials != NULL || configuration->minimum_version > TLS1_2_VERSION ||
           configuration->maximum_version <= TLS1_2_VERSION ||
           SSL_set_max_proto_version(ssl, TLS1_2_VERSION) == 1;
}

int32_t cleat_psk_start(struct cleat_connection *connection, SSL *ssl,
                        const struct cleat_configuration *configuration) {
    const struct cleat_settings *settings = &configuration->settings;
    cleat_psk_end(connection);
    if (!(connection->server_side ? settings->psk_server : settings->psk_client)) return CLEAT_OK;
    if (connection->server_side && !restrict_version(ssl, configuration)) {
        return cleat_fail_ssl("SSL_set_max_proto_version");
    }
    connection->psk = cleat_allocate(sizeof *connection->psk);
    if (connection->psk == NULL) return cleat_fail_nomem();
    cleat_handshake_tap_start(&connection->psk->tap, connection->server_side);
    cleat_transport_set_tap(&connection->transport, &connection->psk->tap);
    return CLEAT_OK;
}

bool cleat_psk_switch(struct cleat_connection *connection,
                      const struct cleat_configuration *other) {
    if (connection->psk == NULL) return true;
    if (other->settings.psk_server) {
        return SSL_use_psk_identity_hint(connection->ssl, other->settings.psk_hint) == 1;
    }
    SSL_set_psk_server_callback(connection->ssl, NULL);
    cleat_psk_end(connection);
    return true;
}

static bool uses_psk(const SSL_CIPHER *cipher) {
    return cipher != NULL && SSL_CIPHER_get_auth_nid(cipher) == NID_auth_psk;
}

bool cleat_psk_is_used(const SSL *ssl) {
    const SSL_CIPHER *pending = SSL_get_pending_cipher(ssl);
    return uses_psk(pending != NULL ? pending : SSL_get_current_cipher(ssl));
}

bool cleat_psk_made(const SSL_SESSION *session) {
    return uses_psk(SSL_SESSION_get0_cipher(session));
}

/* The suite that the server has selected, NULL unless the client has offered it. BoringSSL may not have processed
 * the ServerHello yet: it may be in the record whose last byte is withheld. */
static const SSL_CIPHER *selected_by_server(const SSL *ssl, uint16_t suite) {
    const STACK_OF(SSL_CIPHER) *offered = SSL_get_ciphers(ssl);
    size_t i;
    for (i = 0; i < sk_SSL_CIPHER_num(offered); i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(offered, i);
        if (SSL_CIPHER_get_protocol_id(cipher) == suite) return cipher;
    }
    return NULL;
}

/* Whether the handshake needs a key. BoringSSL handles malformed messages and handshakes without a key. */
static bool needs_key(const struct cleat_connection *connection) {
    const struct cleat_handshake_tap *tap = &connection->psk->tap;
    const SSL_CIPHER *cipher = connection->server_side
                                   ? SSL_get_pending_cipher(connection->ssl)
                                   : selected_by_server(connection->ssl, tap->suite);
    if (!uses_psk(cipher) || !tap->has_text) return false;
    return !connection->server_side || !tap->has_more ||
           SSL_CIPHER_get_kx_nid(cipher) != NID_kx_psk;
}

bool cleat_psk_suspend(struct cleat_connection *connection) {
    if (needs_key(connection)) {
        connection->pause = CLEAT_PAUSE_PSK;
        return true;
    }
    cleat_transport_release(&connection->transport);
    return false;
}

int cleat_psk_discard_ticket_key(uint8_t *name, uint8_t *iv, EVP_CIPHER_CTX *cipher,
                                 HMAC_CTX *hmac) {
    uint8_t keys[2][KEY];
    bool done;
    RAND_bytes(name, NAME);
    RAND_bytes(iv, EVP_MAX_IV_LENGTH);
    RAND_bytes(keys[0], sizeof keys);
    done = EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, keys[0], iv) == 1 &&
           HMAC_Init_ex(hmac, keys[1], KEY, EVP_sha256(), NULL) == 1;
    OPENSSL_cleanse(keys, sizeof keys);
    return done ? 1 : -1;
}
