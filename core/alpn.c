/* alpn.c: application protocols (RFC 7301). */
#include "argument.h"
#include "connection.h"
#include "context.h"
#include "memory.h"

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

int32_t cleat_context_set_alpn_protocols(int32_t context, const char *protocols,
                                         int32_t protocols_len) {
    struct cleat_context *self;
    struct cleat_alpn *alpn = NULL;
    struct cleat_alpn *old = NULL;
    int32_t result = CLEAT_OK;
    CLEAT_CHECK_IN(2, protocols, protocols_len);
    if (protocols_len > 0xffff || !well_formed(protocols, protocols_len)) {
        return cleat_fail_usage(2, "ALPN protocols must be 1 to 255 in length");
    }
    if (protocols_len > 0) {
        alpn = cleat_allocate(sizeof *alpn + (size_t)protocols_len);
        if (alpn == NULL) return cleat_fail_nomem();
        atomic_init(&alpn->holders, 1);
        alpn->len = (unsigned)protocols_len;
        memcpy(alpn->wire, protocols, (size_t)protocols_len);
    }
    result = cleat_handle_find(context, CLEAT_KIND_CONTEXT, (struct cleat_object **)&self);
    if (result < 0) {
        cleat_alpn_drop(alpn);
        return result;
    }
    pthread_mutex_lock(&self->lock);
    cleat_error_clear_queue();
    if (SSL_CTX_set_alpn_protos(self->ssl_ctx, alpn == NULL ? NULL : alpn->wire,
                                alpn == NULL ? 0 : alpn->len) != 0) {
        result = cleat_fail_ssl("SSL_CTX_set_alpn_protos");
        old = alpn;
    } else {
        old = self->alpn;
        self->alpn = alpn;
    }
    pthread_mutex_unlock(&self->lock);
    cleat_alpn_drop(old);
    CLEAT_DONE(self);
    return result;
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
