/* alpn.c: application protocols: ALPN (RFC 7301), and NPN, its forerunner. */
#include "base/argument.h"
#include "base/memory.h"
#include "tls/connection.h"
#include "tls/context.h"

struct cleat_alpn *cleat_alpn_hold(struct cleat_alpn *alpn) {
    if (alpn != NULL) atomic_fetch_add_explicit(&alpn->holders, 1, memory_order_relaxed);
    return alpn;
}

void cleat_alpn_drop(struct cleat_alpn *alpn) {
    if (alpn == NULL) return;
    if (atomic_fetch_sub_explicit(&alpn->holders, 1, memory_order_acq_rel) == 1) {
        cleat_release(alpn);
    }
}

static bool well_formed(const char *protocols, int32_t len) {
    int32_t at = 0;
    while (at < len) {
        int32_t name = (unsigned char)protocols[at];
        if (name == 0 || name > len - at - 1) return false;
        at += 1 + name;
    }
    return true;
}

/* Makes a list of what the caller gave; *list is NULL if that is empty. */
static int32_t make_list(const char *protocols, int32_t len, const char *what,
                         struct cleat_alpn **list) {
    *list = NULL;
    CLEAT_CHECK_IN(2, protocols, len);
    if (len > 0xffff || !well_formed(protocols, len)) {
        return cleat_fail_usage(2, "%s protocols must be 1 to 255 in length", what);
    }
    if (len == 0) return CLEAT_OK;
    *list = cleat_allocate(sizeof **list + (size_t)len);
    if (*list == NULL) return cleat_fail_nomem();
    atomic_init(&(*list)->holders, 1);
    (*list)->len = (unsigned)len;
    memcpy((*list)->wire, protocols, (size_t)len);
    return CLEAT_OK;
}

int32_t cleat_context_set_alpn_protocols(int32_t context, const char *protocols,
                                         int32_t protocols_len) {
    struct cleat_object *found = NULL;
    struct cleat_alpn *list;
    int32_t result = make_list(protocols, protocols_len, "ALPN", &list);
    if (result >= 0) result = cleat_handle_find(context, CLEAT_KIND_CONTEXT, &found);
    if (found != NULL) {
        struct cleat_context *self = (struct cleat_context *)found;
        pthread_mutex_lock(&self->lock);
        cleat_error_clear_queue();
        if (SSL_CTX_set_alpn_protos(self->ssl_ctx, list == NULL ? NULL : list->wire,
                                    list == NULL ? 0 : list->len) != 0) {
            result = cleat_fail_ssl("SSL_CTX_set_alpn_protos");
        } else {
            struct cleat_alpn *old = self->alpn;
            /* With it there is no NPN for clients that offer ALPN, so it is set only when it is
             * wanted. It stays, for connections that have a list. */
            if (list != NULL) SSL_CTX_set_alpn_select_cb(self->ssl_ctx, cleat_alpn_select, NULL);
            self->alpn = list;
            list = old;
        }
        pthread_mutex_unlock(&self->lock);
        cleat_handle_done(found);
    }
    cleat_alpn_drop(list);
    return result;
}

int32_t cleat_context_set_npn_protocols(int32_t context, const char *protocols,
                                        int32_t protocols_len) {
    struct cleat_object *found = NULL;
    struct cleat_alpn *list;
    int32_t result = make_list(protocols, protocols_len, "NPN", &list);
    if (result >= 0) result = cleat_handle_find(context, CLEAT_KIND_CONTEXT, &found);
    if (found != NULL) {
        struct cleat_context *self = (struct cleat_context *)found;
        struct cleat_alpn *old;
        pthread_mutex_lock(&self->lock);
        old = self->npn;
        self->npn = list;
        list = old;
        /* A client says that it knows NPN if the callback is set, and so it is set only then. */
        SSL_CTX_set_next_protos_advertised_cb(self->ssl_ctx, cleat_npn_advertise, NULL);
        SSL_CTX_set_next_proto_select_cb(self->ssl_ctx, self->npn == NULL ? NULL : cleat_npn_select,
                                         NULL);
        pthread_mutex_unlock(&self->lock);
        cleat_handle_done(found);
    }
    cleat_alpn_drop(list);
    return result;
}

int cleat_npn_advertise(SSL *ssl, const uint8_t **out, unsigned *out_len, void *unused) {
    const struct cleat_connection *connection = SSL_get_app_data(ssl);
    (void)unused;
    if (connection->npn == NULL) return SSL_TLSEXT_ERR_NOACK;
    *out = connection->npn->wire;
    *out_len = connection->npn->len;
    return SSL_TLSEXT_ERR_OK;
}

int cleat_npn_select(SSL *ssl, uint8_t **out, uint8_t *out_len, const uint8_t *in, unsigned in_len,
                     void *unused) {
    const struct cleat_connection *connection = SSL_get_app_data(ssl);
    (void)unused;
    if (connection->npn == NULL) return SSL_TLSEXT_ERR_NOACK;
    /* The server's order counts; without a match the client's first is taken. */
    SSL_select_next_proto(out, out_len, in, in_len, connection->npn->wire, connection->npn->len);
    return SSL_TLSEXT_ERR_OK;
}

int cleat_alpn_select(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
                      unsigned in_len, void *unused) {
    const struct cleat_connection *connection = SSL_get_app_data(ssl);
    const struct cleat_alpn *alpn = connection->alpn;
    uint8_t *selected;
    (void)unused;
    if (alpn == NULL) return SSL_TLSEXT_ERR_NOACK;
    /* The first list is the one whose order counts: ours. */
    if (SSL_select_next_proto(&selected, out_len, alpn->wire, alpn->len, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    *out = selected;
    return SSL_TLSEXT_ERR_OK;
}
