/* ech.h: Encrypted ClientHello (ECH, RFC 9849): the server's name and the rest of the ClientHello are encrypted with a
 * public key that the server publishes, usually in DNS. An observer sees the public name instead: one name for all
 * servers behind the key.
 *
 * A client gives the server's list of configurations to cleat_connection_set_ech_configs. If the server cannot decrypt
 * (it has other keys, or none, or no TLS 1.3) it answers under the public name. Then its certificate is verified for
 * the public name, by the context's settings, and the handshake fails in any case: CLEAT_VERIFY if the certificate is
 * refused; otherwise CLEAT_SSL with the reason ECH_REJECTED, after the alert ech_required. Nothing is sent to that
 * server but the handshake: no data, and no client certificate. cleat_connection_ech_retry_configs then has the
 * server's present configurations, for another connection. A client never falls back to a plaintext name by itself.
 *
 * A server has keys: ids, which are immutable, and which cleat_context_set_ech_keys gives to a context. */
#ifndef CLEAT_ECH_H
#define CLEAT_ECH_H

#include "cleat/base.h"

/* CLEAT_ECH_CONFIGS_MAX is the longest list of configurations, in bytes. */
#define CLEAT_ECH_CONFIGS_MAX 65537

/* CLEAT_ECH_KEYS_MAX is how many keys a context can have. */
#define CLEAT_ECH_KEYS_MAX 16

/* cleat_ech_key_new returns the id of a new key: X25519, and the configuration that clients need for it, with HKDF-
 * SHA256 and either AES-128-GCM or ChaCha20-Poly1305. public_name: what observers see; the server needs a certificate
 * for it, for clients with old configurations. It must be a host name in ASCII whose last label is not a number.
 * config_id: 0 to 255, sent in plaintext, by which a server finds its key; -1 for one at random. Keys may share one.
 * max_name_length: 0 to 255, the longest name behind the key, in bytes: shorter names are padded to it, so that their
 * length does not show. CLEAT_SSL with the reason INVALID_ECH_PUBLIC_NAME. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_ech_key_new(const char *public_name, int32_t public_name_len,
                                                 int32_t config_id, int32_t max_name_length);

/* cleat_ech_key_load returns the id of the key in keyfile, in PEM (RFC 9934): a block PRIVATE KEY with an X25519 key,
 * and a block ECHCONFIG with a list of configurations, of which one must be the key's. A UTF-8 byte order mark before
 * it is skipped. What was read of the file is wiped. CLEAT_SYS with the file's name at cleat_error_filename;
 * CLEAT_SSL: PEM NO_START_LINE if a block is missing; INVALID_ECH_CONFIG_LIST; NO_ECH_CONFIG_OF_THE_KEY;
 * UNSUPPORTED_ECH_SERVER_CONFIG for a configuration that promises more than BoringSSL has; UNKNOWN_KEY_TYPE for
 * another type of key; ENCRYPTED_ECH_KEY. CLEAT_USAGE for PEM data where a file's name is due. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_ech_key_load(const char *keyfile, int32_t keyfile_len);

/* cleat_ech_key_load_data returns the id of the key in a PEM text in memory. CLEAT_SSL as there. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_ech_key_load_data(const char *data, int32_t data_len);

/* cleat_ech_key_pem returns the length of the key's PEM text, as cleat_ech_key_load takes it, and copies it to output.
 * DANGEROUS: it holds the private key. Who reads it can decrypt the names that clients of all connections have sent
 * with it; keep it as safe as a certificate's key. */
CLEAT_API int32_t cleat_ech_key_pem(int32_t ech_key, char *output, int32_t output_cap);

/* cleat_ech_key_config returns the length of the key's configuration, an ECHConfig of RFC 9849 section 4, and copies
 * it to output. What a server publishes is a list: see cleat_ech_config_list. */
CLEAT_API int32_t cleat_ech_key_config(int32_t ech_key, CLEAT_BINARY char *output,
                                       int32_t output_cap);

/* cleat_ech_key_config_id returns the number by which servers find the key. */
CLEAT_API int32_t cleat_ech_key_config_id(int32_t ech_key);

/* cleat_ech_key_max_name_length returns the number that the configuration has for it: see cleat_ech_key_new. */
CLEAT_API int32_t cleat_ech_key_max_name_length(int32_t ech_key);

/* cleat_ech_key_public_name returns the length of the public name and copies it to output. */
CLEAT_API int32_t cleat_ech_key_public_name(int32_t ech_key, char *output, int32_t output_cap);

/* cleat_ech_config_list returns the length of the list of the configurations of keys (an ECHConfigList), the best
 * first, and copies it to output: what a server publishes, and what a client needs. ech_keys: ids of 1 to
 * CLEAT_ECH_KEYS_MAX keys. CLEAT_HANDLE for an id that is none of a key. */
CLEAT_API int32_t cleat_ech_config_list(const int32_t *ech_keys, int32_t ech_keys_len,
                                        CLEAT_BINARY char *output, int32_t output_cap);

/* cleat_context_set_ech_keys returns CLEAT_OK and makes servers of the context decrypt with these keys, in place of
 * those that were set before. ech_keys: ids of 0 to CLEAT_ECH_KEYS_MAX keys, the newest first; the context keeps them
 * when the ids are closed. All of them decrypt; the configuration of the first is sent to clients whose ClientHello
 * none of them decrypts. Connections keep the keys that the context had when they were made, also if a servername
 * callback gives them another context. */
CLEAT_API int32_t cleat_context_set_ech_keys(int32_t context, const int32_t *ech_keys,
                                             int32_t ech_keys_len);

/* cleat_context_ech_grease returns 1 if clients of the context that have no configurations send an extension that
 * looks like ECH, otherwise 0; 0 in a new context. */
CLEAT_API int32_t cleat_context_ech_grease(int32_t context);

/* cleat_context_set_ech_grease returns CLEAT_OK and sets that. on: 0 or 1. Servers ignore the extension; with it an
 * observer cannot tell by its presence which clients hide a name (RFC 9849 section 6.2). It is sent where TLS 1.3 is
 * enabled. */
CLEAT_API int32_t cleat_context_set_ech_grease(int32_t context, int32_t on);

/* cleat_connection_set_ech_configs returns CLEAT_OK and makes a client encrypt its ClientHello by the first
 * configuration of the list that BoringSSL supports. ech_configs: an ECHConfigList, as an HTTPS record of DNS has it
 * in its parameter "ech". Another call replaces it, and cleat_connection_set_context keeps it. With it the handshake
 * offers no version below TLS 1.3 but in the part that is for servers without the key, and resumes sessions of TLS 1.3
 * only. CLEAT_USAGE on a server, once the handshake has begun, and where TLS 1.3 is disabled. CLEAT_SSL:
 * INVALID_ECH_CONFIG_LIST for other bytes, NO_SUPPORTED_ECH_CONFIG for a list without a configuration that BoringSSL
 * supports (X25519, HKDF-SHA256, and AES-128-GCM, AES-256-GCM or ChaCha20-Poly1305, without mandatory extensions). */
CLEAT_API int32_t cleat_connection_set_ech_configs(int32_t connection, const char *ech_configs,
                                                   int32_t ech_configs_len);

/* cleat_connection_ech_accepted returns 1 if the ClientHello was encrypted and the server has decrypted it, otherwise
 * 0: on a client once the handshake is done, on a server once it has read the ClientHello. */
CLEAT_API int32_t cleat_connection_ech_accepted(int32_t connection);

/* cleat_connection_ech_public_name returns the length of the public name under which a client's server has answered,
 * since it could not decrypt the ClientHello, and copies it to output: once the server's certificate has come. 0 in
 * all other cases. */
CLEAT_API int32_t cleat_connection_ech_public_name(int32_t connection, char *output,
                                                   int32_t output_cap);

/* cleat_connection_ech_retry_configs returns the length of the list of configurations that the server has sent, and
 * copies it to output, after a handshake that has failed with ECH_REJECTED. 0 if it has sent none, which means that it
 * has no ECH at present; and if the server was not verified for the public name (CLEAT_CERT_NONE, or a refusal that
 * was tolerated), since an attacker could have sent them. */
CLEAT_API int32_t cleat_connection_ech_retry_configs(int32_t connection, CLEAT_BINARY char *output,
                                                     int32_t output_cap);

#endif
