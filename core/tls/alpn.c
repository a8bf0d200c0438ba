/* alpn.c: the negotiation of application protocols: ALPN (RFC 7301) and NPN, its predecessor. */
#include "tls/alpn.h"

#include "base/argument.h"
#include "base/memory.h"
#include "tls/connection.h"
#include "tls/context.h"

struct cleat_alpn *cleat_alpn_ref(struct cleat_alpn *alpn) {
    if (alpn != NULL) atomic_fetch_add_explicit(&alpn->references, 1, memory_order_relaxed);
    return alpn;
}

void cleat_alpn_unref(struct cleat_alpn *alpn) {
    if (alpn == NULL) return;
    if (atomic_fetch_sub_explicit(&alpn->references, 1, memory_order_acq_rel) == 1) {
        cleat_release(alpn);
    }
}

static bool is_well_formed(const char *protocols, int32_t len) {
    int32_t at = 0;
    while (at < len) {
        int32_t name = (unsigned char)protocols[at];
        if (name == 0 || name > len - at - 1) return false;
        at += 1 + name;
    }
    return true;
}

int32_t cleat_alpn_new(const char *protocols, int32_t len, const char *what,
                       struct cleat_alpn **list) {
    *list = NULL;
    CLEAT_CHECK_IN(2, protocols, len);
    if (len > 0xffff || !is_well_formed(protocols, len)) {
        return cleat_fail_usage(2, "%s protocols must be 1 to 255 in length", what);
    }
    if (len == 0) return CLEAT_OK;
    *list = cleat_allocate(sizeof **list + (size_t)len);
    if (*list == NULL) return cleat_fail_nomem();
    atomic_init(&(*list)->references, 1);
    (*list)->len = (unsigned)len;
    memcpy((*list)->wire, protocols, (size_t)len);
    return CLEAT_OK;
}

static const struct cleat_configuration *configuration_of(const SSL *ssl) {
    const struct cleat_connection *connection = SSL_get_app_data(ssl);
    return connection->configuration;
}

/* On a server. */
static int advertise_npn(SSL *ssl, const uint8_t **out, unsigned *out_len, void *unused) {
    const struct cleat_alpn *npn = configuration_of(ssl)->npn;
    (void)unused;
    if (npn == NULL) return SSL_TLSEXT_ERR_NOACK;
    *out = npn->wire;
    *out_len = npn->len;
    return SSL_TLSEXT_ERR_OK;
}

/* On a client. */
static int select_npn(SSL *ssl, uint8_t **out, uint8_t *out_len, const uint8_t *in, unsigned in_len,
                      void *unused) {
    const struct cleat_alpn *npn = configuration_of(ssl)->npn;
    (void)unused;
    if (npn == NULL) return SSL_TLSEXT_ERR_NOACK;
    /* The server's order of preference applies; without a match the client's first protocol is selected. */
    SSL_select_next_proto(out, out_len, in, in_len, npn->wire, npn->len);
    return SSL_TLSEXT_ERR_OK;
}

/* On a server. */
static int select_alpn(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
                       unsigned in_len, void *unused) {
    const struct cleat_connection *connection = SSL_get_app_data(ssl);
    const struct cleat_alpn *alpn =
        connection->chooses_alpn ? connection->own_alpn : configuration_of(ssl)->alpn;
    uint8_t *selected;
    (void)unused;
    if (alpn == NULL) return SSL_TLSEXT_ERR_NOACK;
    /* The order of preference of the first list applies: this server's. */
    if (SSL_select_next_proto(&selected, out_len, alpn->wire, alpn->len, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    *out = selected;
    return SSL_TLSEXT_ERR_OK;
}

bool cleat_alpn_set_up(SSL_CTX *ssl_ctx, const struct cleat_alpn *alpn,
                       const struct cleat_alpn *npn) {
    if (npn != NULL) {
        /* A client offers NPN if the callback is set. */
        SSL_CTX_set_next_protos_advertised_cb(ssl_ctx, advertise_npn, NULL);
        SSL_CTX_set_next_proto_select_cb(ssl_ctx, select_npn, NULL);
    }
    /* With this callback BoringSSL does not negotiate NPN with clients that offer ALPN. Without NPN it is set even if
     * there are no ALPN protocols: a connection that has chosen some may be switched to this configuration. */
    if (alpn != NULL || npn == NULL) SSL_CTX_set_alpn_select_cb(ssl_ctx, select_alpn, NULL);
    return alpn == NULL || SSL_CTX_set_alpn_protos(ssl_ctx, alpn->wire, alpn->len) == 0;
}

static int32_t set_protocols(int32_t context, bool is_alpn, struct cleat_alpn *list) {
    struct cleat_object *found = NULL;
    int32_t result = cleat_handle_find(context, CLEAT_KIND_CONTEXT, &found);
    if (found != NULL) {
        struct cleat_context *self = (void *)found;
        struct cleat_alpn **place = is_alpn ? &self->alpn : &self->npn;
        struct cleat_alpn *old;
        pthread_mutex_lock(&self->lock);
        old = *place;
        *place = list;
        list = old;
        cleat_context_changed(self);
        pthread_mutex_unlock(&self->lock);
        cleat_handle_done(found);
    }
    cleat_alpn_unref(list);
    return result;
}

int32_t cleat_context_set_alpn_protocols(int32_t context, const char *protocols,
                                         int32_t protocols_len) {
    CLEAT_NO_CANCEL();
    struct cleat_alpn *list;
    int32_t status = cleat_alpn_new(protocols, protocols_len, "ALPN", &list);
    return status < 0 ? status : set_protocols(context, true, list);
}

int32_t cleat_context_set_npn_protocols(int32_t context, const char *protocols,
                                        int32_t protocols_len) {
    CLEAT_NO_CANCEL();
    struct cleat_alpn *list;
    int32_t status = cleat_alpn_new(protocols, protocols_len, "NPN", &list);
    return status < 0 ? status : set_protocols(context, false, list);
}
