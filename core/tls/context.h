/* context.h: contexts, as the other files of the core see them. */
#ifndef CLEAT_CORE_CONTEXT_H
#define CLEAT_CORE_CONTEXT_H

#include <pthread.h>

#include "base/boringssl.h"
#include "base/handle.h"
#include "cleat/context.h"

/* A list of application protocols, for ALPN or NPN, in wire format. It never changes:
 * connections keep the one they were made with. */
struct cleat_alpn {
    atomic_int holders;
    unsigned len;
    uint8_t wire[];
};

struct cleat_context {
    struct cleat_object object;
    SSL_CTX *ssl_ctx;
    pthread_mutex_t lock; /* for the settings below and for changes of ssl_ctx's */
    int32_t protocol;
    int32_t options; /* as the caller set them: BoringSSL knows only some */
    int32_t verify_mode;
    int32_t verify_flags;
    int curve; /* NID of the only group for the key exchange; 0 for the default ones */
    bool check_hostname;
    struct cleat_alpn *alpn; /* NULL if none */
    struct cleat_alpn *npn; /* likewise */
    bool server_name_events;
    X509_STORE *shared_store; /* the system's authorities, while nothing else is trusted; or NULL */
    char *shared_directory; /* where that store looks besides */
    bool trusts_own; /* something was loaded into ssl_ctx's own store */
    atomic_int stats[CLEAT_STAT_CACHE_FULL + 1];
};

/* cleat_context_count counts one more of a CLEAT_STAT_*. */
void cleat_context_count(struct cleat_context *context, int32_t which);

struct cleat_alpn *cleat_alpn_hold(struct cleat_alpn *alpn);
void cleat_alpn_drop(struct cleat_alpn *alpn);

/* cleat_alpn_select is BoringSSL's callback on a server; the connection is the SSL's app data. */
int cleat_alpn_select(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in,
                      unsigned in_len, void *unused);

/* cleat_npn_advertise (on a server) and cleat_npn_select (on a client) are the callbacks for
 * NPN. */
int cleat_npn_advertise(SSL *ssl, const uint8_t **out, unsigned *out_len, void *unused);
int cleat_npn_select(SSL *ssl, uint8_t **out, uint8_t *out_len, const uint8_t *in, unsigned in_len,
                     void *unused);

/* cleat_server_name_select is BoringSSL's callback for a ClientHello: see server_name.c. */
enum ssl_select_cert_result_t cleat_server_name_select(const SSL_CLIENT_HELLO *hello);

#endif
