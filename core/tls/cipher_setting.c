/* cipher_setting.c: a context's cipher suites. */
#include <string.h>

#include "base/argument.h"
#include "base/memory.h"
#include "cleat/cipher.h"
#include "tls/cipher_list.h"
#include "tls/context.h"

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

/* Returns CLEAT_OK and the suites of the context's present configuration, which owns them. */
static int32_t suites_of(struct cleat_context *self, const STACK_OF(SSL_CIPHER) * *suites) {
    struct cleat_configuration *configuration;
    int32_t status = cleat_context_configuration(self, &configuration);
    if (status >= 0) *suites = SSL_CTX_get_ciphers(configuration->ssl_ctx);
    return status;
}

int32_t cleat_context_cipher_count(int32_t context) {
    const STACK_OF(SSL_CIPHER) *suites = NULL;
    int32_t result;
    CLEAT_CONTEXT_BEGIN(context);
    result = suites_of(self, &suites);
    if (result >= 0) result = (int32_t)sk_SSL_CIPHER_num(suites);
    CLEAT_CONTEXT_END(result);
}

/* index: argument 2 of an exported function. */
static int32_t suite_at(struct cleat_context *self, int32_t index, const SSL_CIPHER **suite) {
    const STACK_OF(SSL_CIPHER) *suites = NULL;
    int32_t status = suites_of(self, &suites);
    if (status < 0) return status;
    if (index < 0 || (size_t)index >= sk_SSL_CIPHER_num(suites)) {
        return cleat_fail_usage(2, "index out of range");
    }
    *suite = sk_SSL_CIPHER_value(suites, (size_t)index);
    return CLEAT_OK;
}

int32_t cleat_context_cipher_name(int32_t context, int32_t index, char *output,
                                  int32_t output_cap) {
    const SSL_CIPHER *suite = NULL;
    int32_t result;
    CLEAT_CHECK_OUT(3, output, output_cap);
    CLEAT_CONTEXT_BEGIN(context);
    result = suite_at(self, index, &suite);
    if (result >= 0) {
        const char *name = SSL_CIPHER_get_name(suite);
        result = cleat_copy_out(name, (int64_t)strlen(name), output, output_cap);
    }
    CLEAT_CONTEXT_END(result);
}

int32_t cleat_context_cipher_id(int32_t context, int32_t index) {
    const SSL_CIPHER *suite = NULL;
    int32_t result;
    CLEAT_CONTEXT_BEGIN(context);
    result = suite_at(self, index, &suite);
    if (result >= 0) result = SSL_CIPHER_get_protocol_id(suite);
    CLEAT_CONTEXT_END(result);
}
