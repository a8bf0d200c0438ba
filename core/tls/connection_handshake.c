/* connection_handshake.c: the handshake. It holds both turns, since it may need either direction next. A call that
 * finds another call's handshake in progress waits for its end, and continues the handshake if that call returns
 * before. */
#include "base/argument.h"
#include "base/memory.h"
#include "tls/connection.h"
#include "tls/early_data.h"
#include "tls/ech.h"
#include "tls/message.h"
#include "tls/offered_ticket.h"
#include "tls/psk.h"
#include "tls/session.h"
#include "tls/session_store.h"
#include "tls/verify.h"

/* The minimum number of bytes that the peer sends in response to the last flight, before data or close_notify can
 * follow. It consists of record headers (5), message headers (4), AEAD tags (16), TLS 1.3's content type (1) and
 * change_cipher_spec (6). */
enum {
    FINISHED = 5 + 4 + 16 + 1, /* in TLS 1.3, without the hash */
    FINISHED_TLS12 = 6 + 5 + 4 + 12 + 16, /* with change_cipher_spec */
    /* A ServerHello with an X25519 share and no session id, then EncryptedExtensions and Finished in one record. A
     * TLS 1.2 server that resumes sends 90 bytes and waits for the client. */
    SERVER_FLIGHT = 5 + 4 + 38 + 2 + 6 + 40 + 6 + FINISHED + 32
};

/* On a server: the client cannot send data before it has the ServerHello, except early data. */
static int first_expected(const struct cleat_connection *self) {
    if (!self->server_side) return 0; /* the server sends nothing before the ClientHello */
    return self->early_allowed ? 0 : CLEAT_EXPECTED_MAX;
}

static int next_expected(const struct cleat_connection *self, bool is_first) {
    const SSL_CIPHER *cipher = SSL_get_pending_cipher(self->ssl);
    if (!self->server_side) return is_first ? SERVER_FLIGHT : FINISHED_TLS12;
    if (self->early_allowed) return 0;
    if (SSL_version(self->ssl) < TLS1_3_VERSION) return FINISHED_TLS12;
    if (cipher == NULL) return 0;
    return FINISHED + (SSL_CIPHER_get_prf_nid(cipher) == NID_sha384 ? 48 : 32);
}

/* BoringSSL's own counters are always 0. */
static void begin(struct cleat_connection *self) {
    if (self->begun) return;
    self->begun = true;
    if (!self->server_side) cleat_session_offer(self);
    cleat_transport_expect(&self->transport, first_expected(self));
    cleat_sessions_count(self->initial->sessions,
                         self->server_side ? CLEAT_STAT_ACCEPT : CLEAT_STAT_CONNECT);
}

static void count_done(struct cleat_connection *self) {
    cleat_sessions_count(self->initial->sessions,
                         self->server_side ? CLEAT_STAT_ACCEPT_GOOD : CLEAT_STAT_CONNECT_GOOD);
    if (SSL_session_reused(self->ssl)) {
        cleat_sessions_count(self->initial->sessions, CLEAT_STAT_HITS);
    } else if (self->offered_expired || cleat_offered_ticket_has_expired(self)) {
        cleat_sessions_count(self->initial->sessions, CLEAT_STAT_TIMEOUTS);
    } else if (self->offered) {
        cleat_sessions_count(self->initial->sessions, CLEAT_STAT_MISSES);
    }
}

static int32_t finish(struct cleat_connection *self) {
    self->established = true;
    cleat_message_handshake_done(self);
    self->unread_tickets = !self->server_side && SSL_version(self->ssl) == TLS1_3_VERSION;
    cleat_transport_handshake_done(&self->transport);
    if (!self->server_side) cleat_session_established(self);
    count_done(self);
    cleat_early_data_finish(self);
    cleat_session_exchange_end(self);
    cleat_offered_ticket_forget(self);
    cleat_psk_end(self);
    cleat_turn_handshake_done(&self->turns);
    return CLEAT_OK;
}

static int32_t fail(struct cleat_connection *self, int32_t status) {
    /* Also if the peer has closed the connection: it may not tolerate the session that was offered. */
    cleat_session_forget(self);
    cleat_connection_after_failure(self, status);
    if (status == CLEAT_STATUS(CLEAT_SSL, SSL_R_ECH_REJECTED)) self->ech_rejected = true;
    if (status == CLEAT_STATUS(CLEAT_SSL, SSL_R_WRONG_VERSION_ON_EARLY_DATA)) {
        return cleat_fail_named(
            "SSL", "WRONG_VERSION_ON_EARLY_DATA",
            "the server does not support TLS 1.3: connect again without early data");
    }
    /* If the peer's key usage does not allow signing, BoringSSL sends this alert in TLS 1.3, but none in TLS 1.2. */
    if (status == CLEAT_STATUS(CLEAT_SSL, SSL_R_KEY_USAGE_BIT_INCORRECT)) {
        cleat_connection_refuse(self, SSL_AD_ILLEGAL_PARAMETER);
    }
    return status < 0 ? status : cleat_fail(CLEAT_EOF, 0, "the peer closed the handshake");
}

/* BoringSSL writes a TLS 1.3 server's session tickets with the first write after the handshake. They are buffered
 * here, and sent with the first write or before the first read waits, so that a server that answers requests needs
 * no extra system call. */
static int32_t issue_tickets(struct cleat_connection *self) {
    int result;
    if (!self->server_side || self->issued_tickets || SSL_version(self->ssl) != TLS1_3_VERSION) {
        return CLEAT_OK;
    }
    self->issued_tickets = true;
    cleat_connection_begin(self, CLEAT_TRANSPORT_PLAIN);
    result = SSL_write(self->ssl, "", 0);
    if (result < 0) return cleat_connection_map_error(self, result, "SSL_write");
    return CLEAT_OK;
}

/* Reports the error of a handshake that the verification or the caller has refused. */
static int32_t fail_refused(struct cleat_connection *self) {
    cleat_transport_flush_quietly(&self->transport);
    if (self->refused_at == CLEAT_PAUSE_SERVER_NAME) {
        return cleat_fail_named("SSL", "CALLBACK_FAILED", "callback failed");
    }
    if (self->refused_at == CLEAT_PAUSE_SIGNATURE) {
        return cleat_fail_named("SSL", "PRIVATE_KEY_OPERATION_FAILED",
                                "private key operation failed");
    }
    if (self->refused_at == CLEAT_PAUSE_PSK) {
        return cleat_fail_named("SSL", "PSK_IDENTITY_NOT_FOUND", "psk identity not found");
    }
    ERR_clear_error();
    ERR_put_error(ERR_LIB_SSL, 0, SSL_R_CERTIFICATE_VERIFY_FAILED, __FILE__, __LINE__);
    return cleat_connection_fail_tls(self, "verifying the peer");
}

/* BoringSSL does not verify the client again when a server resumes a session. */
static int32_t check_resumed(struct cleat_connection *self) {
    bool lacks_memory;
    if (!self->server_side || !SSL_session_reused(self->ssl)) return CLEAT_OK;
    switch (cleat_verify_resumed(self)) {
        case ssl_verify_ok: return CLEAT_OK;
        case ssl_verify_retry: return CLEAT_WANTS_VERIFY;
        case ssl_verify_invalid: break;
    }
    lacks_memory = cleat_memory_failed();
    cleat_connection_refuse(self, cleat_verify_error_alert(&self->verify_error));
    self->refused_at = CLEAT_PAUSE_VERIFY;
    return lacks_memory ? cleat_fail_nomem() : fail_refused(self);
}

/* Refuses servers without the renegotiation extension, unless CLEAT_OP_LEGACY_SERVER_CONNECT is set. Newer versions
 * of BoringSSL have done so at the ServerHello; that of 2023 never does. */
static int32_t check_renegotiation(struct cleat_connection *self) {
    if (self->server_side || SSL_get_secure_renegotiation_support(self->ssl) == 1 ||
        (self->configuration->settings.options & CLEAT_OP_LEGACY_SERVER_CONNECT) != 0) {
        return CLEAT_OK;
    }
    cleat_connection_refuse(self, SSL_AD_HANDSHAKE_FAILURE);
    ERR_put_error(ERR_LIB_SSL, 0, SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED, __FILE__, __LINE__);
    return fail(self, cleat_connection_fail_tls(self, "SSL_do_handshake"));
}

/* BoringSSL sends a plaintext ClientHello if it does not support any of the configurations. ech_config.c has
 * excluded that when they were set, so this should not happen; if it does, the handshake must fail. */
static int32_t fail_unencrypted(struct cleat_connection *self) {
    cleat_connection_refuse(self, SSL_AD_INTERNAL_ERROR);
    return cleat_fail_named("SSL", "ECH_NOT_OFFERED", "the ClientHello was not encrypted");
}

/* BoringSSL has finished the handshake. Sends its last flight, as far as possible. */
static int32_t end_of_handshake(struct cleat_connection *self) {
    int32_t status;
    if (cleat_transport_flush(&self->transport)) {
        status = issue_tickets(self);
        return status < 0 ? status : finish(self);
    }
    if (self->transport.error == 0) return CLEAT_WANTS_WRITE;
    /* The last messages of a server are session tickets: a client that has already disconnected, perhaps after
     * sending a request, has completed the handshake. */
    return self->server_side ? finish(self) : cleat_fail_errno(self->transport.error);
}

/* The status of a suspended or refused handshake, CLEAT_OK otherwise. */
static int32_t pause_of(struct cleat_connection *self) {
    if (self->refused_at != CLEAT_PAUSE_NONE) return fail_refused(self);
    if (self->pause == CLEAT_PAUSE_SERVER_NAME) return CLEAT_WANTS_SERVER_NAME;
    if (self->pause == CLEAT_PAUSE_SESSION) return CLEAT_WANTS_SESSION;
    if (self->pause == CLEAT_PAUSE_VERIFY) return CLEAT_WANTS_VERIFY;
    if (self->pause == CLEAT_PAUSE_SIGNATURE) return CLEAT_WANTS_SIGNATURE;
    if (self->pause == CLEAT_PAUSE_PSK) return CLEAT_WANTS_PSK;
    return CLEAT_OK;
}

/* SSL_do_handshake has returned 1 because early data can be sent or received. A server verifies the client of the
 * resumed session now, and buffers the early data for cleat_connection_read_early. */
static int32_t in_early_data(struct cleat_connection *self) {
    int32_t status = check_resumed(self);
    int32_t received;
    if (status >= 0)
        status = cleat_session_exchange_store(self); /* before the client has its tickets */
    if (status < 0) return status;
    self->early_state = CLEAT_EARLY_DATA_OPEN;
    if (!self->server_side) return CLEAT_OK;
    cleat_transport_flush(&self->transport);
    if (self->transport.error != 0) return cleat_fail_errno(self->transport.error);
    received = cleat_early_data_receive(self);
    return received < 0 && !cleat_connection_is_want(received) ? fail(self, received) : received;
}

/* Runs BoringSSL's handshake until it needs the transport or the caller. HMAC leaves copies of the secrets from which
 * it derives keys, and of a pre-shared key, on the stack. Calls that follow would overwrite them by chance only, and
 * the next step may be another thread's. */
static int advance(struct cleat_connection *self) {
    int result = SSL_do_handshake(self->ssl);
    while (result <= 0 && cleat_psk_is_withheld(self) && !cleat_psk_suspend(self)) {
        result = SSL_do_handshake(self->ssl);
    }
    cleat_wipe_stack();
    return result;
}

int32_t cleat_connection_step(struct cleat_connection *self, enum cleat_transport_mode mode) {
    int32_t status = pause_of(self);
    bool is_first = self->transport.buffered == 0;
    int result;
    if (status < 0) return status;
    begin(self);
    cleat_connection_begin(self, mode);
    result = advance(self);
    if (result != 1 && cleat_transport_has_written(&self->transport))
        cleat_transport_expect(&self->transport, next_expected(self, is_first));
    if (self->server_side) cleat_credentials_record_selected(self);
    if (result == 1 && SSL_in_early_data(self->ssl) == 1) return in_early_data(self);
    if (result == 1) {
        status = cleat_ech_was_offered(self) ? check_resumed(self) : fail_unencrypted(self);
        if (status >= 0) status = check_renegotiation(self);
        if (status >= 0) status = cleat_session_exchange_store(self);
        return status < 0 ? status : end_of_handshake(self);
    }
    if (SSL_get_error(self->ssl, result) == SSL_ERROR_EARLY_DATA_REJECTED) {
        cleat_early_data_refused(self);
        return CLEAT_OK;
    }
    status = self->pause == CLEAT_PAUSE_PSK
                 ? CLEAT_WANTS_PSK
                 : cleat_connection_map_error(self, result, "SSL_do_handshake");
    if (!cleat_connection_is_want(status)) return fail(self, status);
    if (cleat_transport_flush(&self->transport)) return status;
    if (self->transport.error != 0) return cleat_fail_errno(self->transport.error);
    return CLEAT_WANTS_WRITE;
}

int32_t cleat_connection_establish(struct cleat_connection *self, cleat_deadline deadline) {
    enum cleat_transport_mode mode = CLEAT_TRANSPORT_PLAIN;
    self->early_over = self->early_over || !self->server_side;
    if (deadline == CLEAT_DEADLINE_NEVER && cleat_queue_len(&self->transport.out) == 0)
        mode = CLEAT_TRANSPORT_WAITS;
    while (!self->established) {
        int32_t status = cleat_connection_step(self, mode);
        mode = CLEAT_TRANSPORT_PLAIN;
        if (cleat_connection_is_pause(status)) return status;
        if (cleat_connection_is_want(status))
            status = cleat_connection_wait(self, status, deadline);
        if (status < 0) return status;
    }
    return CLEAT_OK;
}

int32_t cleat_connection_handshake(int32_t connection, double timeout) {
    cleat_deadline deadline = cleat_deadline_after(timeout);
    int32_t status = CLEAT_OK;
    unsigned held;
    CLEAT_CHECK_TIMEOUT(2, timeout);
    CLEAT_BEGIN(connection);
    if (!self->established) {
        status = cleat_connection_acquire(self, CLEAT_TURN_NONE, deadline, &held);
        if (status >= 0) {
            status = cleat_connection_establish(self, deadline);
            cleat_connection_release(self, held);
        }
    }
    status = cleat_connection_closed_or(self, status);
    CLEAT_END(status);
}
