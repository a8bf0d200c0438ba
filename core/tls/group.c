/* group.c: in TLS 1.2 a client's list of groups has two meanings: the groups that it accepts for the key exchange,
 * and the curves that the server's certificate may have. As with OpenSSL, a list with a NIST curve is used for both.
 * Certificates cannot have X25519: a client with only X25519 would accept no ECDSA certificate. So it also offers
 * the NIST curves, after X25519, and refuses a server as soon as it selects one of them for the key exchange. */
#include "tls/group.h"

#include "base/argument.h"
#include "tls/message.h"

#define KEY_SHARE 51

/* The curves of certificates. */
static const int curves[] = {NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1};

enum { CURVES = sizeof curves / sizeof curves[0] };

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

void cleat_group_check(const struct cleat_connection *connection, SSL *ssl, uint8_t type,
                       CBS message) {
    uint16_t group = 0;
    if (!connection->restricts_groups) return;
    if (type == CLEAT_SERVER_HELLO) group = shared_group(message);
    if (type == CLEAT_SERVER_KEY_EXCHANGE) group = cleat_message_named_curve(&message);
    if (group == 0 ||
        cleat_groups_has(&connection->configuration->algorithms.groups, cleat_group_nid(group))) {
        return;
    }
    /* The alert ends the handshake. This error is queued first because it is more specific than the one of the
     * alert. */
    ERR_put_error(ERR_LIB_SSL, 0, SSL_R_WRONG_CURVE, __FILE__, __LINE__);
    SSL_send_fatal_alert(ssl, SSL_AD_HANDSHAKE_FAILURE);
}

bool cleat_group_restrict(SSL *ssl, const struct cleat_configuration *configuration,
                          bool *restricts) {
    const struct cleat_groups *groups = &configuration->algorithms.groups;
    int offered[CLEAT_GROUPS_MAX + CURVES];
    size_t count = 0;
    size_t i;
    *restricts = false;
    /* The list restricts the curves of certificates only in TLS 1.2 and earlier. */
    if (groups->count == 0 || configuration->minimum_version >= TLS1_3_VERSION) return true;
    for (i = 0; i < groups->count; i++) offered[count++] = groups->nids[i];
    for (i = 0; i < CURVES; i++) {
        if (cleat_groups_has(groups, curves[i])) return true;
        offered[count++] = curves[i];
    }
    /* Only BoringSSL of 2023 has P-224, by set_ecdh_curve. Certificates can have it. */
    if (cleat_groups_has(groups, NID_secp224r1)) return true;
    *restricts = true;
    return SSL_set1_curves(ssl, offered, count) == 1;
}

int32_t cleat_connection_group(int32_t connection, char *output, int32_t output_cap) {
    int32_t result = 0;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_BEGIN(connection);
    if (self->established) {
        uint16_t number = SSL_get_curve_id(self->ssl);
        const char *name = number == 0 ? NULL : cleat_group_name(number);
        if (name != NULL) {
            result = cleat_copy_out(name, (int64_t)strlen(name), output, output_cap);
        }
    }
    CLEAT_END(result);
}
