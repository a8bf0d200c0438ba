/* psk.h: pre-shared keys of TLS 1.2 and earlier: a handshake that needs one pauses, see handshake_tap.h. The functions
 * are called with the connection's lock. */
#ifndef CLEAT_CORE_PSK_H
#define CLEAT_CORE_PSK_H

#include "tls/connection.h"

/* cleat_psk_set_up gives a configuration's SSL_CTX what its settings say about pre-shared keys. */
bool cleat_psk_set_up(SSL_CTX *ssl_ctx, const struct cleat_settings *settings);

/* cleat_psk_start begins anew with an SSL of a configuration, whose handshake has not begun. CLEAT_NOMEM; CLEAT_SSL. */
int32_t cleat_psk_start(struct cleat_connection *connection, SSL *ssl,
                        const struct cleat_configuration *configuration);

/* cleat_psk_switch is for a server that changes its configuration at the ClientHello: it takes pre-shared keys only if
 * both do. Returns whether BoringSSL had memory. */
bool cleat_psk_switch(struct cleat_connection *connection, const struct cleat_configuration *other);

/* cleat_psk_end wipes and frees what the connection has of it. */
void cleat_psk_end(struct cleat_connection *connection);

/* cleat_psk_holds returns whether BoringSSL waits for the byte that is held back. Then cleat_psk_ask pauses the
 * handshake and returns true, or, where no key is needed, lets BoringSSL have the byte and returns false. */
static inline bool cleat_psk_holds(const struct cleat_connection *connection) {
    return connection->transport.tap != NULL && connection->transport.tap->holds;
}
bool cleat_psk_ask(struct cleat_connection *connection);

/* cleat_psk_wipe wipes what a call of BoringSSL has left of the key. */
void cleat_psk_wipe(struct cleat_connection *connection);

/* cleat_psk_is_used returns whether a pre-shared key is used, from the choice of the suite on. */
bool cleat_psk_is_used(const SSL *ssl);

/* cleat_psk_made returns whether a session is of such a handshake: it never resumes. */
bool cleat_psk_made(const SSL_SESSION *session);

/* cleat_psk_seal sets up a cipher and an HMAC with keys that are forgotten, for a ticket that BoringSSL makes of such a
 * session: no server can decrypt it. Returns 1, or -1 as BoringSSL's callback does. */
int cleat_psk_seal(uint8_t *name, uint8_t *iv, EVP_CIPHER_CTX *cipher, HMAC_CTX *hmac);

#endif
