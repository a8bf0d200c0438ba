#include "tls/staple.h"

#include "base/argument.h"
#include "base/memory.h"
#include "tls/connection.h"
#include "tls/context.h"
#include "x509/ocsp.h"

void cleat_staples_clear(struct cleat_staples *staples) {
    CRYPTO_BUFFER_free(staples->ocsp_response);
    CRYPTO_BUFFER_free(staples->scts);
    *staples = (struct cleat_staples){NULL, NULL};
}

bool cleat_staples_use(const struct cleat_staples *staples, SSL_CTX *ssl_ctx) {
    const CRYPTO_BUFFER *response = staples->ocsp_response;
    const CRYPTO_BUFFER *scts = staples->scts;
    return (response == NULL || SSL_CTX_set_ocsp_response(ssl_ctx, CRYPTO_BUFFER_data(response),
                                                          CRYPTO_BUFFER_len(response)) == 1) &&
           (scts == NULL || SSL_CTX_set_signed_cert_timestamp_list(
                                ssl_ctx, CRYPTO_BUFFER_data(scts), CRYPTO_BUFFER_len(scts)) == 1);
}

static int32_t get_flag(int32_t context, size_t offset) {
    bool on;
    CLEAT_CONTEXT_BEGIN(context);
    memcpy(&on, (const char *)&self->settings + offset, sizeof on);
    CLEAT_CONTEXT_END(on ? 1 : 0);
}

static int32_t set_flag(int32_t context, size_t offset, int32_t on) {
    bool value = on == 1;
    CLEAT_CHECK_RANGE(2, on, 0, 1);
    CLEAT_CONTEXT_BEGIN(context);
    memcpy((char *)&self->settings + offset, &value, sizeof value);
    cleat_context_changed(self);
    CLEAT_CONTEXT_END(CLEAT_OK);
}

#define FLAG(field) offsetof(struct cleat_settings, field)

int32_t cleat_context_ask_ocsp(int32_t context) {
    return get_flag(context, FLAG(ask_ocsp));
}

int32_t cleat_context_set_ask_ocsp(int32_t context, int32_t on) {
    return set_flag(context, FLAG(ask_ocsp), on);
}

int32_t cleat_context_require_ocsp(int32_t context) {
    return get_flag(context, FLAG(require_ocsp));
}

int32_t cleat_context_set_require_ocsp(int32_t context, int32_t on) {
    return set_flag(context, FLAG(require_ocsp), on);
}

int32_t cleat_context_ask_scts(int32_t context) {
    return get_flag(context, FLAG(ask_scts));
}

int32_t cleat_context_set_ask_scts(int32_t context, int32_t on) {
    return set_flag(context, FLAG(ask_scts), on);
}

static int32_t copy_buffer(const CRYPTO_BUFFER *buffer, char *output, int32_t output_cap) {
    if (buffer == NULL) return 0;
    return cleat_copy_out((const char *)CRYPTO_BUFFER_data(buffer),
                          (int64_t)CRYPTO_BUFFER_len(buffer), output, output_cap);
}

int32_t cleat_context_ocsp_response(int32_t context, char *output, int32_t output_cap) {
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_CONTEXT_BEGIN(context);
    result = copy_buffer(self->staples.ocsp_response, output, output_cap);
    CLEAT_CONTEXT_END(result);
}

int32_t cleat_context_scts(int32_t context, char *output, int32_t output_cap) {
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_CONTEXT_BEGIN(context);
    result = copy_buffer(self->staples.scts, output, output_cap);
    CLEAT_CONTEXT_END(result);
}

/* Returns whether the response is for the credential's own certificate. */
static int32_t check_response(const struct cleat_credential *credential, const char *response,
                              int32_t response_len) {
    X509 *leaf = X509_parse_from_buffer(cleat_credential_certificate(credential));
    enum cleat_ocsp_fault fault;
    if (leaf == NULL) return cleat_fail_ssl("X509_parse_from_buffer");
    fault = cleat_ocsp_names((const uint8_t *)response, (size_t)response_len, leaf);
    X509_free(leaf);
    if (fault == CLEAT_OCSP_NO_MEMORY) return cleat_fail_nomem();
    if (fault == CLEAT_OCSP_FINE) return CLEAT_OK;
    return cleat_fail_named("OCSP", cleat_ocsp_fault_name(fault), cleat_ocsp_fault_text(fault));
}

/* What BoringSSL refuses is refused when it is set, by trying it. */
static int32_t check_scts(const char *scts, int32_t scts_len) {
    SSL_CTX *trial = SSL_CTX_new(TLS_with_buffers_method());
    int32_t status = CLEAT_OK;
    if (trial == NULL) return cleat_fail_nomem();
    if (SSL_CTX_set_signed_cert_timestamp_list(trial, (const uint8_t *)scts, (size_t)scts_len) !=
        1) {
        status = cleat_memory_failed()
                     ? cleat_fail_nomem()
                     : cleat_fail_usage(2, "malformed list of signed certificate timestamps");
    }
    SSL_CTX_free(trial);
    return status;
}

/* Sets one of the staples, with the context's lock. bytes: NULL for none. */
static int32_t set_staple(struct cleat_context *self, bool is_response, const char *bytes,
                          int32_t len) {
    CRYPTO_BUFFER **place = is_response ? &self->staples.ocsp_response : &self->staples.scts;
    CRYPTO_BUFFER *made = NULL;
    int32_t status;
    if (bytes != NULL) {
        if (len > CLEAT_STAPLE_MAX)
            return cleat_fail_usage(2, "more than %d bytes", CLEAT_STAPLE_MAX);
        if (self->credential == NULL) {
            return cleat_fail_usage(0, "load a certificate first: the %s for it",
                                    is_response ? "OCSP response is" : "timestamps are");
        }
        cleat_error_clear_queue();
        status =
            is_response ? check_response(self->credential, bytes, len) : check_scts(bytes, len);
        if (status < 0) return status;
        made = CRYPTO_BUFFER_new((const uint8_t *)bytes, (size_t)len, NULL);
        if (made == NULL) return cleat_fail_nomem();
    }
    CRYPTO_BUFFER_free(*place);
    *place = made;
    cleat_context_changed(self);
    return CLEAT_OK;
}

int32_t cleat_context_set_ocsp_response(int32_t context, const char *response,
                                        int32_t response_len) {
    int32_t result;
    CLEAT_CHECK_IN(2, response, response_len);
    CLEAT_CONTEXT_BEGIN(context);
    result = set_staple(self, true, response, response_len);
    CLEAT_CONTEXT_END(result);
}

int32_t cleat_context_set_scts(int32_t context, const char *scts, int32_t scts_len) {
    int32_t result;
    CLEAT_CHECK_IN(2, scts, scts_len);
    CLEAT_CONTEXT_BEGIN(context);
    result = set_staple(self, false, scts, scts_len);
    CLEAT_CONTEXT_END(result);
}

int32_t cleat_connection_ocsp_response(int32_t connection, char *output, int32_t output_cap) {
    CLEAT_CHECK_OUT(2, output, output_cap);
    int32_t result = 0;
    CLEAT_BEGIN(connection);
    if (self->established && !self->server_side) {
        const uint8_t *response = NULL;
        size_t len = 0;
        SSL_get0_ocsp_response(self->ssl, &response, &len);
        result = cleat_copy_out((const char *)response, (int64_t)len, output, output_cap);
    }
    CLEAT_END(result);
}

int32_t cleat_connection_scts(int32_t connection, char *output, int32_t output_cap) {
    CLEAT_CHECK_OUT(2, output, output_cap);
    int32_t result = 0;
    CLEAT_BEGIN(connection);
    if (self->established && !self->server_side) {
        const uint8_t *scts = NULL;
        size_t len = 0;
        SSL_get0_signed_cert_timestamp_list(self->ssl, &scts, &len);
        result = cleat_copy_out((const char *)scts, (int64_t)len, output, output_cap);
    }
    CLEAT_END(result);
}
