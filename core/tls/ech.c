#include "tls/ech.h"

#include "base/argument.h"
#include "base/memory.h"
#include "tls/context.h"
#include "tls/ech_config.h"
#include "tls/ech_key.h"

int32_t cleat_ech_set_up(const struct cleat_connection *connection, SSL *ssl,
                         const struct cleat_configuration *configuration) {
    SSL_set_enable_ech_grease(ssl, configuration->settings.ech_grease);
    if (connection->ech_configs == NULL) return CLEAT_OK;
    if (configuration->maximum_version < TLS1_3_VERSION) {
        /* BoringSSL would send the name in plaintext. */
        return cleat_fail_usage(0, "Encrypted ClientHello needs TLS 1.3, which is disabled");
    }
    return SSL_set1_ech_config_list(ssl, connection->ech_configs, connection->ech_configs_len) == 1
               ? CLEAT_OK
               : cleat_fail_ssl("SSL_set1_ech_config_list");
}

bool cleat_ech_keep_public_name(struct cleat_connection *connection) {
    const char *name = NULL;
    size_t len = 0;
    if (connection->ech_configs == NULL || connection->ech_public_name != NULL) return true;
    SSL_get0_ech_name_override(connection->ssl, &name, &len);
    if (len == 0) return true;
    connection->ech_public_name = cleat_copy_text(name, (int32_t)len);
    return connection->ech_public_name != NULL;
}

bool cleat_ech_was_offered(const struct cleat_connection *connection) {
    return connection->ech_configs == NULL || SSL_ech_accepted(connection->ssl) == 1;
}

static int32_t set_configs(struct cleat_connection *self, const char *data, int32_t data_len) {
    uint8_t *old = self->ech_configs;
    size_t old_len = self->ech_configs_len;
    uint8_t *list = NULL;
    size_t list_len = 0;
    int32_t status;
    if (self->server_side) {
        return cleat_fail_usage(0, "a server has ECH keys: configurations are for clients");
    }
    if (self->begun) return cleat_fail_usage(0, "the handshake has begun");
    status = cleat_ech_configs_supported(data, data_len, &list, &list_len);
    if (status < 0) return status;
    self->ech_configs = list;
    self->ech_configs_len = list_len;
    cleat_error_clear_queue();
    status = cleat_ech_set_up(self, self->ssl, self->configuration);
    if (status < 0) {
        self->ech_configs = old;
        self->ech_configs_len = old_len;
        old = list;
    }
    OPENSSL_free(old);
    return status;
}

int32_t cleat_connection_set_ech_configs(int32_t connection, const char *ech_configs,
                                         int32_t ech_configs_len) {
    int32_t result;
    CLEAT_CHECK_IN(2, ech_configs, ech_configs_len);
    CLEAT_BEGIN(connection);
    result = set_configs(self, ech_configs, ech_configs_len);
    CLEAT_END(result);
}

int32_t cleat_connection_ech_accepted(int32_t connection) {
    int32_t result;
    CLEAT_BEGIN(connection);
    /* During early data SSL_ech_accepted returns 1 on a client before the server has answered. */
    result = (self->established || self->server_side) && SSL_ech_accepted(self->ssl) == 1 ? 1 : 0;
    CLEAT_END(result);
}

int32_t cleat_connection_ech_public_name(int32_t connection, char *output, int32_t output_cap) {
    const char *name;
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_BEGIN(connection);
    name = self->ech_public_name == NULL ? "" : self->ech_public_name;
    result = cleat_copy_out(name, (int64_t)strlen(name), output, output_cap);
    CLEAT_END(result);
}

int32_t cleat_connection_ech_retry_configs(int32_t connection, char *output, int32_t output_cap) {
    const uint8_t *list = NULL;
    size_t len = 0;
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_BEGIN(connection);
    /* An attacker could have sent the list of an unverified server, to decrypt the name in the next connection. */
    if (self->ech_rejected && self->verified) {
        SSL_get0_ech_retry_configs(self->ssl, &list, &len);
    }
    result = cleat_copy_out((const char *)list, (int64_t)len, output, output_cap);
    CLEAT_END(result);
}

int32_t cleat_context_set_ech_keys(int32_t context, const int32_t *ech_keys, int32_t ech_keys_len) {
    struct cleat_context *self;
    SSL_ECH_KEYS *set = NULL;
    int32_t status;
    CLEAT_CHECK_IN(2, ech_keys, ech_keys_len);
    CLEAT_CHECK_RANGE(3, ech_keys_len, 0, CLEAT_ECH_KEYS_MAX);
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    status = cleat_ech_keys_make(ech_keys, ech_keys_len, &set);
    if (status >= 0) {
        SSL_ECH_KEYS *old;
        pthread_mutex_lock(&self->lock);
        old = self->ech_keys;
        self->ech_keys = set;
        cleat_context_changed(self);
        pthread_mutex_unlock(&self->lock);
        SSL_ECH_KEYS_free(old);
    }
    CLEAT_DONE(self);
    return status;
}

int32_t cleat_context_ech_grease(int32_t context) {
    CLEAT_CONTEXT_BEGIN(context);
    CLEAT_CONTEXT_END(self->settings.ech_grease ? 1 : 0);
}

int32_t cleat_context_set_ech_grease(int32_t context, int32_t on) {
    CLEAT_CHECK_RANGE(2, on, 0, 1);
    CLEAT_CONTEXT_BEGIN(context);
    self->settings.ech_grease = on == 1;
    cleat_context_changed(self);
    CLEAT_CONTEXT_END(CLEAT_OK);
}
