/* ech.h: Encrypted ClientHello (ECH, RFC 9849): the server's name and the rest of the ClientHello are encrypted with
 * a public key that the server publishes, usually in DNS. An observer sees the public name instead, which is the
 * same for all servers behind the key.
 *
 * A client passes the server's list of configurations to cleat_connection_set_ech_configs. A server that cannot
 * decrypt the ClientHello (it has other keys, or none, or no TLS 1.3) authenticates under the public name. The
 * client then verifies the certificate for the public name, by the context's settings, and the handshake always
 * fails: with CLEAT_VERIFY if the certificate is refused; otherwise with CLEAT_SSL, ECH_REJECTED, after the alert
 * ech_required. The client sends neither data nor a certificate to that server. cleat_connection_ech_retry_configs
 * then returns the server's present configurations, for another connection. A client never falls back to a plaintext
 * name by itself.
 *
 * A server's keys are immutable objects with ids; cleat_context_set_ech_keys sets the keys of a context. */
#ifndef CLEAT_ECH_H
#define CLEAT_ECH_H

#include "cleat/base.h"

/* CLEAT_ECH_CONFIGS_MAX is the maximum length of a list of configurations, in bytes. */
#define CLEAT_ECH_CONFIGS_MAX 65537

/* CLEAT_ECH_KEYS_MAX is the maximum number of keys of a context. */
#define CLEAT_ECH_KEYS_MAX 16

/* cleat_ech_key_new returns the id of a new X25519 key with its configuration for clients, which allows HKDF-SHA256
 * with AES-128-GCM or ChaCha20-Poly1305. public_name: the name that observers see, a host name in ASCII whose last
 * label is not a number; the server needs a certificate for it, for clients with outdated configurations. config_id:
 * 0 to 255, sent in plaintext, by which a server finds the key; -1 for a random one. Several keys may have the same.
 * max_name_length: 0 to 255, the length of the longest server name behind the key, in bytes: clients pad shorter
 * names to it, to hide their length. CLEAT_SSL with the reason INVALID_ECH_PUBLIC_NAME. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_ech_key_new(const char *public_name, int32_t public_name_len,
                                                 int32_t config_id, int32_t max_name_length);

/* cleat_ech_key_load returns the id of the key in keyfile, in PEM (RFC 9934): a PRIVATE KEY block with an X25519
 * key, and an ECHCONFIG block with a list of configurations, one of which must belong to the key. A UTF-8 byte order
 * mark at the beginning is skipped. The content of the file is wiped from memory. CLEAT_SYS with the file's name at
 * cleat_error_filename; CLEAT_SSL: PEM NO_START_LINE if a block is missing; INVALID_ECH_CONFIG_LIST;
 * NO_ECH_CONFIG_OF_THE_KEY; UNSUPPORTED_ECH_SERVER_CONFIG for a configuration with algorithms or extensions that
 * BoringSSL does not support; UNKNOWN_KEY_TYPE for another type of key; ENCRYPTED_ECH_KEY for an encrypted key.
 * CLEAT_USAGE if PEM data is passed in place of a file name. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_ech_key_load(const char *keyfile, int32_t keyfile_len);

/* cleat_ech_key_load_data returns the id of the key in a PEM text in memory. CLEAT_SSL as for cleat_ech_key_load. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_ech_key_load_data(const char *data, int32_t data_len);

/* cleat_ech_key_pem returns the length of the key's PEM text, as cleat_ech_key_load takes it, and copies it to
 * output. DANGEROUS: it contains the private key. An attacker who has it can decrypt the names in all connections
 * that were encrypted for this key; protect it like a certificate's key. */
CLEAT_API int32_t cleat_ech_key_pem(int32_t ech_key, char *output, int32_t output_cap);

/* cleat_ech_key_config returns the length of the key's configuration, an ECHConfig of RFC 9849 section 4, and copies
 * it to output. Servers publish a list of these: see cleat_ech_config_list. */
CLEAT_API int32_t cleat_ech_key_config(int32_t ech_key, CLEAT_BINARY char *output,
                                       int32_t output_cap);

/* cleat_ech_key_config_id returns the number by which servers find the key (config_id), 0 to 255. */
CLEAT_API int32_t cleat_ech_key_config_id(int32_t ech_key);

/* cleat_ech_key_max_name_length returns the number max_name_length of the key's configuration, 0 to 255: see
 * cleat_ech_key_new. */
CLEAT_API int32_t cleat_ech_key_max_name_length(int32_t ech_key);

/* cleat_ech_key_public_name returns the length of the public name and copies it to output. */
CLEAT_API int32_t cleat_ech_key_public_name(int32_t ech_key, char *output, int32_t output_cap);

/* cleat_ech_config_list returns the length of an ECHConfigList of the configurations of the keys, and copies it to
 * output: servers publish it, and clients pass it to cleat_connection_set_ech_configs. ech_keys: ids of 1 to
 * CLEAT_ECH_KEYS_MAX keys, in order of preference. CLEAT_HANDLE for an id that is not an ECH key. */
CLEAT_API int32_t cleat_ech_config_list(const int32_t *ech_keys, int32_t ech_keys_len,
                                        CLEAT_BINARY char *output, int32_t output_cap);

/* cleat_context_set_ech_keys returns CLEAT_OK and sets the keys with which servers of the context decrypt, in place
 * of the previous ones. ech_keys: ids of 0 to CLEAT_ECH_KEYS_MAX keys, the newest first; the context keeps the keys
 * when the ids are closed. Servers decrypt with any of them, and send the configuration of the first to clients
 * whose ClientHello they cannot decrypt. Connections keep the keys that the context had when they were made, also if
 * cleat_connection_set_context switches them to another context. CLEAT_HANDLE for an id that is not an ECH key. */
CLEAT_API int32_t cleat_context_set_ech_keys(int32_t context, const int32_t *ech_keys,
                                             int32_t ech_keys_len);

/* cleat_context_ech_grease returns 1 if clients of the context send GREASE ECH when they have no configurations,
 * otherwise 0; 0 in a new context. */
CLEAT_API int32_t cleat_context_ech_grease(int32_t context);

/* cleat_context_set_ech_grease returns CLEAT_OK and sets whether clients without configurations send GREASE ECH: a
 * random extension that looks like ECH and that servers ignore, so that an observer cannot tell which clients
 * encrypt a name (RFC 9849 section 6.2). It is sent if TLS 1.3 is enabled. on: 0 or 1. */
CLEAT_API int32_t cleat_context_set_ech_grease(int32_t context, int32_t on);

/* cleat_connection_set_ech_configs returns CLEAT_OK and makes a client encrypt its ClientHello with the first
 * configuration of the list that BoringSSL supports. ech_configs: an ECHConfigList, as in the parameter "ech" of an
 * HTTPS record of DNS. Another call replaces it, and cleat_connection_set_context keeps it. The encrypted
 * ClientHello then offers TLS 1.3 only; the outer one, for servers without the key, may offer earlier versions. The
 * client resumes sessions of TLS 1.3 only. CLEAT_USAGE on a server, once the handshake has begun, and if TLS 1.3 is
 * disabled. CLEAT_SSL: INVALID_ECH_CONFIG_LIST for a malformed list, NO_SUPPORTED_ECH_CONFIG for a list without a
 * configuration that BoringSSL supports (X25519, HKDF-SHA256, and AES-128-GCM, AES-256-GCM or ChaCha20-Poly1305,
 * without mandatory extensions). */
CLEAT_API int32_t cleat_connection_set_ech_configs(int32_t connection, const char *ech_configs,
                                                   int32_t ech_configs_len);

/* cleat_connection_ech_accepted returns 1 if the ClientHello was encrypted and the server has decrypted it, otherwise
 * 0: on a client once the handshake is done, on a server once it has read the ClientHello. */
CLEAT_API int32_t cleat_connection_ech_accepted(int32_t connection);

/* cleat_connection_ech_public_name returns the length of the public name for which a client verifies the certificate
 * of a server that could not decrypt the ClientHello, and copies it to output: once the server's certificate has
 * arrived. 0 in all other cases. */
CLEAT_API int32_t cleat_connection_ech_public_name(int32_t connection, char *output,
                                                   int32_t output_cap);

/* cleat_connection_ech_retry_configs returns the length of the list of configurations that the server has sent, and
 * copies it to output, after a handshake that has failed with ECH_REJECTED. 0 if the server has sent none, which
 * means that it has no ECH at present; and if the server was not verified for the public name (with CLEAT_CERT_NONE,
 * or if verification is not enforced), since an attacker could have sent the list. */
CLEAT_API int32_t cleat_connection_ech_retry_configs(int32_t connection, CLEAT_BINARY char *output,
                                                     int32_t output_cap);

#endif
