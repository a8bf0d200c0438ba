/* configuration.h: what a connection is made from.
 *
 * A context is a builder: its setters change the settings, under its lock. A configuration is made
 * of them when the first connection after a change needs one. It is never modified, and freed with
 * the last of its references: no setter of a context can touch what a connection reads. */
#ifndef CLEAT_CORE_CONFIGURATION_H
#define CLEAT_CORE_CONFIGURATION_H

#include "cleat/psk.h"
#include "tls/algorithm.h"
#include "tls/alpn.h"
#include "tls/client_sessions.h"
#include "tls/compression.h"
#include "tls/credentials.h"
#include "tls/key_log.h"
#include "tls/peer_keys.h"
#include "tls/policy.h"
#include "tls/sessions.h"
#include "x509/trust.h"

/* Bytes of the random number that each context has. */
enum { CLEAT_CONTEXT_NUMBER = 16 };

/* A context's settings, as the caller set them. */
struct cleat_settings {
    int32_t options; /* BoringSSL knows only some */
    int32_t minimum_version;
    int32_t maximum_version;
    int32_t verify_mode;
    int32_t verify_flags;
    bool check_hostname;
    bool server_name_events;
    int32_t session_events; /* CLEAT_SESSIONS_* */
    int32_t num_tickets;
    int32_t session_timeout; /* seconds; 0: BoringSSL's */
    int32_t id_context_len; /* of what the caller adds to the session id context */
    uint8_t id_context[CLEAT_SESSION_ID_CONTEXT_MAX];
    int32_t verify_events; /* see cleat_context_set_verify_events */
    bool tolerates_refusals; /* the handshake goes on with a peer that verification refuses */
    bool ignores_common_name;
    int32_t verify_depth;
    double verify_time; /* POSIX seconds; negative: the time of the verification */
    bool ask_ocsp;
    bool require_ocsp;
    bool ask_scts;
    bool certificate_compression;
    bool message_events; /* see cleat_context_set_message_events */
    int32_t chain_cache_seconds; /* how long a verified chain counts as verified; 0: not at all */
    int32_t early_data; /* see cleat_context_set_early_data */
    bool psk_client; /* clients use pre-shared keys */
    bool psk_server;
    char psk_hint[CLEAT_PSK_IDENTITY_MAX + 1]; /* of servers; empty: none */
    bool ech_grease; /* see cleat_context_set_ech_grease */
    struct cleat_algorithms algorithms; /* as they were set */
};

struct cleat_configuration {
    atomic_int references;
    SSL_CTX *ssl_ctx;
    struct cleat_settings settings;
    struct cleat_algorithms algorithms; /* what the policy leaves of them */
    uint16_t
        minimum_version; /* the range that the options and the policy leave: see protocol_version.c */
    uint16_t maximum_version;
    struct cleat_alpn *alpn; /* NULL if none */
    struct cleat_alpn *npn; /* likewise */
    struct cleat_key_log *key_log; /* likewise */
    struct cleat_trust *trust;
    struct cleat_sessions *sessions;
    struct cleat_credentials *credentials; /* NULL if none */
    struct cleat_peer_keys *peer_keys; /* likewise */
    struct cleat_credentials *restricted[CLEAT_SIGNERS]; /* see cleat_configuration_credentials */
    struct cleat_compression *compression; /* NULL if it is off */
    struct cleat_client_sessions *client_sessions;
    uint32_t epoch; /* of client_sessions, when it was made */
    uint8_t context[CLEAT_CONTEXT_NUMBER]; /* of its context */
    uint8_t credential[CLEAT_DIGEST]; /* of the own certificates; zeros if there are none */
};

/* What a configuration is made of: see struct cleat_context. */
struct cleat_configuration_parts {
    const struct cleat_settings *settings;
    const char *ciphers; /* NULL for the default ones */
    struct cleat_alpn *alpn;
    struct cleat_alpn *npn;
    struct cleat_key_log *key_log; /* NULL if none */
    struct cleat_credentials *credentials; /* NULL if none */
    struct cleat_peer_keys *peer_keys; /* likewise */
    SSL_ECH_KEYS *ech_keys; /* NULL if none */
    struct cleat_trust *trust;
    struct cleat_sessions *sessions;
    struct cleat_client_sessions *client_sessions;
    const uint8_t *context;
};

/* cleat_configuration_new returns CLEAT_OK and a configuration that the caller owns. CLEAT_SSL;
 * CLEAT_NOMEM. */
int32_t cleat_configuration_new(const struct cleat_configuration_parts *parts,
                                struct cleat_configuration **configuration);
struct cleat_configuration *cleat_configuration_ref(struct cleat_configuration *configuration);
void cleat_configuration_unref(struct cleat_configuration *configuration); /* NULL is none */

/* HIGH ones, no NULL, no MD5; no 3DES, which BoringSSL of 2023 counts as HIGH. And none with a
 * pre-shared key, which cannot be set here ("!PSK" would leave ECDHE-PSK). */
#define CLEAT_DEFAULT_CIPHERS "HIGH:!aNULL:!eNULL:!MD5:!3DES:!aPSK"

/* cleat_settings_check returns CLEAT_OK if the policy leaves some groups, algorithms and versions. CLEAT_SSL. */
int32_t cleat_settings_check(const struct cleat_settings *settings);

/* cleat_configuration_credentials returns the set that connections present credentials of: those of the context, or
 * others that sign with the algorithms that were set for the side. NULL if there are none. */
static inline const struct cleat_credentials *
cleat_configuration_credentials(const struct cleat_configuration *configuration, bool server_side) {
    const struct cleat_credentials *restricted =
        configuration->restricted[server_side ? CLEAT_SIGNER_SERVER : CLEAT_SIGNER_CLIENT];
    return restricted != NULL ? restricted : configuration->credentials;
}

/* cleat_configuration_id_context returns CLEAT_OK and the session id context of a server: a digest of what its clients'
 * certificates are verified with, and of the algorithms that were set. A session resumes only where it is the same.
 * CLEAT_NOMEM. */
int32_t cleat_configuration_id_context(const struct cleat_configuration *configuration,
                                       int32_t verify_mode, int32_t verify_flags,
                                       uint8_t id_context[CLEAT_DIGEST]);

/* cleat_version_range returns the lowest and the highest version that the settings, with the policy, leave. Of
 * several ranges, with a forbidden version between them, it is the highest: forbidding one never
 * makes the result weaker. If nothing is left, low is above high. */
void cleat_version_range(const struct cleat_settings *settings, uint16_t *low, uint16_t *high);

/* The verify flags that have a meaning here. */
#define CLEAT_KNOWN_VERIFY_FLAGS                                                                   \
    (CLEAT_VERIFY_CRL_CHECK_CHAIN | CLEAT_VERIFY_X509_STRICT | CLEAT_VERIFY_X509_PARTIAL_CHAIN)

#endif
