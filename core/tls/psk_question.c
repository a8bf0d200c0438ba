/* psk_question.c: the settings of pre-shared keys, and the caller's answers to CLEAT_WANT_PSK: see psk.c. */
#include <string.h>

#include "base/argument.h"
#include "tls/context.h"
#include "tls/psk.h"

int32_t cleat_context_psk_client(int32_t context) {
    CLEAT_CONTEXT_BEGIN(context);
    CLEAT_CONTEXT_END(self->settings.psk_client ? 1 : 0);
}

int32_t cleat_context_set_psk_client(int32_t context, int32_t on) {
    CLEAT_CHECK_RANGE(2, on, 0, 1);
    CLEAT_CONTEXT_BEGIN(context);
    self->settings.psk_client = on == 1;
    cleat_context_changed(self);
    CLEAT_CONTEXT_END(CLEAT_OK);
}

int32_t cleat_context_psk_server(int32_t context) {
    CLEAT_CONTEXT_BEGIN(context);
    CLEAT_CONTEXT_END(self->settings.psk_server ? 1 : 0);
}

int32_t cleat_context_set_psk_server(int32_t context, int32_t on, const char *identity_hint,
                                     int32_t identity_hint_len) {
    CLEAT_CHECK_RANGE(2, on, 0, 1);
    CLEAT_CHECK_TEXT(3, identity_hint, identity_hint_len);
    if (identity_hint_len > CLEAT_PSK_IDENTITY_MAX) {
        return cleat_fail_usage(4, "a hint has at most %d bytes", CLEAT_PSK_IDENTITY_MAX);
    }
    CLEAT_CONTEXT_BEGIN(context);
    self->settings.psk_server = on == 1;
    memset(self->settings.psk_hint, 0, sizeof self->settings.psk_hint);
    if (identity_hint_len > 0) {
        memcpy(self->settings.psk_hint, identity_hint, (size_t)identity_hint_len);
    }
    cleat_context_changed(self);
    CLEAT_CONTEXT_END(CLEAT_OK);
}

int32_t cleat_context_psk_identity_hint(int32_t context, char *output, int32_t output_cap) {
    const char *hint;
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_CONTEXT_BEGIN(context);
    hint = self->settings.psk_hint;
    result = cleat_copy_out(hint, (int64_t)strlen(hint), output, output_cap);
    CLEAT_CONTEXT_END(result);
}

static int32_t check_waiting(const struct cleat_connection *self) {
    return self->pause == CLEAT_PAUSE_PSK
               ? CLEAT_OK
               : cleat_fail_usage(0, "the connection does not wait for a key");
}

static int32_t copy_tap_text(const struct cleat_connection *self, char *output,
                             int32_t output_cap) {
    const struct cleat_handshake_tap *tap = &self->psk->tap;
    return cleat_copy_out((const char *)tap->text, tap->text_len, output, output_cap);
}

int32_t cleat_connection_psk_hint(int32_t connection, char *output, int32_t output_cap) {
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_BEGIN(connection);
    result = check_waiting(self);
    if (result >= 0 && self->server_side) {
        result =
            cleat_fail_usage(0, "a server receives no hint: see cleat_connection_psk_identity");
    } else if (result >= 0) {
        result = copy_tap_text(self, output, output_cap);
    }
    CLEAT_END(result);
}

int32_t cleat_connection_psk_identity(int32_t connection, char *output, int32_t output_cap) {
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_BEGIN(connection);
    if (self->server_side && self->pause == CLEAT_PAUSE_PSK) {
        result = copy_tap_text(self, output, output_cap);
    } else {
        const char *used = self->established ? SSL_get_psk_identity(self->ssl) : NULL;
        if (used == NULL) used = "";
        result = cleat_copy_out(used, (int64_t)strlen(used), output, output_cap);
    }
    CLEAT_END(result);
}

static int32_t refuse(struct cleat_connection *self) {
    cleat_psk_end(self);
    self->pause = CLEAT_PAUSE_NONE;
    cleat_connection_refuse(self, self->server_side ? SSL_AD_UNKNOWN_PSK_IDENTITY
                                                    : SSL_AD_HANDSHAKE_FAILURE);
    self->refused_at = CLEAT_PAUSE_PSK;
    return CLEAT_OK;
}

static int32_t set_key(struct cleat_connection *self, const char *identity, int32_t identity_len,
                       const char *key, int32_t key_len) {
    struct cleat_psk *psk = self->psk;
    int32_t status = check_waiting(self);
    if (status < 0) return status;
    if (self->server_side && identity != NULL) {
        return cleat_fail_usage(2, "identity must be absent on a server: the client has sent it");
    }
    if (key_len == 0) return refuse(self);
    if (identity_len > 0) memcpy(psk->identity, identity, (size_t)identity_len);
    psk->identity_len = (uint8_t)identity_len;
    memcpy(psk->key, key, (size_t)key_len);
    psk->key_len = (uint16_t)key_len;
    self->pause = CLEAT_PAUSE_NONE;
    cleat_transport_release(&self->transport);
    return CLEAT_OK;
}

int32_t cleat_connection_answer_psk(int32_t connection, const char *identity, int32_t identity_len,
                                    const char *key, int32_t key_len) {
    int32_t result;
    CLEAT_CHECK_TEXT(2, identity, identity_len);
    CLEAT_CHECK_IN(4, key, key_len);
    if (identity_len > CLEAT_PSK_IDENTITY_MAX) {
        return cleat_fail_usage(3, "an identity has at most %d bytes", CLEAT_PSK_IDENTITY_MAX);
    }
    if (key_len > CLEAT_PSK_KEY_MAX) {
        return cleat_fail_usage(5, "a key has at most %d bytes", CLEAT_PSK_KEY_MAX);
    }
    CLEAT_BEGIN(connection);
    result = set_key(self, identity, identity_len, key, key_len);
    CLEAT_END(result);
}
