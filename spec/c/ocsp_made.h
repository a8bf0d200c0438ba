/* ocsp_made.h: OCSP responses, made for this run. */
#ifndef CLEAT_SPEC_OCSP_MADE_H
#define CLEAT_SPEC_OCSP_MADE_H

#include "ca.h"

/* ocsp_made returns a response that the issuer has signed, in DER, and its length; the caller frees it with
 * OPENSSL_free. rest: the part of the certificate's SingleResponse after the CertID; NULL for the status good, valid
 * for an hour from now. */
uint8_t *ocsp_made(const struct ca_certificate *issuer, const X509 *certificate,
                   const uint8_t *rest, size_t rest_len, size_t *len);

/* ocsp_signed does the same for a ResponseData. */
uint8_t *ocsp_signed(const struct ca_certificate *issuer, const uint8_t *data, size_t data_len,
                     size_t *len);

#endif
