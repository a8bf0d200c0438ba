/* sigalg.c: sets the signature algorithms of a connection, which depend on its side, and reports which were used.
 *
 * BoringSSL reports the peer's algorithm, but this side's only in newer versions and during the handshake, so that
 * is read from the handshake messages. */
#include "tls/sigalg.h"

#include <string.h>

#include "base/argument.h"
#include "tls/message.h"
#include "tls/verify.h"

static enum cleat_signer own_signer(bool server_side) {
    return server_side ? CLEAT_SIGNER_SERVER : CLEAT_SIGNER_CLIENT;
}

#if CLEAT_HAS_SSL_CREDENTIAL

/* The credentials of the SSL_CTX are not restricted, since it is used for both sides: they are replaced by
 * restricted ones. */
static bool sign_with(SSL *ssl, const struct cleat_configuration *configuration,
                      enum cleat_signer signer) {
    const struct cleat_credentials *set = configuration->restricted[signer];
    if (set == NULL) return true;
    SSL_certs_clear(ssl);
    return cleat_raw_key_add(set->raw, ssl) && cleat_credentials_add(set, ssl);
}

#else

static bool sign_with(SSL *ssl, const struct cleat_configuration *configuration,
                      enum cleat_signer signer) {
    const struct cleat_sigalgs *list = &configuration->algorithms.sigalgs[signer];
    return list->count == 0 ||
           SSL_set_signing_algorithm_prefs(ssl, list->numbers, list->count) == 1;
}

#endif

/* Without a list, ssl has the default algorithms of its SSL_CTX, unless another configuration has set others before. */
static bool verify_with(SSL *ssl, const struct cleat_configuration *configuration,
                        const struct cleat_configuration *before, enum cleat_signer signer) {
    const struct cleat_sigalgs *list = &configuration->algorithms.sigalgs[signer];
    bool had_others = before != NULL && before->algorithms.sigalgs[signer].count > 0;
    return (list->count == 0 && !had_others) || cleat_verify_with(ssl, list);
}

bool cleat_sigalgs_apply(SSL *ssl, const struct cleat_configuration *configuration,
                         const struct cleat_configuration *before, bool server_side) {
    return verify_with(ssl, configuration, before, own_signer(!server_side)) &&
           sign_with(ssl, configuration, own_signer(server_side));
}

/* The signature algorithm of TLS 1.1 and earlier for a key. */
static uint16_t old_algorithm(const struct cleat_connection *connection, const SSL *ssl) {
    const struct cleat_credential *credential = cleat_connection_credential(connection, ssl);
    if (credential == NULL) return 0;
    return credential->type == CLEAT_KEY_RSA ? SSL_SIGN_RSA_PKCS1_MD5_SHA1 : SSL_SIGN_ECDSA_SHA1;
}

void cleat_sigalg_record(struct cleat_connection *connection, const SSL *ssl, uint8_t type,
                         CBS message) {
    uint16_t number;
    if (type == CLEAT_SERVER_KEY_EXCHANGE) {
        const SSL_CIPHER *suite = SSL_get_pending_cipher(ssl);
        if (suite == NULL || SSL_CIPHER_get_auth_nid(suite) == NID_auth_psk ||
            cleat_message_named_curve(&message) == 0) {
            return;
        }
    } else if (type != CLEAT_CERTIFICATE_VERIFY) {
        return;
    }
    if (SSL_version(ssl) < TLS1_2_VERSION) {
        connection->signed_with = old_algorithm(connection, ssl);
    } else if (CBS_get_u16(&message, &number)) {
        connection->signed_with = number;
    }
}

/* 0 if nothing was signed. With a resumed session BoringSSL would return the peer's algorithm of the first
 * handshake. */
static uint16_t algorithm_of(const struct cleat_connection *self, bool server) {
    if (!self->established || SSL_session_reused(self->ssl)) return 0;
    return server == self->server_side ? self->signed_with
                                       : SSL_get_peer_signature_algorithm(self->ssl);
}

static int32_t copy_name(const struct cleat_connection *self, bool server, char *output,
                         int32_t output_cap) {
    uint16_t number = algorithm_of(self, server);
    const char *name = number == 0 ? NULL : SSL_get_signature_algorithm_name(number, 1);
    return name == NULL ? 0 : cleat_copy_out(name, (int64_t)strlen(name), output, output_cap);
}

int32_t cleat_connection_server_sigalg(int32_t connection, char *output, int32_t output_cap) {
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_BEGIN(connection);
    result = copy_name(self, true, output, output_cap);
    CLEAT_END(result);
}

int32_t cleat_connection_client_sigalg(int32_t connection, char *output, int32_t output_cap) {
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_BEGIN(connection);
    result = copy_name(self, false, output, output_cap);
    CLEAT_END(result);
}
