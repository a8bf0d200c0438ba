/* message.h: what the core looks at in the messages of a handshake, beside BoringSSL. */
#ifndef CLEAT_CORE_MESSAGE_H
#define CLEAT_CORE_MESSAGE_H

#include "base/boringssl.h"

/* The types of messages (RFC 8446 section 4, RFC 5246 section 7.4). */
enum { CLEAT_SERVER_HELLO = 2, CLEAT_SERVER_KEY_EXCHANGE = 12, CLEAT_CERTIFICATE_VERIFY = 15 };

struct cleat_connection;

/* cleat_message_set_up has the messages of the connections of ssl_ctx looked at until their handshakes are done, and
 * kept, also afterwards, for those that keep them. */
void cleat_message_set_up(SSL_CTX *ssl_ctx);
void cleat_message_handshake_done(struct cleat_connection *connection);

/* cleat_message_named_curve skips the parameters of a ServerKeyExchange with ECDHE, and returns the group; 0 if they
 * are others, or malformed. */
uint16_t cleat_message_named_curve(CBS *body);

#endif
