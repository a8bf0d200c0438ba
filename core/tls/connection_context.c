/* connection_context.c: makes a connection's SSL from its context's configuration, and switches a connection to another
 * context. */
#include "base/argument.h"
#include "base/memory.h"
#include "tls/connection.h"
#include "tls/context.h"
#include "tls/ech.h"
#include "tls/group.h"
#include "tls/hostname.h"
#include "tls/psk.h"
#include "tls/sigalg.h"
#include "tls/verify.h"

static int32_t set_id_context(SSL *ssl, const struct cleat_configuration *configuration,
                              int32_t verify_mode, int32_t verify_flags) {
    uint8_t id_context[CLEAT_DIGEST];
    int32_t status =
        cleat_configuration_id_context(configuration, verify_mode, verify_flags, id_context);
    if (status < 0) return status;
    return SSL_set_session_id_context(ssl, id_context, sizeof id_context) == 1
               ? CLEAT_OK
               : cleat_fail_ssl("SSL_set_session_id_context");
}

static bool set_algorithms(const struct cleat_connection *self, SSL *ssl,
                           const struct cleat_configuration *configuration,
                           bool *restricts_groups) {
    return (self->server_side || cleat_group_restrict(ssl, configuration, restricts_groups)) &&
           cleat_sigalgs_apply(ssl, configuration, NULL, self->server_side);
}

int32_t cleat_connection_set_up(struct cleat_connection *self,
                                struct cleat_configuration *configuration) {
    const struct cleat_settings *settings = &configuration->settings;
    bool check = settings->check_hostname && !self->server_side;
    bool restricts_groups = false;
    int32_t status = CLEAT_OK;
    SSL *ssl;
    if (check && self->server_hostname == NULL) {
        return cleat_fail_usage(0, "check_hostname requires server_hostname");
    }
    cleat_error_clear_queue();
    ssl = SSL_new(configuration->ssl_ctx);
    /* BoringSSL ignores some failed allocations here, for example of the verify parameters. */
    if (ssl == NULL || SSL_set_app_data(ssl, self) != 1 ||
        !set_algorithms(self, ssl, configuration, &restricts_groups) || cleat_memory_failed()) {
        SSL_free(ssl);
        return cleat_fail_ssl("SSL_new");
    }
    SSL_set_shed_handshake_config(ssl, 1);
    cleat_verify_start(ssl, self->server_side, settings->verify_mode);
    if (!cleat_transport_attach(&self->transport, ssl)) {
        status = cleat_fail_nomem();
    } else if (self->server_side) {
        SSL_set_accept_state(ssl);
        SSL_set_early_data_enabled(ssl, settings->early_data > 0);
        status = set_id_context(ssl, configuration, settings->verify_mode, settings->verify_flags);
    } else {
        SSL_set_connect_state(ssl);
        status = cleat_ech_set_up(self, ssl, configuration);
        if (status >= 0 && self->server_hostname != NULL) {
            status = cleat_hostname_send(ssl, self->server_hostname);
        }
    }
    if (status >= 0) status = cleat_psk_start(self, ssl, configuration);
    if (status < 0) {
        SSL_free(ssl);
        return status;
    }
    SSL_free(self->ssl);
    cleat_configuration_ref(configuration);
    cleat_configuration_ref(configuration);
    cleat_configuration_unref(self->configuration);
    cleat_configuration_unref(self->initial);
    SSL_SESSION_free(self->caller_session);
    self->caller_session = NULL;
    self->ssl = ssl;
    self->restricts_groups = restricts_groups;
    self->configuration = self->initial = configuration;
    self->verify_mode = settings->verify_mode;
    self->verify_flags = settings->verify_flags;
    self->verify_events = settings->verify_events;
    self->tolerates_refusals = settings->tolerates_refusals;
    self->keeps_messages = settings->message_events;
    self->early_allowed = settings->early_data > 0;
    /* Once CLEAT_WANT_SERVER_NAME is enabled, switching the context does not disable it: the caller may refuse
     * clients by name. */
    if (settings->server_name_events) self->pauses_at_hello = self->server_side;
    return CLEAT_OK;
}

/* The flags that are as strict as both. PARTIAL_CHAIN makes verification less strict, all others more. */
static int32_t stricter_flags(int32_t one, int32_t other) {
    int32_t loose = CLEAT_VERIFY_X509_PARTIAL_CHAIN;
    return ((one | other) & ~loose) | (one & other & loose);
}

/* The verify events of both. The caller can accept a refused peer only if both allow it. */
static int32_t stricter_events(int32_t one, int32_t other) {
    if (one == 0 && other == 0) return 0;
    return one == 2 && other == 2 ? 2 : 1;
}

static bool restrict_settings(struct cleat_connection *self,
                              const struct cleat_configuration *other) {
    uint16_t low = SSL_get_min_proto_version(self->ssl);
    uint16_t high = SSL_get_max_proto_version(self->ssl);
    const struct cleat_groups *groups = &other->settings.algorithms.groups;
    SSL_set_options(self->ssl, SSL_CTX_get_options(other->ssl_ctx) & SSL_OP_NO_TICKET);
    self->early_allowed = self->early_allowed && other->settings.early_data > 0;
    /* SSL_set_SSL_CTX has replaced the setting. */
    SSL_set_early_data_enabled(self->ssl, self->early_allowed ? 1 : 0);
    if (other->minimum_version > low) low = other->minimum_version;
    if (other->maximum_version < high) high = other->maximum_version;
    return cleat_peer_keys_switch(other->peer_keys, self->ssl) &&
           SSL_set_min_proto_version(self->ssl, low) == 1 &&
           SSL_set_max_proto_version(self->ssl, high) == 1 &&
           (groups->count == 0 || SSL_set1_curves(self->ssl, other->algorithms.groups.nids,
                                                  other->algorithms.groups.count) == 1) &&
           cleat_sigalgs_apply(self->ssl, other, self->configuration, true);
}

/* A switch that has failed half done must not continue: the connection would present the certificate of one context
 * and verify the client by the settings of the other. */
static int32_t fail_switch(struct cleat_connection *self) {
    int32_t status = cleat_fail_ssl("SSL_set_SSL_CTX");
    cleat_connection_refuse(self, SSL_AD_INTERNAL_ERROR);
    self->refused_at = CLEAT_PAUSE_SERVER_NAME;
    return status;
}

/* Switches a server at the ClientHello. */
static int32_t switch_server(struct cleat_connection *self, struct cleat_configuration *other) {
    const struct cleat_settings *settings = &other->settings;
    if (other->algorithms.policy != self->initial->algorithms.policy) {
        return cleat_fail_usage(2, "the contexts' compliance policies differ");
    }
    cleat_error_clear_queue();
    if (SSL_set_SSL_CTX(self->ssl, other->ssl_ctx) == NULL || !restrict_settings(self, other) ||
        !cleat_psk_switch(self, other) || cleat_memory_failed()) {
        return fail_switch(self);
    }
    cleat_configuration_ref(other);
    cleat_configuration_unref(self->configuration);
    self->configuration = other;
    if (settings->verify_mode > self->verify_mode) self->verify_mode = settings->verify_mode;
    self->verify_flags = stricter_flags(self->verify_flags, settings->verify_flags);
    self->verify_events = stricter_events(self->verify_events, settings->verify_events);
    if (settings->server_name_events && !self->has_hello) self->pauses_at_hello = true;
    self->tolerates_refusals = self->tolerates_refusals && settings->tolerates_refusals;
    cleat_verify_start(self->ssl, true, self->verify_mode);
    return set_id_context(self->ssl, other, self->verify_mode, self->verify_flags);
}

/* Before the handshake has begun, all settings are taken from the new configuration; on a server that has not
 * answered the ClientHello yet, the stricter of both for the verification of the peer. */
static int32_t switch_configuration(struct cleat_connection *self,
                                    struct cleat_configuration *configuration) {
    if (self->established) return cleat_fail_usage(0, "the handshake is done");
    if (!self->begun) return cleat_connection_set_up(self, configuration);
    if (self->server_side && (self->pause == CLEAT_PAUSE_SERVER_NAME || !self->has_hello)) {
        return switch_server(self, configuration);
    }
    return cleat_fail_usage(0, "the handshake has begun");
}

int32_t cleat_connection_set_context(int32_t connection, int32_t context) {
    struct cleat_configuration *configuration;
    struct cleat_context *other;
    struct cleat_object *found = NULL;
    int32_t result;
    CLEAT_FIND(other, context, CLEAT_KIND_CONTEXT);
    result = cleat_handle_find(connection, CLEAT_KIND_CONNECTION, &found);
    if (found != NULL) {
        struct cleat_connection *self = (void *)found;
        result = cleat_context_ref_configuration(other, &configuration);
        if (result >= 0) {
            pthread_mutex_lock(&self->lock);
            result = switch_configuration(self, configuration);
            pthread_mutex_unlock(&self->lock);
            cleat_configuration_unref(configuration);
        }
        cleat_handle_done(found);
    }
    CLEAT_DONE(other);
    return result;
}
