#include "cleat/staple.h"

#include "base/argument.h"
#include "base/memory.h"
#include "tls/connection.h"
#include "tls/context.h"
#include "x509/ocsp.h"

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

/* A set may have only a raw public key. */
static bool has_certificate(const struct cleat_credentials *set) {
    return set != NULL && set->of_type[set->last_loaded] != NULL;
}

/* The credential whose response was set last, or another one with a response; NULL if none has one. */
static const struct cleat_credential *stapled(const struct cleat_credentials *set) {
    int type;
    if (set == NULL) return NULL;
    if (set->of_type[set->last_stapled] != NULL &&
        set->of_type[set->last_stapled]->ocsp_response != NULL) {
        return set->of_type[set->last_stapled];
    }
    for (type = 0; type < CLEAT_KEY_TYPES; type++) {
        if (set->of_type[type] != NULL && set->of_type[type]->ocsp_response != NULL)
            return set->of_type[type];
    }
    return NULL;
}

int32_t cleat_context_ocsp_response(int32_t context, char *output, int32_t output_cap) {
    const struct cleat_credential *credential;
    int32_t result = 0;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_CONTEXT_BEGIN(context);
    credential = stapled(self->credentials);
    if (credential != NULL) result = copy_buffer(credential->ocsp_response, output, output_cap);
    CLEAT_CONTEXT_END(result);
}

int32_t cleat_context_scts(int32_t context, char *output, int32_t output_cap) {
    const struct cleat_credentials *set;
    int32_t result = 0;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_CONTEXT_BEGIN(context);
    set = self->credentials;
    if (has_certificate(set)) {
        result = copy_buffer(set->of_type[set->last_loaded]->scts, output, output_cap);
    }
    CLEAT_CONTEXT_END(result);
}

/* Checks that BoringSSL accepts the list. */
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

/* A staple, and the credentials to which it belongs. */
struct staple {
    bool is_response;
    CRYPTO_BUFFER *bytes; /* NULL to remove it */
    bool is_for[CLEAT_KEY_TYPES];
};

static enum cleat_ocsp_fault check_response(const struct cleat_credential *credential,
                                            const CRYPTO_BUFFER *response, bool by_issuer) {
    X509 *leaf = X509_parse_from_buffer(credential->chain[0]);
    enum cleat_ocsp_fault fault;
    /* It was parsed when it was loaded, so an allocation has failed. */
    if (leaf == NULL) return CLEAT_OCSP_NO_MEMORY;
    fault = cleat_ocsp_covers(CRYPTO_BUFFER_data(response), CRYPTO_BUFFER_len(response), leaf,
                              by_issuer);
    X509_free(leaf);
    return fault;
}

/* Finds the certificates that the response covers. by_issuer: the issuer's name must match, too, since two CAs may
 * use the same serial number. */
static enum cleat_ocsp_fault find_covered(const struct cleat_credentials *set,
                                          struct staple *staple, bool by_issuer) {
    enum cleat_ocsp_fault result = CLEAT_OCSP_NOT_COVERED;
    int type;
    for (type = 0; type < CLEAT_KEY_TYPES; type++) {
        enum cleat_ocsp_fault fault;
        if (set->of_type[type] == NULL) continue;
        fault = check_response(set->of_type[type], staple->bytes, by_issuer);
        staple->is_for[type] = fault == CLEAT_OCSP_NO_FAULT;
        if (fault == CLEAT_OCSP_NO_MEMORY) return fault;
        if (fault == CLEAT_OCSP_NO_FAULT || result == CLEAT_OCSP_NOT_COVERED) result = fault;
    }
    return result;
}

static int32_t select_credentials(const struct cleat_credentials *set, struct staple *staple) {
    enum cleat_ocsp_fault fault;
    if (!staple->is_response) {
        staple->is_for[set->last_loaded] = true;
        return CLEAT_OK;
    }
    fault = find_covered(set, staple, true);
    if (fault == CLEAT_OCSP_NOT_COVERED) fault = find_covered(set, staple, false);
    if (fault == CLEAT_OCSP_NO_MEMORY) return cleat_fail_nomem();
    if (fault == CLEAT_OCSP_NO_FAULT) return CLEAT_OK;
    return cleat_fail_named("OCSP", cleat_ocsp_fault_name(fault), cleat_ocsp_fault_text(fault));
}

/* Replaces one credential by a copy with the staple. */
static int32_t staple_to(struct cleat_credentials *set, int type, const struct staple *staple) {
    const struct cleat_credential *old = set->of_type[type];
    struct cleat_credential *made;
    int32_t status =
        cleat_credential_stapled(old, staple->is_response ? staple->bytes : old->ocsp_response,
                                 staple->is_response ? old->scts : staple->bytes, &made);
    if (status < 0) return status;
    if (staple->is_response && staple->bytes != NULL) set->last_stapled = made->type;
    cleat_credentials_put(set, made);
    return CLEAT_OK;
}

/* Must be called with the context's lock held. */
static int32_t replace(struct cleat_context *self, const struct staple *staple) {
    struct cleat_credentials *made = cleat_credentials_copy(self->credentials);
    int32_t status = CLEAT_OK;
    int type;
    if (made == NULL) return cleat_fail_nomem();
    for (type = 0; type < CLEAT_KEY_TYPES && status >= 0; type++) {
        if (staple->is_for[type]) status = staple_to(made, type, staple);
    }
    if (status < 0) {
        cleat_credentials_unref(made);
        return status;
    }
    cleat_context_replace_credentials(self, made);
    return CLEAT_OK;
}

/* Removes the staple from all credentials. */
static int32_t remove_staples(struct cleat_context *self, bool is_response) {
    struct staple nothing = {.is_response = is_response};
    int type;
    if (self->credentials == NULL) return CLEAT_OK;
    for (type = 0; type < CLEAT_KEY_TYPES; type++)
        nothing.is_for[type] = self->credentials->of_type[type] != NULL;
    return replace(self, &nothing);
}

/* Sets a staple. Must be called with the context's lock held. bytes: NULL to remove it. */
static int32_t set_staple(struct cleat_context *self, bool is_response, const char *bytes,
                          int32_t len) {
    struct staple staple = {.is_response = is_response};
    int32_t status = CLEAT_OK;
    cleat_error_clear_queue();
    if (bytes == NULL) return remove_staples(self, is_response);
    if (len > CLEAT_STAPLE_MAX) return cleat_fail_usage(2, "more than %d bytes", CLEAT_STAPLE_MAX);
    if (!has_certificate(self->credentials)) {
        return cleat_fail_usage(0, "load a certificate first: the %s for it",
                                is_response ? "OCSP response is" : "timestamps are");
    }
    if (!is_response) status = check_scts(bytes, len);
    if (status < 0) return status;
    staple.bytes = CRYPTO_BUFFER_new((const uint8_t *)bytes, (size_t)len, NULL);
    if (staple.bytes == NULL) return cleat_fail_nomem();
    status = select_credentials(self->credentials, &staple);
    if (status >= 0) status = replace(self, &staple);
    CRYPTO_BUFFER_free(staple.bytes);
    return status;
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
