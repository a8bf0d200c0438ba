/* credentials.c: sets of credentials, and the selection of one of them. */
#include "tls/credentials.h"

#include "base/memory.h"
#include "tls/connection.h"
#include "tls/credential_choice.h"
#include "tls/signature.h"

struct cleat_credentials *cleat_credentials_copy(const struct cleat_credentials *set) {
    struct cleat_credentials *made = cleat_allocate(sizeof *made);
    int type;
    if (made == NULL) return NULL;
    atomic_init(&made->references, 1);
    if (set == NULL) return made;
    made->raw = cleat_raw_key_ref(set->raw);
    made->last_loaded = set->last_loaded;
    made->last_stapled = set->last_stapled;
    for (type = 0; type < CLEAT_KEY_TYPES; type++) {
        if (set->of_type[type] != NULL)
            made->of_type[type] = cleat_credential_ref(set->of_type[type]);
    }
    return made;
}

struct cleat_credentials *cleat_credentials_ref(struct cleat_credentials *set) {
    if (set != NULL) atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
    return set;
}

void cleat_credentials_unref(struct cleat_credentials *set) {
    int type;
    if (set == NULL) return;
    if (atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) > 1) return;
    for (type = 0; type < CLEAT_KEY_TYPES; type++) cleat_credential_unref(set->of_type[type]);
    cleat_raw_key_unref(set->raw);
    cleat_release(set);
}

struct cleat_credentials *cleat_credentials_restricted(const struct cleat_credentials *set,
                                                       const struct cleat_sigalgs *algorithms) {
    struct cleat_credentials *made = cleat_credentials_copy(set);
    int type;
    for (type = 0; made != NULL && type < CLEAT_KEY_TYPES; type++) {
        struct cleat_credential *restricted;
        if (made->of_type[type] == NULL) continue;
        if (cleat_credential_restricted(made->of_type[type], algorithms, &restricted) < 0) {
            cleat_credentials_unref(made);
            return NULL;
        }
        cleat_credentials_put(made, restricted);
    }
    return made;
}

void cleat_credentials_put(struct cleat_credentials *set, struct cleat_credential *credential) {
    cleat_credential_unref(set->of_type[credential->type]);
    set->of_type[credential->type] = credential;
}

#if CLEAT_HAS_SSL_CREDENTIAL

/* Either ssl_ctx or ssl is NULL. */
static bool add(SSL_CTX *ssl_ctx, SSL *ssl, const SSL_CREDENTIAL *credential) {
    return ssl == NULL ? SSL_CTX_add1_credential(ssl_ctx, credential) == 1
                       : SSL_add1_credential(ssl, credential) == 1;
}

static bool add_each(const struct cleat_credentials *set, SSL_CTX *ssl_ctx, SSL *ssl) {
    int count = 0;
    int type;
    for (type = 0; type < CLEAT_KEY_TYPES; type++) {
        if (set->of_type[type] != NULL) count++;
    }
    /* BoringSSL selects the first usable credential. Those that require a CA that the peer has named come first. */
    for (type = 0; type < CLEAT_KEY_TYPES && count > 1; type++) {
        const struct cleat_credential *credential = set->of_type[type];
        if (credential != NULL && !add(ssl_ctx, ssl, credential->for_issuers)) return false;
    }
    for (type = 0; type < CLEAT_KEY_TYPES; type++) {
        const struct cleat_credential *credential = set->of_type[type];
        if (credential != NULL && !add(ssl_ctx, ssl, credential->for_all)) return false;
    }
    return true;
}

static bool add_all(const struct cleat_credentials *set, SSL_CTX *ssl_ctx) {
    return add_each(set, ssl_ctx, NULL);
}

bool cleat_credentials_add(const struct cleat_credentials *set, SSL *ssl) {
    return add_each(set, NULL, ssl);
}

const struct cleat_credential *cleat_credentials_selected(const struct cleat_credentials *set,
                                                          const SSL *ssl) {
    const SSL_CREDENTIAL *selected = SSL_get0_selected_credential(ssl);
    const struct cleat_connection *connection = SSL_get_app_data(ssl);
    int type;
    if (selected == NULL) return connection->credential;
    for (type = 0; set != NULL && type < CLEAT_KEY_TYPES; type++) {
        const struct cleat_credential *credential = set->of_type[type];
        if (credential != NULL &&
            (credential->for_all == selected || credential->for_issuers == selected)) {
            return credential;
        }
    }
    return NULL;
}

void cleat_credentials_record_selected(struct cleat_connection *connection) {
    connection->credential = cleat_connection_credential(connection, connection->ssl);
}

#else

static bool add_all(const struct cleat_credentials *set, SSL_CTX *ssl_ctx) {
    return cleat_credential_choice_set_up(set, ssl_ctx);
}

const struct cleat_credential *cleat_credentials_selected(const struct cleat_credentials *set,
                                                          const SSL *ssl) {
    const struct cleat_connection *connection = SSL_get_app_data(ssl);
    int type;
    if (connection->credential != NULL) return connection->credential;
    for (type = 0; set != NULL && type < CLEAT_KEY_TYPES; type++) {
        /* The only one, or the preferred one. */
        if (set->of_type[type] != NULL) return set->of_type[type];
    }
    return NULL;
}

void cleat_credentials_record_selected(struct cleat_connection *connection) {
    (void)connection; /* credential_choice.c has stored it */
}

#endif

bool cleat_credentials_use(const struct cleat_credentials *set, SSL_CTX *ssl_ctx) {
    const struct cleat_credential *rsa = set->of_type[CLEAT_KEY_RSA];
    return cleat_raw_key_use(set->raw, ssl_ctx) && add_all(set, ssl_ctx) &&
           (rsa == NULL || rsa->key != NULL || cleat_signature_disable_decryption(ssl_ctx));
}

/* DER is self-delimiting: the certificates need no separators. */
void cleat_credentials_digest(const struct cleat_credentials *set, uint8_t digest[CLEAT_DIGEST]) {
    SHA256_CTX hash;
    size_t type;
    size_t i;
    SHA256_Init(&hash);
    for (type = 0; type < CLEAT_KEY_TYPES; type++) {
        const struct cleat_credential *credential = set->of_type[type];
        size_t count = credential == NULL ? 0 : credential->count;
        for (i = 0; i < count; i++) {
            SHA256_Update(&hash, CRYPTO_BUFFER_data(credential->chain[i]),
                          CRYPTO_BUFFER_len(credential->chain[i]));
        }
    }
    if (set->raw != NULL) SHA256_Update(&hash, set->raw->digest, CLEAT_DIGEST);
    SHA256_Final(digest, &hash);
}
