/* authority.h: CA certificates, what they issue, and their revocation lists, made for this run. */
#ifndef CLEAT_SPEC_AUTHORITY_H
#define CLEAT_SPEC_AUTHORITY_H

#include <stdbool.h>

#include "base/boringssl.h"

struct authority_certificate {
    EVP_PKEY *key; /* P-256 */
    X509 *x509;
};

/* What a certificate is to say. Times are seconds from now, as the system has it. */
struct authority_request {
    const char *name; /* common name, and host name if it is no CA */
    long serial;
    long begins;
    long ends;
    bool is_ca;
    int purpose; /* NID of the only extended key usage; 0: any */
};

/* authority_issue makes a key and a certificate; issuer: NULL for one that is signed by itself. */
struct authority_certificate authority_issue(const struct authority_request *request,
                                             const struct authority_certificate *issuer);
void authority_free(struct authority_certificate *certificate);

/* authority_trust makes a context trust the certificate; authority_trust_list loads a list of its that begins and ends
 * then, and revokes one serial number, or none if that is 0. */
void authority_trust(int32_t context, const struct authority_certificate *certificate);
void authority_trust_list(int32_t context, const struct authority_certificate *certificate,
                          long begins, long ends, long revoked);

/* authority_load gives a context the certificate and its key. */
void authority_load(int32_t context, const struct authority_certificate *certificate);

#endif
