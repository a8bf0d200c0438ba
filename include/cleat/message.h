/* message.h: the messages of TLS that a connection has sent and received, for finding errors, as by Python's
 * SSLContext._msg_callback. */
#ifndef CLEAT_MESSAGE_H
#define CLEAT_MESSAGE_H

#include "cleat/base.h"

/* CLEAT_MESSAGE_* are the kinds of messages, with the numbers of TLS's content types; HEADER is the header of a record
 * (5 bytes), whatever is in it. */
#define CLEAT_MESSAGE_CHANGE_CIPHER_SPEC 20
#define CLEAT_MESSAGE_ALERT 21
#define CLEAT_MESSAGE_HANDSHAKE 22
#define CLEAT_MESSAGE_HEADER 256

/* CLEAT_MESSAGES_MAX is how many bytes of messages a connection keeps for its caller. */
#define CLEAT_MESSAGES_MAX 1048576

/* cleat_context_message_events returns 1 if connections of the context keep their messages, otherwise 0. */
CLEAT_API int32_t cleat_context_message_events(int32_t context);

/* cleat_context_set_message_events returns CLEAT_OK and sets that. on: 0 or 1. The messages hold no keys; those of a
 * handshake hold certificates and names, which TLS 1.3 encrypts. A connection keeps what its context had when it was
 * made. */
CLEAT_API int32_t cleat_context_set_message_events(int32_t context, int32_t on);

/* cleat_connection_next_message returns the length of the connection's oldest message that was not taken yet, and
 * copies it to output; if it fits there it is taken. 0: there is none. Stored are whether this side has sent it (sent:
 * 0 or 1), the version of TLS (TLS1_VERSION to TLS1_3_VERSION, or another number that the peer has sent), what it is
 * (content_type: CLEAT_MESSAGE_*), its time on the monotonic clock (cleat_monotonic), and how many messages before it
 * were discarded, because there was no memory for them or more than CLEAT_MESSAGES_MAX bytes would have been kept
 * (lost_count). All are 0 if there is no message, but lost_count. */
CLEAT_API int32_t cleat_connection_next_message(int32_t connection, CLEAT_BINARY char *output,
                                                int32_t output_cap, int32_t *sent,
                                                int32_t *tls_version, int32_t *content_type,
                                                double *seconds, int32_t *lost_count);

#endif
