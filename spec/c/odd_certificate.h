/* odd_certificate.h: a certificate with fields that BoringSSL accepts, and that have no usual representation.
 *
 * Its subject has the attributes ODD_STRING and so on. Its validity begins on Jan  5 2024 at 09:34:43 with an offset of
 * +0130 and ends with one of -1300. The subject alternative name is NULL in place of a list, the authority information
 * access occurs twice, and the CRL distribution points are not DER. */
#ifndef CLEAT_SPEC_ODD_CERTIFICATE_H
#define CLEAT_SPEC_ODD_CERTIFICATE_H

enum {
    ODD_STRING, /* "odd" */
    ODD_BITS, /* a BIT STRING, "bits" */
    ODD_SEQUENCE, /* of the UTF8String "x" */
    ODD_JURISDICTION, /* jurisdictionCountryName, "DE" */
    ODD_LONG_TYPE, /* a type of 601 bytes, "long" */
    ODD_COUNT
};

/* In PEM. */
extern const char odd_certificate[];

#endif
