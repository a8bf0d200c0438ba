/* context.c: creates and frees contexts, and makes their trust object and configuration when they are needed. The
 * settings are in *_setting.c, alpn.c and server_name.c, credentials in credential_load.c, CA certificates in
 * context_trust.c. */
#include "tls/context.h"

#include "base/argument.h"
#include "base/memory.h"
#include "cleat/verify.h"

#define DEFAULT_OPTIONS                                                                            \
    (CLEAT_OP_ALL | CLEAT_OP_NO_SSLV2 | CLEAT_OP_NO_SSLV3 | CLEAT_OP_NO_COMPRESSION |              \
     CLEAT_OP_CIPHER_SERVER_PREFERENCE | CLEAT_OP_SINGLE_DH_USE | CLEAT_OP_SINGLE_ECDH_USE |       \
     CLEAT_OP_ENABLE_MIDDLEBOX_COMPAT)

static void context_destroy(struct cleat_object *object) {
    struct cleat_context *self = (void *)object;
    cleat_configuration_unref(self->configuration);
    cleat_trust_unref(self->trust);
    cleat_trust_sources_free(&self->sources);
    cleat_credentials_unref(self->credentials);
    cleat_peer_keys_unref(self->peer_keys);
    SSL_ECH_KEYS_free(self->ech_keys);
    cleat_alpn_unref(self->alpn);
    cleat_alpn_unref(self->npn);
    cleat_key_log_unref(self->key_log);
    cleat_sessions_unref(self->sessions);
    cleat_client_sessions_unref(self->client_sessions);
    cleat_release(self->ciphers);
    pthread_mutex_destroy(&self->lock);
    cleat_release(self);
}

int32_t cleat_context_check(int32_t context) {
    struct cleat_context *self;
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    CLEAT_DONE(self);
    return CLEAT_OK;
}

void cleat_context_changed(struct cleat_context *context) {
    cleat_configuration_unref(context->configuration);
    context->configuration = NULL;
    cleat_client_sessions_empty(context->client_sessions);
}

void cleat_context_replace_credentials(struct cleat_context *context,
                                       struct cleat_credentials *credentials) {
    cleat_credentials_unref(context->credentials);
    context->credentials = credentials;
    cleat_context_changed(context);
}

int32_t cleat_context_change_credentials(struct cleat_context *context,
                                         void (*change)(struct cleat_credentials *set,
                                                        void *argument),
                                         void *argument) {
    struct cleat_credentials *made;
    pthread_mutex_lock(&context->lock);
    made = cleat_credentials_copy(context->credentials);
    if (made != NULL) {
        change(made, argument);
        cleat_context_replace_credentials(context, made);
    }
    pthread_mutex_unlock(&context->lock);
    return made == NULL ? cleat_fail_nomem() : CLEAT_OK;
}

void cleat_context_sources_changed(struct cleat_context *context) {
    cleat_trust_unref(context->trust);
    context->trust = NULL;
    cleat_context_changed(context);
}

int32_t cleat_context_trust(struct cleat_context *context, struct cleat_trust **trust) {
    int32_t status = CLEAT_OK;
    if (context->trust == NULL) {
        status = context->sources.has_default
                     ? cleat_trust_shared(&context->sources, &context->trust)
                     : cleat_trust_new(&context->sources, &context->trust);
    }
    *trust = context->trust;
    return status;
}

/* Only sessions need the number. Generating it takes as long as the rest of making an empty context, so it is done
 * with the first configuration. */
static void generate_number(struct cleat_context *context) {
    if (context->has_number) return;
    RAND_bytes(context->number, sizeof context->number);
    context->has_number = true;
}

int32_t cleat_context_configuration(struct cleat_context *context,
                                    struct cleat_configuration **configuration) {
    int32_t status = CLEAT_OK;
    if (context->configuration == NULL) {
        struct cleat_configuration_parts parts = {
            .settings = &context->settings,
            .ciphers = context->ciphers,
            .alpn = context->alpn,
            .npn = context->npn,
            .key_log = context->key_log,
            .credentials = context->credentials,
            .peer_keys = context->peer_keys,
            .ech_keys = context->ech_keys,
            .sessions = context->sessions,
            .client_sessions = context->client_sessions,
            .context = context->number,
        };
        generate_number(context);
        status = cleat_context_trust(context, &parts.trust);
        if (status >= 0) status = cleat_configuration_new(&parts, &context->configuration);
    }
    *configuration = context->configuration;
    return status;
}

int32_t cleat_context_ref_configuration(struct cleat_context *context,
                                        struct cleat_configuration **configuration) {
    int32_t status;
    pthread_mutex_lock(&context->lock);
    status = cleat_context_configuration(context, configuration);
    if (status >= 0) cleat_configuration_ref(*configuration);
    pthread_mutex_unlock(&context->lock);
    return status;
}

static bool version_range(int32_t protocol, struct cleat_settings *settings) {
    switch (protocol) {
        case CLEAT_PROTOCOL_TLS:
            settings->minimum_version = TLS1_VERSION;
            settings->maximum_version = TLS1_3_VERSION;
            return true;
        case CLEAT_PROTOCOL_TLSV1:
            settings->minimum_version = settings->maximum_version = TLS1_VERSION;
            return true;
        case CLEAT_PROTOCOL_TLSV1_1:
            settings->minimum_version = settings->maximum_version = TLS1_1_VERSION;
            return true;
        case CLEAT_PROTOCOL_TLSV1_2:
            settings->minimum_version = settings->maximum_version = TLS1_2_VERSION;
            return true;
        default: return false;
    }
}

int32_t cleat_context_new(int32_t which) {
    CLEAT_NO_CANCEL();
    struct cleat_settings settings = {.options = DEFAULT_OPTIONS,
                                      .verify_mode = CLEAT_CERT_NONE,
                                      .verify_flags = CLEAT_VERIFY_X509_TRUSTED_FIRST,
                                      .ask_ocsp = true,
                                      .num_tickets = CLEAT_TICKETS_DEFAULT,
                                      .verify_depth = CLEAT_DEPTH_MAX,
                                      .verify_time = -1,
                                      .chain_cache_seconds = CLEAT_CHAIN_CACHE_DEFAULT};
    struct cleat_context *self;
    if (which == CLEAT_PROTOCOL_SSLV2 || which == CLEAT_PROTOCOL_SSLV3) {
        return cleat_fail(CLEAT_UNSUPPORTED, 0, "BoringSSL does not have SSL 2 and SSL 3");
    }
    if (!version_range(which, &settings)) {
        return cleat_fail_usage(1, "invalid protocol version: which is %d, not a CLEAT_PROTOCOL_*",
                                (int)which);
    }
    self = cleat_allocate(sizeof *self);
    if (self == NULL) return cleat_fail_nomem();
    cleat_object_init(&self->object, CLEAT_KIND_CONTEXT, context_destroy);
    pthread_mutex_init(&self->lock, NULL);
    self->protocol = which;
    self->settings = settings;
    self->sessions = cleat_sessions_new();
    self->client_sessions = cleat_client_sessions_new();
    if (self->sessions == NULL || self->client_sessions == NULL) {
        cleat_object_unref(&self->object);
        return cleat_fail_nomem();
    }
    return cleat_handle_open(&self->object);
}
