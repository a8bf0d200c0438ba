/* full_certificate.h: a certificate that has something for each getter, and a call of all of them. */
#ifndef CLEAT_SPEC_FULL_CERTIFICATE_H
#define CLEAT_SPEC_FULL_CERTIFICATE_H

#include <stdint.h>

/* In PEM, self-signed. Its names are localhost, *.wild.test and others of each kind. It has key usages, purposes,
 * basic constraints, key identifiers, URIs of each kind, a list of two timestamps (the second of an unknown version),
 * and the critical extension 1.2.3.5, which nothing knows. */
extern const char full_certificate[];

/* full_certificate_read calls all getters of a certificate, and adds what they return to a digest of the caller's, 0 at
 * first: the same for the same certificate. Failures count as well. Returns CLEAT_OK, or CLEAT_NOMEM if memory
 * lacks. */
int32_t full_certificate_read(int32_t certificate, uint64_t *digest);

#endif
