/* configuration.h: the immutable settings of connections.
 *
 * A context is a builder: its setters change the settings under its lock. The first connection after a change makes
 * a configuration from them. A configuration is never modified, and is freed with its last reference: no setter of a
 * context can change what a connection reads. */
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

/* The length of a context's random number in bytes. */
enum { CLEAT_CONTEXT_NUMBER = 16 };

/* 9999-12-31 23:59:59 in POSIX seconds, the latest time that a certificate can contain. */
#define CLEAT_VERIFY_TIME_MAX 253402300799.0

/* A context's settings, as the caller set them. */
struct cleat_settings {
    int32_t options; /* only some of them have an effect in BoringSSL */
    int32_t minimum_version;
    int32_t maximum_version;
    int32_t verify_mode;
    int32_t verify_flags;
    bool check_hostname;
    bool server_name_events;
    int32_t session_events; /* CLEAT_SESSIONS_* */
    int32_t num_tickets;
    int32_t session_timeout; /* seconds; 0: BoringSSL's */
    int32_t id_context_len; /* the length of id_context, which the caller sets */
    uint8_t id_context[CLEAT_SESSION_ID_CONTEXT_MAX];
    int32_t verify_events; /* see cleat_context_set_verify_events */
    /* Verification is not enforced: the handshake continues with a refused peer. */
    bool tolerates_refusals;
    bool ignores_common_name;
    int32_t verify_depth;
    double verify_time; /* POSIX seconds; negative: the time of the verification */
    bool ask_ocsp;
    bool require_ocsp;
    bool ask_scts;
    bool certificate_compression;
    bool message_events; /* see cleat_context_set_message_events */
    int32_t chain_cache_seconds; /* the maximum age of an entry of the chain cache; 0: no cache */
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
    struct cleat_algorithms algorithms; /* restricted by the policy */
    /* The range that options and policy allow: see protocol_version.c. */
    uint16_t minimum_version;
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
    uint32_t epoch; /* of client_sessions, when the configuration was made */
    uint8_t context[CLEAT_CONTEXT_NUMBER]; /* the context's random number */
    /* The digest of this side's certificates; zeros if there are none. */
    uint8_t credential[CLEAT_DIGEST];
};

/* The parts of a configuration: see struct cleat_context. */
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
/* Does nothing for NULL. */
void cleat_configuration_unref(struct cleat_configuration *configuration);

/* No 3DES, which BoringSSL of 2023 includes in HIGH; and no suites with a pre-shared key ("!PSK" would not exclude
 * ECDHE-PSK). */
#define CLEAT_DEFAULT_CIPHERS "HIGH:!aNULL:!eNULL:!MD5:!3DES:!aPSK"

/* cleat_settings_check returns CLEAT_OK if the policy allows some of the groups, algorithms and versions. CLEAT_SSL. */
int32_t cleat_settings_check(const struct cleat_settings *settings);

/* cleat_configuration_credentials returns the credentials that connections present: those of the context, or copies
 * that are restricted to the signature algorithms that were set for the side. NULL if there are none. */
static inline const struct cleat_credentials *
cleat_configuration_credentials(const struct cleat_configuration *configuration, bool server_side) {
    const struct cleat_credentials *restricted =
        configuration->restricted[server_side ? CLEAT_SIGNER_SERVER : CLEAT_SIGNER_CLIENT];
    return restricted != NULL ? restricted : configuration->credentials;
}

/* cleat_configuration_id_context returns CLEAT_OK and a server's session id context: a digest of the settings with
 * which clients are verified, and of the algorithms that were set. A session resumes only with the same session id
 * context. CLEAT_NOMEM. */
int32_t cleat_configuration_id_context(const struct cleat_configuration *configuration,
                                       int32_t verify_mode, int32_t verify_flags,
                                       uint8_t id_context[CLEAT_DIGEST]);

/* cleat_version_range stores the lowest and the highest version that the settings and the policy allow. If a
 * forbidden version separates several ranges, it is the highest range: forbidding a version never weakens the
 * result. If no version is allowed, low is above high. */
void cleat_version_range(const struct cleat_settings *settings, uint16_t *low, uint16_t *high);

/* The verify flags that have an effect. */
#define CLEAT_KNOWN_VERIFY_FLAGS                                                                   \
    (CLEAT_VERIFY_CRL_CHECK_CHAIN | CLEAT_VERIFY_X509_STRICT | CLEAT_VERIFY_X509_PARTIAL_CHAIN)

#endif
