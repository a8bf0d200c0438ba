/* session_question.c: a connection's requests to the caller's store, and the caller's answers: see session_store.c. */
#include <string.h>

#include "base/argument.h"
#include "base/memory.h"
#include "tls/session_store.h"

enum { VALUE_MAX = 0x20000 }; /* longer than any session */

static int32_t question_of(const struct cleat_connection *self) {
    if (self->pause != CLEAT_PAUSE_SESSION) return CLEAT_SESSION_QUESTION_NONE;
    return self->session_exchange->first != NULL ? self->session_exchange->first->question
                                                 : CLEAT_SESSION_QUESTION_GET;
}

static int32_t fail_no_question(void) {
    return cleat_fail_usage(0, "the handshake does not wait for cleat_connection_answer_session");
}

int32_t cleat_connection_session_question(int32_t connection) {
    int32_t result;
    CLEAT_BEGIN(connection);
    result = question_of(self);
    CLEAT_END(result);
}

int32_t cleat_connection_wanted_session(int32_t connection, char *output, int32_t output_cap) {
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_BEGIN(connection);
    if (question_of(self) == CLEAT_SESSION_QUESTION_NONE) {
        result = fail_no_question();
    } else {
        const struct cleat_session_exchange *exchange = self->session_exchange;
        const uint8_t *key = exchange->first != NULL ? exchange->first->key : exchange->wanted;
        result = cleat_copy_out((const char *)key, CLEAT_SESSION_KEY, output, output_cap);
    }
    CLEAT_END(result);
}

int32_t cleat_connection_stored_session(int32_t connection, char *output, int32_t output_cap,
                                        int32_t *lifetime) {
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_CHECK_POINTER(4, lifetime);
    CLEAT_BEGIN(connection);
    if (question_of(self) != CLEAT_SESSION_QUESTION_PUT &&
        question_of(self) != CLEAT_SESSION_QUESTION_ADD) {
        result = cleat_fail_usage(0, "the connection has no session to store");
    } else {
        const struct cleat_session_request *request = self->session_exchange->first;
        *lifetime = request->lifetime;
        result =
            cleat_copy_out((const char *)request->value, (int64_t)request->len, output, output_cap);
    }
    CLEAT_END(result);
}

static int32_t finish_request(struct cleat_connection *self) {
    struct cleat_session_request *request = self->session_exchange->first;
    self->session_exchange->first = request->next;
    cleat_release(request);
    if (self->session_exchange->first == NULL) self->pause = CLEAT_PAUSE_NONE;
    return CLEAT_OK;
}

/* Stores the answer to CLEAT_SESSION_QUESTION_GET. Data that was not stored under the key is treated as absent. */
static int32_t store_answer(struct cleat_connection *self, const char *data, int32_t data_len) {
    struct cleat_session_exchange *exchange = self->session_exchange;
    if (data != NULL && data_len > 0 && data_len <= VALUE_MAX) {
        exchange->session = cleat_allocate((size_t)data_len);
        if (exchange->session == NULL) return cleat_fail_nomem();
        exchange->session_len =
            cleat_session_value_open(cleat_sessions_keys(self->initial->sessions), exchange->wanted,
                                     (const uint8_t *)data, (size_t)data_len, exchange->session);
        if (exchange->session_len == 0) {
            cleat_release(exchange->session);
            exchange->session = NULL;
        }
    }
    if (exchange->session != NULL && self->early_offered && self->early_allowed &&
        !cleat_session_queue_early_check(self)) {
        cleat_release(exchange->session);
        exchange->session = NULL;
        return cleat_fail_nomem();
    }
    exchange->answered = true;
    self->pause = exchange->first != NULL ? CLEAT_PAUSE_SESSION : CLEAT_PAUSE_NONE;
    return CLEAT_OK;
}

/* Refuses early data if another connection has or may have used the session for early data before. BoringSSL reads
 * the setting when it has the session. */
static int32_t answer_early_check(struct cleat_connection *self, bool is_new) {
    if (!is_new) SSL_set_early_data_enabled(self->ssl, 0);
    return finish_request(self);
}

int32_t cleat_connection_answer_session(int32_t connection, const char *data, int32_t data_len) {
    int32_t result;
    CLEAT_CHECK_IN(2, data, data_len);
    CLEAT_BEGIN(connection);
    switch (question_of(self)) {
        case CLEAT_SESSION_QUESTION_NONE: result = fail_no_question(); break;
        case CLEAT_SESSION_QUESTION_GET: result = store_answer(self, data, data_len); break;
        case CLEAT_SESSION_QUESTION_ADD: result = answer_early_check(self, data != NULL); break;
        default:
            result =
                data != NULL
                    ? cleat_fail_usage(
                          2, "data must be absent: the request is to store or remove a session")
                    : finish_request(self);
    }
    CLEAT_END(result);
}
