/* verdict.c: the result of the verification of a connection's peer, and the caller's answer to CLEAT_WANT_VERIFY. */
#include "base/argument.h"
#include "cleat/verify.h"
#include "tls/connection.h"
#include "tls/verify.h"

static int32_t check_verified(const struct cleat_connection *self) {
    return self->was_verified ? CLEAT_OK : cleat_fail_usage(0, "the peer was not verified");
}

static bool is_good(const struct cleat_connection *self) {
    return self->verify_error.error == X509_V_OK;
}

/* Called if the verdict is an alert. The verification's reason is kept, if it has refused the peer. */
static void refuse(struct cleat_connection *self, uint8_t alert) {
    if (is_good(self)) {
        self->verify_error = (struct cleat_verify_error){X509_V_ERR_APPLICATION_VERIFICATION, 0, 0};
    }
    cleat_connection_refuse(self, alert);
    self->refused_at = CLEAT_PAUSE_VERIFY;
}

static int32_t apply_verdict(struct cleat_connection *self, int32_t alert) {
    if (alert == CLEAT_ALERT_DESCRIPTION_CLOSE_NOTIFY) {
        return cleat_fail_usage(
            2, "close_notify is not a fatal alert: choose another CLEAT_ALERT_DESCRIPTION_*");
    }
    if (self->pause != CLEAT_PAUSE_VERIFY) {
        return cleat_fail_usage(0,
                                "the handshake does not wait for cleat_connection_answer_verify");
    }
    if (alert == CLEAT_VERDICT_KEEP && !is_good(self) && !self->tolerates_refusals) {
        alert = cleat_verify_error_alert(&self->verify_error);
    }
    self->pause = CLEAT_PAUSE_NONE;
    if (alert > 0) {
        refuse(self, (uint8_t)alert);
    } else {
        self->verify_answered = true;
    }
    return CLEAT_OK;
}

int32_t cleat_connection_answer_verify(int32_t connection, int32_t alert) {
    int32_t result;
    CLEAT_CHECK_RANGE(2, alert, CLEAT_VERDICT_KEEP, 255);
    CLEAT_BEGIN(connection);
    result = apply_verdict(self, alert);
    CLEAT_END(result);
}

int32_t cleat_connection_verify_result(int32_t connection) {
    int32_t result;
    CLEAT_BEGIN(connection);
    result = check_verified(self);
    if (result >= 0) result = cleat_verify_code(self);
    CLEAT_END(result);
}

static int32_t count_of(const struct cleat_connection *self) {
    if (is_good(self)) return 0;
    return self->verify_faults != NULL && self->verify_faults->count > 0
               ? self->verify_faults->count
               : 1;
}

int32_t cleat_connection_verify_error_count(int32_t connection) {
    int32_t result;
    CLEAT_BEGIN(connection);
    result = check_verified(self);
    if (result >= 0) result = count_of(self);
    CLEAT_END(result);
}

int32_t cleat_connection_verify_error(int32_t connection, int32_t index, char *output,
                                      int32_t output_cap, int32_t *code, int32_t *depth) {
    int32_t result;
    CLEAT_CHECK_OUT(3, output, output_cap);
    CLEAT_CHECK_POINTER(5, code);
    CLEAT_CHECK_POINTER(6, depth);
    CLEAT_BEGIN(connection);
    result = check_verified(self);
    if (result >= 0 && (index < 0 || index >= count_of(self))) {
        result = cleat_fail_usage(2, "index out of range");
    } else if (result >= 0) {
        const struct cleat_verify_error *error =
            index == 0 ? &self->verify_error : &self->verify_faults->list[index];
        char text[256];
        cleat_verify_describe(self, error, text, sizeof text);
        *code = cleat_verify_error_number(error);
        *depth = error->depth;
        result = cleat_copy_out(text, (int64_t)strlen(text), output, output_cap);
    }
    CLEAT_END(result);
}
