/* credential.c: creates credentials, and checks that BoringSSL accepts them. */
#include "tls/credential.h"

#include "base/error.h"
#include "base/memory.h"
#include "tls/signature.h"

struct cleat_credential *cleat_credential_ref(struct cleat_credential *credential) {
    atomic_fetch_add_explicit(&credential->references, 1, memory_order_relaxed);
    return credential;
}

void cleat_credential_unref(struct cleat_credential *credential) {
    size_t i;
    if (credential == NULL) return;
    if (atomic_fetch_sub_explicit(&credential->references, 1, memory_order_acq_rel) > 1) return;
#if CLEAT_HAS_SSL_CREDENTIAL
    SSL_CREDENTIAL_free(credential->for_issuers);
    SSL_CREDENTIAL_free(credential->for_all);
#endif
    for (i = 0; i < credential->count; i++) CRYPTO_BUFFER_free(credential->chain[i]);
    CRYPTO_BUFFER_free(credential->ocsp_response);
    CRYPTO_BUFFER_free(credential->scts);
    EVP_PKEY_free(credential->public_key);
    EVP_PKEY_free(credential->key);
    cleat_release(credential);
}

static enum cleat_key_type type_of(const EVP_PKEY *key) {
    switch (EVP_PKEY_id(key)) {
        case EVP_PKEY_RSA: return CLEAT_KEY_RSA;
        case EVP_PKEY_ED25519: return CLEAT_KEY_ED25519;
        case EVP_PKEY_EC: break;
        default: return CLEAT_KEY_OTHER;
    }
    switch (EC_GROUP_get_curve_name(EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key)))) {
        case NID_X9_62_prime256v1: return CLEAT_KEY_P256;
        case NID_secp384r1: return CLEAT_KEY_P384;
        case NID_secp521r1: return CLEAT_KEY_P521;
        default: return CLEAT_KEY_OTHER;
    }
}

#if CLEAT_HAS_SSL_CREDENTIAL

/* Creates BoringSSL's credential. algorithms: NULL for any, here and below. */
static SSL_CREDENTIAL *new_ssl_credential(const struct cleat_credential *self,
                                          const struct cleat_sigalgs *algorithms,
                                          bool for_issuers) {
    SSL_CREDENTIAL *made = SSL_CREDENTIAL_new_x509();
    if (made == NULL) return NULL;
    SSL_CREDENTIAL_set_must_match_issuer(made, for_issuers ? 1 : 0);
    if (SSL_CREDENTIAL_set1_cert_chain(made, self->chain, self->count) == 1 &&
        (self->key != NULL
             ? SSL_CREDENTIAL_set1_private_key(made, self->key)
             : SSL_CREDENTIAL_set_private_key_method(made, &cleat_signature_method)) == 1 &&
        (self->ocsp_response == NULL ||
         SSL_CREDENTIAL_set1_ocsp_response(made, self->ocsp_response) == 1) &&
        (self->scts == NULL ||
         SSL_CREDENTIAL_set1_signed_cert_timestamp_list(made, self->scts) == 1) &&
        (algorithms == NULL || SSL_CREDENTIAL_set1_signing_algorithm_prefs(
                                   made, algorithms->numbers, algorithms->count) == 1)) {
        return made;
    }
    SSL_CREDENTIAL_free(made);
    return NULL;
}

static int32_t prepare(struct cleat_credential *self, const struct cleat_sigalgs *algorithms) {
    self->for_issuers = new_ssl_credential(self, algorithms, true);
    if (self->for_issuers != NULL) self->for_all = new_ssl_credential(self, algorithms, false);
    return self->for_all != NULL ? CLEAT_OK : cleat_fail_ssl("SSL_CREDENTIAL_set1_cert_chain");
}

#else

/* Without SSL_CREDENTIAL the algorithms are set for each connection: see sigalg.c. */
static int32_t prepare(struct cleat_credential *self, const struct cleat_sigalgs *algorithms) {
    SSL_CTX *trial = SSL_CTX_new(TLS_with_buffers_method());
    int32_t status = CLEAT_OK;
    (void)algorithms;
    if (trial == NULL) return cleat_fail_nomem();
    if (SSL_CTX_set_chain_and_key(trial, self->chain, self->count, self->key,
                                  cleat_signature_method_for(self)) != 1) {
        status = cleat_fail_ssl("SSL_CTX_set_chain_and_key");
    }
    SSL_CTX_free(trial);
    return status;
}

#endif

/* Returns NULL if BoringSSL cannot parse the public key, or an allocation failed; finish then fails. */
static EVP_PKEY *public_key_of(CRYPTO_BUFFER *certificate) {
    X509 *parsed = X509_parse_from_buffer(certificate);
    EVP_PKEY *key = parsed == NULL ? NULL : X509_get_pubkey(parsed);
    X509_free(parsed);
    return key;
}

static struct cleat_credential *allocate(size_t count) {
    struct cleat_credential *made = cleat_allocate(sizeof *made + count * sizeof made->chain[0]);
    if (made == NULL) return NULL;
    atomic_init(&made->references, 1);
    made->count = count;
    return made;
}

static int32_t finish(struct cleat_credential *made, const struct cleat_sigalgs *algorithms,
                      struct cleat_credential **credential) {
    int32_t status = prepare(made, algorithms);
    if (status >= 0 && cleat_memory_failed()) status = cleat_fail_nomem();
    if (status < 0) {
        cleat_credential_unref(made);
    } else {
        *credential = made;
    }
    return status;
}

int32_t cleat_credential_new(const STACK_OF(CRYPTO_BUFFER) * chain, EVP_PKEY *key,
                             struct cleat_credential **credential) {
    struct cleat_credential *made = allocate(sk_CRYPTO_BUFFER_num(chain));
    size_t i;
    if (made == NULL) return cleat_fail_nomem();
    for (i = 0; i < made->count; i++) {
        made->chain[i] = sk_CRYPTO_BUFFER_value(chain, i);
        CRYPTO_BUFFER_up_ref(made->chain[i]);
    }
    made->key = key;
    if (key != NULL) EVP_PKEY_up_ref(key);
    made->public_key = public_key_of(made->chain[0]);
    made->type = made->public_key == NULL ? CLEAT_KEY_OTHER : type_of(made->public_key);
    return finish(made, NULL, credential);
}

static CRYPTO_BUFFER *ref(CRYPTO_BUFFER *buffer) {
    if (buffer != NULL) CRYPTO_BUFFER_up_ref(buffer);
    return buffer;
}

/* NULL if an allocation failed. */
static struct cleat_credential *copy(const struct cleat_credential *credential,
                                     CRYPTO_BUFFER *ocsp_response, CRYPTO_BUFFER *scts) {
    struct cleat_credential *made = allocate(credential->count);
    size_t i;
    if (made == NULL) return NULL;
    for (i = 0; i < made->count; i++) made->chain[i] = ref(credential->chain[i]);
    made->type = credential->type;
    made->key = credential->key;
    made->public_key = credential->public_key;
    if (made->key != NULL) EVP_PKEY_up_ref(made->key);
    EVP_PKEY_up_ref(made->public_key);
    made->ocsp_response = ref(ocsp_response);
    made->scts = ref(scts);
    return made;
}

int32_t cleat_credential_stapled(const struct cleat_credential *credential,
                                 CRYPTO_BUFFER *ocsp_response, CRYPTO_BUFFER *scts,
                                 struct cleat_credential **stapled) {
    struct cleat_credential *made = copy(credential, ocsp_response, scts);
    return made == NULL ? cleat_fail_nomem() : finish(made, NULL, stapled);
}

int32_t cleat_credential_restricted(const struct cleat_credential *credential,
                                    const struct cleat_sigalgs *algorithms,
                                    struct cleat_credential **restricted) {
    struct cleat_credential *made = copy(credential, credential->ocsp_response, credential->scts);
    return made == NULL ? cleat_fail_nomem() : finish(made, algorithms, restricted);
}
