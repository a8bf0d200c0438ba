/* exporter.h: keying material for other protocols, derived from the secrets of a connection (RFC 5705; RFC 8446
 * section 7.5), and a change of the keys that encrypt its data (KeyUpdate, RFC 8446 section 4.6.3).
 *
 * Channel bindings, which most programs want instead, are at cleat_connection_channel_binding. */
#ifndef CLEAT_EXPORTER_H
#define CLEAT_EXPORTER_H

#include "cleat/base.h"

/* CLEAT_EXPORT_* are the limits of cleat_connection_export_keying_material, in bytes. */
#define CLEAT_EXPORT_MAX 8160 /* of the keying material: what TLS 1.3 can derive with SHA-256 */
#define CLEAT_EXPORT_LABEL_MAX 249 /* of the label */
#define CLEAT_EXPORT_CONTEXT_MAX 65535 /* of the context value */

/* cleat_connection_export_keying_material returns buf_cap and fills buf with keying material that only the two sides of
 * the connection can derive. buf_cap: 1 to CLEAT_EXPORT_MAX. Both sides must give the same label, context
 * value and length. label: 1 to CLEAT_EXPORT_LABEL_MAX bytes, from IANA's registry of exporter labels or beginning
 * with "EXPERIMENTAL"; those that TLS itself uses ("client finished", "server finished", "master secret", "extended
 * master secret", "key expansion") are CLEAT_USAGE. context_value: at most CLEAT_EXPORT_CONTEXT_MAX bytes; up to TLS
 * 1.2 an absent one and an empty one give different results, in TLS 1.3 the same.
 *
 * CLEAT_USAGE before the handshake is done, also while there is early data. CLEAT_SSL with the reason
 * NO_EXTENDED_MASTER_SECRET up to TLS 1.2 if the peer lacks that extension: an attacker who is the server of one
 * connection and the client of another can make both have the same secrets then (RFC 7627 section 5.3). */
CLEAT_API int32_t cleat_connection_export_keying_material(int32_t connection, const char *label,
                                                          int32_t label_len,
                                                          CLEAT_ABSENT const char *context_value,
                                                          int32_t context_value_len, char *buf,
                                                          int32_t buf_cap);

/* cleat_connection_key_update returns CLEAT_OK and encrypts what is written from now on with new keys: all that was
 * written before is safe even if these are stolen. requested: 1 to ask the peer for the same, which it does
 * before its next data; otherwise 0. The message is sent with the writer's turn, behind a write that is under way, and
 * after CLEAT_WANT_WRITE or CLEAT_TIMEOUT nothing has happened. What the network does not take at once goes out with
 * the next call. A peer that uses BoringSSL ends the connection at the 33rd without data in between, as this side does
 * (TOO_MANY_KEY_UPDATES, the alert unexpected_message).
 * CLEAT_USAGE before the handshake is done; CLEAT_SSL with WRONG_SSL_VERSION below TLS 1.3; CLEAT_CLOSED after
 * cleat_connection_shutdown; CLEAT_WANT_WRITE; CLEAT_TIMEOUT; CLEAT_SYS; CLEAT_ALERT; CLEAT_EOF; CLEAT_NOMEM. */
CLEAT_API int32_t cleat_connection_key_update(int32_t connection, int32_t requested,
                                              double timeout);

#endif
