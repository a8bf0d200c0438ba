/* protocol_setting.c: a context's protocol, options and range of protocol versions. protocol_version.c determines the
 * versions that all of these allow. */
#include <stddef.h>
#include <string.h>

#include "base/argument.h"
#include "tls/context.h"

int32_t cleat_context_protocol(int32_t context) {
    CLEAT_CONTEXT_BEGIN(context);
    CLEAT_CONTEXT_END(self->protocol);
}

int32_t cleat_context_options(int32_t context) {
    CLEAT_CONTEXT_BEGIN(context);
    CLEAT_CONTEXT_END(self->settings.options);
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
    CLEAT_CONTEXT_BEGIN(context);
    CLEAT_CONTEXT_END(self->settings.minimum_version);
}

int32_t cleat_context_maximum_version(int32_t context) {
    CLEAT_CONTEXT_BEGIN(context);
    CLEAT_CONTEXT_END(self->settings.maximum_version);
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
