/* test_pairs.c: two and three calls at once on one end of a connection: every combination of handshake, read, write,
 * shutdown, close and getters, in every state, with TLS 1.2 and 1.3, over each transport, on the client and on the
 * server. Each call must end with a status that its state allows; a call that hangs ends with CLEAT_TIMEOUT, which no
 * state allows.
 *
 * Usage: test_pairs [SEED [EACH [PAIRS]]]: each EACH-th of the triples and each PAIRS-th of the pairs (1: all), from
 * SEED on; 0 is the time. */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ends.h"
#include "expect.h"
#include "identity.h"
#include "load.h"

enum call { HANDSHAKE, BRIEF_HANDSHAKE, READ, WRITE, SHUTDOWN, CLOSE, ASK, FEED, CALLS };
static const char *const call_names[CALLS] = {"handshake", "brief handshake", "read", "write",
                                              "shutdown",  "close",           "ask",  "feed"};

enum state { FRESH, LATE, ESTABLISHED, PEER_CLOSED, CLOSING, OVER, ENDED, REFUSED, STATES };
static const char *const state_names[STATES] = {"fresh",
                                                "the peer begins late",
                                                "established",
                                                "the peer has sent close_notify",
                                                "close_notify sent",
                                                "both sent",
                                                "the peer has closed",
                                                "not trusted"};

enum { NO_CALL = -1, BRIEF_MS = 1, LATE_MS = 4, SECONDS = 100 };

struct run {
    struct ends ends;
    enum state state;
    int32_t own; /* the end that is tested */
    int32_t other;
    int calls[3]; /* NO_CALL if there are two */
    double forever; /* the timeout of reads */
};

struct task {
    struct run *run;
    enum call call;
    int32_t result;
};

static int count(const struct run *run, enum call call) {
    int i;
    int times = 0;
    for (i = 0; i < 3; i++) times += run->calls[i] == (int)call;
    return times;
}

/* The results of the peer's verification, if there was one. */
static void ask_verification(int32_t verification) {
    char text[256];
    int32_t code = 0;
    int32_t depth = 0;
    int32_t certificate;
    if (verification < 0) return;
    if (cleat_verification_result(verification) < 0) {
        EXPECT(cleat_verification_error(verification, 0, text, sizeof text, &code, &depth) > 0);
        certificate = cleat_verification_error_certificate(verification, 0);
        EXPECT(certificate > 0 && cleat_close(certificate) == CLEAT_OK);
    }
    certificate = cleat_verification_chain_certificate(verification, CLEAT_CHAIN_SENT, 0);
    EXPECT(certificate > 0 && cleat_close(certificate) == CLEAT_OK);
    EXPECT(cleat_close(verification) == CLEAT_OK);
}

/* Every getter of a number, and every getter of a text: check.coverage compares this with the headers. */
static int32_t (*const numbers[])(int32_t connection) = {
    cleat_connection_drain_pending,       cleat_connection_early_data,
    cleat_connection_ech_accepted,        cleat_connection_established,
    cleat_connection_fed_pending,         cleat_connection_server_side,
    cleat_connection_session_question,    cleat_connection_session_reused,
    cleat_connection_shared_cipher_count, cleat_connection_signature_algorithm,
    cleat_connection_signature_key,       cleat_connection_verify_error_count,
    cleat_connection_verify_mode,         cleat_connection_verify_result,
};
static int32_t (*const texts[])(int32_t connection, char *output, int32_t output_cap) = {
    cleat_connection_alpn_protocol,
    cleat_connection_cipher_version,
    cleat_connection_client_sigalg,
    cleat_connection_ech_public_name,
    cleat_connection_ech_retry_configs,
    cleat_connection_group,
    cleat_connection_npn_protocol,
    cleat_connection_ocsp_response,
    cleat_connection_offered_alpn,
    cleat_connection_peer_public_key,
    cleat_connection_psk_hint,
    cleat_connection_psk_identity,
    cleat_connection_scts,
    cleat_connection_server_hostname,
    cleat_connection_server_sigalg,
    cleat_connection_signature_digest,
    cleat_connection_signature_input,
    cleat_connection_signature_public_key,
    cleat_connection_version,
    cleat_connection_wanted_session,
};

static int32_t ask(int32_t id) {
    char text[256];
    int32_t number;
    size_t i;
    int32_t certificate = cleat_connection_peer_certificate(id);
    int32_t session = cleat_connection_session(id);
    ask_verification(cleat_connection_verification(id));
    if (certificate > 0) cleat_close(certificate);
    if (session > 0) {
        cleat_connection_set_session(id, session);
        cleat_close(session);
    }
    for (i = 0; i < sizeof numbers / sizeof numbers[0]; i++) numbers[i](id);
    for (i = 0; i < sizeof texts / sizeof texts[0]; i++) texts[i](id, text, sizeof text);
    cleat_connection_cipher(id, text, sizeof text, &number);
    cleat_connection_set_alpn_protocols(id, "\1x", 2);
    certificate = cleat_connection_chain_certificate(id, CLEAT_CHAIN_OWN, 0);
    if (certificate > 0) cleat_close(certificate);
    for (number = CLEAT_BINDING_TLS_UNIQUE; number <= CLEAT_BINDING_TLS_SERVER_END_POINT; number++)
        cleat_connection_channel_binding(id, number, text, sizeof text);
    cleat_connection_alert(id, CLEAT_DIRECTION_SENT, &number);
    cleat_connection_export_keying_material(id, "x", 1, NULL, 0, text, sizeof text);
    return cleat_connection_pending(id);
}

static int32_t make(const struct run *run, enum call call) {
    const struct ends *ends = &run->ends;
    char byte;
    switch (call) {
        case HANDSHAKE: return ends_handshake(ends, run->own, ENDS_PATIENCE);
        case BRIEF_HANDSHAKE: return ends_handshake(ends, run->own, BRIEF_MS / 1000.0);
        case READ: return ends_read(ends, run->own, &byte, 1, run->forever);
        case WRITE: return ends_write(ends, run->own, "0123456789", 10, ENDS_PATIENCE);
        case SHUTDOWN: return ends_shutdown(ends, run->own, ENDS_PATIENCE);
        case CLOSE: return cleat_close(run->own);
        case FEED: return cleat_connection_feed(run->own, "", 0);
        case ASK:
        case CALLS: break;
    }
    return ask(run->own);
}

static void *perform(void *argument) {
    struct task *task = argument;
    task->result = make(task->run, task->call);
    return NULL;
}

/* The peer does its handshake, sends a record of one byte for each read, echoes, and answers close_notify. */
static void *play_peer(void *argument) {
    const struct run *run = argument;
    const struct timespec late = {0, LATE_MS * 1000000};
    char bytes[100];
    int32_t got;
    int i;
    if (run->state == LATE) nanosleep(&late, NULL);
    if (run->state < PEER_CLOSED || run->state == REFUSED) {
        if (ends_handshake(&run->ends, run->other, ENDS_PATIENCE) < 0) return NULL;
        for (i = 0; i < count(run, READ); i++) {
            if (ends_write(&run->ends, run->other, "x", 1, ENDS_PATIENCE) < 0) return NULL;
        }
    }
    for (;;) {
        got = ends_read(&run->ends, run->other, bytes, sizeof bytes, ENDS_PATIENCE);
        if (got <= 0) break;
        if (run->state < PEER_CLOSED) ends_write(&run->ends, run->other, bytes, got, ENDS_PATIENCE);
    }
    if (got == 0) ends_shutdown(&run->ends, run->other, ENDS_PATIENCE);
    return NULL;
}

static void end_peer(struct ends *ends, int side) {
    EXPECT(cleat_close(side == 0 ? ends->server : ends->client) == CLEAT_OK);
    if (ends->fds[side] >= 0) EXPECT(close(ends->fds[side]) == 0);
    if (ends->sockets[side] > 0) EXPECT(cleat_close(ends->sockets[side]) == CLEAT_OK);
    ends->fds[side] = -1;
    ends->sockets[side] = 0;
}

/* Brings the connection into the state; PEER_CLOSED and later need the handshake. */
static void prepare(struct run *run) {
    struct ends *ends = &run->ends;
    int32_t status;
    if (run->state < ESTABLISHED || run->state == REFUSED) return;
    ends_shake(ends);
    switch (run->state) {
        case PEER_CLOSED:
            status = cleat_connection_shutdown(run->other, 0);
            EXPECT(CLEAT_CLASS(status) == CLEAT_WANT_READ);
            break;
        case CLOSING:
        case OVER:
            status = cleat_connection_shutdown(run->own, 0);
            EXPECT(CLEAT_CLASS(status) == CLEAT_WANT_READ);
            if (run->state == CLOSING) break;
            EXPECT(ends_shutdown(ends, run->other, ENDS_PATIENCE) == CLEAT_OK);
            EXPECT(ends_shutdown(ends, run->own, ENDS_PATIENCE) == CLEAT_OK);
            break;
        case ENDED: end_peer(ends, run->other == ends->server ? 0 : 1); break;
        case FRESH:
        case LATE:
        case ESTABLISHED:
        case REFUSED:
        case STATES: break;
    }
}

static bool is_data_before_close(const struct run *run, int32_t class) {
    return class == CLEAT_SSL && (count(run, READ) > 0 || count(run, WRITE) > 0);
}

/* The statuses that a call may return before and after the handshake while the peer answers. */
static bool fits_open(const struct run *run, enum call call, int32_t result, int32_t class) {
    bool shuts = count(run, SHUTDOWN) > 0;
    switch (call) {
        case BRIEF_HANDSHAKE:
            return result == CLEAT_OK || (class == CLEAT_TIMEOUT && run->state != ESTABLISHED);
        case HANDSHAKE: return result == CLEAT_OK;
        case READ: return result == 1;
        case WRITE: return result == 10 || (shuts && class == CLEAT_CLOSED);
        case SHUTDOWN:
            if (run->state != ESTABLISHED && class == CLEAT_USAGE) return true;
            return result == CLEAT_OK || is_data_before_close(run, class);
        case CLOSE:
        case ASK:
        case FEED:
        case CALLS: break;
    }
    return false;
}

static bool fits_closing(const struct run *run, enum call call, int32_t result, int32_t class) {
    bool own = run->state != PEER_CLOSED;
    bool shuts = own || count(run, SHUTDOWN) > 0;
    switch (call) {
        case BRIEF_HANDSHAKE:
        case HANDSHAKE:
        case SHUTDOWN: return result == CLEAT_OK;
        case READ: return (result == 0 && !own) || (shuts && class == CLEAT_CLOSED);
        case WRITE: return (result == 10 && !own) || (shuts && class == CLEAT_CLOSED);
        case CLOSE:
        case ASK:
        case FEED:
        case CALLS: break;
    }
    return false;
}

static bool fits_ended(const struct run *run, enum call call, int32_t result, int32_t class) {
    switch (call) {
        case BRIEF_HANDSHAKE:
        case HANDSHAKE: return result == CLEAT_OK;
        case READ: return class == CLEAT_EOF || class == CLEAT_SYS;
        case WRITE:
            return result == 10 || class == CLEAT_SYS ||
                   (count(run, SHUTDOWN) > 0 && class == CLEAT_CLOSED);
        case SHUTDOWN: return class == CLEAT_EOF || class == CLEAT_SYS;
        case CLOSE:
        case ASK:
        case FEED:
        case CALLS: break;
    }
    return false;
}

static bool fits_refused(const struct run *run, enum call call, int32_t class) {
    if (call == SHUTDOWN) return class == CLEAT_USAGE;
    if (call == BRIEF_HANDSHAKE && class == CLEAT_TIMEOUT) return true;
    if (run->own == run->ends.client) return class == CLEAT_VERIFY;
    return class == CLEAT_ALERT; /* the client refuses */
}

static bool fits(const struct run *run, enum call call, int32_t result) {
    int32_t class = result < 0 ? CLEAT_CLASS(result) : 0;
    bool closes = count(run, CLOSE) > 0;
    if (call == CLOSE)
        return result == CLEAT_OK || (count(run, CLOSE) > 1 && class == CLEAT_HANDLE);
    if (closes && (class == CLEAT_HANDLE || (class == CLEAT_CLOSED && call != ASK))) return true;
    if (call == ASK) return result >= 0;
    if (call == FEED) return result == 0 || class == CLEAT_USAGE;
    switch (run->state) {
        case FRESH:
        case LATE:
        case ESTABLISHED: return fits_open(run, call, result, class);
        case PEER_CLOSED:
        case CLOSING:
        case OVER: return fits_closing(run, call, result, class);
        case ENDED: return fits_ended(run, call, result, class);
        case REFUSED:
        case STATES: break;
    }
    return fits_refused(run, call, class);
}

static char description[200]; /* of the current combination */

static void describe(const struct run *run) {
    size_t len;
    int i;
    snprintf(description, sizeof description, "%s, %s, the %s's", ends_names[run->ends.transport],
             state_names[run->state], run->own == run->ends.client ? "client" : "server");
    for (i = 0; i < 3 && run->calls[i] != NO_CALL; i++) {
        len = strlen(description);
        snprintf(description + len, sizeof description - len, " %s,", call_names[run->calls[i]]);
    }
    len = strlen(description);
    snprintf(description + len, sizeof description - len, "\n");
}

static void give_up(int number) {
    static const char text[] = "does not end: ";
    (void)number;
    _exit(write(STDERR_FILENO, text, sizeof text - 1) > 0 &&
                  write(STDERR_FILENO, description, strlen(description)) > 0
              ? 1
              : 2);
}

static int32_t server_context;
static int32_t client_contexts[2]; /* TLS 1.2, 1.3 */

static int try(struct run *run, enum ends_transport transport, int version, bool client) {
    struct task tasks[3] = {{NULL, CALLS, 0}};
    pthread_t threads[4];
    int faults = 0;
    int n;
    int i;
    ends_open(&run->ends, transport, server_context, client_contexts[version],
              run->state == REFUSED ? "elsewhere" : "localhost");
    run->own = client ? run->ends.client : run->ends.server;
    run->other = client ? run->ends.server : run->ends.client;
    describe(run);
    load_alarm(SECONDS);
    prepare(run);
    EXPECT(pthread_create(&threads[3], NULL, play_peer, run) == 0);
    for (n = 0; n < 3 && run->calls[n] != NO_CALL; n++) {
        tasks[n] = (struct task){run, (enum call)run->calls[n], 0};
        EXPECT(pthread_create(&threads[n], NULL, perform, &tasks[n]) == 0);
    }
    for (i = 0; i < n; i++) pthread_join(threads[i], NULL);
    for (i = 0; i < n; i++) {
        if (fits(run, tasks[i].call, tasks[i].result)) continue;
        faults++;
        fprintf(stderr, "%s: %d (class %d), TLS 1.%d, %s", call_names[run->calls[i]],
                tasks[i].result, tasks[i].result < 0 ? CLEAT_CLASS(tasks[i].result) : 0,
                version + 2, description);
    }
    ends_hang_up(&run->ends);
    pthread_join(threads[3], NULL);
    ends_close(&run->ends);
    alarm(0);
    return faults;
}

/* All combinations of three calls, or two if third is NO_CALL alone. */
static int try_all(unsigned seed, unsigned each, bool triples, int *runs) {
    unsigned number = 0;
    int faults = 0;
    int transport, version, state, a, b, c;
    for (transport = 0; transport < ENDS_TRANSPORTS; transport++)
        for (version = 0; version < 2; version++)
            for (state = 0; state < STATES; state++)
                for (a = 0; a < CALLS; a++)
                    for (b = a; b < CALLS; b++)
                        for (c = triples ? b : NO_CALL; c < (triples ? CALLS : 0); c++) {
                            struct run run = {.state = (enum state)state, .calls = {a, b, c}};
                            if ((number++ + seed) % each != 0) continue;
                            run.forever =
                                transport == ENDS_MEMORY || number % 3 == 0 ? ENDS_PATIENCE : -1;
                            faults += try(&run, (enum ends_transport)transport, version,
                                          (number + seed) % 2 == 0);
                            (*runs)++;
                        }
    return faults;
}

int main(int argc, char **argv) {
    unsigned seed = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 0;
    unsigned each = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 29;
    unsigned pairs = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 0) : 1;
    int runs = 0;
    int faults;
    int version;
    if (seed == 0) seed = (unsigned)time(NULL);
    signal(SIGALRM, give_up);
    identity_contexts(&server_context, &client_contexts[1]);
    cleat_close(server_context);
    identity_contexts(&server_context, &client_contexts[0]);
    for (version = 0; version < 2; version++) {
        EXPECT(cleat_context_set_maximum_version(client_contexts[version],
                                                 version == 0 ? CLEAT_TLS1_2_VERSION
                                                              : CLEAT_TLS1_3_VERSION) == CLEAT_OK);
    }
    faults = try_all(seed, pairs, false, &runs) + try_all(seed, each, true, &runs);
    cleat_close(server_context);
    for (version = 0; version < 2; version++) cleat_close(client_contexts[version]);
    printf("seed %u: %d combinations, %d faults\n", seed, runs, faults);
    EXPECT(cleat_handle_count() == 0);
    return faults > 0;
}
