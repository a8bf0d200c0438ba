/* context.c: contexts and their settings. Credentials, trust and application protocols have
 * files of their own. */
#include "tls/context.h"

#include "base/argument.h"
#include "base/memory.h"
#include "tls/trust.h"
#include "tls/verify.h"
#include "x509/strict.h"

/* The options that BoringSSL acts on; the others name what it always or never does. */
#define KNOWN_OPTIONS                                                                              \
    (CLEAT_OP_NO_TLSV1 | CLEAT_OP_NO_TLSV1_1 | CLEAT_OP_NO_TLSV1_2 | CLEAT_OP_NO_TLSV1_3 |         \
     CLEAT_OP_CIPHER_SERVER_PREFERENCE | CLEAT_OP_NO_TICKET)

_Static_assert(CLEAT_OP_NO_TLSV1 == SSL_OP_NO_TLSv1 && CLEAT_OP_NO_TLSV1_1 == SSL_OP_NO_TLSv1_1 &&
                   CLEAT_OP_NO_TLSV1_2 == SSL_OP_NO_TLSv1_2 &&
                   CLEAT_OP_NO_TLSV1_3 == SSL_OP_NO_TLSv1_3 &&
                   CLEAT_OP_CIPHER_SERVER_PREFERENCE == SSL_OP_CIPHER_SERVER_PREFERENCE &&
                   CLEAT_OP_NO_TICKET == SSL_OP_NO_TICKET,
               "BoringSSL has OpenSSL's numbers");

#define KNOWN_VERIFY_FLAGS                                                                         \
    (CLEAT_VERIFY_CRL_CHECK_CHAIN | CLEAT_VERIFY_X509_STRICT | CLEAT_VERIFY_X509_PARTIAL_CHAIN)

_Static_assert(CLEAT_VERIFY_CRL_CHECK_LEAF == X509_V_FLAG_CRL_CHECK &&
                   CLEAT_VERIFY_CRL_CHECK_CHAIN ==
                       (X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) &&
                   CLEAT_VERIFY_X509_STRICT == CLEAT_STRICT_FLAG &&
                   CLEAT_VERIFY_X509_PARTIAL_CHAIN == X509_V_FLAG_PARTIAL_CHAIN,
               "BoringSSL has OpenSSL's numbers");

_Static_assert(CLEAT_TLS1_VERSION == TLS1_VERSION && CLEAT_TLS1_1_VERSION == TLS1_1_VERSION &&
                   CLEAT_TLS1_2_VERSION == TLS1_2_VERSION && CLEAT_TLS1_3_VERSION == TLS1_3_VERSION,
               "the versions are TLS's");

#define DEFAULT_OPTIONS                                                                            \
    (CLEAT_OP_ALL | CLEAT_OP_NO_SSLV2 | CLEAT_OP_NO_SSLV3 | CLEAT_OP_NO_COMPRESSION |              \
     CLEAT_OP_CIPHER_SERVER_PREFERENCE | CLEAT_OP_SINGLE_DH_USE | CLEAT_OP_SINGLE_ECDH_USE |       \
     CLEAT_OP_ENABLE_MIDDLEBOX_COMPAT)

/* HIGH ones, no NULL, no MD5; no 3DES, which BoringSSL of 2023 counts as HIGH. And none with a
 * pre-shared key, which nobody here can set ("!PSK" would leave ECDHE-PSK). */
#define DEFAULT_CIPHERS "HIGH:!aNULL:!eNULL:!MD5:!3DES:!aPSK"

static void context_destroy(struct cleat_object *object) {
    struct cleat_context *self = (struct cleat_context *)object;
    cleat_trust_drop_shared(self);
    SSL_CTX_free(self->ssl_ctx);
    cleat_alpn_drop(self->alpn);
    cleat_alpn_drop(self->npn);
    pthread_mutex_destroy(&self->lock);
    cleat_release(self);
}

static bool version_range(int32_t protocol, uint16_t *low, uint16_t *high) {
    switch (protocol) {
        case CLEAT_PROTOCOL_TLS:
            *low = TLS1_VERSION;
            *high = TLS1_3_VERSION;
            return true;
        case CLEAT_PROTOCOL_TLSV1: *low = *high = TLS1_VERSION; return true;
        case CLEAT_PROTOCOL_TLSV1_1: *low = *high = TLS1_1_VERSION; return true;
        case CLEAT_PROTOCOL_TLSV1_2: *low = *high = TLS1_2_VERSION; return true;
        default: return false;
    }
}

static void apply_options(struct cleat_context *self) {
    SSL_CTX_clear_options(self->ssl_ctx, KNOWN_OPTIONS);
    SSL_CTX_set_options(self->ssl_ctx, (uint32_t)self->options & KNOWN_OPTIONS);
}

static void apply_verify(struct cleat_context *self) {
    int mode = SSL_VERIFY_NONE;
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(self->ssl_ctx);
    if (self->verify_mode == CLEAT_CERT_OPTIONAL) mode = SSL_VERIFY_PEER;
    if (self->verify_mode == CLEAT_CERT_REQUIRED) {
        mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    }
    SSL_CTX_set_verify(self->ssl_ctx, mode, NULL);
    X509_VERIFY_PARAM_clear_flags(param, KNOWN_VERIFY_FLAGS);
    X509_VERIFY_PARAM_set_flags(param, (unsigned long)(self->verify_flags & KNOWN_VERIFY_FLAGS));
}

/* Connections that see the same certificate have its bytes once. The pool is the process's: it
 * must outlive whatever may hold a certificate, and is empty when nothing does. */
static CRYPTO_BUFFER_POOL *certificate_pool(void) {
    static _Atomic(CRYPTO_BUFFER_POOL *) shared;
    CRYPTO_BUFFER_POOL *pool = atomic_load(&shared);
    CRYPTO_BUFFER_POOL *expected = NULL;
    if (pool != NULL) return pool;
    pool = CRYPTO_BUFFER_POOL_new();
    if (pool == NULL || atomic_compare_exchange_strong(&shared, &expected, pool)) return pool;
    CRYPTO_BUFFER_POOL_free(pool); /* another thread was first */
    return expected;
}

static bool set_up(struct cleat_context *self, uint16_t low, uint16_t high) {
    static const uint8_t session_id_context[] = {'c', 'l', 'e', 'a', 't'};
    self->options = DEFAULT_OPTIONS;
    self->verify_mode = CLEAT_CERT_NONE;
    self->verify_flags = CLEAT_VERIFY_X509_TRUSTED_FIRST;
    apply_options(self);
    apply_verify(self);
    SSL_CTX_set_mode(self->ssl_ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_select_certificate_cb(self->ssl_ctx, cleat_server_name_select);
    SSL_CTX_set0_buffer_pool(self->ssl_ctx, certificate_pool());
    return SSL_CTX_set_min_proto_version(self->ssl_ctx, low) == 1 &&
           SSL_CTX_set_max_proto_version(self->ssl_ctx, high) == 1 &&
           SSL_CTX_set1_curves_list(self->ssl_ctx, CLEAT_DEFAULT_GROUPS) == 1 &&
           SSL_CTX_set_cipher_list(self->ssl_ctx, DEFAULT_CIPHERS) == 1 &&
           cleat_verify_set_up(self->ssl_ctx) &&
           SSL_CTX_set_session_id_context(self->ssl_ctx, session_id_context,
                                          sizeof session_id_context) == 1;
}

int32_t cleat_context_new(int32_t protocol) {
    struct cleat_context *self;
    uint16_t low;
    uint16_t high;
    if (protocol == CLEAT_PROTOCOL_SSLV2 || protocol == CLEAT_PROTOCOL_SSLV3) {
        return cleat_fail(CLEAT_UNSUPPORTED, 0, "BoringSSL does not have SSL 2 and SSL 3");
    }
    if (!version_range(protocol, &low, &high)) {
        return cleat_fail_usage(1, "invalid protocol version");
    }
    self = cleat_allocate(sizeof *self);
    if (self == NULL) return cleat_fail_nomem();
    cleat_object_init(&self->object, CLEAT_KIND_CONTEXT, context_destroy);
    pthread_mutex_init(&self->lock, NULL);
    self->protocol = protocol;
    cleat_error_clear_queue();
    self->ssl_ctx = SSL_CTX_new(TLS_method());
    if (self->ssl_ctx == NULL || !set_up(self, low, high)) {
        int32_t status = cleat_fail_ssl("SSL_CTX_new");
        cleat_object_drop(&self->object);
        return status;
    }
    return cleat_handle_open(&self->object);
}

/* Every setting is read and written under the lock; these are the two ends of that. */
#define BEGIN(context)                                                                             \
    struct cleat_context *self;                                                                    \
    int32_t result = CLEAT_OK;                                                                     \
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);                                                 \
    pthread_mutex_lock(&self->lock)

#define END                                                                                        \
    pthread_mutex_unlock(&self->lock);                                                             \
    CLEAT_DONE(self);                                                                              \
    return result

int32_t cleat_context_protocol(int32_t context) {
    BEGIN(context);
    result = self->protocol;
    END;
}

int32_t cleat_context_options(int32_t context) {
    BEGIN(context);
    result = self->options;
    END;
}

int32_t cleat_context_set_options(int32_t context, int32_t options) {
    if (options < 0) return cleat_fail_usage(2, "negative options");
    BEGIN(context);
    self->options = options;
    apply_options(self);
    END;
}

int32_t cleat_context_minimum_version(int32_t context) {
    BEGIN(context);
    result = SSL_CTX_get_min_proto_version(self->ssl_ctx);
    END;
}

int32_t cleat_context_maximum_version(int32_t context) {
    BEGIN(context);
    result = SSL_CTX_get_max_proto_version(self->ssl_ctx);
    END;
}

static int32_t set_version(int32_t context, int32_t version,
                           int (*set)(SSL_CTX *ssl_ctx, uint16_t version)) {
    CLEAT_CHECK_RANGE(2, version, CLEAT_TLS1_VERSION, CLEAT_TLS1_3_VERSION);
    BEGIN(context);
    cleat_error_clear_queue();
    if (self->protocol != CLEAT_PROTOCOL_TLS) {
        result = cleat_fail_usage(0, "The context's protocol doesn't support modification of "
                                     "highest and lowest version.");
    } else if (set(self->ssl_ctx, (uint16_t)version) != 1) {
        result = cleat_fail_ssl("setting a protocol version");
    }
    END;
}

int32_t cleat_context_set_minimum_version(int32_t context, int32_t version) {
    return set_version(context, version, SSL_CTX_set_min_proto_version);
}

int32_t cleat_context_set_maximum_version(int32_t context, int32_t version) {
    return set_version(context, version, SSL_CTX_set_max_proto_version);
}

int32_t cleat_context_verify_mode(int32_t context) {
    BEGIN(context);
    result = self->verify_mode;
    END;
}

int32_t cleat_context_set_verify_mode(int32_t context, int32_t mode) {
    if (mode < CLEAT_CERT_NONE || mode > CLEAT_CERT_REQUIRED) {
        return cleat_fail_usage(2, "invalid value for verify_mode");
    }
    BEGIN(context);
    if (mode == CLEAT_CERT_NONE && self->check_hostname) {
        result = cleat_fail_usage(
            0, "Cannot set verify_mode to CERT_NONE when check_hostname is enabled.");
    } else {
        self->verify_mode = mode;
        apply_verify(self);
    }
    END;
}

int32_t cleat_context_verify_flags(int32_t context) {
    BEGIN(context);
    result = self->verify_flags;
    END;
}

int32_t cleat_context_set_verify_flags(int32_t context, int32_t flags) {
    if (flags < 0) return cleat_fail_usage(2, "negative flags");
    BEGIN(context);
    self->verify_flags = flags;
    apply_verify(self);
    END;
}

int32_t cleat_context_check_hostname(int32_t context) {
    BEGIN(context);
    result = self->check_hostname ? 1 : 0;
    END;
}

int32_t cleat_context_set_check_hostname(int32_t context, int32_t check) {
    CLEAT_CHECK_RANGE(2, check, 0, 1);
    BEGIN(context);
    if (check == 1 && self->verify_mode == CLEAT_CERT_NONE) {
        result = cleat_fail_usage(0, "check_hostname needs a SSL context with either "
                                     "CERT_OPTIONAL or CERT_REQUIRED");
    } else {
        self->check_hostname = check == 1;
    }
    END;
}

int32_t cleat_context_set_ciphers(int32_t context, const char *ciphers, int32_t ciphers_len) {
    SSL_CTX *trial;
    char *text;
    CLEAT_CHECK_TEXT(2, ciphers, ciphers_len);
    BEGIN(context);
    text = cleat_copy_text(ciphers, ciphers_len);
    cleat_error_clear_queue();
    /* A list that selects nothing fails, and empties the context's: it is tried on another. */
    trial = SSL_CTX_new(TLS_method());
    if (text == NULL || trial == NULL) {
        result = cleat_fail_nomem();
    } else if (SSL_CTX_set_cipher_list(trial, text) != 1 ||
               SSL_CTX_set_cipher_list(self->ssl_ctx, text) != 1) {
        result = cleat_fail_ssl("SSL_CTX_set_cipher_list");
    }
    SSL_CTX_free(trial);
    cleat_release(text);
    END;
}

int32_t cleat_context_cipher_count(int32_t context) {
    BEGIN(context);
    result = (int32_t)sk_SSL_CIPHER_num(SSL_CTX_get_ciphers(self->ssl_ctx));
    END;
}

int32_t cleat_context_cipher_name(int32_t context, int32_t index, char *out, int32_t out_cap) {
    const STACK_OF(SSL_CIPHER) * ciphers;
    const char *name;
    CLEAT_CHECK_OUT(3, out, out_cap);
    BEGIN(context);
    ciphers = SSL_CTX_get_ciphers(self->ssl_ctx);
    if (index < 0 || (size_t)index >= sk_SSL_CIPHER_num(ciphers)) {
        result = cleat_fail_usage(2, "index out of range");
    } else {
        name = SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, (size_t)index));
        result = cleat_answer_text(name, (int64_t)strlen(name), out, out_cap);
    }
    END;
}

int32_t cleat_context_set_ecdh_curve(int32_t context, const char *curve, int32_t curve_len) {
    char *text;
    int nid;
    CLEAT_CHECK_TEXT(2, curve, curve_len);
    BEGIN(context);
    text = cleat_copy_text(curve, curve_len);
    cleat_error_clear_queue();
    if (text == NULL) {
        result = cleat_fail_nomem();
    } else {
        nid = OBJ_sn2nid(text);
        if (nid == NID_undef) {
            result = cleat_fail_usage(2, "unknown elliptic curve name '%s'", text);
        } else if (SSL_CTX_set1_curves(self->ssl_ctx, &nid, 1) != 1) {
            /* BoringSSL of 2023 does not say why. */
            result = ERR_peek_error() != 0 ? cleat_fail_ssl("SSL_CTX_set1_curves")
                                           : cleat_fail_named("SSL", "UNSUPPORTED_ELLIPTIC_CURVE",
                                                              "unsupported elliptic curve");
        } else {
            self->curve = nid;
        }
    }
    cleat_release(text);
    END;
}

int32_t cleat_context_set_server_name_events(int32_t context, int32_t on) {
    CLEAT_CHECK_RANGE(2, on, 0, 1);
    BEGIN(context);
    self->server_name_events = on == 1;
    END;
}

void cleat_context_count(struct cleat_context *context, int32_t which) {
    atomic_int *counter = &context->stats[which];
    int count = atomic_load_explicit(counter, memory_order_relaxed);
    while (count < INT32_MAX &&
           !atomic_compare_exchange_weak_explicit(counter, &count, count + 1, memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
}

int32_t cleat_context_session_stats(int32_t context, int32_t which) {
    CLEAT_CHECK_RANGE(2, which, CLEAT_STAT_NUMBER, CLEAT_STAT_CACHE_FULL);
    BEGIN(context);
    result = which == CLEAT_STAT_NUMBER
                 ? (int32_t)SSL_CTX_sess_number(self->ssl_ctx)
                 : atomic_load_explicit(&self->stats[which], memory_order_relaxed);
    END;
}
