/* end_point.h: the channel binding "tls-server-end-point" (RFC 5929 section 4). */
#ifndef CLEAT_CORE_END_POINT_H
#define CLEAT_CORE_END_POINT_H

#include <stddef.h>
#include <stdint.h>

#include "base/boringssl.h"

/* cleat_end_point_digest returns CLEAT_OK and computes the digest of a server's certificate. *len is 0 if the
 * certificate's signature algorithm uses no hash, or more than one. CLEAT_SSL if the certificate cannot be parsed;
 * CLEAT_NOMEM. */
int32_t cleat_end_point_digest(CRYPTO_BUFFER *certificate, uint8_t digest[EVP_MAX_MD_SIZE],
                               size_t *len);

#endif
