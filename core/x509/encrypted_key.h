/* encrypted_key.h: private keys encrypted with schemes that BoringSSL does not support: PBES2 (RFC 8018) with PBKDF2
 * over HMAC with SHA-224, -384, -512 and -512/256, and with scrypt (RFC 7914). */
#ifndef CLEAT_CORE_ENCRYPTED_KEY_H
#define CLEAT_CORE_ENCRYPTED_KEY_H

#include <stdbool.h>

#include "base/boringssl.h"

/* The file determines the cost of the key derivation. Parameters above these limits are refused before anything is
 * computed: about ten seconds of PBKDF2, 65 MiB and a few seconds of scrypt. */
#define CLEAT_PBKDF2_ITERATIONS_MAX 10000000
#define CLEAT_SCRYPT_MEMORY_MAX ((size_t)65 * 1024 * 1024)
#define CLEAT_SCRYPT_WORK_MAX ((uint64_t)1 << 22) /* N * r * p; OpenSSL's default is 2^17 */

/* cleat_encrypted_key_is_for returns whether BoringSSL's error shows that the key may be encrypted with one of these
 * schemes. */
bool cleat_encrypted_key_is_for(uint32_t error);

/* cleat_encrypted_key_parse decrypts an EncryptedPrivateKeyInfo in DER. CLEAT_OK and the key, which the caller
 * frees; CLEAT_SSL, for a wrong password with the reason BAD_DECRYPT; CLEAT_NOMEM. */
int32_t cleat_encrypted_key_parse(const uint8_t *der, size_t len, const char *password,
                                  size_t password_len, EVP_PKEY **key);

#endif
