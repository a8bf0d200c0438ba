/* calls.c: a thread's random calls, one after the other, and the results that each may have. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../c/identity.h"
#include "schedule.h"

/* The data that the calls of one thread share. */
struct worker {
    struct round *round;
    int thread;
    struct random random;
    uint8_t *bytes; /* MOST_WRITE */
};

static int32_t make_context(const struct round *round) {
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(context > 0);
    if (round->tls12) EXPECT(cleat_context_set_maximum_version(context, CLEAT_TLS1_2_VERSION) == 0);
    EXPECT(cleat_context_set_alpn_protocols(context, "\2h2", 3) == 0);
    return context;
}

/* With a key, or without one. */
static void load_chain(int32_t context, const char *chain, int32_t len, bool remote) {
    if (remote) {
        EXPECT(cleat_context_load_cert_chain_remote_key_data(context, chain, len) ==
               CLEAT_REMOTE_KEY_P256);
    } else {
        EXPECT(cleat_context_load_cert_chain_data(context, chain, len, NULL, 0, NULL, 0) == 0);
    }
}

void contexts_open(struct round *round) {
    int32_t len;
    const char *own = identity_text(IDENTITY_CHAIN_AND_KEY, &len);
    int32_t other_len;
    const char *other = identity_text(IDENTITY_OTHER, &other_len);
    for (int i = 0; i < 3; i++) {
        int32_t context = round->contexts[i] = make_context(round);
        const char *chain = i == 2 ? other : own;
        load_chain(context, chain, i == 2 ? other_len : len, round->remote);
        EXPECT(cleat_context_load_verify_data(context, own, len) == 1);
        EXPECT(cleat_context_load_verify_data(context, other, other_len) == 1);
    }
    EXPECT(cleat_context_set_verify_mode(round->contexts[0], CLEAT_CERT_REQUIRED) == 0);
    EXPECT(cleat_context_set_check_hostname(round->contexts[0], 1) == 0);
    EXPECT(cleat_context_set_verify_mode(round->contexts[1], CLEAT_CERT_OPTIONAL) == 0);
    if (round->asks) EXPECT(cleat_context_set_server_name_events(round->contexts[1], 1) == 0);
    for (int i = 1; round->stored && i < 3; i++) {
        EXPECT(cleat_context_set_session_events(round->contexts[i], CLEAT_SESSIONS_STORED) == 0);
    }
    for (int i = 0; round->psk && i < 3; i++) {
        EXPECT(cleat_context_set_ciphers(round->contexts[i], "PSK:HIGH", 8) == 0);
        EXPECT(cleat_context_set_psk_client(round->contexts[i], 1) == 0);
        EXPECT(cleat_context_set_psk_server(round->contexts[i], 1, "hint", 4) == 0);
    }
    for (int i = 0; round->verdicts && i < 3; i++) {
        EXPECT(cleat_context_set_verify_events(round->contexts[i], CLEAT_VERDICTS_GOOD) == 0);
    }
}

/* A setter, with a value with which every handshake succeeds. */
void contexts_set_any(struct round *round, struct random *random) {
    static const char *const lists[] = {"ECDHE+AESGCM", "HIGH:!aNULL",
                                        "ECDHE+AESGCM:ECDHE+CHACHA20"};
    int which = (int)random_below(random, 3);
    int32_t context = round->contexts[which];
    bool on = random_below(random, 2) == 0;
    const char *list = lists[random_below(random, 3)];
    int32_t len;
    const char *chain = identity_text(which == 2 ? IDENTITY_OTHER : IDENTITY_CHAIN_AND_KEY, &len);
    char path[32];
    int32_t status = 0;
    switch (random_below(random, 12)) {
        case 0: status = cleat_context_set_ciphers(context, list, (int32_t)strlen(list)); break;
        case 1: status = cleat_context_set_alpn_protocols(context, "\2h2\1x", on ? 5 : 0); break;
        case 2: status = cleat_context_set_npn_protocols(context, "\2h2", on ? 3 : 0); break;
        case 3:
            status = cleat_context_set_options(context, on ? CLEAT_OP_ALL : CLEAT_OP_NO_TICKET);
            break;
        case 4:
            status = cleat_context_set_minimum_version(context, on ? CLEAT_TLS1_VERSION
                                                                   : CLEAT_TLS1_2_VERSION);
            break;
        case 5:
            status = cleat_context_set_maximum_version(
                context, on || round->tls12 ? CLEAT_TLS1_2_VERSION : CLEAT_TLS1_3_VERSION);
            break;
        case 6:
            status =
                cleat_context_set_verify_flags(context, on ? CLEAT_VERIFY_X509_PARTIAL_CHAIN : 0);
            break;
        case 7:
            if (which > 0)
                status = cleat_context_set_verify_mode(context, (int32_t)random_below(random, 3));
            break;
        case 8: status = cleat_context_set_ecdh_curve(context, "prime256v1", 10); break;
        case 9: load_chain(context, chain, len, round->remote && on); break;
        case 10: status = cleat_context_load_verify_data(context, chain, len); break;
        default:
            len = snprintf(path, sizeof path, "/none-%u", random_below(random, 9));
            status = cleat_context_load_verify_directory(context, path, len);
            break;
    }
    if (status < 0) fail(NULL, "a setter of context %d failed: class %d", which, class_of(status));
}

static bool reason_is(const char *wanted) {
    char reason[64] = "";
    cleat_error_reason(reason, sizeof reason - 1);
    return strcmp(reason, wanted) == 0;
}

static bool may_end_so(struct end *end, const char *call, double timeout, int32_t status) {
    const struct end *peer = peer_of(end);
    bool broken = end->closed || peer->closed || end->pair->refused;
    bool shut = end->shut || peer->shut;
    switch (class_of(status)) {
        case 0: return true;
        case CLEAT_WANT_READ:
        case CLEAT_WANT_WRITE: return timeout == 0;
        case CLEAT_WANT_SERVER_NAME: return end->pair->round->asks && end == &end->pair->ends[1];
        case CLEAT_WANT_SESSION: return end->pair->round->stored && end == &end->pair->ends[1];
        case CLEAT_WANT_VERIFY: return end->pair->round->verdicts;
        case CLEAT_WANT_SIGNATURE: return end->pair->round->remote;
        case CLEAT_WANT_PSK: return end->pair->round->psk;
        case CLEAT_TIMEOUT: return timeout > 0;
        case CLEAT_CLOSED: return end->closed || shut;
        case CLEAT_HANDLE: return end->closed;
        case CLEAT_EOF:
        case CLEAT_SYS: return broken;
        case CLEAT_ALERT:
        case CLEAT_VERIFY: return end->pair->refused;
        case CLEAT_SSL:
            if (strcmp(call, "write") == 0 && reason_is("BAD_WRITE_RETRY")) {
                return end->pair->round->threads > 1;
            }
            if (strcmp(call, "shutdown") == 0 && reason_is("APPLICATION_DATA_ON_SHUTDOWN"))
                return true;
            if (strcmp(call, "key_update") == 0 && reason_is("WRONG_SSL_VERSION")) return true;
            return end->pair->refused;
        default: return false;
    }
}

void accept_status(struct end *end, const char *call, int thread, double timeout, int32_t status) {
    if (may_end_so(end, call, timeout, status)) return;
    fail(end, "%s by thread %d ended with class %d, value %d", call, thread, class_of(status),
         status < 0 ? CLEAT_VALUE(status) : 0);
}

static double pick_timeout(struct worker *self) {
    static const double timeouts[] = {0, 0, 0.001, 0.002, 0.01, 0.05};
    if (self->round->transport == OVER_MEMORY) return 0;
    return timeouts[random_below(&self->random, sizeof timeouts / sizeof timeouts[0])];
}

static void go_on(struct worker *self, struct end *end, const char *call, double timeout,
                  int32_t status) {
    if (status < 0) accept_status(end, call, self->thread, timeout, status);
    if (is_pause(status)) {
        answer(end, status, random_below(&self->random, 2) == 0,
               self->round->may_close && random_below(&self->random, 30) == 0);
    }
}

static void shake(struct worker *self, struct end *end) {
    double timeout = pick_timeout(self);
    int32_t status;
    watch_begin(self->thread, "handshake", end, timeout);
    status = cleat_connection_handshake(end->id, timeout);
    watch_end(self->thread, status);
    go_on(self, end, "handshake", timeout, status);
}

static void read_some(struct worker *self, struct end *end) {
    static const uint32_t sizes[] = {1, 100, 16384, MOST_READ};
    bool ordered = !self->round->many_readers;
    int32_t size = (int32_t)sizes[random_below(&self->random, 4)];
    double timeout = pick_timeout(self);
    int32_t result;
    if (self->round->unlimited && random_below(&self->random, 20) == 0) timeout = -1;
    if (ordered && pthread_mutex_trylock(&end->reader.lock) != 0) return; /* another thread reads */
    watch_begin(self->thread, "read", end, timeout);
    result = cleat_connection_read(end->id, (char *)self->bytes, size, timeout);
    watch_end(self->thread, result);
    if (result > size) fail(end, "read returned %d of %d", (int)result, (int)size);
    if (result == 0 && !peer_of(end)->shut) fail(end, "the stream has ended");
    if (!ordered) pthread_mutex_lock(&end->reader.lock);
    if (result > 0) stream_take(end, self->bytes, result);
    pthread_mutex_unlock(&end->reader.lock);
    go_on(self, end, "read", timeout, result);
}

static int32_t pick_size(struct random *random) {
    static const uint32_t limits[] = {1, 2, 64, 64, 1000, 16384, 16384, 16386, 65536, MOST_WRITE};
    return 1 + (int32_t)random_below(random, limits[random_below(random, 10)]);
}

static void write_some(struct worker *self, struct end *end) {
    struct writer *writer = &end->writers[self->thread];
    int32_t len = pick_size(&self->random);
    double timeout = pick_timeout(self);
    int64_t at = writer->counted;
    int32_t result;
    if (at + len > writer->offered) writer->offered = at + len;
    stream_fill(end, self->thread, at, self->bytes, len);
    watch_begin(self->thread, "write", end, timeout);
    result = cleat_connection_write(end->id, (const char *)self->bytes, len, timeout);
    watch_end(self->thread, result);
    if (result > len || result == 0) fail(end, "write returned %d of %d", (int)result, (int)len);
    go_on(self, end, "write", timeout, result);
    if (result > 0 || class_of(result) == CLEAT_TIMEOUT || class_of(result) == CLEAT_WANT_READ ||
        class_of(result) == CLEAT_WANT_WRITE || is_pause(result)) {
        stream_wrote(end, self->thread, len, result);
    }
}

/* New keys while the others read and write: no byte may be lost. */
static void renew(struct worker *self, struct end *end) {
    double timeout = pick_timeout(self);
    bool established = cleat_connection_established(end->id) == 1;
    int32_t requested = (int32_t)random_below(&self->random, 2);
    int32_t status;
    watch_begin(self->thread, "key_update", end, timeout);
    status = cleat_connection_key_update(end->id, requested, timeout);
    watch_end(self->thread, status);
    if (class_of(status) == CLEAT_USAGE && !established) return;
    go_on(self, end, "key_update", timeout, status);
}

static void shut_down(struct worker *self, struct end *end) {
    double timeout = pick_timeout(self);
    int32_t status;
    bool established = cleat_connection_established(end->id) == 1;
    atomic_fetch_add(&end->shut, 1);
    watch_begin(self->thread, "shutdown", end, timeout);
    status = cleat_connection_shutdown(end->id, timeout);
    watch_end(self->thread, status);
    if (class_of(status) == CLEAT_USAGE && !established) {
        atomic_fetch_sub(&end->shut, 1);
        return;
    }
    go_on(self, end, "shutdown", timeout, status);
}

static void close_end(struct worker *self, struct end *end) {
    int32_t status;
    if (atomic_exchange(&end->closed, 1)) return;
    watch_begin(self->thread, "close", end, 0);
    status = cleat_close(end->id);
    watch_end(self->thread, status);
    if (status != CLEAT_OK) fail(end, "close ended with class %d", class_of(status));
}

static void get(struct worker *self, struct end *end) {
    char text[256];
    int32_t number;
    int32_t status;
    watch_begin(self->thread, "getters", end, 0);
    status = cleat_connection_peer_certificate(end->id);
    if (status > 0) EXPECT(cleat_close(status) == CLEAT_OK);
    if (status < 0 && class_of(status) != CLEAT_USAGE)
        accept_status(end, "peer_certificate", self->thread, 0, status);
    status = cleat_connection_session(end->id);
    if (status > 0) EXPECT(cleat_close(status) == CLEAT_OK);
    if (status >= 0) status = cleat_connection_version(end->id, text, sizeof text);
    if (status >= 0) status = cleat_connection_cipher(end->id, text, sizeof text, &number);
    if (status >= 0) status = cleat_connection_alpn_protocol(end->id, text, sizeof text);
    if (status >= 0) status = cleat_connection_npn_protocol(end->id, text, sizeof text);
    if (status >= 0) status = cleat_connection_pending(end->id);
    if (status >= 0) status = cleat_connection_session_reused(end->id);
    if (status >= 0) status = cleat_connection_server_hostname(end->id, text, sizeof text);
    if (status >= 0) status = cleat_connection_shared_cipher_count(end->id);
    if (status >= 0) status = cleat_connection_verify_mode(end->id);
    for (int32_t binding = CLEAT_BINDING_TLS_UNIQUE;
         status >= 0 && binding <= CLEAT_BINDING_TLS_SERVER_END_POINT; binding++) {
        status = cleat_connection_channel_binding(end->id, binding, text, sizeof text);
    }
    if (status >= 0) status = cleat_connection_established(end->id);
    if (status >= 0 && self->round->transport == OVER_MEMORY) {
        status = cleat_connection_drain_pending(end->id);
        if (status >= 0) status = cleat_connection_fed_pending(end->id);
    }
    watch_end(self->thread, status);
    accept_status(end, "a getter", self->thread, 0, status);
    EXPECT(cleat_context_cipher_count(self->round->contexts[random_below(&self->random, 3)]) > 0);
    EXPECT(cleat_context_session_stats(self->round->contexts[1], CLEAT_STAT_ACCEPT) >= 0);
}

/* The context of a connection is changed at any time: refused, or without effect on a client. */
static void change_context(struct worker *self, struct end *end) {
    int32_t status;
    watch_begin(self->thread, "set_context", end, 0);
    status = cleat_connection_set_context(
        end->id, self->round->contexts[end == &end->pair->ends[0] ? 0 : 2]);
    watch_end(self->thread, status);
    if (class_of(status) != CLEAT_USAGE) accept_status(end, "set_context", self->thread, 0, status);
}

static void call_any(struct worker *self, struct end *end) {
    static const struct timespec pause = {0, 200000};
    struct random *random = &self->random;
    uint32_t choice = random_below(random, 100);
    if (self->round->transport == OVER_MEMORY && choice < 40) {
        watch_begin(self->thread, "pump", end, 0);
        watch_end(self->thread, pump(end, 1 + (int32_t)random_below(random, 40000)));
    } else if (choice < 10) {
        shake(self, end);
    } else if (choice < 50) {
        read_some(self, end);
    } else if (choice < 80) {
        write_some(self, end);
    } else if (choice < 85) {
        get(self, end);
    } else if (choice < 93) {
        watch_begin(self->thread, "setter", end, 0);
        contexts_set_any(self->round, random);
        watch_end(self->thread, 0);
    } else if (choice < 95) {
        change_context(self, end);
    } else if (choice < 96) {
        renew(self, end);
    } else if (choice < 97 && self->round->may_shut) {
        shut_down(self, end);
    } else if (choice < 98 && self->round->may_close) {
        close_end(self, end);
    } else {
        nanosleep(&pause, NULL);
    }
}

void calls_run(struct round *round, int thread) {
    struct worker self = {.round = round, .thread = thread, .bytes = malloc(MOST_WRITE)};
    self.random.state = round->seed * 8 + (uint64_t)thread + 1;
    EXPECT(self.bytes != NULL);
    for (int i = 0; i < round->calls; i++) {
        struct pair *pair = &round->pair[random_below(&self.random, (uint32_t)round->pairs)];
        call_any(&self, &pair->ends[random_below(&self.random, 2)]);
    }
    free(self.bytes);
    watch_done(thread);
}
