/* verify.c: verifies the peers of connections: collects the requirements, stores the result in the connection, and
 * selects the alert. */
#include "tls/verify.h"

#include <stdio.h>

#include "base/memory.h"
#include "tls/ech.h"
#include "tls/hostname.h"
#include "x509/chain_bytes.h"
#include "x509/peer.h"

/* A TLS 1.3 server's ticket contains the client's whole chain. BoringSSL sends two tickets, and fails if they exceed
 * 64 KiB; clients with BoringSSL of 2023 refuse a ticket of more than 16 KiB. So a client with a longer chain gets
 * no tickets. */
#define TICKET_CERTIFICATES_MAX ((size_t)14 * 1024)

static void limit_tickets(SSL *ssl) {
    const STACK_OF(CRYPTO_BUFFER) *sent = SSL_get0_peer_certificates(ssl);
    size_t count = sent == NULL ? 0 : sk_CRYPTO_BUFFER_num(sent);
    size_t len = 0;
    size_t i;
    for (i = 0; i < count; i++) len += CRYPTO_BUFFER_len(sk_CRYPTO_BUFFER_value(sent, i));
    if (len > TICKET_CERTIFICATES_MAX) SSL_set_options(ssl, SSL_OP_NO_TICKET);
}

/* Prepares the collection of all faults, if the caller or the connection can accept a peer in spite of them. Returns
 * false if an allocation failed. */
static bool prepare_faults(struct cleat_connection *connection,
                           struct cleat_verify_faults **faults) {
    if (!connection->tolerates_refusals && connection->verify_events != 2) return true;
    if (connection->verify_faults == NULL) {
        connection->verify_faults = cleat_allocate(sizeof *connection->verify_faults);
        if (connection->verify_faults == NULL) return false;
    }
    *connection->verify_faults = (struct cleat_verify_faults){0};
    *faults = connection->verify_faults;
    return true;
}

/* Converts a verdict to BoringSSL's result: accepted, refused, or suspended until the caller decides. If the
 * verification could not be completed, the peer is always refused. */
static enum ssl_verify_result_t decide(struct cleat_connection *connection,
                                       enum cleat_peer_verdict verdict) {
    bool accepted = verdict == CLEAT_PEER_ACCEPTED;
    if (verdict == CLEAT_PEER_UNDECODABLE) return ssl_verify_invalid;
    if (connection->verify_mode == CLEAT_CERT_NONE) return ssl_verify_ok;
    if (!accepted && connection->verify_error.error == X509_V_ERR_OUT_OF_MEM) {
        return ssl_verify_invalid;
    }
    if (connection->verify_events == 2 || (connection->verify_events == 1 && accepted)) {
        connection->pause = CLEAT_PAUSE_VERIFY;
        return ssl_verify_retry;
    }
    return accepted || connection->tolerates_refusals ? ssl_verify_ok : ssl_verify_invalid;
}

/* The connection's requirements for its peer. */
static struct cleat_peer_terms terms_of(const struct cleat_connection *connection) {
    const struct cleat_configuration *configuration = connection->configuration;
    struct cleat_peer_terms terms = {
        .trust = configuration->trust,
        .purpose = connection->server_side ? X509_PURPOSE_SSL_CLIENT : X509_PURPOSE_SSL_SERVER,
        .flags = (unsigned long)(connection->verify_flags & CLEAT_KNOWN_VERIFY_FLAGS),
        .cache_seconds = configuration->settings.chain_cache_seconds,
        .requires_ocsp = configuration->settings.require_ocsp,
    };
    if (!connection->server_side) {
        terms.asks_ocsp = configuration->settings.ask_ocsp;
        SSL_get0_ocsp_response(connection->ssl, &terms.ocsp_response, &terms.ocsp_response_len);
    }
    if (connection->ech_public_name != NULL) { /* also if host names are not checked: see ech.h */
        terms.name = connection->ech_public_name;
    } else if (configuration->settings.check_hostname && !connection->server_side) {
        terms.name = connection->server_hostname;
        terms.name_is_address = cleat_hostname_is_ip(terms.name) == 1;
    }
    terms.ignores_common_name = configuration->settings.ignores_common_name;
    terms.has_depth = true;
    terms.depth = configuration->settings.verify_depth;
    terms.has_time = configuration->settings.verify_time >= 0;
    terms.time = (int64_t)configuration->settings.verify_time;
    return terms;
}

/* Stores the result for a raw public key. number: the verify code, 0 if it is trusted. */
static enum cleat_peer_verdict verify_raw_key(struct cleat_connection *connection, int number) {
    struct cleat_verify_faults *faults = NULL;
    struct cleat_verify_error error = {number, 0, 0};
    if (connection->verify_mode == CLEAT_CERT_NONE) return CLEAT_PEER_ACCEPTED;
    if (number == CLEAT_X509_RPK_UNTRUSTED) cleat_verify_error_set(&error, number, 0);
    if (number != X509_V_ERR_OUT_OF_MEM && !prepare_faults(connection, &faults)) {
        error = (struct cleat_verify_error){X509_V_ERR_OUT_OF_MEM, 0, 0};
    }
    if (faults != NULL && error.error != X509_V_OK) cleat_verify_faults_add(faults, error);
    cleat_chain_bytes_free(connection->refused_chain);
    connection->refused_chain = NULL;
    connection->verify_error = error;
    connection->was_verified = true;
    connection->verified = error.error == X509_V_OK;
    connection->verified_until = INT64_MAX; /* a raw public key does not expire */
    return connection->verified ? CLEAT_PEER_ACCEPTED : CLEAT_PEER_REFUSED;
}

static enum cleat_peer_verdict verify_certificates(struct cleat_connection *connection,
                                                   const STACK_OF(CRYPTO_BUFFER) * sent) {
    const struct cleat_configuration *configuration = connection->configuration;
    bool knows_name = cleat_ech_keep_public_name(connection);
    struct cleat_peer_terms terms;
    struct cleat_peer_report report;
    enum cleat_peer_verdict verdict;
    int number;
    if (cleat_peer_keys_decide(connection, &number)) return verify_raw_key(connection, number);
    if (connection->verify_mode == CLEAT_CERT_NONE) return cleat_peer_decode(sent);
    terms = terms_of(connection);
    if (!prepare_faults(connection, &terms.faults) || !knows_name) {
        connection->verify_error = (struct cleat_verify_error){X509_V_ERR_OUT_OF_MEM, 0, 0};
        return CLEAT_PEER_REFUSED;
    }
    verdict = cleat_peer_verify(&terms, sent, &report);
    connection->verify_error = report.error;
    cleat_chain_bytes_free(connection->refused_chain);
    connection->refused_chain = report.refused;
    connection->was_verified = verdict != CLEAT_PEER_UNDECODABLE;
    connection->ocsp_fault = report.ocsp_fault;
    connection->verified = verdict == CLEAT_PEER_ACCEPTED;
    connection->verified_until = report.until;
    if (report.cache == CLEAT_PEER_CACHE_HIT) {
        cleat_sessions_count(configuration->sessions, CLEAT_CHAIN_HITS);
    } else if (report.cache == CLEAT_PEER_CACHE_MISS) {
        cleat_sessions_count(configuration->sessions, CLEAT_CHAIN_MISSES);
    }
    return verdict;
}

/* BoringSSL's verify callback. It is called when the peer has sent its certificates, when a client resumes a
 * session, and again after the caller's answer. */
static enum ssl_verify_result_t verify_peer(SSL *ssl, uint8_t *alert) {
    struct cleat_connection *connection = SSL_get_app_data(ssl);
    enum cleat_peer_verdict verdict = CLEAT_PEER_ACCEPTED;
    enum ssl_verify_result_t result = ssl_verify_ok;
    if (connection->verify_answered) {
        connection->verify_answered = false;
    } else {
        verdict = verify_certificates(connection, SSL_get0_peer_certificates(ssl));
        ERR_clear_error();
        result = decide(connection, verdict);
    }
    if (result == ssl_verify_ok && connection->server_side) limit_tickets(ssl);
    if (result != ssl_verify_invalid) return result;
    if (verdict == CLEAT_PEER_UNDECODABLE) {
        /* BoringSSL queues its own error behind this one; the first in the queue is reported. */
        ERR_put_error(ERR_LIB_SSL, 0, SSL_R_DECODE_ERROR, __FILE__, __LINE__);
        *alert = SSL_AD_DECODE_ERROR;
    } else {
        *alert = cleat_verify_error_alert(&connection->verify_error);
    }
    return ssl_verify_invalid;
}

enum ssl_verify_result_t cleat_verify_resumed(struct cleat_connection *connection) {
    const STACK_OF(CRYPTO_BUFFER) *sent = SSL_get0_peer_certificates(connection->ssl);
    enum ssl_verify_result_t result = ssl_verify_ok;
    if (connection->verify_mode == CLEAT_CERT_NONE || connection->resumed_verified) return result;
    cleat_error_clear_queue();
    if (connection->verify_answered) {
        connection->verify_answered = false;
    } else if (cleat_peer_keys_is_raw(connection) ||
               (sent != NULL && sk_CRYPTO_BUFFER_num(sent) > 0)) {
        result = decide(connection, verify_certificates(connection, sent));
    } else if (connection->verify_mode == CLEAT_CERT_REQUIRED) {
        connection->verify_error = (struct cleat_verify_error){X509_V_ERR_CERT_REJECTED, 0, 0};
        result = ssl_verify_invalid;
    }
    connection->resumed_verified = result == ssl_verify_ok;
    return result;
}

STACK_OF(X509) * cleat_verify_chain(const struct cleat_connection *connection,
                                    const STACK_OF(CRYPTO_BUFFER) * sent,
                                    struct cleat_peer_report *report) {
    struct cleat_peer_terms terms = terms_of(connection);
    /* The stapled OCSP response was verified in the handshake, and may have expired since. */
    terms.requires_ocsp = terms.asks_ocsp = false;
    terms.ocsp_response_len = 0;
    return cleat_peer_chain(&terms, sent, report);
}

/* BoringSSL's own list omits Ed25519 and P-521. */
static const uint16_t default_algorithms[] = {
    SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_RSA_PSS_RSAE_SHA256, SSL_SIGN_RSA_PKCS1_SHA256,
    SSL_SIGN_ECDSA_SECP384R1_SHA384, SSL_SIGN_RSA_PSS_RSAE_SHA384, SSL_SIGN_RSA_PKCS1_SHA384,
    SSL_SIGN_RSA_PSS_RSAE_SHA512,    SSL_SIGN_RSA_PKCS1_SHA512,    SSL_SIGN_ED25519,
    SSL_SIGN_ECDSA_SECP521R1_SHA512, SSL_SIGN_RSA_PKCS1_SHA1,
};

enum { DEFAULT_ALGORITHMS = sizeof default_algorithms / sizeof default_algorithms[0] };

bool cleat_verify_with(SSL *ssl, const struct cleat_sigalgs *algorithms) {
    return algorithms->count == 0
               ? SSL_set_verify_algorithm_prefs(ssl, default_algorithms, DEFAULT_ALGORITHMS) == 1
               : SSL_set_verify_algorithm_prefs(ssl, algorithms->numbers, algorithms->count) == 1;
}

bool cleat_verify_set_up(SSL_CTX *ssl_ctx, int32_t verify_mode) {
    SSL_CTX_set_custom_verify(ssl_ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                              verify_peer);
    SSL_CTX_set_reverify_on_resume(ssl_ctx, verify_mode != CLEAT_CERT_NONE);
    return SSL_CTX_set_verify_algorithm_prefs(ssl_ctx, default_algorithms, DEFAULT_ALGORITHMS) == 1;
}

void cleat_verify_start(SSL *ssl, bool server_side, int32_t verify_mode) {
    int mode = SSL_VERIFY_PEER; /* on a client the callback always decides */
    if (server_side && verify_mode == CLEAT_CERT_NONE) mode = SSL_VERIFY_NONE;
    if (server_side && verify_mode == CLEAT_CERT_REQUIRED) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_set_custom_verify(ssl, mode, verify_peer);
}

int32_t cleat_verify_code(const struct cleat_connection *connection) {
    return cleat_verify_error_number(&connection->verify_error);
}

void cleat_verify_write(const struct cleat_verify_error *error, const char *name,
                        enum cleat_ocsp_fault ocsp_fault, char *text, size_t size) {
    if (name == NULL) name = "";
    if (error->number == CLEAT_X509_OCSP_VERIFY_FAILED) {
        snprintf(text, size, "%s: %s", cleat_verify_error_text(error),
                 cleat_ocsp_fault_text(ocsp_fault));
        return;
    }
    switch (error->error) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
            snprintf(text, size, "Hostname mismatch, certificate is not valid for '%s'.", name);
            break;
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            snprintf(text, size, "IP address mismatch, certificate is not valid for '%s'.", name);
            break;
        default: snprintf(text, size, "%s", cleat_verify_error_text(error));
    }
}

const char *cleat_verify_name(const struct cleat_connection *connection) {
    return connection->ech_public_name != NULL ? connection->ech_public_name
                                               : connection->server_hostname;
}

void cleat_verify_describe(const struct cleat_connection *connection,
                           const struct cleat_verify_error *error, char *text, size_t size) {
    cleat_verify_write(error, cleat_verify_name(connection), connection->ocsp_fault, text, size);
}
