/* compression.h: compressed certificates. */
#ifndef CLEAT_CORE_COMPRESSION_H
#define CLEAT_CORE_COMPRESSION_H

#include <stdbool.h>

#include "base/boringssl.h"
#include "cleat/compression.h"

/* What a configuration's connections have compressed: a server sends the same to all clients. */
struct cleat_compression;

struct cleat_compression *cleat_compression_new(void); /* NULL if memory lacks */
void cleat_compression_free(struct cleat_compression *compression); /* NULL is none */

/* cleat_compression_set_up returns whether connections of ssl_ctx now compress, and accept what is compressed. Their
 * configurations must have a cleat_compression. */
bool cleat_compression_set_up(SSL_CTX *ssl_ctx);

#endif
