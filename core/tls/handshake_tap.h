/* handshake_tap.h: parses the handshake messages that a connection receives in TLS 1.2 and earlier, up to the one at
 * which BoringSSL needs a pre-shared key: on a server the ClientKeyExchange, on a client the ServerHelloDone.
 *
 * BoringSSL gets the key by a callback that cannot suspend the handshake. So the tap withholds the last byte of the
 * record with this message: BoringSSL waits for the byte, and meanwhile the caller can be asked for the key. The tap
 * stores a limited part of each message, and leaves malformed messages to BoringSSL. */
#ifndef CLEAT_CORE_HANDSHAKE_TAP_H
#define CLEAT_CORE_HANDSHAKE_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CLEAT_TAP_TEXT = 128, /* the maximum length of an identity or hint, which is BoringSSL's */
    CLEAT_TAP_KEPT = 2 + CLEAT_TAP_TEXT /* the stored beginning of each message */
};

struct cleat_handshake_tap {
    bool server_side;
    bool off; /* no plaintext follows, or the input is not TLS */
    bool needs_key; /* a record with that message was received */
    bool withholds; /* its last byte is withheld */
    bool released; /* the byte is to be read next */
    uint8_t withheld;
    bool has_text; /* the identity or the hint was well-formed */
    bool has_more; /* something follows the text, such as key exchange parameters */
    uint8_t text_len;
    /* On a server the client's identity, on a client the server's hint. */
    uint8_t text[CLEAT_TAP_TEXT];
    uint16_t suite; /* on a client: the suite that the server has selected */
    uint8_t record_head[5];
    uint8_t record_head_len;
    uint16_t record_left; /* bytes of the record that have not been received */
    uint8_t message_head[4];
    uint8_t message_head_len;
    uint32_t message_left;
    uint8_t kept[CLEAT_TAP_KEPT]; /* the beginning of the message */
    uint8_t kept_len;
};

void cleat_handshake_tap_start(struct cleat_handshake_tap *tap, bool server_side);

/* cleat_handshake_tap_room returns how many bytes may be received at once when BoringSSL wants len: the last byte of
 * a handshake record must be received separately. */
int cleat_handshake_tap_room(const struct cleat_handshake_tap *tap, int len);

/* cleat_handshake_tap_follow processes len received bytes, and returns whether the last of them is withheld: it must
 * not be passed to BoringSSL. */
bool cleat_handshake_tap_follow(struct cleat_handshake_tap *tap, const uint8_t *bytes, size_t len);

#endif
