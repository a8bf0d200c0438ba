/* context.c: contexts, and the settings of cleat/context.h. Credentials and trusted certificates have their own
 * files. */
#include "tls/context.h"

#include <stddef.h>
#include <string.h>

#include "base/argument.h"
#include "base/memory.h"
#include "cleat/verify.h"
#include "tls/cipher_list.h"

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

static int32_t get(int32_t context, size_t offset) {
    int32_t result;
    CLEAT_CONTEXT_BEGIN(context);
    memcpy(&result, (const char *)&self->settings + offset, sizeof result);
    CLEAT_CONTEXT_END(result);
}

#define GET(context, field) get((context), offsetof(struct cleat_settings, field))

int32_t cleat_context_protocol(int32_t context) {
    CLEAT_CONTEXT_BEGIN(context);
    CLEAT_CONTEXT_END(self->protocol);
}

int32_t cleat_context_options(int32_t context) {
    return GET(context, options);
}

int32_t cleat_context_set_options(int32_t context, int32_t options) {
    struct cleat_settings changed;
    int32_t result;
    if (options < 0) return cleat_fail_usage(2, "negative options");
    CLEAT_CONTEXT_BEGIN(context);
    changed = self->settings;
    changed.options = options;
    result = cleat_settings_replace(self, &changed);
    CLEAT_CONTEXT_END(result);
}

int32_t cleat_context_minimum_version(int32_t context) {
    return GET(context, minimum_version);
}

int32_t cleat_context_maximum_version(int32_t context) {
    return GET(context, maximum_version);
}

static int32_t set_version(int32_t context, int32_t version, size_t offset) {
    int32_t result = CLEAT_OK;
    CLEAT_CHECK_RANGE(2, version, CLEAT_TLS1_VERSION, CLEAT_TLS1_3_VERSION);
    CLEAT_CONTEXT_BEGIN(context);
    if (self->protocol != CLEAT_PROTOCOL_TLS) {
        result = cleat_fail_usage(0, "The context's protocol doesn't support modification of "
                                     "highest and lowest version.");
    } else {
        struct cleat_settings changed = self->settings;
        memcpy((char *)&changed + offset, &version, sizeof version);
        result = cleat_settings_replace(self, &changed);
    }
    CLEAT_CONTEXT_END(result);
}

int32_t cleat_context_set_minimum_version(int32_t context, int32_t tls_version) {
    return set_version(context, tls_version, offsetof(struct cleat_settings, minimum_version));
}

int32_t cleat_context_set_maximum_version(int32_t context, int32_t tls_version) {
    return set_version(context, tls_version, offsetof(struct cleat_settings, maximum_version));
}

int32_t cleat_context_verify_mode(int32_t context) {
    return GET(context, verify_mode);
}

int32_t cleat_context_set_verify_mode(int32_t context, int32_t mode) {
    int32_t result = CLEAT_OK;
    if (mode < CLEAT_CERT_NONE || mode > CLEAT_CERT_REQUIRED) {
        return cleat_fail_usage(2, "invalid value for verify_mode");
    }
    CLEAT_CONTEXT_BEGIN(context);
    if (mode == CLEAT_CERT_NONE && self->settings.check_hostname) {
        result = cleat_fail_usage(
            0, "Cannot set verify_mode to CERT_NONE when check_hostname is enabled.");
    } else {
        self->settings.verify_mode = mode;
        cleat_context_changed(self);
    }
    CLEAT_CONTEXT_END(result);
}

int32_t cleat_context_verify_flags(int32_t context) {
    return GET(context, verify_flags);
}

int32_t cleat_context_set_verify_flags(int32_t context, int32_t flags) {
    if (flags < 0) return cleat_fail_usage(2, "negative flags");
    CLEAT_CONTEXT_BEGIN(context);
    self->settings.verify_flags = flags;
    cleat_context_changed(self);
    CLEAT_CONTEXT_END(CLEAT_OK);
}

int32_t cleat_context_check_hostname(int32_t context) {
    CLEAT_CONTEXT_BEGIN(context);
    CLEAT_CONTEXT_END(self->settings.check_hostname ? 1 : 0);
}

int32_t cleat_context_set_check_hostname(int32_t context, int32_t check) {
    int32_t result = CLEAT_OK;
    CLEAT_CHECK_RANGE(2, check, 0, 1);
    CLEAT_CONTEXT_BEGIN(context);
    if (check == 1 && self->settings.verify_mode == CLEAT_CERT_NONE) {
        result = cleat_fail_usage(0, "check_hostname needs a SSL context with either "
                                     "CERT_OPTIONAL or CERT_REQUIRED");
    } else {
        self->settings.check_hostname = check == 1;
        cleat_context_changed(self);
    }
    CLEAT_CONTEXT_END(result);
}

int32_t cleat_context_chain_cache_seconds(int32_t context) {
    return GET(context, chain_cache_seconds);
}

int32_t cleat_context_set_chain_cache_seconds(int32_t context, int32_t seconds) {
    CLEAT_CHECK_RANGE(2, seconds, 0, CLEAT_CHAIN_CACHE_MAX);
    CLEAT_CONTEXT_BEGIN(context);
    self->settings.chain_cache_seconds = seconds;
    cleat_context_changed(self);
    CLEAT_CONTEXT_END(CLEAT_OK);
}

int32_t cleat_context_chain_cache_stats(int32_t context, int32_t *hits, int32_t *misses) {
    CLEAT_CHECK_POINTER(2, hits);
    CLEAT_CHECK_POINTER(3, misses);
    CLEAT_CONTEXT_BEGIN(context);
    *hits = cleat_sessions_stat(self->sessions, CLEAT_CHAIN_HITS);
    *misses = cleat_sessions_stat(self->sessions, CLEAT_CHAIN_MISSES);
    CLEAT_CONTEXT_END(CLEAT_OK);
}

int32_t cleat_context_set_server_name_events(int32_t context, int32_t on) {
    CLEAT_CHECK_RANGE(2, on, 0, 1);
    CLEAT_CONTEXT_BEGIN(context);
    self->settings.server_name_events = on == 1;
    cleat_context_changed(self);
    CLEAT_CONTEXT_END(CLEAT_OK);
}

int32_t cleat_context_set_ciphers(int32_t context, const char *ciphers, int32_t ciphers_len) {
    int32_t result;
    char *text;
    CLEAT_CHECK_TEXT(2, ciphers, ciphers_len);
    CLEAT_CONTEXT_BEGIN(context);
    text = cleat_cipher_list_copy(ciphers, ciphers_len);
    result = text == NULL ? cleat_fail_nomem()
                          : cleat_policy_check_ciphers(self->settings.algorithms.policy, text);
    if (result >= 0) {
        char *old = self->ciphers;
        self->ciphers = text;
        text = old;
        cleat_context_changed(self);
    }
    cleat_release(text);
    CLEAT_CONTEXT_END(result);
}

int32_t cleat_context_cipher_count(int32_t context) {
    struct cleat_configuration *configuration;
    int32_t result;
    CLEAT_CONTEXT_BEGIN(context);
    result = cleat_context_configuration(self, &configuration);
    if (result >= 0) {
        result = (int32_t)sk_SSL_CIPHER_num(SSL_CTX_get_ciphers(configuration->ssl_ctx));
    }
    CLEAT_CONTEXT_END(result);
}

static int32_t cipher_name(const SSL_CTX *ssl_ctx, int32_t index, char *output,
                           int32_t output_cap) {
    const STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(ssl_ctx);
    const char *name;
    if (index < 0 || (size_t)index >= sk_SSL_CIPHER_num(ciphers)) {
        return cleat_fail_usage(2, "index out of range");
    }
    name = SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, (size_t)index));
    return cleat_copy_out(name, (int64_t)strlen(name), output, output_cap);
}

int32_t cleat_context_cipher_name(int32_t context, int32_t index, char *output,
                                  int32_t output_cap) {
    struct cleat_configuration *configuration;
    int32_t result;
    CLEAT_CHECK_OUT(3, output, output_cap);
    CLEAT_CONTEXT_BEGIN(context);
    result = cleat_context_configuration(self, &configuration);
    if (result >= 0) result = cipher_name(configuration->ssl_ctx, index, output, output_cap);
    CLEAT_CONTEXT_END(result);
}

/* Returns CLEAT_OK and the NID of a curve that BoringSSL supports in TLS. */
static int32_t find_curve(const char *name, int *nid) {
    SSL_CTX *trial;
    int32_t status = CLEAT_OK;
    *nid = OBJ_sn2nid(name);
    if (*nid == NID_undef) return cleat_fail_usage(2, "unknown elliptic curve name '%s'", name);
    cleat_error_clear_queue();
    trial = SSL_CTX_new(TLS_with_buffers_method());
    if (trial == NULL) return cleat_fail_nomem();
    if (SSL_CTX_set1_curves(trial, nid, 1) != 1) {
        /* BoringSSL of 2023 queues no error. */
        status = ERR_peek_error() != 0 ? cleat_fail_ssl("SSL_CTX_set1_curves")
                                       : cleat_fail_named("SSL", "UNSUPPORTED_ELLIPTIC_CURVE",
                                                          "unsupported elliptic curve");
    }
    SSL_CTX_free(trial);
    return status;
}

int32_t cleat_context_set_ecdh_curve(int32_t context, const char *curve, int32_t curve_len) {
    int32_t result;
    char *text;
    int nid = NID_undef;
    CLEAT_CHECK_TEXT(2, curve, curve_len);
    CLEAT_CONTEXT_BEGIN(context);
    text = cleat_copy_text(curve, curve_len);
    result = text == NULL ? cleat_fail_nomem() : find_curve(text, &nid);
    if (result >= 0) {
        struct cleat_settings changed = self->settings;
        changed.algorithms.groups = (struct cleat_groups){1, {nid}};
        result = cleat_settings_replace(self, &changed);
    }
    cleat_release(text);
    CLEAT_CONTEXT_END(result);
}

static int32_t set_protocols(int32_t context, bool is_alpn, struct cleat_alpn *list) {
    struct cleat_object *found = NULL;
    int32_t result = cleat_handle_find(context, CLEAT_KIND_CONTEXT, &found);
    if (found != NULL) {
        struct cleat_context *self = (void *)found;
        struct cleat_alpn **place = is_alpn ? &self->alpn : &self->npn;
        struct cleat_alpn *old;
        pthread_mutex_lock(&self->lock);
        old = *place;
        *place = list;
        list = old;
        cleat_context_changed(self);
        pthread_mutex_unlock(&self->lock);
        cleat_handle_done(found);
    }
    cleat_alpn_unref(list);
    return result;
}

int32_t cleat_context_set_alpn_protocols(int32_t context, const char *protocols,
                                         int32_t protocols_len) {
    CLEAT_NO_CANCEL();
    struct cleat_alpn *list;
    int32_t status = cleat_alpn_new(protocols, protocols_len, "ALPN", &list);
    return status < 0 ? status : set_protocols(context, true, list);
}

int32_t cleat_context_set_npn_protocols(int32_t context, const char *protocols,
                                        int32_t protocols_len) {
    CLEAT_NO_CANCEL();
    struct cleat_alpn *list;
    int32_t status = cleat_alpn_new(protocols, protocols_len, "NPN", &list);
    return status < 0 ? status : set_protocols(context, false, list);
}

int32_t cleat_context_session_stats(int32_t context, int32_t which) {
    int32_t result;
    CLEAT_CHECK_RANGE(2, which, CLEAT_STAT_NUMBER, CLEAT_STAT_CACHE_FULL);
    CLEAT_CONTEXT_BEGIN(context);
    if (which == CLEAT_STAT_NUMBER) {
        result = cleat_session_cache_count(cleat_sessions_cache(self->sessions));
    } else if (which == CLEAT_STAT_CACHE_FULL) {
        result = cleat_session_cache_displaced(cleat_sessions_cache(self->sessions));
    } else {
        result = cleat_sessions_stat(self->sessions, which);
    }
    CLEAT_CONTEXT_END(result);
}
