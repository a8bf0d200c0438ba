/* ca.h: CA certificates, what they issue, and their revocation lists, made for this run. */
#ifndef CLEAT_SPEC_CA_H
#define CLEAT_SPEC_CA_H

#include <stdbool.h>

#include "base/boringssl.h"

struct ca_certificate {
    EVP_PKEY *key; /* P-256 */
    X509 *x509;
};

/* What a certificate is to say. Times are seconds from now, as the system has it. */
struct ca_request {
    const char *name; /* common name, and host name if it is no CA */
    long serial;
    long begins;
    long ends;
    bool is_ca;
    int purpose; /* NID of the only extended key usage; 0: any */
};

/* ca_issue makes a key and a certificate; issuer: NULL for one that is signed by itself. */
struct ca_certificate ca_issue(const struct ca_request *request,
                               const struct ca_certificate *issuer);
void ca_free(struct ca_certificate *certificate);

/* ca_trust makes a context trust the certificate; ca_trust_list loads a list of its that begins and ends
 * then, and revokes one serial number, or none if that is 0. */
void ca_trust(int32_t context, const struct ca_certificate *certificate);
void ca_trust_list(int32_t context, const struct ca_certificate *certificate, long begins,
                   long ends, long revoked);

/* ca_load gives a context the certificate and its key. */
void ca_load(int32_t context, const struct ca_certificate *certificate);

/* ca_load_chain does so with another certificate behind it, count times. */
void ca_load_chain(int32_t context, const struct ca_certificate *certificate,
                   const struct ca_certificate *other, int count);

#endif
