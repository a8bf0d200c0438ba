/* message.h: a record of the TLS messages that a connection has sent and received, for debugging (Python's
 * SSLContext._msg_callback). */
#ifndef CLEAT_MESSAGE_H
#define CLEAT_MESSAGE_H

#include "cleat/base.h"

/* CLEAT_MESSAGE_* are the kinds of messages, with the numbers of TLS's content types; HEADER is the header of any
 * record (5 bytes). CLIENT_HELLO_INNER is the ClientHello that Encrypted ClientHello encrypts, before it is encrypted
 * and after it was decrypted; SSL2_CLIENT_HELLO is a ClientHello in the format of SSL 2, which servers accept for
 * later versions. */
#define CLEAT_MESSAGE_SSL2_CLIENT_HELLO 0
#define CLEAT_MESSAGE_CHANGE_CIPHER_SPEC 20
#define CLEAT_MESSAGE_ALERT 21
#define CLEAT_MESSAGE_HANDSHAKE 22
#define CLEAT_MESSAGE_HEADER 256
#define CLEAT_MESSAGE_CLIENT_HELLO_INNER 257

/* CLEAT_MESSAGES_MAX is the maximum size of the messages that a connection keeps for its caller, in bytes. */
#define CLEAT_MESSAGES_MAX 1048576

/* cleat_context_message_events returns 1 if connections of the context record their messages, otherwise 0, as in a
 * new context. */
CLEAT_API int32_t cleat_context_message_events(int32_t context);

/* cleat_context_set_message_events returns CLEAT_OK and sets whether connections record their messages. on: 0 or 1.
 * The messages contain no keys, but handshake messages contain certificates and names, which TLS 1.3 encrypts. A
 * connection keeps the setting that its context had when it was made. */
CLEAT_API int32_t cleat_context_set_message_events(int32_t context, int32_t on);

/* cleat_connection_next_message returns the length of the connection's oldest recorded message and copies it to
 * output; 0 if there is none. If the message fits into output it is removed from the record, otherwise it stays. The
 * function stores whether this side has sent the message (sent: 0 or 1), the version of TLS (tls_version:
 * CLEAT_TLS*_VERSION, or another number that the peer has sent), the kind of the message (content_type:
 * CLEAT_MESSAGE_*), its time in seconds on the clock of cleat_monotonic, and how many messages before it were
 * discarded, for lack of memory or because more than CLEAT_MESSAGES_MAX bytes would have been kept (lost_count).
 * Without a message all of these except lost_count are 0. */
CLEAT_API int32_t cleat_connection_next_message(int32_t connection, CLEAT_BINARY char *output,
                                                int32_t output_cap, int32_t *sent,
                                                int32_t *tls_version, int32_t *content_type,
                                                double *seconds, int32_t *lost_count);

#endif
