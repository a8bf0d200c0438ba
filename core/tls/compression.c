#include "tls/compression.h"

#include <pthread.h>

#include "base/argument.h"
#include "base/memory.h"
#include "tls/connection.h"
#include "tls/context.h"

int32_t cleat_has_certificate_compression(void) {
    CLEAT_NO_CANCEL();
    return CLEAT_HAS_ZLIB;
}

int32_t cleat_context_certificate_compression(int32_t context) {
    CLEAT_CONTEXT_BEGIN(context);
    CLEAT_CONTEXT_END(self->settings.certificate_compression ? 1 : 0);
}

int32_t cleat_context_set_certificate_compression(int32_t context, int32_t on) {
    CLEAT_CHECK_RANGE(2, on, 0, 1);
    CLEAT_CONTEXT_BEGIN(context);
    if (on == 1 && CLEAT_HAS_ZLIB == 0) {
        CLEAT_CONTEXT_END(cleat_fail(CLEAT_UNSUPPORTED, 0, "this library was built without zlib"));
    }
    self->settings.certificate_compression = on == 1;
    cleat_context_changed(self);
    CLEAT_CONTEXT_END(CLEAT_OK);
}

#if CLEAT_HAS_ZLIB

#define ZLIB_CONST /* zlib does not modify its input */
#include <zlib.h>

/* With and without an OCSP response and timestamps, a server has up to four messages for each certificate chain. Few
 * servers have more than two chains. */
#define ENTRIES 8

struct cleat_compression {
    pthread_mutex_t lock;
    struct {
        CRYPTO_BUFFER *plain; /* NULL if the entry is unused */
        CRYPTO_BUFFER *compressed;
    } entries[ENTRIES];
    size_t next; /* the oldest entry */
};

struct cleat_compression *cleat_compression_new(void) {
    struct cleat_compression *made = cleat_allocate(sizeof *made);
    if (made != NULL) pthread_mutex_init(&made->lock, NULL);
    return made;
}

void cleat_compression_free(struct cleat_compression *compression) {
    size_t i;
    if (compression == NULL) return;
    for (i = 0; i < ENTRIES; i++) {
        CRYPTO_BUFFER_free(compression->entries[i].plain);
        CRYPTO_BUFFER_free(compression->entries[i].compressed);
    }
    pthread_mutex_destroy(&compression->lock);
    cleat_release(compression);
}

/* No thread waits for the lock, which a forked process may never get: they compress again instead. */
static CRYPTO_BUFFER *find(struct cleat_compression *self, const uint8_t *in, size_t in_len) {
    CRYPTO_BUFFER *found = NULL;
    size_t i;
    if (pthread_mutex_trylock(&self->lock) != 0) return NULL;
    for (i = 0; i < ENTRIES && found == NULL; i++) {
        const CRYPTO_BUFFER *plain = self->entries[i].plain;
        if (plain != NULL && CRYPTO_BUFFER_len(plain) == in_len &&
            memcmp(CRYPTO_BUFFER_data(plain), in, in_len) == 0) {
            found = self->entries[i].compressed;
            CRYPTO_BUFFER_up_ref(found);
        }
    }
    pthread_mutex_unlock(&self->lock);
    return found;
}

/* Takes over the reference to plain. */
static void keep(struct cleat_compression *self, CRYPTO_BUFFER *plain, CRYPTO_BUFFER *compressed) {
    CRYPTO_BUFFER *old_plain = plain;
    CRYPTO_BUFFER *old_compressed = NULL;
    if (plain != NULL && pthread_mutex_trylock(&self->lock) == 0) {
        old_plain = self->entries[self->next].plain;
        old_compressed = self->entries[self->next].compressed;
        self->entries[self->next].plain = plain;
        self->entries[self->next].compressed = compressed;
        CRYPTO_BUFFER_up_ref(compressed);
        self->next = (self->next + 1) % ENTRIES;
        pthread_mutex_unlock(&self->lock);
    }
    CRYPTO_BUFFER_free(old_plain);
    CRYPTO_BUFFER_free(old_compressed);
}

static voidpf allocate(voidpf opaque, uInt items, uInt size) {
    (void)opaque;
    return cleat_allocate((size_t)items * size);
}

static void release(voidpf opaque, voidpf block) {
    (void)opaque;
    cleat_release(block);
}

static z_stream start(const uint8_t *in, size_t in_len) {
    z_stream stream = {
        .next_in = in, .avail_in = (uInt)in_len, .zalloc = allocate, .zfree = release};
    return stream;
}

/* NULL if an allocation failed. */
static CRYPTO_BUFFER *deflate_all(const uint8_t *in, size_t in_len) {
    z_stream stream = start(in, in_len);
    CRYPTO_BUFFER *made = NULL;
    uint8_t *bytes;
    uLong room;
    if (deflateInit(&stream, Z_BEST_COMPRESSION) != Z_OK) return NULL;
    room = deflateBound(&stream, (uLong)in_len);
    bytes = cleat_allocate(room);
    if (bytes != NULL) {
        stream.next_out = bytes;
        stream.avail_out = (uInt)room;
        if (deflate(&stream, Z_FINISH) == Z_STREAM_END) {
            made = CRYPTO_BUFFER_new(bytes, room - stream.avail_out, NULL);
        }
    }
    deflateEnd(&stream);
    cleat_release(bytes);
    return made;
}

static int compress_certificates(SSL *ssl, CBB *out, const uint8_t *in, size_t in_len) {
    const struct cleat_connection *connection = SSL_get_app_data(ssl);
    struct cleat_compression *self = connection->configuration->compression;
    CRYPTO_BUFFER *compressed = find(self, in, in_len);
    int added;
    if (compressed == NULL) {
        compressed = deflate_all(in, in_len);
        if (compressed == NULL) return 0;
        keep(self, CRYPTO_BUFFER_new(in, in_len, NULL), compressed);
    }
    added = CBB_add_bytes(out, CRYPTO_BUFFER_data(compressed), CRYPTO_BUFFER_len(compressed));
    CRYPTO_BUFFER_free(compressed);
    return added;
}

/* BoringSSL has checked out_len against the maximum length of a certificate list. zlib never writes more than
 * out_len bytes. */
static int decompress_certificates(SSL *ssl, CRYPTO_BUFFER **out, size_t out_len, const uint8_t *in,
                                   size_t in_len) {
    z_stream stream = start(in, in_len);
    uint8_t *bytes;
    CRYPTO_BUFFER *made;
    bool is_whole;
    if (out_len == 0 || out_len > SSL_get_max_cert_list(ssl)) return 0;
    made = CRYPTO_BUFFER_alloc(&bytes, out_len);
    if (made == NULL) return 0;
    if (inflateInit(&stream) != Z_OK) {
        CRYPTO_BUFFER_free(made);
        return 0;
    }
    stream.next_out = bytes;
    stream.avail_out = (uInt)out_len;
    is_whole =
        inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_out == 0 && stream.avail_in == 0;
    inflateEnd(&stream);
    if (!is_whole) {
        CRYPTO_BUFFER_free(made);
        return 0;
    }
    *out = made;
    return 1;
}

bool cleat_compression_set_up(SSL_CTX *ssl_ctx) {
    return SSL_CTX_add_cert_compression_alg(ssl_ctx, TLSEXT_cert_compression_zlib,
                                            compress_certificates, decompress_certificates) == 1;
}

#else /* without zlib the setter refuses 1 */

struct cleat_compression *cleat_compression_new(void) {
    return NULL;
}

void cleat_compression_free(struct cleat_compression *compression) {
    (void)compression;
}

bool cleat_compression_set_up(SSL_CTX *ssl_ctx) {
    (void)ssl_ctx;
    return false;
}

#endif
