/* cipher_list.h: translates lists of cipher suites whose meaning differs between OpenSSL and BoringSSL. */
#ifndef CLEAT_CORE_CIPHER_LIST_H
#define CLEAT_CORE_CIPHER_LIST_H

#include <stdint.h>

/* cleat_cipher_list_copy returns a copy of a list for BoringSSL as a C string, or NULL if an allocation failed. It
 * replaces "PSK" by "aPSK", BoringSSL's name for all suites with a pre-shared key; BoringSSL's "PSK" is only those
 * without forward secrecy. */
char *cleat_cipher_list_copy(const char *list, int32_t len);

#endif
