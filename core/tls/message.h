/* message.h: the core's own inspection of handshake messages. */
#ifndef CLEAT_CORE_MESSAGE_H
#define CLEAT_CORE_MESSAGE_H

#include "base/boringssl.h"

/* The types of messages (RFC 8446 section 4, RFC 5246 section 7.4). */
enum { CLEAT_SERVER_HELLO = 2, CLEAT_SERVER_KEY_EXCHANGE = 12, CLEAT_CERTIFICATE_VERIFY = 15 };

struct cleat_connection;

/* cleat_message_set_up makes connections of ssl_ctx inspect their messages until the handshake is done, and record
 * all of them if message events are enabled. */
void cleat_message_set_up(SSL_CTX *ssl_ctx);
void cleat_message_handshake_done(struct cleat_connection *connection);

/* cleat_message_named_curve skips the ECDHE parameters of a ServerKeyExchange, and returns their group; 0 for other
 * or malformed parameters. */
uint16_t cleat_message_named_curve(CBS *body);

#endif
