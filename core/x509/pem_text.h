/* pem_text.h: decodes what almost all PEM blocks of certificates look like.
 *
 * BoringSSL decodes base64 in constant time, for private keys: half of the time that a bundle takes. A certificate is
 * public. */
#ifndef CLEAT_CORE_PEM_TEXT_H
#define CLEAT_CORE_PEM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* cleat_pem_text_decode decodes the block at the start of text into der, which has room for len bytes, and stores how
 * many there are. Returns false for anything but the strict form of RFC 7468 section 3, lines that end in LF or CRLF:
 * then BoringSSL has to say what the block is. */
bool cleat_pem_text_decode(const char *text, size_t len, uint8_t *der, size_t *der_len);

#endif
