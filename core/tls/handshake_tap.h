/* handshake_tap.h: follows the handshake of TLS 1.2 and earlier that a connection receives, up to the message with
 * which BoringSSL asks for a pre-shared key: a server its client's ClientKeyExchange, a client the ServerHelloDone.
 *
 * BoringSSL asks by a callback that cannot pause. So the last byte of the record that has this message is held back
 * from it: BoringSSL waits for the byte, and what the callback returns can be asked for. The tap keeps a bounded part
 * of each message, and reads nothing that BoringSSL does not: it leaves what is malformed to it. */
#ifndef CLEAT_CORE_HANDSHAKE_TAP_H
#define CLEAT_CORE_HANDSHAKE_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CLEAT_TAP_TEXT = 128, /* bytes of an identity or a hint, at most: BoringSSL takes no more */
    CLEAT_TAP_KEPT = 2 + CLEAT_TAP_TEXT /* of each message: what is looked at is in its beginning */
};

struct cleat_handshake_tap {
    bool server_side;
    bool off; /* no plaintext follows, or what came is no TLS */
    bool asks; /* a record with the message was received */
    bool holds; /* its last byte is held back */
    bool released; /* it is what is read next */
    uint8_t held;
    bool has_text; /* the identity or the hint was well-formed */
    bool has_more; /* something came behind it, as the parameters of a key exchange */
    uint8_t text_len;
    uint8_t text[CLEAT_TAP_TEXT]; /* a server: the client's identity; a client: the server's hint */
    uint16_t suite; /* that a server has chosen; a client's only */
    uint8_t record_head[5];
    uint8_t record_head_len;
    uint16_t record_left; /* bytes of the record that are yet to come */
    uint8_t message_head[4];
    uint8_t message_head_len;
    uint32_t message_left;
    uint8_t kept[CLEAT_TAP_KEPT]; /* of the message */
    uint8_t kept_len;
};

void cleat_handshake_tap_start(struct cleat_handshake_tap *tap, bool server_side);

/* cleat_handshake_tap_room returns how many bytes may be received at once where BoringSSL wants len: the last of a
 * handshake record comes alone. */
int cleat_handshake_tap_room(const struct cleat_handshake_tap *tap, int len);

/* cleat_handshake_tap_follow takes len bytes that were received, and returns whether the last of them is held back now:
 * it is not to be passed on. */
bool cleat_handshake_tap_follow(struct cleat_handshake_tap *tap, const uint8_t *bytes, size_t len);

#endif
