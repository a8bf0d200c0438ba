/* compression.h: certificate compression (RFC 8879). */
#ifndef CLEAT_CORE_COMPRESSION_H
#define CLEAT_CORE_COMPRESSION_H

#include <stdbool.h>

#include "base/boringssl.h"
#include "cleat/compression.h"

/* A configuration's cache of compressed messages: a server sends the same ones to all clients. */
struct cleat_compression;

struct cleat_compression *cleat_compression_new(void); /* NULL if an allocation failed */
void cleat_compression_free(struct cleat_compression *compression); /* does nothing for NULL */

/* cleat_compression_set_up makes connections of ssl_ctx compress certificates and accept compressed ones. Their
 * configurations must have a cleat_compression. Returns false on failure. */
bool cleat_compression_set_up(SSL_CTX *ssl_ctx);

#endif
