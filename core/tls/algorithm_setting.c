/* algorithm_setting.c: a context's settings of groups, signature algorithms and compliance policy. */
#include <string.h>

#include "base/argument.h"
#include "base/memory.h"
#include "tls/context.h"

int32_t cleat_settings_check(const struct cleat_settings *settings) {
    struct cleat_algorithms narrowed;
    uint16_t low;
    uint16_t high;
    int32_t status = cleat_policy_narrow(&settings->algorithms, &narrowed);
    if (status < 0 || settings->algorithms.policy == CLEAT_POLICY_NONE) return status;
    cleat_version_range(settings, &low, &high);
    if (low <= high) return CLEAT_OK;
    return cleat_fail_named("SSL", "COMPLIANCE_POLICY",
                            "the context's compliance policy allows none of its versions");
}

int32_t cleat_settings_replace(struct cleat_context *context,
                               const struct cleat_settings *settings) {
    int32_t status = cleat_settings_check(settings);
    if (status < 0) return status;
    context->settings = *settings;
    cleat_context_changed(context);
    return CLEAT_OK;
}

int32_t cleat_context_set_groups(int32_t context, const char *groups, int32_t groups_len) {
    struct cleat_settings changed;
    int32_t result;
    CLEAT_CHECK_TEXT(2, groups, groups_len);
    CLEAT_CONTEXT_BEGIN(context);
    changed = self->settings;
    result = cleat_groups_parse(groups, groups_len, &changed.algorithms.groups);
    if (result >= 0) result = cleat_settings_replace(self, &changed);
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

static bool is_tls12_only(const struct cleat_settings *settings) {
    uint16_t low;
    uint16_t high;
    cleat_version_range(settings, &low, &high);
    return high < TLS1_3_VERSION;
}

int32_t cleat_context_groups(int32_t context, int32_t aliases, char *output, int32_t output_cap) {
    struct cleat_algorithms narrowed;
    struct cleat_algorithms all = {0};
    int32_t result;
    CLEAT_CHECK_RANGE(2, aliases, 0, 1);
    CLEAT_CHECK_OUT(3, output, output_cap);
    CLEAT_CONTEXT_BEGIN(context);
    all.policy = self->settings.algorithms.policy;
    result = cleat_policy_narrow(&all, &narrowed);
    if (result >= 0) {
        result = cleat_groups_write(&narrowed.groups, is_tls12_only(&self->settings), aliases == 1,
                                    output, output_cap);
    }
    CLEAT_CONTEXT_END(result);
}

int32_t cleat_signature_algorithms(char *output, int32_t output_cap) {
    CLEAT_NO_CANCEL();
    CLEAT_CHECK_OUT(1, output, output_cap);
    return cleat_sigalgs_write(output, output_cap);
}

static int32_t set_sigalgs(int32_t context, enum cleat_signer signer, const char *algorithms,
                           int32_t algorithms_len) {
    struct cleat_settings changed;
    int32_t result;
    CLEAT_CHECK_TEXT(2, algorithms, algorithms_len);
    CLEAT_CONTEXT_BEGIN(context);
    changed = self->settings;
    result = cleat_sigalgs_parse(algorithms, algorithms_len, &changed.algorithms.sigalgs[signer]);
    if (result >= 0) result = cleat_settings_replace(self, &changed);
    CLEAT_CONTEXT_END(result);
}

int32_t cleat_context_set_server_sigalgs(int32_t context, const char *algorithms,
                                         int32_t algorithms_len) {
    return set_sigalgs(context, CLEAT_SIGNER_SERVER, algorithms, algorithms_len);
}

int32_t cleat_context_set_client_sigalgs(int32_t context, const char *algorithms,
                                         int32_t algorithms_len) {
    return set_sigalgs(context, CLEAT_SIGNER_CLIENT, algorithms, algorithms_len);
}

int32_t cleat_context_grease(int32_t context) {
    CLEAT_CONTEXT_BEGIN(context);
    CLEAT_CONTEXT_END(self->settings.algorithms.grease ? 1 : 0);
}

int32_t cleat_context_set_grease(int32_t context, int32_t on) {
    CLEAT_CHECK_RANGE(2, on, 0, 1);
    CLEAT_CONTEXT_BEGIN(context);
    self->settings.algorithms.grease = on == 1;
    cleat_context_changed(self);
    CLEAT_CONTEXT_END(CLEAT_OK);
}

int32_t cleat_context_policy(int32_t context) {
    CLEAT_CONTEXT_BEGIN(context);
    CLEAT_CONTEXT_END(self->settings.algorithms.policy);
}

static int32_t set_policy(struct cleat_context *self, int32_t policy) {
    struct cleat_settings changed = self->settings;
    int32_t status = CLEAT_OK;
    changed.algorithms.policy = policy;
    if (policy != CLEAT_POLICY_NONE) {
        status = cleat_policy_check_ciphers(policy, self->ciphers == NULL ? CLEAT_DEFAULT_CIPHERS
                                                                          : self->ciphers);
    }
    return status < 0 ? status : cleat_settings_replace(self, &changed);
}

int32_t cleat_context_set_policy(int32_t context, int32_t policy) {
    int32_t result;
    CLEAT_CHECK_RANGE(2, policy, CLEAT_POLICY_NONE, CLEAT_POLICY_CNSA2_202603);
    CLEAT_CONTEXT_BEGIN(context);
    result = cleat_has_policy(policy) == 1
                 ? set_policy(self, policy)
                 : cleat_fail(CLEAT_UNSUPPORTED, 0,
                              "this BoringSSL does not have the compliance policy");
    CLEAT_CONTEXT_END(result);
}
