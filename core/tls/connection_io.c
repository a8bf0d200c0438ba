/* connection_io.c: handshake, read, write, shutdown: the only loops that drive the TLS library.
 *
 * Each is the same: under the connection's lock, let the library go on as far as it can, and send
 * what it gathered. If it needs the network, let go of the lock, wait, and try again. So one
 * thread can read while another writes: neither holds the lock while it waits.
 *
 * A write encrypts up to CLEAT_CHUNK bytes and sends them at once. If the network takes only
 * some and the call may not wait, those bytes are encrypted, and nothing can take them back:
 * the call answers CLEAT_WANT_WRITE and remembers in `sealed` how many it has not counted. The
 * next write must go on with the same bytes; the first `sealed` of them are not encrypted
 * again but counted. It does not matter where they lie or how many there are. */
#include <stdio.h>

#include "base/argument.h"
#include "tls/connection.h"
#include "tls/verify.h"

#define WANT_READ CLEAT_STATUS(CLEAT_WANT_READ, 0)
#define WANT_WRITE CLEAT_STATUS(CLEAT_WANT_WRITE, 0)
#define WANT_SERVER_NAME CLEAT_STATUS(CLEAT_WANT_SERVER_NAME, 0)

static void clear(struct cleat_connection *self) {
    cleat_error_clear_queue();
    self->transport.error = 0;
    self->transport.reads = 0;
    self->transport.wanted = 0;
}

static int32_t fail_tls(const struct cleat_connection *self, const char *what) {
    char detail[256];
    cleat_verify_describe(self, detail, sizeof detail);
    return cleat_fail_tls(what, cleat_verify_code(self), detail);
}

/* What a result of the library that is no success means. The peer's close_notify is 0. */
static int32_t judge(const struct cleat_connection *self, int result, const char *what) {
    int32_t status;
    int32_t alert = 0;
    switch (SSL_get_error(self->ssl, result)) {
        case SSL_ERROR_WANT_READ: return WANT_READ;
        case SSL_ERROR_WANT_WRITE: return WANT_WRITE;
        case SSL_ERROR_PENDING_CERTIFICATE: return WANT_SERVER_NAME;
        case SSL_ERROR_ZERO_RETURN: return 0;
        case SSL_ERROR_SYSCALL:
            if (self->transport.error != 0) return cleat_fail_errno(self->transport.error);
            /* An error that there was no memory to keep looks like the end of the network. */
            if (!self->transport.ended) return cleat_fail_nomem();
            return cleat_fail(CLEAT_EOF, 0, "EOF occurred in violation of protocol");
        default: break;
    }
    if (self->transport.error != 0) return cleat_fail_errno(self->transport.error);
    status = fail_tls(self, what);
    if (CLEAT_CLASS(status) == CLEAT_SSL && self->transport.keeps_tail &&
        cleat_transport_ended_in_alert(&self->transport, &alert)) {
        return cleat_fail_alert(alert);
    }
    return status;
}

static bool is_want(int32_t status) {
    return status == WANT_READ || status == WANT_WRITE || status == WANT_SERVER_NAME;
}

/* Sends what is gathered, up to position in the stream. Bytes that another thread adds
 * meanwhile are not waited for. */
static int32_t flush_until(struct cleat_connection *self, int64_t position,
                           cleat_deadline deadline) {
    for (;;) {
        int32_t status;
        self->transport.error = 0;
        if (cleat_transport_flush(&self->transport)) return CLEAT_OK;
        if (self->transport.error != 0) return cleat_fail_errno(self->transport.error);
        if (self->transport.sent >= position) return CLEAT_OK;
        status = cleat_connection_await(self, WANT_WRITE, deadline);
        if (status < 0) return status;
    }
}

/* Sends what can be sent without waiting, such as the alert that goes with an error, and does
 * not mind failing. */
static void flush_quietly(struct cleat_connection *self) {
    int error = self->transport.error;
    cleat_transport_flush(&self->transport);
    self->transport.error = error;
}

/* To a peer with TLS 1.2 whose key is not for signing BoringSSL says nothing, where it says this
 * with TLS 1.3. After another alert this does nothing. */
static void send_alert(struct cleat_connection *self, int32_t status) {
    if (status != CLEAT_STATUS(CLEAT_SSL, SSL_R_KEY_USAGE_BIT_INCORRECT)) return;
    SSL_send_fatal_alert(self->ssl, SSL_AD_ILLEGAL_PARAMETER);
    cleat_error_clear_queue();
}

/* BoringSSL's own counters always say 0. */
static void count_begun(struct cleat_connection *self) {
    if (self->begun) return;
    self->begun = true;
    cleat_context_count(self->maker, self->server_side ? CLEAT_STAT_ACCEPT : CLEAT_STAT_CONNECT);
}

static void count_done(struct cleat_connection *self) {
    cleat_context_count(self->maker,
                        self->server_side ? CLEAT_STAT_ACCEPT_GOOD : CLEAT_STAT_CONNECT_GOOD);
    if (SSL_session_reused(self->ssl)) {
        cleat_context_count(self->maker, CLEAT_STAT_HITS);
    } else if (self->offered) {
        cleat_context_count(self->maker, CLEAT_STAT_MISSES);
    }
}

static int32_t handshake(struct cleat_connection *self, cleat_deadline deadline) {
    bool waits = deadline == CLEAT_DEADLINE_NEVER;
    while (!self->established) {
        int32_t status;
        int result;
        if (self->refused) {
            flush_quietly(self);
            return cleat_fail_named("SSL", "CALLBACK_FAILED", "callback failed");
        }
        if (self->waits_for_name) return WANT_SERVER_NAME;
        count_begun(self);
        clear(self);
        self->transport.waits = waits && cleat_queue_len(&self->transport.out) == 0;
        result = SSL_do_handshake(self->ssl);
        self->transport.waits = waits = false;
        status = result == 1 ? CLEAT_OK : judge(self, result, "SSL_do_handshake");
        if (result != 1 && !is_want(status)) {
            send_alert(self, status);
            flush_quietly(self);
            return status < 0 ? status : cleat_fail(CLEAT_EOF, 0, "the peer closed the handshake");
        }
        /* All that a server sends last is session tickets: a peer that is gone by now, after
         * it sent a request perhaps, has done its part of the handshake. */
        if (!cleat_transport_flush(&self->transport) &&
            !(result == 1 && self->server_side && self->transport.error != 0)) {
            if (self->transport.error != 0) return cleat_fail_errno(self->transport.error);
            status = WANT_WRITE;
        } else if (result == 1) {
            self->established = true;
            self->transport.keeps_tail = false;
            count_done(self);
            return CLEAT_OK;
        }
        if (status == WANT_SERVER_NAME) return status;
        status = cleat_connection_await(self, status, deadline);
        if (status < 0) return status;
    }
    return CLEAT_OK;
}

/* A connection that is closed in the middle of a call is shut down, to wake who waits in it: the
 * network's end or error that another call sees then is not the peer's doing. */
static int32_t reason(const struct cleat_connection *self, int32_t status) {
    if (status >= 0 || !atomic_load_explicit(&self->object.closed, memory_order_relaxed)) {
        return status;
    }
    return cleat_fail_closed();
}

/* The frame of the exported functions. */
#define BEGIN(connection)                                                                          \
    struct cleat_connection *self;                                                                 \
    cleat_deadline deadline = cleat_deadline_after(timeout);                                       \
    int32_t status;                                                                                \
    CLEAT_FIND(self, connection, CLEAT_KIND_CONNECTION);                                           \
    pthread_mutex_lock(&self->lock)

#define END                                                                                        \
    status = reason(self, status);                                                                 \
    pthread_mutex_unlock(&self->lock);                                                             \
    CLEAT_DONE(self);                                                                              \
    return status

int32_t cleat_connection_handshake(int32_t connection, double timeout) {
    CLEAT_CHECK_TIMEOUT(2, timeout);
    BEGIN(connection);
    status = self->over ? cleat_fail(CLEAT_CLOSED, 0, "the TLS session was shut down")
                        : handshake(self, deadline);
    END;
}

static int32_t read_some(struct cleat_connection *self, char *buf, int32_t buf_cap,
                         cleat_deadline deadline) {
    if (deadline == CLEAT_DEADLINE_NEVER) {
        int32_t status = cleat_connection_receive_ahead(self);
        if (status < 0) return status;
    }
    for (;;) {
        int32_t status;
        int result;
        if (self->over) return cleat_fail(CLEAT_CLOSED, 0, "the TLS session was shut down");
        clear(self);
        result = SSL_read(self->ssl, buf, buf_cap);
        self->between_records = result > 0;
        status = result > 0 ? result : judge(self, result, "SSL_read");
        /* Reading can gather an answer, to a key update for instance, or an alert. */
        if (cleat_queue_len(&self->transport.out) > 0) flush_quietly(self);
        if (!is_want(status)) return status;
        status = cleat_connection_await(self, status, deadline);
        if (status < 0) return status;
    }
}

int32_t cleat_connection_read(int32_t connection, char *buf, int32_t buf_cap, double timeout) {
    CLEAT_CHECK_OUT(2, buf, buf_cap);
    CLEAT_CHECK_TIMEOUT(4, timeout);
    BEGIN(connection);
    status = CLEAT_OK;
    if (buf_cap > 0) {
        status = handshake(self, deadline);
        if (status >= 0) status = read_some(self, buf, buf_cap, deadline);
    }
    END;
}

/* How many bytes of data reached the network. Everything before `sent` did; from there to
 * `done` they are encrypted. */
static int32_t write_all(struct cleat_connection *self, const char *data, int32_t data_len,
                         cleat_deadline deadline) {
    int32_t sent = 0;
    int32_t done = self->sealed < data_len ? self->sealed : data_len;
    int32_t status;
    self->sealed -= done;
    for (;;) {
        int32_t chunk;
        int result;
        status = flush_until(self, self->transport.gathered, deadline);
        if (status < 0) break;
        sent = done;
        if (done == data_len) return sent;

        if (self->closing) {
            status = cleat_fail(CLEAT_CLOSED, 0, "the TLS session was shut down");
            break;
        }
        clear(self);
        chunk = data_len - done < CLEAT_CHUNK ? data_len - done : CLEAT_CHUNK;
        /* A single record needs no gathering. */
        self->transport.direct = self->transport.fd >= 0 && chunk <= CLEAT_RECORD;
        if (!self->transport.direct &&
            !cleat_queue_reserve(&self->transport.out, (size_t)chunk + CLEAT_CHUNK_OVERHEAD)) {
            status = cleat_fail_nomem();
            break;
        }
        result = SSL_write(self->ssl, data + done, chunk);
        self->transport.direct = false;
        if (result > 0) {
            done += result;
            continue;
        }
        status = judge(self, result, "SSL_write");
        if (!is_want(status)) {
            flush_quietly(self);
            if (status == 0) status = cleat_fail(CLEAT_CLOSED, 0, "the TLS session was shut down");
            break;
        }
        status = cleat_connection_await(self, status, deadline);
        if (status < 0) break;
    }
    self->sealed += done - sent;
    return sent > 0 ? sent : status;
}

int32_t cleat_connection_write(int32_t connection, const char *data, int32_t data_len,
                               double timeout) {
    CLEAT_CHECK_IN(2, data, data_len);
    CLEAT_CHECK_TIMEOUT(4, timeout);
    BEGIN(connection);
    status = CLEAT_OK;
    if (data_len > 0) {
        status = handshake(self, deadline);
        if (status >= 0) status = write_all(self, data, data_len, deadline);
    }
    END;
}

static int32_t shut_down(struct cleat_connection *self, cleat_deadline deadline) {
    self->closing = true;
    for (;;) {
        int32_t status = WANT_WRITE;
        int result;
        clear(self);
        result = SSL_shutdown(self->ssl);
        if (result == 0) result = SSL_shutdown(self->ssl); /* ours is sent: now the peer's */
        if (result != 1) {
            status = judge(self, result, "SSL_shutdown");
            if (!is_want(status)) {
                flush_quietly(self);
                return status < 0 ? status : cleat_fail(CLEAT_EOF, 0, "the peer is gone");
            }
        }
        if (cleat_transport_flush(&self->transport)) {
            if (result == 1) {
                self->over = true;
                return CLEAT_OK;
            }
        } else if (self->transport.error != 0) {
            return cleat_fail_errno(self->transport.error);
        } else {
            status = WANT_WRITE;
        }
        status = cleat_connection_await(self, status, deadline);
        if (status < 0) return status;
    }
}

int32_t cleat_connection_shutdown(int32_t connection, double timeout) {
    CLEAT_CHECK_TIMEOUT(2, timeout);
    BEGIN(connection);
    if (self->over) {
        status = cleat_fail(CLEAT_CLOSED, 0, "the TLS session was shut down");
    } else if (!self->established) {
        /* The library would take this for done, and leave the peer waiting. */
        status = cleat_fail_usage(0, "shutdown before the handshake is done");
    } else {
        status = shut_down(self, deadline);
    }
    END;
}
