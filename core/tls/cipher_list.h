/* cipher_list.h: what OpenSSL's lists of cipher suites mean, where BoringSSL takes them otherwise. */
#ifndef CLEAT_CORE_CIPHER_LIST_H
#define CLEAT_CORE_CIPHER_LIST_H

#include <stdint.h>

/* cleat_cipher_list_copy returns a copy of a list for BoringSSL, with a zero byte behind it, or NULL if memory lacks.
 * "PSK" is all suites with a pre-shared key in it, which BoringSSL calls "aPSK", and not those without forward secrecy
 * alone. */
char *cleat_cipher_list_copy(const char *list, int32_t len);

#endif
