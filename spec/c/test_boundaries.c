/* test_boundaries.c: a handshake, data in both directions and close_notify, once for every byte boundary of the
 * traffic: the network pauses there, and the receiving side must return CLEAT_WANT_READ and nothing else; then the
 * network continues, and the exchange must end as without the pause. And once where the network ends there: the
 * receiving side must return CLEAT_EOF, or succeed if it has finished already. */
#include <stdbool.h>
#include <string.h>

#include "expect.h"
#include "identity.h"

/* The handshakes' parameters. Some handshakes need more than one round trip. */
struct kind {
    const char *name;
    int32_t version;
    int32_t verify; /* the client's certificate */
    const char *
        curve; /* the server's only one: if the client has sent no key share for it, the server sends a HelloRetryRequest */
};

static const struct kind kinds[] = {
    {"TLS 1.3", CLEAT_TLS1_3_VERSION, CLEAT_CERT_NONE, NULL},
    {"TLS 1.3, HelloRetryRequest", CLEAT_TLS1_3_VERSION, CLEAT_CERT_NONE, "secp384r1"},
    {"TLS 1.3, client certificate", CLEAT_TLS1_3_VERSION, CLEAT_CERT_REQUIRED, NULL},
    {"TLS 1.2", CLEAT_TLS1_2_VERSION, CLEAT_CERT_NONE, NULL},
    {"TLS 1.2, client certificate", CLEAT_TLS1_2_VERSION, CLEAT_CERT_REQUIRED, NULL},
};

enum { CLIENT, SERVER };

/* Every boundary, except in builds that are slow or that repeat the test with the oldest BoringSSL. */
static int default_step(void) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return 31;
#else
    return cleat_boringssl_api() < 40 ? 7 : 1;
#endif
}

static int32_t contexts[2];

/* One run: after `cut` bytes to a side the network stops. */
struct run {
    int32_t ids[2];
    bool done[2]; /* the handshake */
    bool over[2]; /* close_notify was sent and received */
    bool sent[2];
    int32_t got[2]; /* bytes of data */
    int32_t moved[2]; /* bytes that were moved to this side */
    int to; /* the side to which the network stops */
    int32_t cut; /* -1: nowhere */
    bool for_good;
    bool stopped;
};

static const char data[] = "some bytes of data, and more in a second record";
enum { DATA = sizeof data, FIRST = 20 };

static int32_t new_context(const struct kind *kind, int side) {
    int32_t len;
    const char *text = identity_text(IDENTITY_CHAIN_AND_KEY, &len);
    int32_t id = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(cleat_context_load_cert_chain_data(id, text, len, NULL, 0, NULL, 0) == CLEAT_OK);
    EXPECT(cleat_context_load_verify_data(id, text, len) == 1);
    EXPECT(cleat_context_set_maximum_version(id, kind->version) == CLEAT_OK);
    EXPECT(cleat_context_set_verify_mode(id, side == CLIENT ? CLEAT_CERT_REQUIRED : kind->verify) ==
           CLEAT_OK);
    if (side == SERVER && kind->curve != NULL) {
        EXPECT(cleat_context_set_ecdh_curve(id, kind->curve, (int32_t)strlen(kind->curve)) ==
               CLEAT_OK);
    }
    return id;
}

static bool wants_read(int32_t status) {
    return status < 0 && CLEAT_CLASS(status) == CLEAT_WANT_READ;
}

/* Does the next calls of a side. Returns CLEAT_OK when it has done everything, or a status. */
static int32_t go_on(struct run *run, int side) {
    int32_t id = run->ids[side];
    char room[DATA];
    int32_t status;
    if (!run->done[side]) {
        status = cleat_connection_handshake(id, 0);
        if (status < 0) return status;
        run->done[side] = true;
    }
    if (!run->sent[side]) {
        EXPECT(cleat_connection_write(id, data, FIRST, 0) == FIRST);
        EXPECT(cleat_connection_write(id, data + FIRST, DATA - FIRST, 0) == DATA - FIRST);
        run->sent[side] = true;
    }
    while (run->got[side] < DATA) {
        status = cleat_connection_read(id, room, DATA - run->got[side], 0);
        if (status < 0) return status;
        EXPECT(status > 0 && memcmp(room, data + run->got[side], (size_t)status) == 0);
        run->got[side] += status;
    }
    status = cleat_connection_shutdown(id, 0);
    run->over[side] = status == CLEAT_OK;
    return status;
}

/* At the cut the receiving side needs more bytes; if the network has ended, it reports the end. */
static void stop(struct run *run, int side) {
    int32_t status = go_on(run, side);
    run->stopped = true;
    EXPECT(status == CLEAT_OK || wants_read(status));
    if (!run->for_good || run->over[side]) return;
    EXPECT(cleat_connection_feed_eof(run->ids[side]) == CLEAT_OK);
    status = go_on(run, side);
    EXPECT(status < 0 && CLEAT_CLASS(status) == CLEAT_EOF);
    EXPECT(cleat_error_status() == status);
}

static int32_t carry(struct run *run, int from, int to) {
    static char bytes[16384];
    int32_t moved = cleat_connection_drain(run->ids[from], bytes, sizeof bytes);
    int32_t first;
    EXPECT(moved >= 0);
    if (moved == 0) return 0;
    if (to == run->to && !run->stopped && run->cut >= run->moved[to] &&
        run->cut <= run->moved[to] + moved) {
        first = run->cut - run->moved[to];
        EXPECT(cleat_connection_feed(run->ids[to], bytes, first) == first);
        stop(run, to);
        if (run->for_good) return 0;
    } else {
        first = 0;
    }
    EXPECT(cleat_connection_feed(run->ids[to], bytes + first, moved - first) == moved - first);
    run->moved[to] += moved;
    return moved;
}

static void play(struct run *run) {
    run->ids[CLIENT] = cleat_connection_over_memory(contexts[CLIENT], 0, "localhost", 9);
    run->ids[SERVER] = cleat_connection_over_memory(contexts[SERVER], 1, NULL, 0);
    EXPECT(run->ids[CLIENT] > 0 && run->ids[SERVER] > 0);
    while (!(run->over[CLIENT] && run->over[SERVER]) && !(run->stopped && run->for_good)) {
        int32_t status[2];
        int32_t moved;
        status[CLIENT] = run->over[CLIENT] ? CLEAT_OK : go_on(run, CLIENT);
        moved = carry(run, CLIENT, SERVER);
        if (run->stopped && run->for_good) break;
        status[SERVER] = run->over[SERVER] ? CLEAT_OK : go_on(run, SERVER);
        moved += carry(run, SERVER, CLIENT);
        EXPECT(status[CLIENT] == CLEAT_OK || wants_read(status[CLIENT]));
        EXPECT(status[SERVER] == CLEAT_OK || wants_read(status[SERVER]));
        EXPECT(moved > 0 || (run->over[CLIENT] && run->over[SERVER]));
    }
    EXPECT(cleat_close(run->ids[CLIENT]) == CLEAT_OK && cleat_close(run->ids[SERVER]) == CLEAT_OK);
}

/* Signatures differ by a few bytes in length from one run to the next: the last boundaries may not exist. */
static void try_kind(const struct kind *kind, int step) {
    struct run whole = {.cut = -1};
    int32_t count = 0;
    int side;
    contexts[CLIENT] = new_context(kind, CLIENT);
    contexts[SERVER] = new_context(kind, SERVER);
    play(&whole);
    EXPECT(whole.moved[CLIENT] > 500 && whole.moved[SERVER] > 300);
    for (side = CLIENT; side <= SERVER; side++) {
        int32_t cut;
        for (cut = 0; cut <= whole.moved[side]; cut += step) {
            struct run once = {.to = side, .cut = cut};
            struct run for_good = {.to = side, .cut = cut, .for_good = true};
            play(&once);
            play(&for_good);
            EXPECT(once.stopped || cut > whole.moved[side] - 16);
            count += 2;
        }
    }
    cleat_close(contexts[CLIENT]);
    cleat_close(contexts[SERVER]);
    printf("%-30s %d + %d bytes, %d runs\n", kind->name, whole.moved[CLIENT], whole.moved[SERVER],
           count);
}

int main(int argc, char **argv) {
    int step = argc > 1 ? (int)strtol(argv[1], NULL, 10) : default_step();
    size_t i;
    for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) try_kind(&kinds[i], step);
    EXPECT(cleat_handle_count() == 0);
    return 0;
}
