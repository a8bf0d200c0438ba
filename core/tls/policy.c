/* policy.c: the compliance policies, and their intersection with other settings. */
#include "tls/policy.h"

#include <string.h>

#include "base/argument.h"
#include "base/error.h"

/* BoringSSL does not export the lists of its policies, so they are repeated here; they are dated and do not change.
 * BoringSSL's credentials are not restricted by a policy. */
struct policy {
    bool exists;
    bool restricts_suites; /* in TLS 1.2 */
    uint16_t minimum_version;
    struct cleat_groups groups; /* empty if any is allowed */
    struct cleat_sigalgs sigalgs; /* likewise */
};

#define SHA384_ALGORITHMS                                                                          \
    {                                                                                              \
        3, {                                                                                       \
            SSL_SIGN_ECDSA_SECP384R1_SHA384, SSL_SIGN_RSA_PSS_RSAE_SHA384,                         \
                SSL_SIGN_RSA_PKCS1_SHA384                                                          \
        }                                                                                          \
    }

static const struct policy policies[] = {
    [CLEAT_POLICY_NONE] = {.exists = true, .minimum_version = TLS1_VERSION},
    [CLEAT_POLICY_FIPS_202205] = {true,
                                  true,
                                  TLS1_2_VERSION,
                                  {2, {NID_X9_62_prime256v1, NID_secp384r1}},
                                  {8,
                                   {SSL_SIGN_RSA_PKCS1_SHA256, SSL_SIGN_RSA_PKCS1_SHA384,
                                    SSL_SIGN_RSA_PKCS1_SHA512, SSL_SIGN_ECDSA_SECP256R1_SHA256,
                                    SSL_SIGN_ECDSA_SECP384R1_SHA384, SSL_SIGN_RSA_PSS_RSAE_SHA256,
                                    SSL_SIGN_RSA_PSS_RSAE_SHA384, SSL_SIGN_RSA_PSS_RSAE_SHA512}}},
    [CLEAT_POLICY_WPA3_192_202304] = {true,
                                      true,
                                      TLS1_2_VERSION,
                                      {1, {NID_secp384r1}},
                                      {5,
                                       {SSL_SIGN_RSA_PKCS1_SHA384, SSL_SIGN_RSA_PKCS1_SHA512,
                                        SSL_SIGN_ECDSA_SECP384R1_SHA384,
                                        SSL_SIGN_RSA_PSS_RSAE_SHA384,
                                        SSL_SIGN_RSA_PSS_RSAE_SHA512}}},
#if CLEAT_HAS_CNSA_POLICIES
    [CLEAT_POLICY_CNSA_202407] = {.exists = true, .minimum_version = TLS1_VERSION},
    [CLEAT_POLICY_CNSA1_202603] =
        {true, true, TLS1_2_VERSION, {2, {NID_ML_KEM_1024, NID_secp384r1}}, SHA384_ALGORITHMS},
    [CLEAT_POLICY_CNSA2_202603] =
        {true, false, TLS1_3_VERSION, {1, {NID_ML_KEM_1024}}, SHA384_ALGORITHMS},
#else
    [CLEAT_POLICY_CNSA2_202603] = {.exists = false},
#endif
};

int32_t cleat_has_policy(int32_t policy) {
    CLEAT_NO_CANCEL();
    CLEAT_CHECK_RANGE(1, policy, CLEAT_POLICY_NONE, CLEAT_POLICY_CNSA2_202603);
    return policies[policy].exists ? 1 : 0;
}

uint16_t cleat_policy_minimum_version(int32_t policy) {
    return policies[policy].minimum_version;
}

static int32_t fail_narrow(const char *words) {
    return cleat_fail_named("SSL", "COMPLIANCE_POLICY", words);
}

static bool narrow_groups(const struct cleat_groups *policy, const struct cleat_groups *list,
                          struct cleat_groups *narrowed) {
    size_t i;
    *narrowed = list->count == 0 ? *policy : *list;
    if (list->count == 0 || policy->count == 0) return true;
    narrowed->count = 0;
    for (i = 0; i < list->count; i++) {
        if (cleat_groups_has(policy, list->nids[i]))
            narrowed->nids[narrowed->count++] = list->nids[i];
    }
    return narrowed->count > 0;
}

static bool narrow_sigalgs(const struct cleat_sigalgs *policy, const struct cleat_sigalgs *list,
                           struct cleat_sigalgs *narrowed) {
    size_t i;
    *narrowed = list->count == 0 ? *policy : *list;
    if (list->count == 0 || policy->count == 0) return true;
    narrowed->count = 0;
    for (i = 0; i < list->count; i++) {
        if (cleat_sigalgs_has(policy, list->numbers[i]))
            narrowed->numbers[narrowed->count++] = list->numbers[i];
    }
    return narrowed->count > 0;
}

int32_t cleat_policy_narrow(const struct cleat_algorithms *lists,
                            struct cleat_algorithms *narrowed) {
    const struct policy *policy = &policies[lists->policy];
    int i;
    *narrowed = *lists;
    if (!narrow_groups(&policy->groups, &lists->groups, &narrowed->groups)) {
        return fail_narrow("the context's compliance policy allows none of its groups");
    }
    for (i = 0; i < CLEAT_SIGNERS; i++) {
        if (!narrow_sigalgs(&policy->sigalgs, &lists->sigalgs[i], &narrowed->sigalgs[i])) {
            return fail_narrow(
                "the context's compliance policy allows none of its signature algorithms");
        }
    }
    return CLEAT_OK;
}

enum { SUITES = 8 }; /* more than any policy allows */

static bool has_suite(const uint16_t *suites, size_t count, const SSL_CIPHER *suite) {
    size_t i;
    for (i = 0; i < count; i++) {
        if (suites[i] == SSL_CIPHER_get_protocol_id(suite)) return true;
    }
    return false;
}

/* Writes a colon-separated list of the names of ssl_ctx's suites that are among the given ones. */
static bool write_common(const SSL_CTX *ssl_ctx, const uint16_t *suites, size_t count, char *text,
                         size_t size) {
    const STACK_OF(SSL_CIPHER) *list = SSL_CTX_get_ciphers(ssl_ctx);
    size_t len = 0;
    size_t i;
    for (i = 0; i < sk_SSL_CIPHER_num(list); i++) {
        const SSL_CIPHER *suite = sk_SSL_CIPHER_value(list, i);
        const char *name = SSL_CIPHER_get_name(suite);
        size_t name_len = strlen(name);
        if (!has_suite(suites, count, suite) || len + 1 + name_len >= size) continue;
        if (len > 0) text[len++] = ':';
        memcpy(text + len, name, name_len);
        len += name_len;
    }
    text[len] = '\0';
    return len > 0;
}

/* Sets the intersection of the list and the policy's suites, which ssl_ctx has. */
static bool set_common(SSL_CTX *ssl_ctx, const char *ciphers) {
    const STACK_OF(SSL_CIPHER) *list = SSL_CTX_get_ciphers(ssl_ctx);
    uint16_t suites[SUITES];
    char text[64 * SUITES];
    size_t count = 0;
    size_t i;
    for (i = 0; i < sk_SSL_CIPHER_num(list) && count < SUITES; i++)
        suites[count++] = SSL_CIPHER_get_protocol_id(sk_SSL_CIPHER_value(list, i));
    if (SSL_CTX_set_cipher_list(ssl_ctx, ciphers) != 1) return false;
    if (!write_common(ssl_ctx, suites, count, text, sizeof text)) {
        ERR_put_error(ERR_LIB_SSL, 0, SSL_R_NO_CIPHER_MATCH, __FILE__, __LINE__);
        return false;
    }
    return SSL_CTX_set_cipher_list(ssl_ctx, text) == 1;
}

static bool set_policy(SSL_CTX *ssl_ctx, int32_t policy) {
    enum ssl_compliance_policy_t number = ssl_compliance_policy_none;
    switch (policy) {
        case CLEAT_POLICY_NONE: return true;
        case CLEAT_POLICY_FIPS_202205: number = ssl_compliance_policy_fips_202205; break;
        case CLEAT_POLICY_WPA3_192_202304: number = ssl_compliance_policy_wpa3_192_202304; break;
#if CLEAT_HAS_CNSA_POLICIES
        case CLEAT_POLICY_CNSA_202407: number = ssl_compliance_policy_cnsa_202407; break;
        case CLEAT_POLICY_CNSA1_202603: number = ssl_compliance_policy_cnsa1_202603; break;
        case CLEAT_POLICY_CNSA2_202603: number = ssl_compliance_policy_cnsa2_202603; break;
#endif
        default: return false;
    }
    return SSL_CTX_set_compliance_policy(ssl_ctx, number) == 1;
}

bool cleat_policy_set_up(SSL_CTX *ssl_ctx, int32_t policy, const char *ciphers) {
    if (!set_policy(ssl_ctx, policy)) return false;
    return policies[policy].restricts_suites ? set_common(ssl_ctx, ciphers)
                                             : SSL_CTX_set_cipher_list(ssl_ctx, ciphers) == 1;
}

int32_t cleat_policy_check_ciphers(int32_t policy, const char *ciphers) {
    SSL_CTX *trial;
    int32_t status = CLEAT_OK;
    cleat_error_clear_queue();
    trial = SSL_CTX_new(TLS_with_buffers_method());
    if (trial == NULL) return cleat_fail_nomem();
    if (!cleat_policy_set_up(trial, policy, ciphers)) {
        status = cleat_fail_ssl("SSL_CTX_set_cipher_list");
    }
    SSL_CTX_free(trial);
    return status;
}
