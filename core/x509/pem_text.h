/* pem_text.h: a fast decoder of PEM blocks of certificates in strict form.
 *
 * BoringSSL decodes base64 in constant time, as private keys need. For a bundle of certificates, which are public,
 * that would take half of the loading time. */
#ifndef CLEAT_CORE_PEM_TEXT_H
#define CLEAT_CORE_PEM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* cleat_pem_text_decode decodes the block at the start of text into der, a buffer of at least len bytes, and stores
 * the length. Returns false unless the block has the strict form of RFC 7468 section 3, with lines that end in LF or
 * CRLF: the caller then passes the block to BoringSSL. */
bool cleat_pem_text_decode(const char *text, size_t len, uint8_t *der, size_t *der_len);

#endif
