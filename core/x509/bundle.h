/* bundle.h: the certificates and revocation lists of one file or text.
 *
 * A bundle is immutable, so that contexts can share it: the system's CA certificates are parsed once. */
#ifndef CLEAT_CORE_BUNDLE_H
#define CLEAT_CORE_BUNDLE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/boringssl.h"
#include "base/error.h"

/* A PEM block that was skipped because BoringSSL cannot parse it. */
struct cleat_skipped {
    int32_t ordinal; /* among the file's certificates and revocation lists, from 1 */
    int32_t line; /* where it begins, from 1 */
    char reason[64]; /* BoringSSL's mnemonic */
};

struct cleat_bundle {
    atomic_int references;
    STACK_OF(X509) * certificates;
    STACK_OF(X509_CRL) * crls;
    struct cleat_skipped *skipped;
    int32_t skipped_count;
};

/* How a block that cannot be parsed is handled. */
enum cleat_bundle_mode {
    CLEAT_BUNDLE_STRICT, /* loading fails, with the block's position in the message */
    CLEAT_BUNDLE_LENIENT /* the block is skipped: for the system's bundle */
};

/* The functions below return CLEAT_OK and a bundle that the caller owns; or CLEAT_SSL, CLEAT_NOMEM. The first parses
 * a file's content: PEM, or concatenated DER; X509 NO_CERTIFICATE_OR_CRL_FOUND if it contains neither a certificate
 * nor a revocation list. The second parses data, of at least one byte: PEM, or concatenated DER; PEM NO_START_LINE
 * or ASN1 NOT_ENOUGH_DATA if it contains none. */
int32_t cleat_bundle_from_file(const char *bytes, int32_t len, enum cleat_bundle_mode mode,
                               struct cleat_bundle **bundle);
int32_t cleat_bundle_from_data(const char *bytes, int32_t len, struct cleat_bundle **bundle);

/* cleat_bundle_new_empty creates an empty bundle, for a system without CA certificates. CLEAT_NOMEM. */
int32_t cleat_bundle_new_empty(struct cleat_bundle **bundle);

/* cleat_bundle_count returns the number of certificates and revocation lists. */
int32_t cleat_bundle_count(const struct cleat_bundle *bundle);

struct cleat_bundle *cleat_bundle_ref(struct cleat_bundle *bundle);
void cleat_bundle_unref(struct cleat_bundle *bundle); /* does nothing for NULL */

#endif
