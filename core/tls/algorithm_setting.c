/* algorithm_setting.c: the settings of cleat/algorithm.h. */
#include <string.h>

#include "base/argument.h"
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
