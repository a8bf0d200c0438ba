/* beginning.c: bytes that a peer sends in plaintext instead of a handshake: as the first bytes, or, to a client, in
 * place of the server's answer. */
#include <string.h>

#include "../c/expect.h"
#include "hostile.h"
#include "peer.h"

/* The bytes, and how often they are sent. */
struct beginning {
    const char *name;
    const char *bytes;
    int32_t len;
    int times;
    const char
        *from_client; /* the reason of a server that receives them; NULL: it returns WANT_READ */
    const char *from_server; /* the reason of a client that receives them */
};

#define BYTES(text) text, sizeof(text) - 1

static const struct beginning beginnings[] = {
    {"HTTP", BYTES("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), 1, "HTTP_REQUEST",
     "WRONG_VERSION_NUMBER"},
    {"HTTP, to a proxy", BYTES("CONNECT localhost:443 HTTP/1.1\r\n\r\n"), 1, "HTTPS_PROXY_REQUEST",
     "WRONG_VERSION_NUMBER"},
    {"HTTP's answer", BYTES("HTTP/1.1 400 Bad Request\r\n\r\n"), 1, "WRONG_VERSION_NUMBER",
     "WRONG_VERSION_NUMBER"},
    {"a mail server", BYTES("220 mail.example ESMTP\r\n"), 1, "WRONG_VERSION_NUMBER",
     "WRONG_VERSION_NUMBER"},
    {"zeros", BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), 1, "WRONG_VERSION_NUMBER",
     "WRONG_VERSION_NUMBER"},
    {"SSL 2",
     BYTES("\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10\x01\x00\x80\x02\x00\x80\x03\x00\x80"), 1,
     "WRONG_VERSION_NUMBER|UNSUPPORTED_PROTOCOL", "WRONG_VERSION_NUMBER"},
    {"a fatal alert", BYTES("\x15\x03\x03\x00\x02\x02\x28"), 1, "SSLV3_ALERT_HANDSHAKE_FAILURE",
     "SSLV3_ALERT_HANDSHAKE_FAILURE"},
    {"an alert of half its length", BYTES("\x15\x03\x03\x00\x01\x02"), 1, "BAD_ALERT", "BAD_ALERT"},
    {"an alert of an unknown level", BYTES("\x15\x03\x03\x00\x02\x07\x28"), 1, "UNKNOWN_ALERT_TYPE",
     "UNKNOWN_ALERT_TYPE"},
    {"warnings without end", BYTES("\x15\x03\x03\x00\x02\x01\x5a"), 100, "TOO_MANY_WARNING_ALERTS",
     "TOO_MANY_WARNING_ALERTS"},
    {"close_notify", BYTES("\x15\x03\x03\x00\x02\x01\x00"), 1, "EOF", "EOF"},
    {"empty records without end", BYTES("\x16\x03\x03\x00\x00"), 100, "TOO_MANY_EMPTY_FRAGMENTS",
     "TOO_MANY_EMPTY_FRAGMENTS"},
    {"ChangeCipherSpecs without end", BYTES("\x14\x03\x03\x00\x01\x01"), 100, "UNEXPECTED_RECORD",
     "UNEXPECTED_RECORD"},
    {"data", BYTES("\x17\x03\x03\x00\x05hello"), 1,
     "UNEXPECTED_RECORD|APPLICATION_DATA_INSTEAD_OF_HANDSHAKE",
     "UNEXPECTED_RECORD|APPLICATION_DATA_INSTEAD_OF_HANDSHAKE"},
    {"a record of an unknown type", BYTES("\x63\x03\x03\x00\x01\x00"), 1, "UNEXPECTED_RECORD",
     "UNEXPECTED_RECORD"},
    {"a record of 65535 bytes", BYTES("\x16\x03\x03\xff\xff\x01"), 1, "ENCRYPTED_LENGTH_TOO_LONG",
     "ENCRYPTED_LENGTH_TOO_LONG"},
    {"a record of version 2", BYTES("\x16\x02\x00\x00\x01\x01"), 1, "WRONG_VERSION_NUMBER",
     "WRONG_VERSION_NUMBER"},
    {"a message of 16 MB", BYTES("\x16\x03\x03\x00\x05\x01\xff\xff\xff\x03"), 1,
     "EXCESSIVE_MESSAGE_SIZE", "EXCESSIVE_MESSAGE_SIZE"},
    {"a ServerHello to a server", BYTES("\x16\x03\x03\x00\x06\x02\x00\x00\x02\x03\x03"), 1,
     "UNEXPECTED_MESSAGE", "DECODE_ERROR"},
    {"a ClientHello that ends early", BYTES("\x16\x03\x03\x00\x06\x01\x00\x00\x02\x03\x03"), 1,
     "CLIENTHELLO_PARSE_FAILED|DECODE_ERROR", "UNEXPECTED_MESSAGE"},
    {"HelloRequests without end", BYTES("\x16\x03\x03\x00\x04\x00\x00\x00\x00"), 1000,
     "UNEXPECTED_MESSAGE", "UNEXPECTED_MESSAGE"},
    {"a Finished", BYTES("\x16\x03\x03\x00\x08\x14\x00\x00\x04xxxx"), 1, "UNEXPECTED_MESSAGE",
     "UNEXPECTED_MESSAGE"},
};

static void try_beginning(const struct beginning *beginning, bool is_server) {
    struct peer peer;
    const char *reasons = is_server ? beginning->from_server : beginning->from_client;
    int64_t before;
    int32_t status;
    int i;
    peer_open(&peer, CLEAT_TLS1_3_VERSION, is_server);
    if (is_server) {
        EXPECT(CLEAT_CLASS(cleat_connection_handshake(peer.id, 0)) == CLEAT_WANT_READ);
    }
    before = memory_in_use();
    for (i = 0; i < beginning->times; i++) peer_send_raw(&peer, beginning->bytes, beginning->len);
    status = cleat_connection_handshake(peer.id, 0);
    expect_reason(beginning->name, status, reasons);
    EXPECT(memory_in_use() < before + 100000);
    expect_dead(beginning->name, peer.id);
    peer_close(&peer);
}

/* The random that makes a ServerHello a HelloRetryRequest (RFC 8446 section 4.1.3). */
static const uint8_t retry_random[] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

/* One that requests a key share for a group. */
static void send_retry(struct peer *peer, const uint8_t *session_id, uint16_t group) {
    uint8_t record[100] = {HANDSHAKE, 3, 3, 0, 88, 2, 0, 0, 84, 3, 3};
    const uint8_t rest[] = {0x13, 0x01, 0, 0, 12, 0, 0x2b, 0, 2, 3, 4, 0, 0x33, 0, 2};
    uint8_t *at = record + 11;
    memcpy(at, retry_random, 32);
    at[32] = 32;
    memcpy(at + 33, session_id, 32);
    memcpy(at + 65, rest, sizeof rest);
    at[65 + sizeof rest] = (uint8_t)(group >> 8);
    at[66 + sizeof rest] = (uint8_t)group;
    peer_send_raw(peer, record, 93);
}

struct retry {
    const char *name;
    uint16_t group; /* none the first time; the same the second time */
    int times;
    const char *reasons; /* NULL: the client answers */
};

static const struct retry retries[] = {
    {"HelloRetryRequest for a group", 0x18, 1,
     NULL}, /* P-384, for which it has sent no key share: a valid request */
    {"HelloRetryRequest, twice", 0x18, 2, "UNEXPECTED_MESSAGE"},
    {"HelloRetryRequest for a group with a key share", 0x1d, 1, "WRONG_CURVE"},
    {"HelloRetryRequest for an unknown group", 0x7777, 1, "WRONG_CURVE"},
};

static void try_retry(const struct retry *retry) {
    struct peer peer;
    uint8_t hello[4096];
    int32_t status;
    peer_open(&peer, CLEAT_TLS1_3_VERSION, true);
    EXPECT(CLEAT_CLASS(cleat_connection_handshake(peer.id, 0)) == CLEAT_WANT_READ);
    EXPECT(cleat_connection_drain(peer.id, (char *)hello, sizeof hello) > 100 && hello[43] == 32);
    send_retry(&peer, hello + 44, retry->group);
    status = cleat_connection_handshake(peer.id, 0);
    if (retry->times == 2 || retry->reasons == NULL) {
        EXPECT(CLEAT_CLASS(status) == CLEAT_WANT_READ);
        EXPECT(cleat_connection_drain_pending(peer.id) > 100); /* the second ClientHello */
    }
    if (retry->times == 2) {
        send_retry(&peer, hello + 44, retry->group);
        status = cleat_connection_handshake(peer.id, 0);
    }
    if (retry->reasons != NULL) {
        expect_reason(retry->name, status, retry->reasons);
        expect_dead(retry->name, peer.id);
    }
    peer_close(&peer);
}

int try_beginnings(void) {
    const int count = sizeof beginnings / sizeof beginnings[0];
    const int retry_count = sizeof retries / sizeof retries[0];
    int i;
    for (i = 0; i < count; i++) {
        try_beginning(&beginnings[i], false);
        try_beginning(&beginnings[i], true);
    }
    for (i = 0; i < retry_count; i++) try_retry(&retries[i]);
    return 2 * count + retry_count;
}
