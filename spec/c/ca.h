/* ca.h: CA certificates, the certificates that they issue, and their revocation lists, made for this run. */
#ifndef CLEAT_SPEC_CA_H
#define CLEAT_SPEC_CA_H

#include <stdbool.h>

#include "base/boringssl.h"

struct ca_certificate {
    EVP_PKEY *key; /* P-256 */
    X509 *x509;
};

/* The fields of a certificate. Times are seconds from now, by the system's clock. */
struct ca_request {
    const char *name; /* common name, and host name if it is not a CA */
    long serial;
    long begins;
    long ends;
    bool is_ca;
    int purpose; /* NID of the only extended key usage; 0: any */
};

/* ca_issue makes a key and a certificate; issuer: NULL for a self-signed one. */
struct ca_certificate ca_issue(const struct ca_request *request,
                               const struct ca_certificate *issuer);
void ca_free(struct ca_certificate *certificate);

/* ca_trust makes a context trust the certificate; ca_trust_list loads a revocation list of the CA with this validity,
 * which revokes one serial number, or none if that is 0. */
void ca_trust(int32_t context, const struct ca_certificate *certificate);
void ca_trust_list(int32_t context, const struct ca_certificate *certificate, long begins,
                   long ends, long revoked);

/* ca_load loads the certificate and its key into a context. */
void ca_load(int32_t context, const struct ca_certificate *certificate);

/* ca_load_chain does so with another certificate after it, count times. */
void ca_load_chain(int32_t context, const struct ca_certificate *certificate,
                   const struct ca_certificate *other, int count);

#endif
