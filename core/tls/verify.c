/* verify.c: connects the verification of certificates to the connection that asks for it: whose
 * certificate it is, what became of it, and what the peer is sent. */
#include "tls/verify.h"

#include <stdio.h>

#include "base/memory.h"
#include "x509/verification.h"

/* A server's ticket for TLS 1.3 holds all that the client has sent as its chain. BoringSSL sends
 * two, and fails if they take more than 64 KiB; its clients of 2023 refuse one of more than 16.
 * A client with that many certificates gets none. */
#define TICKET_CERTIFICATES_MAX ((size_t)14 * 1024)

static void bound_tickets(SSL *ssl) {
    const STACK_OF(CRYPTO_BUFFER) *sent = SSL_get0_peer_certificates(ssl);
    size_t count = sent == NULL ? 0 : sk_CRYPTO_BUFFER_num(sent);
    size_t len = 0;
    size_t i;
    for (i = 0; i < count; i++) len += CRYPTO_BUFFER_len(sk_CRYPTO_BUFFER_value(sent, i));
    if (len > TICKET_CERTIFICATES_MAX) SSL_set_options(ssl, SSL_OP_NO_TICKET);
}

/* BoringSSL's callback in place of X509_verify_cert. verification is prepared for that: it has the
 * peer's certificates, and the flags and names of the connection. The error that is set in it
 * decides on the alert. Returns whether the peer is accepted. */
static int verify_peer(X509_STORE_CTX *verification, void *unused) {
    SSL *ssl = X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct cleat_connection *connection = SSL_get_app_data(ssl);
    struct cleat_chain_request request = {
        .leaf = X509_STORE_CTX_get0_cert(verification),
        .sent = X509_STORE_CTX_get0_untrusted(verification),
        .param = X509_STORE_CTX_get0_param(verification),
        .purpose = SSL_is_server(ssl) == 1 ? X509_PURPOSE_SSL_CLIENT : X509_PURPOSE_SSL_SERVER,
    };
    bool accepted;
    (void)unused;
    if (SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE) return 1;
    accepted = cleat_verification_run(connection->configuration->trust, &request,
                                      &connection->verify_error);
    X509_STORE_CTX_set_error(verification, connection->verify_error.error);
    if (accepted && SSL_is_server(ssl) == 1) bound_tickets(ssl);
    return accepted ? 1 : 0;
}

/* For a verification after the handshake, when BoringSSL's own parameters are gone. NULL if memory
 * lacks. */
static X509_VERIFY_PARAM *client_param(const struct cleat_connection *connection) {
    X509_VERIFY_PARAM *param = X509_VERIFY_PARAM_new();
    if (param == NULL || X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_CLIENT) != 1 ||
        X509_VERIFY_PARAM_set_trust(param, X509_TRUST_SSL_CLIENT) != 1) {
        X509_VERIFY_PARAM_free(param);
        return NULL;
    }
    X509_VERIFY_PARAM_set_flags(
        param, (unsigned long)(connection->verify_flags & CLEAT_KNOWN_VERIFY_FLAGS));
    return param;
}

bool cleat_verify_resumed(struct cleat_connection *connection) {
    STACK_OF(X509) * chain;
    struct cleat_chain_request request = {.purpose = X509_PURPOSE_SSL_CLIENT};
    bool accepted;
    if (connection->verify_mode == CLEAT_CERT_NONE) return true;
    cleat_error_clear_queue();
    chain = SSL_get_peer_full_cert_chain(connection->ssl);
    if (chain == NULL || sk_X509_num(chain) == 0) {
        connection->verify_error = (struct cleat_verify_error){X509_V_ERR_CERT_REJECTED, 0, 0};
        return connection->verify_mode != CLEAT_CERT_REQUIRED;
    }
    request.leaf = sk_X509_value(chain, 0);
    request.sent = chain;
    request.param = client_param(connection);
    if (request.param == NULL) {
        connection->verify_error = (struct cleat_verify_error){X509_V_ERR_OUT_OF_MEM, 0, 0};
        return false;
    }
    accepted = cleat_verification_run(connection->configuration->trust, &request,
                                      &connection->verify_error);
    X509_VERIFY_PARAM_free(request.param);
    return accepted;
}

/* BoringSSL's own list leaves out Ed25519 and P-521, which a browser does not need. */
static bool set_algorithms(SSL_CTX *ssl_ctx) {
    static const uint16_t algorithms[] = {
        SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_RSA_PSS_RSAE_SHA256, SSL_SIGN_RSA_PKCS1_SHA256,
        SSL_SIGN_ECDSA_SECP384R1_SHA384, SSL_SIGN_RSA_PSS_RSAE_SHA384, SSL_SIGN_RSA_PKCS1_SHA384,
        SSL_SIGN_RSA_PSS_RSAE_SHA512,    SSL_SIGN_RSA_PKCS1_SHA512,    SSL_SIGN_ED25519,
        SSL_SIGN_ECDSA_SECP521R1_SHA512, SSL_SIGN_RSA_PKCS1_SHA1,
    };
    return SSL_CTX_set_verify_algorithm_prefs(ssl_ctx, algorithms,
                                              sizeof algorithms / sizeof algorithms[0]) == 1;
}

bool cleat_verify_set_up(SSL_CTX *ssl_ctx) {
    SSL_CTX_set_cert_verify_callback(ssl_ctx, verify_peer, NULL);
    return set_algorithms(ssl_ctx);
}

int32_t cleat_verify_code(const struct cleat_connection *connection) {
    return cleat_verify_error_number(&connection->verify_error);
}

void cleat_verify_describe(const struct cleat_connection *connection, char *text, size_t size) {
    const char *name = connection->server_hostname == NULL ? "" : connection->server_hostname;
    switch (connection->verify_error.error) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
            snprintf(text, size, "Hostname mismatch, certificate is not valid for '%s'.", name);
            break;
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            snprintf(text, size, "IP address mismatch, certificate is not valid for '%s'.", name);
            break;
        default: snprintf(text, size, "%s", cleat_verify_error_text(&connection->verify_error));
    }
}
