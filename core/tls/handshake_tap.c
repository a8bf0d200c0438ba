#include "tls/handshake_tap.h"

#include <string.h>

enum {
    RECORD_ALERT = 21,
    RECORD_HANDSHAKE = 22,
    SERVER_HELLO = 2,
    SERVER_KEY_EXCHANGE = 12,
    SERVER_HELLO_DONE = 14,
    CLIENT_KEY_EXCHANGE = 16,
    HELLO_SESSION_ID = 2 + 32 /* after the version and the random bytes */
};

void cleat_handshake_tap_start(struct cleat_handshake_tap *tap, bool server_side) {
    memset(tap, 0, sizeof *tap);
    tap->server_side = server_side;
    tap->has_text = !server_side; /* a server may send no hint */
}

static bool in_handshake(const struct cleat_handshake_tap *tap) {
    return tap->record_head_len == sizeof tap->record_head &&
           tap->record_head[0] == RECORD_HANDSHAKE;
}

int cleat_handshake_tap_room(const struct cleat_handshake_tap *tap, int len) {
    if (tap->off || !in_handshake(tap) || len < tap->record_left || len == 1) return len;
    return tap->record_left == 1 ? 1 : tap->record_left - 1;
}

/* Stores the text at the beginning of a key exchange message: a two-byte length and the bytes, which BoringSSL
 * copies as a C string. */
static void keep_text(struct cleat_handshake_tap *tap) {
    size_t len = tap->kept_len < 2 ? SIZE_MAX : (size_t)tap->kept[0] << 8 | tap->kept[1];
    tap->has_text =
        len <= CLEAT_TAP_TEXT && 2 + len <= tap->kept_len && memchr(tap->kept + 2, 0, len) == NULL;
    tap->has_more = tap->has_text && (tap->message_head[1] != 0 || tap->message_head[2] != 0 ||
                                      tap->message_head[3] != 2 + len);
    tap->text_len = tap->has_text ? (uint8_t)len : 0;
    memcpy(tap->text, tap->kept + 2, tap->text_len);
}

static void keep_suite(struct cleat_handshake_tap *tap) {
    size_t at;
    if (tap->kept_len <= HELLO_SESSION_ID) return;
    at = HELLO_SESSION_ID + 1 + (size_t)tap->kept[HELLO_SESSION_ID];
    if (at + 2 <= tap->kept_len) tap->suite = (uint16_t)(tap->kept[at] << 8 | tap->kept[at + 1]);
}

static void end_message(struct cleat_handshake_tap *tap) {
    uint8_t type = tap->message_head[0];
    if (tap->server_side && type == CLIENT_KEY_EXCHANGE) {
        keep_text(tap);
        tap->needs_key = true;
    } else if (!tap->server_side && type == SERVER_HELLO) {
        keep_suite(tap);
    } else if (!tap->server_side && type == SERVER_KEY_EXCHANGE) {
        keep_text(tap);
    } else if (!tap->server_side && type == SERVER_HELLO_DONE) {
        tap->needs_key = true;
    }
    tap->message_head_len = 0;
    tap->kept_len = 0;
}

/* Processes bytes of a message's header or of its body, and returns how many. */
static size_t follow_message(struct cleat_handshake_tap *tap, const uint8_t *bytes, size_t len) {
    const uint8_t *head = tap->message_head;
    size_t room;
    if (tap->message_head_len < sizeof tap->message_head) {
        tap->message_head[tap->message_head_len++] = bytes[0];
        if (tap->message_head_len < sizeof tap->message_head) return 1;
        tap->message_left = (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
        if (tap->message_left == 0) end_message(tap);
        return 1;
    }
    if (len > tap->message_left) len = tap->message_left;
    room = sizeof tap->kept - tap->kept_len;
    if (room > len) room = len;
    memcpy(tap->kept + tap->kept_len, bytes, room);
    tap->kept_len = (uint8_t)(tap->kept_len + room);
    tap->message_left -= (uint32_t)len;
    if (tap->message_left == 0) end_message(tap);
    return len;
}

/* A record that is neither handshake nor alert begins the encrypted part. */
static void begin_record(struct cleat_handshake_tap *tap) {
    const uint8_t *head = tap->record_head;
    tap->record_left = (uint16_t)(head[3] << 8 | head[4]);
    tap->off = (head[0] != RECORD_HANDSHAKE && head[0] != RECORD_ALERT) || head[1] != 3;
}

static size_t follow_record(struct cleat_handshake_tap *tap, const uint8_t *bytes, size_t len) {
    size_t processed = 0;
    if (len > tap->record_left) len = tap->record_left;
    if (in_handshake(tap)) {
        while (processed < len)
            processed += follow_message(tap, bytes + processed, len - processed);
    }
    tap->record_left = (uint16_t)(tap->record_left - len);
    return len;
}

bool cleat_handshake_tap_follow(struct cleat_handshake_tap *tap, const uint8_t *bytes, size_t len) {
    size_t processed = 0;
    while (processed < len && !tap->off) {
        if (tap->record_head_len < sizeof tap->record_head) {
            tap->record_head[tap->record_head_len++] = bytes[processed++];
            if (tap->record_head_len == sizeof tap->record_head) begin_record(tap);
        } else {
            processed += follow_record(tap, bytes + processed, len - processed);
        }
        if (tap->record_head_len == sizeof tap->record_head && tap->record_left == 0) {
            tap->record_head_len = 0;
        }
    }
    tap->withholds = tap->needs_key && !tap->off && tap->record_head_len == 0;
    if (!tap->withholds) return false;
    tap->withheld = bytes[len - 1];
    tap->off = true; /* a handshake has only one such message */
    return true;
}
