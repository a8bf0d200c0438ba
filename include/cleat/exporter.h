/* exporter.h: exports keying material for other protocols, derived from the secrets of a connection (RFC 5705; RFC
 * 8446 section 7.5), and updates the keys that encrypt its data (KeyUpdate, RFC 8446 section 4.6.3).
 *
 * For channel bindings, which most programs need instead, see cleat_connection_channel_binding. */
#ifndef CLEAT_EXPORTER_H
#define CLEAT_EXPORTER_H

#include "cleat/base.h"

/* CLEAT_EXPORT_* are the limits of cleat_connection_export_keying_material, in bytes. */
#define CLEAT_EXPORT_MAX 8160 /* of the keying material: what TLS 1.3 can derive with SHA-256 */
#define CLEAT_EXPORT_LABEL_MAX 249 /* of the label */
#define CLEAT_EXPORT_CONTEXT_MAX 65535 /* of the context value */

/* cleat_connection_export_keying_material returns buf_cap and fills buf with keying material that only the two sides
 * of the connection can derive. buf_cap: 1 to CLEAT_EXPORT_MAX. Both sides must give the same label, context value
 * and length. label: 1 to CLEAT_EXPORT_LABEL_MAX bytes, from IANA's registry of exporter labels or beginning with
 * "EXPERIMENTAL"; CLEAT_USAGE for the labels of TLS itself ("client finished", "server finished", "master secret",
 * "extended master secret", "key expansion"). context_value: at most CLEAT_EXPORT_CONTEXT_MAX bytes; up to TLS 1.2
 * an absent and an empty value give different results, in TLS 1.3 the same.
 *
 * CLEAT_USAGE before the handshake is done, also while early data is sent or received. CLEAT_SSL with the reason
 * NO_EXTENDED_MASTER_SECRET up to TLS 1.2 if the peer lacks that extension: an attacker between two connections
 * could then make them share the same secrets (RFC 7627 section 5.3). */
CLEAT_API int32_t cleat_connection_export_keying_material(int32_t connection, const char *label,
                                                          int32_t label_len,
                                                          CLEAT_ABSENT const char *context_value,
                                                          int32_t context_value_len, char *buf,
                                                          int32_t buf_cap);

/* cleat_connection_key_update returns CLEAT_OK and encrypts later writes with new keys: data that was written before
 * stays secret even if these keys are stolen. requested: 1 to request the same from the peer, which updates its keys
 * before its next data; otherwise 0. The call waits for a write in progress; after CLEAT_WANT_WRITE or CLEAT_TIMEOUT
 * nothing has changed. The next call sends what the network does not take at once. Peers that use BoringSSL, and
 * this side, end the connection at the 33rd KeyUpdate without data in between (TOO_MANY_KEY_UPDATES, the alert
 * unexpected_message). CLEAT_USAGE before the handshake is done; CLEAT_SSL with WRONG_SSL_VERSION below TLS 1.3;
 * CLEAT_CLOSED after cleat_connection_shutdown; CLEAT_WANT_WRITE; CLEAT_TIMEOUT; CLEAT_SYS; CLEAT_ALERT; CLEAT_EOF;
 * CLEAT_NOMEM. */
CLEAT_API int32_t cleat_connection_key_update(int32_t connection, int32_t requested,
                                              double timeout);

#endif
