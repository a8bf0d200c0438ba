/* verify_setting.c: a context's settings of the verification of peers: those of cleat/verify.h and of
 * cleat/context.h. */
#include <math.h>

#include "base/argument.h"
#include "cleat/verify.h"
#include "tls/context.h"

int32_t cleat_context_verify_mode(int32_t context) {
    CLEAT_CONTEXT_BEGIN(context);
    CLEAT_CONTEXT_END(self->settings.verify_mode);
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
    CLEAT_CONTEXT_BEGIN(context);
    CLEAT_CONTEXT_END(self->settings.verify_flags);
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
    CLEAT_CONTEXT_BEGIN(context);
    CLEAT_CONTEXT_END(self->settings.chain_cache_seconds);
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

int32_t cleat_context_set_verify_events(int32_t context, int32_t on) {
    CLEAT_CHECK_RANGE(2, on, CLEAT_VERDICTS_NONE, CLEAT_VERDICTS_ALL);
    CLEAT_CONTEXT_BEGIN(context);
    self->settings.verify_events = on;
    cleat_context_changed(self);
    CLEAT_CONTEXT_END(CLEAT_OK);
}

int32_t cleat_context_verify_enforced(int32_t context) {
    CLEAT_CONTEXT_BEGIN(context);
    CLEAT_CONTEXT_END(self->settings.tolerates_refusals ? 0 : 1);
}

int32_t cleat_context_set_verify_enforced(int32_t context, int32_t enforced) {
    CLEAT_CHECK_RANGE(2, enforced, 0, 1);
    CLEAT_CONTEXT_BEGIN(context);
    self->settings.tolerates_refusals = enforced == 0;
    cleat_context_changed(self);
    CLEAT_CONTEXT_END(CLEAT_OK);
}

int32_t cleat_context_verify_depth(int32_t context) {
    CLEAT_CONTEXT_BEGIN(context);
    CLEAT_CONTEXT_END(self->settings.verify_depth);
}

int32_t cleat_context_set_verify_depth(int32_t context, int32_t depth) {
    CLEAT_CHECK_RANGE(2, depth, 0, CLEAT_DEPTH_MAX);
    CLEAT_CONTEXT_BEGIN(context);
    self->settings.verify_depth = depth;
    cleat_context_changed(self);
    CLEAT_CONTEXT_END(CLEAT_OK);
}

int32_t cleat_context_verify_time(int32_t context, double *time) {
    CLEAT_CHECK_POINTER(2, time);
    CLEAT_CONTEXT_BEGIN(context);
    *time = self->settings.verify_time;
    CLEAT_CONTEXT_END(CLEAT_OK);
}

int32_t cleat_context_set_verify_time(int32_t context, double time) {
    if (isnan(time) || time > CLEAT_VERIFY_TIME_MAX)
        return cleat_fail_usage(2, "time is not a number, or is after the year 9999");
    CLEAT_CONTEXT_BEGIN(context);
    self->settings.verify_time = time < 0 ? -1 : (double)(int64_t)time;
    cleat_context_changed(self);
    CLEAT_CONTEXT_END(CLEAT_OK);
}

int32_t cleat_context_checks_common_name(int32_t context) {
    CLEAT_CONTEXT_BEGIN(context);
    CLEAT_CONTEXT_END(self->settings.ignores_common_name ? 0 : 1);
}

int32_t cleat_context_set_checks_common_name(int32_t context, int32_t check) {
    CLEAT_CHECK_RANGE(2, check, 0, 1);
    CLEAT_CONTEXT_BEGIN(context);
    self->settings.ignores_common_name = check == 0;
    cleat_context_changed(self);
    CLEAT_CONTEXT_END(CLEAT_OK);
}
