/* generate.h: generates keys and self-signed certificates, for tests, for development, and for peers that know each
 * other's certificate. */
#ifndef CLEAT_GENERATE_H
#define CLEAT_GENERATE_H

#include "cleat/base.h"

/* cleat_generate_key returns the length of a new private key in PEM (PKCS#8), and copies it to output. key_type:
 * CLEAT_REMOTE_KEY_* except RSA and P224: CLEAT_USAGE. Each call generates another key, so pass a large enough
 * buffer the first time: 512 bytes suffice. CLEAT_SSL. */
CLEAT_API int32_t cleat_generate_key(int32_t key_type, char *output, int32_t output_cap);

/* cleat_generate_certificate returns the length of a new self-signed certificate in PEM, and copies it to output.
 * key: the private key, in PEM, not encrypted. names: the host names and IP addresses of the certificate, separated
 * by commas; internationalised names as A-labels. lifetime: seconds from now, 1 to 2147483647; the validity begins
 * five minutes ago, to allow for clocks that differ. The certificate is valid for servers and clients, is not a CA
 * certificate, and has a random serial number. A peer that trusts it accepts this certificate and no other. Each
 * call generates another certificate, so pass a large enough buffer the first time. CLEAT_USAGE for names that a
 * certificate cannot contain; CLEAT_NEED_PASSWORD for an encrypted key; CLEAT_SSL: PEM NO_START_LINE, ... */
CLEAT_API int32_t cleat_generate_certificate(const char *key, int32_t key_len, const char *names,
                                             int32_t names_len, int32_t lifetime, char *output,
                                             int32_t output_cap);

#endif
