/* group.c: in TLS 1.2 a client's list of groups says two things: which it takes for the key exchange,
 * and which curves the server's certificate may have. A client that allows one of NIST's curves says
 * that of both, as with OpenSSL. X25519 is no curve of a certificate's: a client that allows it alone
 * would have no ECDSA certificate at all. It offers the other curves behind it, and refuses a server
 * that chooses one of them for the key exchange as soon as that says so. */
#include "tls/group.h"

#define SERVER_HELLO 2
#define SERVER_KEY_EXCHANGE 12
#define KEY_SHARE 51
#define NAMED_CURVE 3

/* The group of a ServerHello or HelloRetryRequest of TLS 1.3; 0 if there is none. */
static uint16_t shared_group(CBS hello) {
    CBS session_id;
    CBS extensions;
    if (!CBS_skip(&hello, 2 + SSL3_RANDOM_SIZE) ||
        !CBS_get_u8_length_prefixed(&hello, &session_id) || !CBS_skip(&hello, 3) ||
        !CBS_get_u16_length_prefixed(&hello, &extensions)) {
        return 0;
    }
    while (CBS_len(&extensions) > 0) {
        uint16_t type;
        uint16_t group;
        CBS body;
        if (!CBS_get_u16(&extensions, &type) || !CBS_get_u16_length_prefixed(&extensions, &body)) {
            return 0;
        }
        if (type == KEY_SHARE) return CBS_get_u16(&body, &group) ? group : 0;
    }
    return 0;
}

/* The group of a ServerKeyExchange of TLS 1.2; 0 if there is none. */
static uint16_t exchanged_group(CBS message) {
    uint8_t type;
    uint16_t group;
    if (!CBS_get_u8(&message, &type) || type != NAMED_CURVE || !CBS_get_u16(&message, &group)) {
        return 0;
    }
    return group;
}

/* BoringSSL's callback for each message, before it acts on it. What is malformed it refuses. */
static void on_message(int is_write, int version, int content_type, const void *bytes, size_t len,
                       SSL *ssl, void *unused) {
    const struct cleat_connection *connection = SSL_get_app_data(ssl);
    uint16_t group = 0;
    uint8_t type;
    CBS message;
    (void)version;
    (void)unused;
    CBS_init(&message, bytes, len);
    if (is_write != 0 || content_type != SSL3_RT_HANDSHAKE || !CBS_get_u8(&message, &type) ||
        !CBS_skip(&message, 3)) {
        return;
    }
    if (type == SERVER_HELLO) group = shared_group(message);
    if (type == SERVER_KEY_EXCHANGE) group = exchanged_group(message);
    if (group == 0 || group == connection->group) return;
    /* The alert ends the handshake. The error that it leaves behind says less than this one. */
    ERR_put_error(ERR_LIB_SSL, 0, SSL_R_WRONG_CURVE, __FILE__, __LINE__);
    SSL_send_fatal_alert(ssl, SSL_AD_HANDSHAKE_FAILURE);
}

bool cleat_group_restrict(struct cleat_connection *connection, SSL *ssl, int curve) {
    static const int offered[] = {NID_X25519, NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1};
    if (curve != NID_X25519) return true;
    connection->group = SSL_CURVE_X25519;
    SSL_set_msg_callback(ssl, on_message);
    return SSL_set1_curves(ssl, offered, sizeof offered / sizeof offered[0]) == 1;
}
