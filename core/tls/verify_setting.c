/* verify_setting.c: the settings of cleat/verify.h. */
#include <math.h>

#include "base/argument.h"
#include "cleat/verify.h"
#include "tls/context.h"

/* 9999-12-31 23:59:59, the latest time that a certificate can contain. */
#define TIME_MAX 253402300799.0

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
    if (isnan(time) || time > TIME_MAX)
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
