/* compression.h: the compression of certificates in the handshake (RFC 8879), by zlib.
 *
 * It needs TLS 1.3 and must be enabled on both sides. It is off in a new context: it saves a few hundred bytes in
 * each full handshake, and exposes a decompressor to data of a peer that is not verified yet. The decompressed size
 * must equal the size that the peer declares, which BoringSSL limits. */
#ifndef CLEAT_COMPRESSION_H
#define CLEAT_COMPRESSION_H

#include "cleat/base.h"

/* cleat_has_certificate_compression returns 1 if this library was built with zlib, otherwise 0. */
CLEAT_API int32_t cleat_has_certificate_compression(void);

/* cleat_context_certificate_compression returns 1 if connections of the context compress their certificates and accept
 * compressed ones, otherwise 0. */
CLEAT_API int32_t cleat_context_certificate_compression(int32_t context);

/* cleat_context_set_certificate_compression returns CLEAT_OK and sets that. on: 0 or 1; 1 is CLEAT_UNSUPPORTED without
 * zlib. */
CLEAT_API int32_t cleat_context_set_certificate_compression(int32_t context, int32_t on);

#endif
