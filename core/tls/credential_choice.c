/* credential_choice.c: selects one of several credentials in versions of BoringSSL without SSL_CREDENTIAL, by the
 * rules of newer versions.
 *
 * BoringSSL calls `choose` once it knows what the peer can verify: on a server after it has read the ClientHello's
 * extensions, and on a client after the server's CertificateRequest. If no credential is usable, the preferred one
 * stays, and BoringSSL fails with its reason. */
#include "tls/credential_choice.h"

#include "base/memory.h"
#include "tls/connection.h"
#include "tls/signature.h"

#if !CLEAT_HAS_SSL_CREDENTIAL

/* The groups that a ClientHello can offer, for TLS 1.2 and earlier. */
static const struct {
    uint16_t group; /* IANA's number; P-224 is for certificates only */
    int nid;
} groups[] = {{29, NID_X25519},
              {23, NID_X9_62_prime256v1},
              {24, NID_secp384r1},
              {25, NID_secp521r1},
              {21, NID_secp224r1}};

enum { GROUPS = sizeof groups / sizeof groups[0] };

static uint32_t bit_of_nid(int nid) {
    uint32_t i;
    for (i = 0; i < GROUPS; i++) {
        if (groups[i].nid == nid) return (uint32_t)1 << i;
    }
    return 0;
}

uint32_t cleat_credential_choice_groups(const SSL_CLIENT_HELLO *hello) {
    const uint8_t *extension;
    size_t len;
    uint32_t found = 0;
    uint16_t group;
    CBS in;
    CBS list;
    if (!SSL_early_callback_ctx_extension_get(hello, TLSEXT_TYPE_supported_groups, &extension,
                                              &len)) {
        return 0;
    }
    CBS_init(&in, extension, len);
    if (!CBS_get_u16_length_prefixed(&in, &list)) return 0;
    while (CBS_get_u16(&list, &group)) {
        uint32_t i;
        for (i = 0; i < GROUPS; i++) {
            if (groups[i].group == group) found |= (uint32_t)1 << i;
        }
    }
    return found;
}

/* The curves of EC keys. */
static const int curves[CLEAT_KEY_TYPES] = {[CLEAT_KEY_P256] = NID_X9_62_prime256v1,
                                            [CLEAT_KEY_P384] = NID_secp384r1,
                                            [CLEAT_KEY_P521] = NID_secp521r1,
                                            [CLEAT_KEY_OTHER] = NID_secp224r1};

/* Whether the key can sign with the algorithm. */
static bool signs(const struct cleat_credential *credential, uint16_t algorithm, int version) {
    size_t size = (size_t)EVP_PKEY_size(credential->public_key);
    if (SSL_get_signature_algorithm_key_type(algorithm) != EVP_PKEY_id(credential->public_key) ||
        algorithm == SSL_SIGN_RSA_PKCS1_MD5_SHA1) {
        return false;
    }
    if (credential->type == CLEAT_KEY_RSA) {
        const EVP_MD *md = SSL_get_signature_algorithm_digest(algorithm);
        return SSL_is_signature_algorithm_rsa_pss(algorithm) == 1 ? size >= 2 * EVP_MD_size(md) + 2
                                                                  : version < TLS1_3_VERSION;
    }
    if (credential->type == CLEAT_KEY_ED25519 || version < TLS1_3_VERSION) return true;
    switch (algorithm) {
        case SSL_SIGN_ECDSA_SECP256R1_SHA256: return credential->type == CLEAT_KEY_P256;
        case SSL_SIGN_ECDSA_SECP384R1_SHA384: return credential->type == CLEAT_KEY_P384;
        case SSL_SIGN_ECDSA_SECP521R1_SHA512: return credential->type == CLEAT_KEY_P521;
        default: return false;
    }
}

/* Whether the peer can verify a signature of the key. */
static bool can_sign(const struct cleat_connection *self,
                     const struct cleat_credential *credential) {
    /* The defaults of RFC 5246 section 7.4.1.4.1. */
    static const uint16_t defaults[] = {SSL_SIGN_RSA_PKCS1_SHA1, SSL_SIGN_ECDSA_SHA1};
    const struct cleat_sigalgs *own =
        &self->configuration->algorithms
             .sigalgs[self->server_side ? CLEAT_SIGNER_SERVER : CLEAT_SIGNER_CLIENT];
    const uint16_t *algorithms;
    size_t count = SSL_get0_peer_verify_algorithms(self->ssl, &algorithms);
    int version = SSL_version(self->ssl);
    size_t i;
    if (version < TLS1_2_VERSION) return credential->type != CLEAT_KEY_ED25519;
    if (count == 0 && version == TLS1_2_VERSION) {
        algorithms = defaults;
        count = sizeof defaults / sizeof defaults[0];
    }
    for (i = 0; i < count; i++) {
        if (own->count > 0 && !cleat_sigalgs_has(own, algorithms[i])) continue;
        if (signs(credential, algorithms[i], version)) return true;
    }
    return false;
}

/* The groups of the server: see restrict_settings of connection_context.c, and CLEAT_DEFAULT_GROUPS. */
static uint32_t own_groups(const struct cleat_connection *self) {
    const struct cleat_configuration *from =
        self->configuration->settings.algorithms.groups.count > 0 ? self->configuration
                                                                  : self->initial;
    const struct cleat_groups *list = &from->algorithms.groups;
    uint32_t found = 0;
    size_t i;
    for (i = 0; i < list->count; i++) found |= bit_of_nid(list->nids[i]);
    return list->count == 0 ? ((uint32_t)1 << (GROUPS - 1)) - 1 : found;
}

/* TLS 1.2 and earlier: whether there is a shared suite for the key, and the client supports its curve. */
static bool has_suite(const struct cleat_connection *self,
                      const struct cleat_credential *credential) {
    bool has_group = (self->offered_groups & own_groups(self)) != 0;
    bool is_rsa = credential->type == CLEAT_KEY_RSA;
    int curve = curves[credential->type];
    if (curve != NID_undef && (self->offered_groups & bit_of_nid(curve)) == 0) return false;
    return (has_group && can_sign(self, credential) &&
            cleat_has_shared_suite(self, NID_kx_ecdhe, is_rsa ? NID_auth_rsa : NID_auth_ecdsa)) ||
           (is_rsa && credential->key != NULL &&
            cleat_has_shared_suite(self, NID_kx_rsa, NID_auth_rsa));
}

/* TLS 1.2 and earlier: whether the server requests certificates with such a key. */
static bool is_requested(const SSL *ssl, const struct cleat_credential *credential) {
    const uint8_t *types;
    size_t count = SSL_get0_certificate_types(ssl, &types);
    size_t i;
    for (i = 0; i < count; i++) {
        if (types[i] == (credential->type == CLEAT_KEY_RSA ? SSL3_CT_RSA_SIGN : TLS_CT_ECDSA_SIGN))
            return true;
    }
    return false;
}

static bool is_usable(const struct cleat_connection *self,
                      const struct cleat_credential *credential) {
    if (SSL_version(self->ssl) >= TLS1_3_VERSION) return can_sign(self, credential);
    if (self->server_side) return has_suite(self, credential);
    return is_requested(self->ssl, credential) && can_sign(self, credential);
}

static bool has_name(const STACK_OF(CRYPTO_BUFFER) * names, const X509 *certificate) {
    const uint8_t *issuer;
    size_t len;
    size_t i;
    if (X509_NAME_get0_der(X509_get_issuer_name(certificate), &issuer, &len) != 1) return false;
    for (i = 0; i < sk_CRYPTO_BUFFER_num(names); i++) {
        const CRYPTO_BUFFER *name = sk_CRYPTO_BUFFER_value(names, i);
        if (CRYPTO_BUFFER_len(name) == len && memcmp(CRYPTO_BUFFER_data(name), issuer, len) == 0)
            return true;
    }
    return false;
}

static bool has_issuer(const struct cleat_credential *credential,
                       const STACK_OF(CRYPTO_BUFFER) * names) {
    bool found = false;
    size_t i;
    for (i = 0; i < credential->count && !found; i++) {
        X509 *certificate = X509_parse_from_buffer(credential->chain[i]);
        found = certificate != NULL && has_name(names, certificate);
        X509_free(certificate);
    }
    ERR_clear_error();
    return found;
}

/* names: NULL for any issuer. */
static const struct cleat_credential *first_usable(const struct cleat_connection *self,
                                                   const STACK_OF(CRYPTO_BUFFER) * names) {
    const struct cleat_credentials *set = self->configuration->credentials;
    int type;
    for (type = 0; type < CLEAT_KEY_TYPES; type++) {
        const struct cleat_credential *credential = set->of_type[type];
        if (credential != NULL && is_usable(self, credential) &&
            (names == NULL || has_issuer(credential, names))) {
            return credential;
        }
    }
    return NULL;
}

static int choose(SSL *ssl, void *data) {
    struct cleat_connection *self = SSL_get_app_data(ssl);
    const STACK_OF(CRYPTO_BUFFER) *names = SSL_get0_server_requested_CAs(ssl);
    const struct cleat_credential *chosen = NULL;
    (void)data;
    if (names != NULL && sk_CRYPTO_BUFFER_num(names) > 0) chosen = first_usable(self, names);
    if (chosen == NULL) chosen = first_usable(self, NULL);
    if (chosen == NULL) return 1;
    self->credential = chosen;
    return SSL_set_chain_and_key(ssl, chosen->chain, chosen->count, chosen->key,
                                 cleat_signature_method_for(chosen)) == 1 &&
           (chosen->ocsp_response == NULL ||
            SSL_set_ocsp_response(ssl, CRYPTO_BUFFER_data(chosen->ocsp_response),
                                  CRYPTO_BUFFER_len(chosen->ocsp_response)) == 1) &&
           (chosen->scts == NULL ||
            SSL_set_signed_cert_timestamp_list(ssl, CRYPTO_BUFFER_data(chosen->scts),
                                               CRYPTO_BUFFER_len(chosen->scts)) == 1) &&
           !cleat_memory_failed();
}

bool cleat_credential_choice_set_up(const struct cleat_credentials *set, SSL_CTX *ssl_ctx) {
    const struct cleat_credential *preferred = NULL;
    int count = 0;
    int type;
    for (type = CLEAT_KEY_TYPES - 1; type >= 0; type--) {
        if (set->of_type[type] == NULL) continue;
        preferred = set->of_type[type];
        count++;
    }
    if (preferred == NULL) return true;
    if (SSL_CTX_set_chain_and_key(ssl_ctx, preferred->chain, preferred->count, preferred->key,
                                  cleat_signature_method_for(preferred)) != 1) {
        return false;
    }
    /* The staples are set with the choice: they cannot be removed from a connection. */
    if (count > 1) {
        SSL_CTX_set_cert_cb(ssl_ctx, choose, NULL);
        return true;
    }
    return (preferred->ocsp_response == NULL ||
            SSL_CTX_set_ocsp_response(ssl_ctx, CRYPTO_BUFFER_data(preferred->ocsp_response),
                                      CRYPTO_BUFFER_len(preferred->ocsp_response)) == 1) &&
           (preferred->scts == NULL ||
            SSL_CTX_set_signed_cert_timestamp_list(ssl_ctx, CRYPTO_BUFFER_data(preferred->scts),
                                                   CRYPTO_BUFFER_len(preferred->scts)) == 1);
}

#endif
