/* cipher.h: the parts of a cipher suite (IANA's registry of TLS cipher suites). */
#ifndef CLEAT_CIPHER_H
#define CLEAT_CIPHER_H

#include "cleat/base.h"

/* CLEAT_CIPHER_* select what cleat_cipher_text returns of a suite, with OpenSSL's names: its name; the version of
 * TLS that introduced it ("SSLv3", "TLSv1.0", "TLSv1.2", "TLSv1.3"); the algorithm of the bulk encryption
 * ("aes-128-gcm"); the digest of its MAC ("sha1"; empty for suites with authenticated encryption); the key exchange
 * ("kx-ecdhe"); the authentication ("auth-rsa"); and all of these in one line, as SSL_CIPHER_description prints
 * them. */
#define CLEAT_CIPHER_NAME 0
#define CLEAT_CIPHER_VERSION 1
#define CLEAT_CIPHER_SYMMETRIC 2
#define CLEAT_CIPHER_DIGEST 3
#define CLEAT_CIPHER_KEY_EXCHANGE 4
#define CLEAT_CIPHER_AUTHENTICATION 5
#define CLEAT_CIPHER_DESCRIPTION 6

/* cleat_context_cipher_id returns IANA's number of the suite at index, from 0, in the list that
 * cleat_context_cipher_count counts. The suites of TLS 1.3, which are not in that list, have the numbers 0x1301,
 * 0x1302 and 0x1303. CLEAT_USAGE for an index out of range; CLEAT_SSL if BoringSSL refuses the settings. */
CLEAT_API int32_t cleat_context_cipher_id(int32_t context, int32_t index);

/* cleat_cipher_text returns the length of a text about the suite with IANA's number cipher and copies it to output;
 * 0 if the suite has no such part. which: CLEAT_CIPHER_*. CLEAT_USAGE for a suite that BoringSSL does not know. */
CLEAT_API int32_t cleat_cipher_text(int32_t cipher, int32_t which, char *output,
                                    int32_t output_cap);

/* cleat_cipher_bits returns how many bits of security the suite's encryption provides, and stores the length of its
 * key in bits: they differ for 3DES (112, 168). CLEAT_USAGE for a suite that BoringSSL does not know. */
CLEAT_API int32_t cleat_cipher_bits(int32_t cipher, int32_t *bits);

#endif
