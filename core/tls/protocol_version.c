/* protocol_version.c: the range of protocol versions that the settings allow. */
#include "tls/configuration.h"

_Static_assert(CLEAT_TLS1_VERSION == TLS1_VERSION && CLEAT_TLS1_1_VERSION == TLS1_1_VERSION &&
                   CLEAT_TLS1_2_VERSION == TLS1_2_VERSION && CLEAT_TLS1_3_VERSION == TLS1_3_VERSION,
               "the versions are TLS's");

static int32_t forbidding(uint16_t version) {
    switch (version) {
        case TLS1_VERSION: return CLEAT_OP_NO_TLSV1;
        case TLS1_1_VERSION: return CLEAT_OP_NO_TLSV1_1;
        case TLS1_2_VERSION: return CLEAT_OP_NO_TLSV1_2;
        default: return CLEAT_OP_NO_TLSV1_3;
    }
}

static bool is_allowed(const struct cleat_settings *settings, uint16_t version) {
    return version >= settings->minimum_version &&
           version >= cleat_policy_minimum_version(settings->algorithms.policy) &&
           version <= settings->maximum_version && (settings->options & forbidding(version)) == 0;
}

void cleat_version_range(const struct cleat_settings *settings, uint16_t *low, uint16_t *high) {
    uint16_t version = TLS1_3_VERSION;
    while (version >= TLS1_VERSION && !is_allowed(settings, version)) version--;
    if (version < TLS1_VERSION) {
        *low = TLS1_3_VERSION;
        *high = TLS1_VERSION;
        return;
    }
    *high = *low = version;
    while (version >= TLS1_VERSION && is_allowed(settings, version)) *low = version--;
}
