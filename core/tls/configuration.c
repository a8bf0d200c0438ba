/* configuration.c: builds an SSL_CTX from a context's settings. It is never modified afterwards. */
#include "tls/configuration.h"

#include <string.h>

#include "base/memory.h"
#include "cleat/verify.h"
#include "tls/alert.h"
#include "tls/connection.h"
#include "tls/message.h"
#include "tls/psk.h"
#include "tls/server_name.h"
#include "tls/session.h"
#include "tls/session_store.h"
#include "tls/verify.h"
#include "x509/strict.h"

/* The options that BoringSSL implements, except those that forbid versions: see protocol_version.c. The others name
 * what it always or never does, as LEGACY_SERVER_CONNECT does with BoringSSL of 2023. */
#define KNOWN_OPTIONS                                                                              \
    (CLEAT_OP_CIPHER_SERVER_PREFERENCE | CLEAT_OP_NO_TICKET | SSL_OP_LEGACY_SERVER_CONNECT)

_Static_assert(CLEAT_OP_CIPHER_SERVER_PREFERENCE == SSL_OP_CIPHER_SERVER_PREFERENCE &&
                   CLEAT_OP_NO_TICKET == SSL_OP_NO_TICKET &&
                   (SSL_OP_LEGACY_SERVER_CONNECT == 0 || /* of 2023: see connection_handshake.c */
                    CLEAT_OP_LEGACY_SERVER_CONNECT == SSL_OP_LEGACY_SERVER_CONNECT),
               "BoringSSL has OpenSSL's numbers");

_Static_assert(CLEAT_VERIFY_CRL_CHECK_LEAF == X509_V_FLAG_CRL_CHECK &&
                   CLEAT_VERIFY_CRL_CHECK_CHAIN ==
                       (X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) &&
                   CLEAT_VERIFY_X509_STRICT == CLEAT_STRICT_FLAG &&
                   CLEAT_VERIFY_X509_PARTIAL_CHAIN == X509_V_FLAG_PARTIAL_CHAIN,
               "BoringSSL has OpenSSL's numbers");

struct cleat_configuration *cleat_configuration_ref(struct cleat_configuration *configuration) {
    atomic_fetch_add_explicit(&configuration->references, 1, memory_order_relaxed);
    return configuration;
}

void cleat_configuration_unref(struct cleat_configuration *configuration) {
    if (configuration == NULL) return;
    if (atomic_fetch_sub_explicit(&configuration->references, 1, memory_order_acq_rel) > 1) return;
    SSL_CTX_free(configuration->ssl_ctx);
    cleat_alpn_unref(configuration->alpn);
    cleat_alpn_unref(configuration->npn);
    cleat_trust_unref(configuration->trust);
    cleat_sessions_unref(configuration->sessions);
    cleat_client_sessions_unref(configuration->client_sessions);
    cleat_credentials_unref(configuration->credentials);
    cleat_peer_keys_unref(configuration->peer_keys);
    cleat_credentials_unref(configuration->restricted[CLEAT_SIGNER_CLIENT]);
    cleat_credentials_unref(configuration->restricted[CLEAT_SIGNER_SERVER]);
    cleat_compression_free(configuration->compression);
    cleat_key_log_unref(configuration->key_log);
    cleat_release(configuration);
}

/* Connections with the same peer certificate share its bytes. There is one pool for the process, which is never
 * freed because it must outlive every certificate. */
static CRYPTO_BUFFER_POOL *certificate_pool(void) {
    static _Atomic(CRYPTO_BUFFER_POOL *) shared;
    CRYPTO_BUFFER_POOL *pool = atomic_load(&shared);
    CRYPTO_BUFFER_POOL *expected = NULL;
    if (pool != NULL) return pool;
    pool = CRYPTO_BUFFER_POOL_new();
    if (pool == NULL || atomic_compare_exchange_strong(&shared, &expected, pool)) return pool;
    CRYPTO_BUFFER_POOL_free(pool); /* another thread was first */
    return expected;
}

/* Tickets are encrypted and decrypted with the keys of the connection's initial context. */
static int ticket_key(SSL *ssl, uint8_t *name, uint8_t *iv, EVP_CIPHER_CTX *cipher, HMAC_CTX *hmac,
                      int encrypt) {
    const struct cleat_connection *connection = SSL_get_app_data(ssl);
    if (encrypt == 1 && cleat_psk_is_used(ssl))
        return cleat_psk_discard_ticket_key(name, iv, cipher, hmac);
    return cleat_sessions_ticket_key(connection->initial->sessions, name, iv, cipher, hmac,
                                     encrypt == 1);
}

/* BoringSSL's own cache is not used: it is freed with the SSL_CTX, and clients have none. */
static int store_session(SSL *ssl, SSL_SESSION *session) {
    struct cleat_connection *connection = SSL_get_app_data(ssl);
    if (cleat_psk_made(session)) return 0;
    if (!connection->server_side) return cleat_session_keep(connection, session) ? 1 : 0;
    if (cleat_session_is_stored(connection)) {
        cleat_session_store_id(connection, session);
        return 0;
    }
    return cleat_session_cache_store(cleat_sessions_cache(connection->initial->sessions), session)
               ? 1
               : 0;
}

static SSL_SESSION *find_session(SSL *ssl, const uint8_t *id, int id_len, int *copy) {
    struct cleat_connection *connection = SSL_get_app_data(ssl);
    struct cleat_sessions *sessions = connection->initial->sessions;
    *copy = 0; /* BoringSSL takes over the reference */
    if (cleat_session_is_stored(connection)) {
        return cleat_session_find_id(connection, id, (size_t)id_len);
    }
    return cleat_session_cache_find(cleat_sessions_cache(sessions), id, (size_t)id_len,
                                    &connection->offered_expired);
}

/* Sets up the sessions of servers and of clients. */
static void set_up_sessions(SSL_CTX *ssl_ctx, const struct cleat_settings *settings) {
    SSL_CTX_set_tlsext_ticket_key_cb(ssl_ctx, ticket_key);
    SSL_CTX_set_session_cache_mode(ssl_ctx, SSL_SESS_CACHE_BOTH | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ssl_ctx, store_session);
    SSL_CTX_sess_set_get_cb(ssl_ctx, find_session);
    SSL_CTX_set_num_tickets(ssl_ctx, (size_t)settings->num_tickets);
    if (settings->session_timeout > 0) {
        SSL_CTX_set_timeout(ssl_ctx, (uint32_t)settings->session_timeout);
        SSL_CTX_set_session_psk_dhe_timeout(ssl_ctx, (uint32_t)settings->session_timeout);
    }
    if (settings->session_events != CLEAT_SESSIONS_OWN) {
        SSL_CTX_set_ticket_aead_method(ssl_ctx, cleat_session_tickets());
    }
}

static bool set_groups(SSL_CTX *ssl_ctx, const struct cleat_groups *groups) {
    return groups->count == 0 ? SSL_CTX_set1_curves_list(ssl_ctx, CLEAT_DEFAULT_GROUPS) == 1
                              : SSL_CTX_set1_curves(ssl_ctx, groups->nids, groups->count) == 1;
}

/* The cache of compressed messages has its own lock; it is the only part of a configuration that changes. */
static bool set_compression(struct cleat_configuration *self) {
    if (!self->settings.certificate_compression) return true;
    self->compression = cleat_compression_new();
    return self->compression != NULL && cleat_compression_set_up(self->ssl_ctx);
}

/* In BoringSSL without SSL_CREDENTIAL the algorithms are set for each SSL: see sigalg.c. */
static bool restrict_credentials(struct cleat_configuration *self) {
    int signer;
    for (signer = 0; signer < CLEAT_SIGNERS && CLEAT_HAS_SSL_CREDENTIAL; signer++) {
        const struct cleat_sigalgs *list = &self->algorithms.sigalgs[signer];
        if (self->credentials == NULL || list->count == 0) continue;
        self->restricted[signer] = cleat_credentials_restricted(self->credentials, list);
        if (self->restricted[signer] == NULL) return false;
    }
    return true;
}

static bool set_up(const struct cleat_configuration *self,
                   const struct cleat_configuration_parts *parts) {
    SSL_CTX *ssl_ctx = self->ssl_ctx;
    SSL_CTX_clear_options(ssl_ctx, KNOWN_OPTIONS); /* BoringSSL sets one of them by default */
    if (!cleat_policy_set_up(ssl_ctx, self->algorithms.policy,
                             parts->ciphers == NULL ? CLEAT_DEFAULT_CIPHERS : parts->ciphers)) {
        return false;
    }
    cleat_message_set_up(ssl_ctx);
    SSL_CTX_set_grease_enabled(ssl_ctx, self->algorithms.grease ? 1 : 0);
    SSL_CTX_set_options(ssl_ctx, (uint32_t)self->settings.options & KNOWN_OPTIONS);
    SSL_CTX_set_mode(ssl_ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_select_certificate_cb(ssl_ctx, cleat_server_name_select);
    set_up_sessions(ssl_ctx, &self->settings);
    cleat_alert_set_up(ssl_ctx);
    if (self->key_log != NULL) cleat_key_log_set_up(ssl_ctx);
    SSL_CTX_set0_buffer_pool(ssl_ctx, certificate_pool());
    if (self->settings.ask_ocsp || self->settings.require_ocsp)
        SSL_CTX_enable_ocsp_stapling(ssl_ctx);
    if (self->settings.ask_scts) SSL_CTX_enable_signed_cert_timestamps(ssl_ctx);
    return SSL_CTX_set_min_proto_version(ssl_ctx, self->minimum_version) == 1 &&
           SSL_CTX_set_max_proto_version(ssl_ctx, self->maximum_version) == 1 &&
           set_groups(ssl_ctx, &self->algorithms.groups) &&
           cleat_psk_set_up(ssl_ctx, &self->settings) &&
           cleat_verify_set_up(ssl_ctx, self->settings.verify_mode) &&
           cleat_alpn_set_up(ssl_ctx, self->alpn, self->npn) &&
           cleat_peer_keys_set_up(self->peer_keys, ssl_ctx) &&
           (self->credentials == NULL || cleat_credentials_use(self->credentials, ssl_ctx)) &&
           (parts->ech_keys == NULL || SSL_CTX_set1_ech_keys(ssl_ctx, parts->ech_keys) == 1) &&
           !cleat_memory_failed();
}

/* Adds the policy and the signature algorithms, if they were set, since sessions were authenticated with them.
 * Groups are not included: a resumed TLS 1.3 session has another key exchange. */
static bool add_algorithms(SHA256_CTX *hash, const struct cleat_algorithms *algorithms,
                           enum cleat_signer signer) {
    const struct cleat_sigalgs *list = &algorithms->sigalgs[signer];
    size_t i;
    uint8_t bytes[2] = {(uint8_t)algorithms->policy, (uint8_t)list->count};
    if (algorithms->policy == CLEAT_POLICY_NONE && list->count == 0) return false;
    SHA256_Update(hash, "algorithms", 10);
    SHA256_Update(hash, bytes, sizeof bytes);
    for (i = 0; i < list->count; i++) {
        bytes[0] = (uint8_t)(list->numbers[i] >> 8);
        bytes[1] = (uint8_t)list->numbers[i];
        SHA256_Update(hash, bytes, sizeof bytes);
    }
    return true;
}

/* For a client's sessions. Without such a setting the digest remains that of the certificates. */
static void add_algorithms_to_digest(struct cleat_configuration *self) {
    SHA256_CTX hash;
    SHA256_Init(&hash);
    SHA256_Update(&hash, self->credential, sizeof self->credential);
    if (add_algorithms(&hash, &self->algorithms, CLEAT_SIGNER_SERVER))
        SHA256_Final(self->credential, &hash);
}

int32_t cleat_configuration_new(const struct cleat_configuration_parts *parts,
                                struct cleat_configuration **configuration) {
    struct cleat_configuration *made = cleat_allocate(sizeof *made);
    int32_t status;
    if (made == NULL) return cleat_fail_nomem();
    atomic_init(&made->references, 1);
    made->settings = *parts->settings;
    cleat_version_range(parts->settings, &made->minimum_version, &made->maximum_version);
    made->alpn = cleat_alpn_ref(parts->alpn);
    made->npn = cleat_alpn_ref(parts->npn);
    made->key_log = cleat_key_log_ref(parts->key_log);
    made->trust = cleat_trust_ref(parts->trust);
    made->sessions = cleat_sessions_ref(parts->sessions);
    made->client_sessions = cleat_client_sessions_ref(parts->client_sessions);
    made->epoch = cleat_client_sessions_epoch(parts->client_sessions);
    memcpy(made->context, parts->context, sizeof made->context);
    made->credentials = cleat_credentials_ref(parts->credentials);
    made->peer_keys = cleat_peer_keys_ref(parts->peer_keys);
    if (parts->credentials != NULL) cleat_credentials_digest(parts->credentials, made->credential);
    status = cleat_policy_narrow(&made->settings.algorithms, &made->algorithms);
    if (status < 0) { /* the setters prevent this */
        cleat_configuration_unref(made);
        return status;
    }
    add_algorithms_to_digest(made);
    cleat_error_clear_queue();
    made->ssl_ctx = SSL_CTX_new(TLS_with_buffers_method());
    if (made->ssl_ctx == NULL || !set_up(made, parts) || !set_compression(made) ||
        !restrict_credentials(made)) {
        status = cleat_fail_ssl("SSL_CTX_new");
        cleat_configuration_unref(made);
        return status;
    }
    *configuration = made;
    return CLEAT_OK;
}

/* Adds settings that few contexts change. With their defaults the digest is the same as before these settings
 * existed. */
static void add_unusual(SHA256_CTX *hash, const struct cleat_settings *settings) {
    int64_t numbers[3] = {settings->verify_depth, (int64_t)settings->verify_time,
                          settings->tolerates_refusals ? 1 : 0};
    uint8_t bytes[24];
    size_t i;
    if (numbers[0] == CLEAT_DEPTH_MAX && numbers[1] < 0 && numbers[2] == 0) return;
    for (i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)((uint64_t)numbers[i / 8] >> (8 * (i % 8)));
    SHA256_Update(hash, bytes, sizeof bytes);
}

/* The caller's session id context is added last, after everything to which a session is always bound, and with its
 * length: it can only make digests differ, not make them equal. */
static void add_caller_id_context(SHA256_CTX *hash, const struct cleat_settings *settings) {
    uint8_t len = (uint8_t)settings->id_context_len;
    if (len == 0) return;
    SHA256_Update(hash, settings->id_context, len);
    SHA256_Update(hash, "caller's", 8);
    SHA256_Update(hash, &len, 1);
}

int32_t cleat_configuration_id_context(const struct cleat_configuration *configuration,
                                       int32_t verify_mode, int32_t verify_flags,
                                       uint8_t id_context[CLEAT_DIGEST]) {
    static const char label[] = "cleat session id context 1";
    uint8_t numbers[2] = {(uint8_t)verify_mode, 0};
    uint8_t trust[CLEAT_DIGEST];
    SHA256_CTX hash;
    int32_t status;
    SHA256_Init(&hash);
    SHA256_Update(&hash, label, sizeof label);
    SHA256_Update(&hash, numbers, sizeof numbers);
    if (verify_mode != CLEAT_CERT_NONE) { /* otherwise clients are not verified */
        uint32_t flags = (uint32_t)(verify_flags & CLEAT_KNOWN_VERIFY_FLAGS);
        uint8_t bytes[4] = {(uint8_t)(flags >> 24), (uint8_t)(flags >> 16), (uint8_t)(flags >> 8),
                            (uint8_t)flags};
        status = cleat_trust_digest(configuration->trust, trust);
        if (status < 0) return status;
        SHA256_Update(&hash, bytes, sizeof bytes);
        SHA256_Update(&hash, trust, sizeof trust);
        add_unusual(&hash, &configuration->settings);
        if (configuration->peer_keys != NULL) {
            SHA256_Update(&hash, configuration->peer_keys->digest, CLEAT_DIGEST);
        }
    }
    add_algorithms(&hash, &configuration->algorithms, CLEAT_SIGNER_CLIENT);
    add_caller_id_context(&hash, &configuration->settings);
    SHA256_Final(id_context, &hash);
    return CLEAT_OK;
}
