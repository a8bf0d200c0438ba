/* psk.h: pre-shared keys of TLS 1.2 and earlier. A handshake that needs one is suspended: see handshake_tap.h. The
 * functions must be called with the connection's lock held. */
#ifndef CLEAT_CORE_PSK_H
#define CLEAT_CORE_PSK_H

#include "tls/connection.h"

/* cleat_psk_set_up applies the pre-shared key settings to a configuration's SSL_CTX. It returns false on failure. */
bool cleat_psk_set_up(SSL_CTX *ssl_ctx, const struct cleat_settings *settings);

/* cleat_psk_start initialises the connection's state for a new SSL of a configuration. CLEAT_OK; CLEAT_NOMEM;
 * CLEAT_SSL. */
int32_t cleat_psk_start(struct cleat_connection *connection, SSL *ssl,
                        const struct cleat_configuration *configuration);

/* cleat_psk_switch is called when a server switches to another configuration at the ClientHello: it uses pre-shared
 * keys only if both configurations enable them. Returns false if an allocation failed. */
bool cleat_psk_switch(struct cleat_connection *connection, const struct cleat_configuration *other);

/* cleat_psk_end wipes and frees the connection's state. */
void cleat_psk_end(struct cleat_connection *connection);

/* cleat_psk_is_withheld returns whether BoringSSL waits for the withheld byte. Then cleat_psk_suspend suspends the
 * handshake and returns true or, if no key is needed, passes the byte to BoringSSL and returns false. */
static inline bool cleat_psk_is_withheld(const struct cleat_connection *connection) {
    return connection->transport.tap != NULL && connection->transport.tap->withholds;
}
bool cleat_psk_suspend(struct cleat_connection *connection);

/* cleat_psk_is_used returns whether the handshake uses a pre-shared key, once the suite has been selected. */
bool cleat_psk_is_used(const SSL *ssl);

/* cleat_psk_made returns whether a session was made by a handshake with a pre-shared key. Such sessions are never
 * resumed. */
bool cleat_psk_made(const SSL_SESSION *session);

/* cleat_psk_discard_ticket_key sets up a cipher and an HMAC with random keys that are not stored, for a ticket that
 * BoringSSL issues for such a session: no server can decrypt it. Returns 1, or -1 on failure, as BoringSSL's ticket
 * callback. */
int cleat_psk_discard_ticket_key(uint8_t *name, uint8_t *iv, EVP_CIPHER_CTX *cipher,
                                 HMAC_CTX *hmac);

#endif
