/* established.c: records that a peer may send after the handshake, correctly encrypted. */
#include <string.h>

#include "../c/expect.h"
#include "hostile.h"
#include "peer.h"

enum { CLIENTS = 1, SERVERS = 2, BOTH = 3 }; /* the role of cleat */
enum { V1_2 = 1, V1_3 = 2, ANY = 3 };

/* One record, how often it is sent, and cleat's result. */
struct misuse {
    const char *name;
    int to; /* CLIENTS, SERVERS */
    int versions;
    uint8_t type;
    const char *bytes;
    int32_t len;
    int times;
    const char *reasons; /* NULL: it is accepted, and data after it arrives */
};

#define BYTES(text) text, sizeof(text) - 1

static const struct misuse misuses[] = {
    {"a fatal alert", BOTH, ANY, ALERT, BYTES("\x02\x50"), 1, "TLSV1_ALERT_INTERNAL_ERROR"},
    {"an alert of an unknown level", BOTH, ANY, ALERT, BYTES("\x07\x50"), 1, "UNKNOWN_ALERT_TYPE"},
    {"an alert of half its length", BOTH, ANY, ALERT, BYTES("\x02"), 1, "BAD_ALERT"},
    {"warnings, some", BOTH, ANY, ALERT, BYTES("\x01\x5a"), 4, NULL},
    {"warnings without end", BOTH, ANY, ALERT, BYTES("\x01\x5a"), 1000, "TOO_MANY_WARNING_ALERTS"},
    {"empty records, some", BOTH, ANY, APPLICATION_DATA, BYTES(""), 32, NULL},
    {"empty records without end", BOTH, ANY, APPLICATION_DATA, BYTES(""), 1000,
     "TOO_MANY_EMPTY_FRAGMENTS"},
    {"an empty handshake record", BOTH, V1_3, HANDSHAKE, BYTES(""), 1000,
     "TOO_MANY_EMPTY_FRAGMENTS"},
    {"a record of an unknown type", BOTH, ANY, 99, BYTES("x"), 1, "UNEXPECTED_RECORD"},
    {"a ChangeCipherSpec", BOTH, ANY, CHANGE_CIPHER_SPEC, BYTES("\x01"), 1, "UNEXPECTED_RECORD"},
    {"a renegotiation", CLIENTS, V1_2, HANDSHAKE, BYTES("\x00\x00\x00\x00"), 1, "NO_RENEGOTIATION"},
    {"a renegotiation", SERVERS, V1_2, HANDSHAKE, BYTES("\x01\x00\x00\x02\x03\x03"), 1,
     "NO_RENEGOTIATION"},
    {"a renegotiation", CLIENTS, V1_3, HANDSHAKE, BYTES("\x00\x00\x00\x00"), 1,
     "UNEXPECTED_MESSAGE"},
    {"a renegotiation", SERVERS, V1_3, HANDSHAKE, BYTES("\x01\x00\x00\x02\x03\x03"), 1,
     "UNEXPECTED_MESSAGE"},
    {"a request for a certificate", CLIENTS, V1_3, HANDSHAKE, BYTES("\x0d\x00\x00\x03\x00\x00\x00"),
     1, "UNEXPECTED_MESSAGE"},
    {"a Finished", BOTH, V1_3, HANDSHAKE, BYTES("\x14\x00\x00\x04xxxx"), 1, "UNEXPECTED_MESSAGE"},
    {"a ticket to a server", SERVERS, V1_3, HANDSHAKE, BYTES("\x04\x00\x00\x01x"), 1,
     "UNEXPECTED_MESSAGE"},
    {"a malformed ticket", CLIENTS, V1_3, HANDSHAKE, BYTES("\x04\x00\x00\x01x"), 1, "DECODE_ERROR"},
    {"a message of 16 MB", BOTH, V1_3, HANDSHAKE, BYTES("\x04\xff\xff\xff\x00"), 1,
     "EXCESSIVE_MESSAGE_SIZE"},
    {"a KeyUpdate with an unknown value", BOTH, V1_3, HANDSHAKE, BYTES("\x18\x00\x00\x01\x02"), 1,
     "DECODE_ERROR"},
    {"a KeyUpdate with trailing bytes", BOTH, V1_3, HANDSHAKE, BYTES("\x18\x00\x00\x01\x00\x18"), 1,
     "EXCESS_HANDSHAKE_DATA"},
    {"a KeyUpdate of TLS 1.3", BOTH, V1_2, HANDSHAKE, BYTES("\x18\x00\x00\x01\x00"), 1,
     "NO_RENEGOTIATION|BAD_HELLO_REQUEST"},
};

static void expect_data(const char *where, struct peer *peer) {
    char room[16];
    int32_t status;
    peer_send(peer, APPLICATION_DATA, "data", 4);
    status = cleat_connection_read(peer->id, room, sizeof room, 0);
    if (status != 4) fprintf(stderr, "%s: no data after it\n", where);
    EXPECT(status == 4 && memcmp(room, "data", 4) == 0);
}

static int32_t read_any(const struct peer *peer) {
    static char room[PEER_RECORD];
    return cleat_connection_read(peer->id, room, sizeof room, 0);
}

static void open_peer(struct peer *peer, int32_t version, bool is_server) {
    peer_open(peer, version, is_server);
    peer_shake_hands(peer);
    expect_data("nothing", peer); /* the control: records are encrypted correctly */
}

/* finish checks the connection after the misuse, and that it has not used much memory. */
static void finish(const char *name, struct peer *peer, int32_t status, const char *reasons,
                   int64_t before) {
    EXPECT(memory_in_use() < before + 200000);
    if (reasons == NULL) {
        EXPECT(status < 0 && CLEAT_CLASS(status) == CLEAT_WANT_READ);
        expect_data(name, peer);
    } else {
        expect_reason(name, status, reasons);
        expect_dead(name, peer->id);
    }
    peer_close(peer);
}

static void try_misuse(const struct misuse *misuse, int32_t version, bool is_server) {
    struct peer peer;
    int32_t status = -(CLEAT_WANT_READ << 16);
    int64_t before;
    int i;
    open_peer(&peer, version, is_server);
    before = memory_in_use();
    for (i = 0; i < misuse->times && CLEAT_CLASS(status) == CLEAT_WANT_READ; i++) {
        peer_send(&peer, misuse->type, misuse->bytes, misuse->len);
        status = read_any(&peer);
    }
    finish(misuse->name, &peer, status, misuse->reasons, before);
}

/* The cases of more than one record. Each returns the status of the read. */
struct special {
    const char *name;
    int to;
    int versions;
    int32_t (*play)(struct peer *peer);
    const char *reasons;
};

static int32_t play_garbage(struct peer *peer) {
    peer_send_raw(peer, "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8 and so on", 18);
    return read_any(peer);
}

static int32_t play_http(struct peer *peer) {
    peer_send_raw(peer, "GET / HTTP/1.1\r\n\r\n", 18);
    return read_any(peer);
}

static int32_t play_plain_alert(struct peer *peer) {
    peer_send_raw(peer, "\x15\x03\x03\x00\x02\x02\x50", 7);
    return read_any(peer);
}

static int32_t play_long_header(struct peer *peer) {
    peer_send_raw(peer, "\x17\x03\x03\xff\xff", 5);
    return read_any(peer);
}

static int32_t play_oversized(struct peer *peer) {
    static const char much[16385];
    peer_send(peer, APPLICATION_DATA, much, sizeof much);
    return read_any(peer);
}

static int32_t play_largest(struct peer *peer) {
    static const char much[16384];
    peer_send(peer, APPLICATION_DATA, much, sizeof much);
    EXPECT(read_any(peer) == sizeof much);
    return read_any(peer);
}

static int32_t play_changed(struct peer *peer) {
    uint8_t record[PEER_RECORD];
    int32_t len = peer_seal(peer, APPLICATION_DATA, "data", 4, record);
    record[len - 1] ^= 1;
    peer_send_raw(peer, record, len);
    return read_any(peer);
}

static int32_t play_replay(struct peer *peer) {
    uint8_t record[PEER_RECORD];
    int32_t len = peer_seal(peer, APPLICATION_DATA, "data", 4, record);
    peer_send_raw(peer, record, len);
    EXPECT(read_any(peer) == 4);
    peer_send_raw(peer, record, len);
    return read_any(peer);
}

static int32_t play_skipped(struct peer *peer) {
    uint8_t record[PEER_RECORD];
    peer_seal(peer, APPLICATION_DATA, "data", 4, record); /* and not sent */
    peer_send(peer, APPLICATION_DATA, "data", 4);
    return read_any(peer);
}

static void update(struct peer *peer, int request) {
    const char message[] = {24, 0, 0, 1, (char)request};
    peer_send(peer, HANDSHAKE, message, sizeof message);
    peer_update_key(peer);
}

static int32_t play_updates(struct peer *peer) {
    int32_t status = -(CLEAT_WANT_READ << 16);
    int i;
    for (i = 0; i < 1000 && CLEAT_CLASS(status) == CLEAT_WANT_READ; i++) {
        update(peer, 0);
        status = read_any(peer);
    }
    return status;
}

/* Each requests one in return. */
static int32_t play_requests(struct peer *peer) {
    int32_t status = -(CLEAT_WANT_READ << 16);
    int i;
    for (i = 0; i < 1000 && CLEAT_CLASS(status) == CLEAT_WANT_READ; i++) {
        update(peer, 1);
        status = read_any(peer);
    }
    EXPECT(cleat_connection_drain_pending(peer->id) < 10000);
    return status;
}

static int32_t play_updates_and_data(struct peer *peer) {
    int i;
    for (i = 0; i < 1000; i++) {
        update(peer, 0);
        expect_data("updates and data", peer);
    }
    return read_any(peer);
}

static int32_t play_tickets(struct peer *peer) {
    /* lifetime, age, an empty nonce, a ticket of a byte, no extensions */
    static const char ticket[] =
        "\x04\x00\x00\x0e\x00\x00\x0e\x10\x00\x00\x00\x00\x00\x00\x01x\x00\x00";
    int i;
    for (i = 0; i < 2000; i++) peer_send(peer, HANDSHAKE, ticket, sizeof ticket - 1);
    return read_any(peer);
}

static const struct special specials[] = {
    {"garbage", BOTH, ANY, play_garbage, "WRONG_VERSION_NUMBER"},
    {"HTTP", BOTH, ANY, play_http, "WRONG_VERSION_NUMBER"},
    {"an alert in plaintext", BOTH, V1_2, play_plain_alert, "BAD_PACKET_LENGTH"},
    {"an alert in plaintext", BOTH, V1_3, play_plain_alert,
     "BAD_PACKET_LENGTH|INVALID_OUTER_RECORD_TYPE"},
    {"a record of 65535 bytes", BOTH, ANY, play_long_header, "ENCRYPTED_LENGTH_TOO_LONG"},
    {"a record with a byte too many", BOTH, ANY, play_oversized, "DATA_LENGTH_TOO_LONG"},
    {"a record of the maximal length", BOTH, ANY, play_largest, NULL},
    {"a changed record", BOTH, ANY, play_changed, "DECRYPTION_FAILED_OR_BAD_RECORD_MAC"},
    {"a record twice", BOTH, ANY, play_replay, "DECRYPTION_FAILED_OR_BAD_RECORD_MAC"},
    {"a missing record", BOTH, ANY, play_skipped, "DECRYPTION_FAILED_OR_BAD_RECORD_MAC"},
    {"KeyUpdates without end", BOTH, V1_3, play_updates, "TOO_MANY_KEY_UPDATES"},
    {"KeyUpdates without end, answered", BOTH, V1_3, play_requests, "TOO_MANY_KEY_UPDATES"},
    {"KeyUpdates with data between them", BOTH, V1_3, play_updates_and_data, NULL},
    {"tickets, thousands", CLIENTS, V1_3, play_tickets, NULL},
};

static void try_special(const struct special *special, int32_t version, bool is_server) {
    struct peer peer;
    int64_t before;
    int32_t status;
    open_peer(&peer, version, is_server);
    before = memory_in_use();
    status = special->play(&peer);
    finish(special->name, &peer, status, special->reasons, before);
}

int try_established(void) {
    int count = 0;
    int versions;
    int to;
    size_t i;
    for (to = CLIENTS; to <= SERVERS; to++) {
        for (versions = V1_2; versions <= V1_3; versions++) {
            int32_t version = versions == V1_2 ? CLEAT_TLS1_2_VERSION : CLEAT_TLS1_3_VERSION;
            for (i = 0; i < sizeof misuses / sizeof misuses[0]; i++) {
                if ((misuses[i].to & to) == 0 || (misuses[i].versions & versions) == 0) continue;
                try_misuse(&misuses[i], version, to == CLIENTS);
                count++;
            }
            for (i = 0; i < sizeof specials / sizeof specials[0]; i++) {
                if ((specials[i].to & to) == 0 || (specials[i].versions & versions) == 0) continue;
                try_special(&specials[i], version, to == CLIENTS);
                count++;
            }
        }
    }
    return count;
}
