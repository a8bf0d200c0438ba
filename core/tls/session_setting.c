/* session_setting.c: a context's settings of server sessions, and their counters. */
#include <string.h>

#include "base/argument.h"
#include "tls/context.h"

int32_t cleat_context_num_tickets(int32_t context) {
    CLEAT_CONTEXT_BEGIN(context);
    CLEAT_CONTEXT_END(self->settings.num_tickets);
}

int32_t cleat_context_set_num_tickets(int32_t context, int32_t count) {
    CLEAT_CHECK_RANGE(2, count, 0, CLEAT_TICKETS_MAX);
    CLEAT_CONTEXT_BEGIN(context);
    self->settings.num_tickets = count;
    cleat_context_changed(self);
    CLEAT_CONTEXT_END(CLEAT_OK);
}

int32_t cleat_context_session_timeout(int32_t context) {
    CLEAT_CONTEXT_BEGIN(context);
    CLEAT_CONTEXT_END(self->settings.session_timeout);
}

int32_t cleat_context_set_session_timeout(int32_t context, int32_t seconds) {
    CLEAT_CHECK_RANGE(2, seconds, 0, CLEAT_SESSION_TIMEOUT_MAX);
    CLEAT_CONTEXT_BEGIN(context);
    self->settings.session_timeout = seconds;
    cleat_ticket_keys_set_timeout(cleat_sessions_keys(self->sessions), seconds);
    cleat_context_changed(self);
    CLEAT_CONTEXT_END(CLEAT_OK);
}

int32_t cleat_context_session_id_context(int32_t context, char *output, int32_t output_cap) {
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_CONTEXT_BEGIN(context);
    result = cleat_copy_out((const char *)self->settings.id_context, self->settings.id_context_len,
                            output, output_cap);
    CLEAT_CONTEXT_END(result);
}

int32_t cleat_context_set_session_id_context(int32_t context, const char *data, int32_t data_len) {
    CLEAT_CHECK_IN(2, data, data_len);
    if (data != NULL && (data_len < 1 || data_len > CLEAT_SESSION_ID_CONTEXT_MAX)) {
        return cleat_fail_usage(3, "a session id context has 1 to %d bytes",
                                CLEAT_SESSION_ID_CONTEXT_MAX);
    }
    CLEAT_CONTEXT_BEGIN(context);
    self->settings.id_context_len = data_len;
    if (data != NULL) memcpy(self->settings.id_context, data, (size_t)data_len);
    cleat_context_changed(self);
    CLEAT_CONTEXT_END(CLEAT_OK);
}

/* Ticket keys are not part of a configuration: see sessions.h. */
int32_t cleat_context_set_ticket_keys(int32_t context, const char *keys, int32_t keys_len) {
    int32_t result;
    CLEAT_CHECK_IN(2, keys, keys_len);
    CLEAT_CONTEXT_BEGIN(context);
    result = cleat_ticket_keys_set(cleat_sessions_keys(self->sessions), keys, keys_len);
    CLEAT_CONTEXT_END(result);
}

int32_t cleat_context_set_ticket_secrets(int32_t context, const char *secrets, int32_t secrets_len,
                                         int32_t period) {
    int32_t result;
    CLEAT_CHECK_IN(2, secrets, secrets_len);
    CLEAT_CONTEXT_BEGIN(context);
    result = cleat_ticket_keys_set_secrets(cleat_sessions_keys(self->sessions), secrets,
                                           secrets_len, period);
    CLEAT_CONTEXT_END(result);
}

int32_t cleat_context_set_session_events(int32_t context, int32_t on) {
    CLEAT_CHECK_RANGE(2, on, CLEAT_SESSIONS_OWN, CLEAT_SESSIONS_SINGLE_USE);
    CLEAT_CONTEXT_BEGIN(context);
    self->settings.session_events = on;
    cleat_context_changed(self);
    CLEAT_CONTEXT_END(CLEAT_OK);
}

int32_t cleat_context_session_stats(int32_t context, int32_t which) {
    int32_t result;
    CLEAT_CHECK_RANGE(2, which, CLEAT_STAT_NUMBER, CLEAT_STAT_CACHE_FULL);
    CLEAT_CONTEXT_BEGIN(context);
    if (which == CLEAT_STAT_NUMBER) {
        result = cleat_session_cache_count(cleat_sessions_cache(self->sessions));
    } else if (which == CLEAT_STAT_CACHE_FULL) {
        result = cleat_session_cache_displaced(cleat_sessions_cache(self->sessions));
    } else {
        result = cleat_sessions_stat(self->sessions, which);
    }
    CLEAT_CONTEXT_END(result);
}
