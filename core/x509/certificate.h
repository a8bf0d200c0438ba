/* certificate.h: certificate objects. */
#ifndef CLEAT_CORE_CERTIFICATE_H
#define CLEAT_CORE_CERTIFICATE_H

#include <pthread.h>

#include "base/boringssl.h"
#include "base/handle.h"
#include "cleat/certificate.h"

/* A URI in a certificate's extensions. The decoded extension owns text. */
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

/* A certificate's decoded extensions. Each is decoded on first use and is immutable from then on; a malformed one
 * does not affect the others. */
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

/* cleat_certificate_open returns an id for the certificate. It takes over the caller's reference, also if it fails. */
int32_t cleat_certificate_open(X509 *x509);

/* cleat_certificate_open_buffer returns an id for a certificate in DER. The caller keeps its reference to the
 * buffer. CLEAT_SSL if it cannot be parsed. */
int32_t cleat_certificate_open_buffer(CRYPTO_BUFFER *buffer);

/* cleat_certificate_decode returns CLEAT_OK and decodes the extension if it is not decoded yet. CLEAT_SSL if it is
 * malformed or repeated. */
int32_t cleat_certificate_decode(struct cleat_certificate *certificate,
                                 enum cleat_extension extension);

/* cleat_certificate_find stores the decoded extension, which the caller frees, or NULL if there is none. Returns
 * false if the extension is malformed or repeated. It does not change this thread's record; BoringSSL's error queue
 * may contain the reason. */
bool cleat_certificate_find(const X509 *x509, int nid, void **decoded, bool *repeated);

/* cleat_certificate_read does the same and returns CLEAT_OK, or CLEAT_SSL if the extension is malformed or repeated.
 * what: the extension's name. */
int32_t cleat_certificate_read(const X509 *x509, int nid, void **decoded, const char *what);

void cleat_extensions_free(struct cleat_extensions *extensions);

#endif
