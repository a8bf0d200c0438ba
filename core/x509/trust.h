/* trust.h: what peers are verified with: CA certificates, revocation lists, directories.
 *
 * A trust is never modified once it is made; configurations share it. What is in a directory is not
 * kept: it is looked up for each verification that needs it, so that a CA certificate that was
 * removed is not trusted any more. */
#ifndef CLEAT_CORE_TRUST_H
#define CLEAT_CORE_TRUST_H

#include "base/file.h"
#include "x509/bundle.h"

struct cleat_trust;

/* What a trust is made of: bundles, and directories with colons between, each list in the order in
 * which they were added. A builder's, which changes it under its own lock. */
struct cleat_trust_sources {
    struct cleat_bundle **bundles;
    size_t bundle_count;
    char *directories; /* NULL if none */
    bool has_default; /* the first bundle and directories are the system's, and nothing follows */
};

/* cleat_trust_sources_add returns CLEAT_OK after adding a bundle, which it refs, and directories;
 * either may be NULL. If it fails nothing is added. CLEAT_NOMEM. */
int32_t cleat_trust_sources_add(struct cleat_trust_sources *sources, struct cleat_bundle *bundle,
                                const char *directories);
void cleat_trust_sources_free(struct cleat_trust_sources *sources);

/* cleat_trust_new returns CLEAT_OK and a trust that the caller owns. CLEAT_NOMEM; CLEAT_SSL. */
int32_t cleat_trust_new(const struct cleat_trust_sources *sources, struct cleat_trust **trust);
struct cleat_trust *cleat_trust_ref(struct cleat_trust *trust);
void cleat_trust_unref(struct cleat_trust *trust); /* NULL is none */

/* cleat_trust_store returns the store of what was loaded. It looks into no directory. */
X509_STORE *cleat_trust_store(const struct cleat_trust *trust);

/* cleat_trust_crls returns the revocation lists that were loaded, which stay the trust's. */
const STACK_OF(X509_CRL) * cleat_trust_crls(const struct cleat_trust *trust);

size_t cleat_trust_directory_count(const struct cleat_trust *trust);

/* cleat_trust_open_directories returns, for one verification, a new store of what was loaded that
 * looks into the directories besides; cleat_trust_open_directory one that looks into a single one of
 * them, by its index from 0, and has nothing else. NULL if memory lacks. */
X509_STORE *cleat_trust_open_directories(const struct cleat_trust *trust);
X509_STORE *cleat_trust_open_directory(const struct cleat_trust *trust, size_t index);

/* cleat_trust_record_found remembers what a verification has found in the directories, for
 * cleat_trust_certificates only. */
void cleat_trust_record_found(struct cleat_trust *trust, X509_STORE *opened);

/* cleat_trust_certificates returns a new list of the certificates, each once, that holds references:
 * what was loaded, then what was found. NULL if memory lacks. */
STACK_OF(X509) * cleat_trust_certificates(struct cleat_trust *trust);
size_t cleat_trust_crl_count(struct cleat_trust *trust); /* likewise */

/* cleat_trust_digest returns CLEAT_OK and a digest of the content: certificates, revocation lists and
 * what the directories hold now, in whatever order. It is the same on every machine. CLEAT_NOMEM. */
int32_t cleat_trust_digest(struct cleat_trust *trust, uint8_t digest[CLEAT_DIGEST]);

/* cleat_trust_loaded_digest returns true and a digest of what was loaded: the directories are not in it, nor looked
 * into. False if memory lacks. */
bool cleat_trust_loaded_digest(struct cleat_trust *trust, uint8_t digest[CLEAT_DIGEST]);

/* In trust_default.c. cleat_trust_default returns CLEAT_OK and the system's sources: a bundle that
 * the caller owns, and directories ("" if none), valid as long as the environment is not changed.
 * CLEAT_SYS (EMFILE, ENFILE); CLEAT_NOMEM. */
int32_t cleat_trust_default(struct cleat_bundle **bundle, const char **directories);

/* cleat_trust_shared returns CLEAT_OK and the trust made of these sources of the system's, which
 * contexts share. The caller owns a reference. */
int32_t cleat_trust_shared(const struct cleat_trust_sources *sources, struct cleat_trust **trust);

const char *cleat_trust_default_file(void);
const char *cleat_trust_default_directory(void);

#endif
