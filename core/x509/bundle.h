/* bundle.h: certificates and revocation lists that were loaded together: a file's, or a text's.
 *
 * A bundle is never modified once it is made, so that contexts share it: the system's CA
 * certificates are parsed once. */
#ifndef CLEAT_CORE_BUNDLE_H
#define CLEAT_CORE_BUNDLE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/boringssl.h"
#include "base/error.h"

/* A PEM block that was passed over because BoringSSL cannot parse it. */
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

/* What is done about a block that cannot be parsed. */
enum cleat_bundle_mode {
    CLEAT_BUNDLE_STRICT, /* it is an error, which names the block */
    CLEAT_BUNDLE_LENIENT /* it costs that certificate only: the system's bundle */
};

/* The functions below return CLEAT_OK and a bundle that the caller owns; or CLEAT_SSL,
 * CLEAT_NOMEM. The first takes a file's content: PEM, or DER revocation lists; X509
 * NO_CERTIFICATE_OR_CRL_FOUND if there is nothing in it. The second takes data: PEM, or DER one after
 * the other; PEM NO_START_LINE or ASN1 NOT_ENOUGH_DATA. len is more than 0 for it. */
int32_t cleat_bundle_from_file(const char *bytes, int32_t len, enum cleat_bundle_mode mode,
                               struct cleat_bundle **bundle);
int32_t cleat_bundle_from_data(const char *bytes, int32_t len, struct cleat_bundle **bundle);

/* cleat_bundle_new_empty is for a system that has none. CLEAT_NOMEM. */
int32_t cleat_bundle_new_empty(struct cleat_bundle **bundle);

/* cleat_bundle_count returns how many certificates and revocation lists there are. */
int32_t cleat_bundle_count(const struct cleat_bundle *bundle);

struct cleat_bundle *cleat_bundle_ref(struct cleat_bundle *bundle);
void cleat_bundle_unref(struct cleat_bundle *bundle); /* NULL is none */

#endif
