/* session_question.c: a connection's requests to the caller's store, and the caller's answers: see session_store.c. */
#include <string.h>

#include "base/argument.h"
#include "base/memory.h"
#include "tls/session_store.h"

enum { VALUE_MAX = 0x20000 }; /* longer than any session */

static int32_t question_of(const struct cleat_connection *self) {
    if (self->pause != CLEAT_PAUSE_SESSION) return CLEAT_SESSION_QUESTION_NONE;
    return self->session_talk->first != NULL ? self->session_talk->first->question
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
        const struct cleat_session_talk *talk = self->session_talk;
        const uint8_t *key = talk->first != NULL ? talk->first->key : talk->wanted;
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
        const struct cleat_session_errand *errand = self->session_talk->first;
        *lifetime = errand->lifetime;
        result =
            cleat_copy_out((const char *)errand->value, (int64_t)errand->len, output, output_cap);
    }
    CLEAT_END(result);
}

static int32_t run_errand(struct cleat_connection *self) {
    struct cleat_session_errand *errand = self->session_talk->first;
    self->session_talk->first = errand->next;
    cleat_release(errand);
    if (self->session_talk->first == NULL) self->pause = CLEAT_PAUSE_NONE;
    return CLEAT_OK;
}

/* Stores the answer to CLEAT_SESSION_QUESTION_GET. Data that was not stored under the key is treated as absent. */
static int32_t keep_answer(struct cleat_connection *self, const char *data, int32_t data_len) {
    struct cleat_session_talk *talk = self->session_talk;
    if (data != NULL && data_len > 0 && data_len <= VALUE_MAX) {
        talk->session = cleat_allocate((size_t)data_len);
        if (talk->session == NULL) return cleat_fail_nomem();
        talk->session_len =
            cleat_session_value_open(cleat_sessions_keys(self->initial->sessions), talk->wanted,
                                     (const uint8_t *)data, (size_t)data_len, talk->session);
        if (talk->session_len == 0) {
            cleat_release(talk->session);
            talk->session = NULL;
        }
    }
    if (talk->session != NULL && self->early_offered && self->early_allowed &&
        !cleat_session_ask_early(self)) {
        cleat_release(talk->session);
        talk->session = NULL;
        return cleat_fail_nomem();
    }
    talk->answered = true;
    self->pause = talk->first != NULL ? CLEAT_PAUSE_SESSION : CLEAT_PAUSE_NONE;
    return CLEAT_OK;
}

/* Refuses early data if another connection has or may have used the session for early data before. BoringSSL reads
 * the setting when it has the session. */
static int32_t answer_early(struct cleat_connection *self, bool is_new) {
    if (!is_new) SSL_set_early_data_enabled(self->ssl, 0);
    return run_errand(self);
}

int32_t cleat_connection_answer_session(int32_t connection, const char *data, int32_t data_len) {
    int32_t result;
    CLEAT_CHECK_IN(2, data, data_len);
    CLEAT_BEGIN(connection);
    switch (question_of(self)) {
        case CLEAT_SESSION_QUESTION_NONE: result = fail_no_question(); break;
        case CLEAT_SESSION_QUESTION_GET: result = keep_answer(self, data, data_len); break;
        case CLEAT_SESSION_QUESTION_ADD: result = answer_early(self, data != NULL); break;
        default:
            result =
                data != NULL
                    ? cleat_fail_usage(
                          2, "data must be absent: the request is to store or remove a session")
                    : run_errand(self);
    }
    CLEAT_END(result);
}
