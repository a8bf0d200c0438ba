/* full_certificate.h: a certificate with a field for each getter, and calls of all getters. */
#ifndef CLEAT_SPEC_FULL_CERTIFICATE_H
#define CLEAT_SPEC_FULL_CERTIFICATE_H

#include <stdint.h>

/* In PEM, self-signed. Its names are localhost, *.wild.test and others of each type. It has key usages, purposes, basic
 * constraints, key identifiers, URIs of each type, a list of two timestamps (the second of an unknown version), and the
 * unknown critical extension 1.2.3.5. */
extern const char full_certificate[];

/* full_certificate_read calls all getters of a certificate, and adds their results to a digest of the caller's, which
 * is 0 at first: the same certificate gives the same digest. Failures are part of it. Returns CLEAT_OK, or CLEAT_NOMEM
 * if an allocation has failed. */
int32_t full_certificate_read(int32_t certificate, uint64_t *digest);

#endif
