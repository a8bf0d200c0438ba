/* certificate.h: certificates, as the other files of the core make them. */
#ifndef CLEAT_CORE_CERTIFICATE_H
#define CLEAT_CORE_CERTIFICATE_H

#include <pthread.h>

#include "base/boringssl.h"
#include "base/handle.h"
#include "cleat/certificate.h"

/* One value that a certificate's extensions hold: its text belongs to the decoded extension. */
struct cleat_uri {
    int32_t which; /* CLEAT_URI_* */
    const ASN1_STRING *text;
};

enum cleat_extension {
    CLEAT_EXTENSION_ALT_NAMES,
    CLEAT_EXTENSION_ACCESS,
    CLEAT_EXTENSION_CRL_POINTS,
    CLEAT_EXTENSION_COUNT
};

/* What is decoded from a certificate's extensions. Each is decoded on first use and never changes
 * again; one that is malformed does not affect the others. */
struct cleat_extensions {
    bool decoded[CLEAT_EXTENSION_COUNT];
    GENERAL_NAMES *alt_names; /* NULL if there are none */
    AUTHORITY_INFO_ACCESS *access; /* likewise */
    CRL_DIST_POINTS *crl_points; /* likewise */
    struct cleat_uri *access_uris;
    size_t access_uri_count;
    struct cleat_uri *crl_uris;
    size_t crl_uri_count;
};

struct cleat_certificate {
    struct cleat_object object;
    X509 *x509;
    pthread_mutex_t lock; /* for the first use of an extension */
    struct cleat_extensions extensions;
};

/* cleat_certificate_open returns an id for the certificate, of which it takes over the caller's
 * reference, also when it fails. */
int32_t cleat_certificate_open(X509 *x509);

/* cleat_certificate_decode returns CLEAT_OK once the extension is decoded. CLEAT_SSL if it is
 * malformed or repeated. */
int32_t cleat_certificate_decode(struct cleat_certificate *certificate,
                                 enum cleat_extension extension);

/* cleat_certificate_read returns CLEAT_OK and the decoded extension, the caller's to free, or NULL if
 * there is none. CLEAT_SSL if it is malformed or repeated. what: its name. */
int32_t cleat_certificate_read(const X509 *x509, int nid, void **decoded, const char *what);

void cleat_extensions_free(struct cleat_extensions *extensions);

#endif
