/* generate.h: keys and self-signed certificates, made on the spot: for tests, for development, and for peers that know
 * each other's certificate. */
#ifndef CLEAT_GENERATE_H
#define CLEAT_GENERATE_H

#include "cleat/base.h"

/* cleat_generate_key returns the length of a new private key in PEM (PKCS#8), and copies it to output. key_type:
 * CLEAT_REMOTE_KEY_*, of which RSA and P-224 are CLEAT_USAGE. Each call makes another key, so give it room: 512 bytes
 * are enough for any of them. CLEAT_SSL. */
CLEAT_API int32_t cleat_generate_key(int32_t key_type, char *output, int32_t output_cap);

/* cleat_generate_certificate returns the length of a certificate for a private key that is its own issuer, in PEM, and
 * copies it to output. key: in PEM, not encrypted. names: the host names and IP addresses that it is for, with commas
 * between them; internationalised names in their A-labels. It may identify a server and a client, is no CA's, has a
 * random serial number, and is valid from five minutes ago, for clocks that differ, until lifetime seconds from now: 1
 * to 2147483647. A peer that trusts it accepts it and nothing else. Each call makes another one. CLEAT_USAGE for names
 * that no certificate can be for; CLEAT_NEED_PASSWORD for an encrypted key; CLEAT_SSL: PEM NO_START_LINE, ... */
CLEAT_API int32_t cleat_generate_certificate(const char *key, int32_t key_len, const char *names,
                                             int32_t names_len, int32_t lifetime, char *output,
                                             int32_t output_cap);

#endif
