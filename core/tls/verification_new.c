/* verification_new.c: verifications without a connection. */
#include "base/argument.h"
#include "base/memory.h"
#include "cleat/verification.h"
#include "cleat/verify.h"
#include "tls/context.h"
#include "tls/hostname.h"
#include "tls/verification.h"
#include "x509/bundle.h"
#include "x509/certificate.h"
#include "x509/chain_bytes.h"
#include "x509/peer.h"

/* A snapshot of a context's settings for verifications. */
struct source {
    struct cleat_settings settings;
    struct cleat_trust *trust;
};

static int32_t read_context(int32_t context, struct source *source) {
    int32_t status;
    CLEAT_CONTEXT_BEGIN(context);
    source->settings = self->settings;
    status = cleat_context_trust(self, &source->trust);
    if (status >= 0) cleat_trust_ref(source->trust);
    CLEAT_CONTEXT_END(status);
}

/* Makes the list of the certificate and the untrusted ones, which may be absent, as if a peer had sent them. */
static int32_t collect_certificates(struct cleat_certificate *certificate, const char *untrusted,
                                    int32_t untrusted_len, STACK_OF(CRYPTO_BUFFER) * *sent) {
    struct cleat_bundle *bundle = NULL;
    STACK_OF(X509) *all = sk_X509_new_null();
    int32_t status = CLEAT_OK;
    size_t i;
    bool pushed;
    if (untrusted != NULL) status = cleat_bundle_from_data(untrusted, untrusted_len, &bundle);
    if (status >= 0 && bundle != NULL && sk_X509_CRL_num(bundle->crls) > 0) {
        status = cleat_fail_usage(7, "revocation lists must be loaded into the context");
    }
    pushed = all != NULL && sk_X509_push(all, certificate->x509) != 0;
    for (i = 0; pushed && bundle != NULL && i < sk_X509_num(bundle->certificates); i++) {
        pushed = sk_X509_push(all, sk_X509_value(bundle->certificates, i)) != 0;
    }
    *sent = pushed && status >= 0 ? cleat_chain_bytes(all, NULL) : NULL;
    if (*sent == NULL && status >= 0) status = cleat_fail_nomem();
    sk_X509_free(all);
    cleat_bundle_unref(bundle);
    return status;
}

/* Takes over sent. */
static int32_t verify(const struct cleat_peer_terms *terms, STACK_OF(CRYPTO_BUFFER) * sent) {
    struct cleat_peer_report report;
    STACK_OF(X509) *chain = cleat_peer_chain(terms, sent, &report);
    STACK_OF(CRYPTO_BUFFER) *verified = cleat_chain_bytes(chain, sent);
    STACK_OF(CRYPTO_BUFFER) * refused;
    struct cleat_verification *made;
    refused = report.refused != NULL ? report.refused : cleat_chain_bytes_ref(NULL);
    made = cleat_verification_make(terms->name, sent, verified, refused);
    sk_X509_pop_free(chain, X509_free);
    if (made == NULL || cleat_memory_failed() || report.error.error == X509_V_ERR_OUT_OF_MEM) {
        if (made != NULL) cleat_object_unref(&made->object);
        return cleat_fail_nomem();
    }
    made->error = report.error;
    cleat_error_clear_queue();
    return cleat_handle_open(&made->object);
}

static int purpose_of(int32_t purpose) {
    switch (purpose) {
        case CLEAT_PURPOSE_CLIENT_AUTH: return X509_PURPOSE_SSL_CLIENT;
        case CLEAT_PURPOSE_ANY: return X509_PURPOSE_ANY;
        default: return X509_PURPOSE_SSL_SERVER;
    }
}

static struct cleat_peer_terms terms_of(const struct source *source, int32_t purpose,
                                        const char *name, double time) {
    struct cleat_peer_terms terms = {
        .trust = source->trust,
        .purpose = purpose_of(purpose),
        .flags = (unsigned long)(source->settings.verify_flags & CLEAT_KNOWN_VERIFY_FLAGS),
        .ignores_common_name = source->settings.ignores_common_name,
        .has_depth = true,
        .depth = source->settings.verify_depth,
        .has_time = time >= 0 || source->settings.verify_time >= 0,
        .time = (int64_t)(time >= 0 ? time : source->settings.verify_time),
        .name = name,
        .name_is_address = name != NULL && cleat_hostname_is_ip(name) == 1,
    };
    return terms;
}

/* The caller has pinned the certificate. name: NULL for none. */
static int32_t run(int32_t context, struct cleat_certificate *certificate, int32_t purpose,
                   const char *name, double time, const char *untrusted, int32_t untrusted_len) {
    STACK_OF(CRYPTO_BUFFER) * sent;
    struct cleat_peer_terms terms;
    struct source source = {.trust = NULL};
    int32_t result = read_context(context, &source);
    if (result < 0) return result;
    cleat_error_clear_queue();
    result = collect_certificates(certificate, untrusted, untrusted_len, &sent);
    if (result >= 0) {
        terms = terms_of(&source, purpose, name, time);
        result = verify(&terms, sent);
    }
    cleat_trust_unref(source.trust);
    return result;
}

int32_t cleat_verification_new(int32_t context, int32_t certificate, int32_t purpose,
                               const char *name, int32_t name_len, double time,
                               const char *untrusted, int32_t untrusted_len) {
    struct cleat_certificate *self;
    char *text = NULL;
    int32_t result;
    CLEAT_CHECK_RANGE(3, purpose, CLEAT_PURPOSE_SERVER_AUTH, CLEAT_PURPOSE_ANY);
    if (name == NULL) {
        CLEAT_CHECK_IN(4, name, name_len);
    } else {
        result = cleat_hostname_check(name, name_len, 4);
        if (result < 0) return result;
    }
    if (isnan(time) || time > CLEAT_VERIFY_TIME_MAX) {
        return cleat_fail_usage(6, "time is not a number, or is after the year 9999");
    }
    CLEAT_CHECK_IN(7, untrusted, untrusted_len);
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    if (name != NULL) text = cleat_copy_text(name, name_len);
    if (name != NULL && text == NULL) {
        result = cleat_fail_nomem();
    } else {
        result = run(context, self, purpose, text, time, untrusted, untrusted_len);
    }
    cleat_release(text);
    CLEAT_DONE(self);
    return result;
}
