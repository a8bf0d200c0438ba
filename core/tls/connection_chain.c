/* connection_chain.c: the certificate chains of a connection: as the peer sent it, as it was verified, and this
 * side's. */
#include "base/argument.h"
#include "base/memory.h"
#include "tls/connection.h"
#include "tls/psk.h"
#include "tls/verify.h"
#include "x509/certificate.h"
#include "x509/chain_bytes.h"

/* Builds the verified chain if it has not been built. The verification during the handshake does not store it,
 * because few callers read it and a cached verification builds none. The trust object of a connection is immutable,
 * so another verification finds the same chain, unless a certificate has expired meanwhile. */
static int32_t build(struct cleat_connection *self, const STACK_OF(CRYPTO_BUFFER) * sent) {
    struct cleat_peer_report report;
    if (self->verified_chain != NULL) return CLEAT_OK;
    self->verified_chain = cleat_verify_chain(self, sent, &report);
    cleat_chain_bytes_free(report.refused);
    if (self->verified_chain != NULL) return CLEAT_OK;
    if (cleat_memory_failed() || report.error.error == X509_V_ERR_OUT_OF_MEM)
        return cleat_fail_nomem();
    cleat_error_clear_queue();
    return cleat_fail_named("SSL", "CERTIFICATE_VERIFY_FAILED",
                            cleat_verify_error_text(&report.error));
}

/* Stores the list that which selects; the other pointer is NULL. Both are NULL if there is none. */
static int32_t find(struct cleat_connection *self, int32_t which,
                    const STACK_OF(CRYPTO_BUFFER) * *sent, const STACK_OF(X509) * *verified) {
    int32_t status = CLEAT_OK;
    *sent = SSL_get0_peer_certificates(self->ssl);
    *verified = NULL;
    cleat_error_clear_queue();
    if (which == CLEAT_CHAIN_SENT || *sent == NULL) return status;
    /* In TLS 1.3 a peer proves that it has the private key only after its chain was verified: until the handshake is
     * done, it may have sent another peer's chain. A caller that decides on the chain can read it nevertheless. */
    if (self->verified && (self->established || self->pause == CLEAT_PAUSE_VERIFY)) {
        status = build(self, *sent);
        *verified = self->verified_chain;
    }
    *sent = NULL;
    return status;
}

/* The credential that this side presents; NULL if there is none, and on a client with several. */
static const struct cleat_credential *own(const struct cleat_connection *self) {
    const struct cleat_credentials *set =
        cleat_configuration_credentials(self->configuration, self->server_side);
    const struct cleat_credential *only = NULL;
    int type;
    if (!self->established) return NULL;
    if (self->server_side) {
        return cleat_psk_is_used(self->ssl) ? NULL : cleat_connection_credential(self, self->ssl);
    }
    for (type = 0; set != NULL && type < CLEAT_KEY_TYPES; type++) {
        if (set->of_type[type] == NULL) continue;
        if (only != NULL) return NULL;
        only = set->of_type[type];
    }
    return only;
}

static size_t count(const STACK_OF(CRYPTO_BUFFER) * sent, const STACK_OF(X509) * verified) {
    if (sent != NULL) return sk_CRYPTO_BUFFER_num(sent);
    return verified == NULL ? 0 : sk_X509_num(verified);
}

int32_t cleat_connection_chain_count(int32_t connection, int32_t which) {
    CLEAT_CHECK_RANGE(2, which, CLEAT_CHAIN_SENT, CLEAT_CHAIN_OWN);
    const STACK_OF(CRYPTO_BUFFER) * sent;
    const STACK_OF(X509) * verified;
    int32_t result = 0;
    CLEAT_BEGIN(connection);
    if (which == CLEAT_CHAIN_OWN) {
        const struct cleat_credential *credential = own(self);
        result = credential == NULL ? 0 : (int32_t)credential->count;
    } else {
        result = find(self, which, &sent, &verified);
        if (result >= 0) result = (int32_t)count(sent, verified);
    }
    CLEAT_END(result);
}

static int32_t open_certificate(const STACK_OF(CRYPTO_BUFFER) * sent,
                                const STACK_OF(X509) * verified, size_t index) {
    X509 *x509;
    if (sent != NULL) return cleat_certificate_open_buffer(sk_CRYPTO_BUFFER_value(sent, index));
    x509 = sk_X509_value(verified, index);
    X509_up_ref(x509);
    return cleat_certificate_open(x509);
}

static int32_t open_own(const struct cleat_connection *self, int32_t index) {
    const struct cleat_credential *credential = own(self);
    if (credential == NULL || index < 0 || (size_t)index >= credential->count) {
        return cleat_fail_usage(3, "index out of range");
    }
    return cleat_certificate_open_buffer(credential->chain[index]);
}

int32_t cleat_connection_chain_certificate(int32_t connection, int32_t which, int32_t index) {
    CLEAT_CHECK_RANGE(2, which, CLEAT_CHAIN_SENT, CLEAT_CHAIN_OWN);
    const STACK_OF(CRYPTO_BUFFER) * sent;
    const STACK_OF(X509) * verified;
    int32_t result = 0;
    CLEAT_BEGIN(connection);
    if (which == CLEAT_CHAIN_OWN) {
        result = open_own(self, index);
        CLEAT_END(result);
    }
    result = find(self, which, &sent, &verified);
    if (result < 0) {
        /* recorded already */
    } else if (index < 0 || (size_t)index >= count(sent, verified)) {
        result = cleat_fail_usage(3, "index out of range");
    } else {
        result = open_certificate(sent, verified, (size_t)index);
    }
    CLEAT_END(result);
}
