/* trust.h: trust objects: CA certificates, revocation lists and directories with which peers are verified.
 *
 * A trust object is immutable, and configurations share it. The contents of directories are not cached: they are
 * looked up for each verification that needs them, so that a CA certificate that was removed is no longer trusted. */
#ifndef CLEAT_CORE_TRUST_H
#define CLEAT_CORE_TRUST_H

#include "base/file.h"
#include "x509/bundle.h"

struct cleat_trust;

/* The sources of a trust object: bundles, and a colon-separated list of directories, each in the order in which they
 * were added. A context owns its sources and changes them under its lock. */
struct cleat_trust_sources {
    struct cleat_bundle **bundles;
    size_t bundle_count;
    char *directories; /* without empty names; NULL or "" if none */
    bool has_default; /* the sources are the system's bundle and directories, and nothing else */
};

/* cleat_trust_sources_add returns CLEAT_OK and adds a bundle, to which it takes a reference, and directories; either
 * may be NULL. If it fails, nothing is added. CLEAT_NOMEM. */
int32_t cleat_trust_sources_add(struct cleat_trust_sources *sources, struct cleat_bundle *bundle,
                                const char *directories);
void cleat_trust_sources_free(struct cleat_trust_sources *sources);

/* cleat_trust_new returns CLEAT_OK and a trust object that the caller owns. CLEAT_NOMEM; CLEAT_SSL. */
int32_t cleat_trust_new(const struct cleat_trust_sources *sources, struct cleat_trust **trust);
struct cleat_trust *cleat_trust_ref(struct cleat_trust *trust);
void cleat_trust_unref(struct cleat_trust *trust); /* does nothing for NULL */

/* cleat_trust_store returns the store of everything that was loaded, without the directories. */
X509_STORE *cleat_trust_store(const struct cleat_trust *trust);

/* cleat_trust_crls returns the revocation lists that were loaded. The trust object owns the list. */
const STACK_OF(X509_CRL) * cleat_trust_crls(const struct cleat_trust *trust);

size_t cleat_trust_directory_count(const struct cleat_trust *trust);

/* cleat_trust_open_directories returns a new store, for one verification, with everything that was loaded and
 * look-ups in all directories; cleat_trust_open_directory returns one with look-ups in the directory at index, from
 * 0, only. NULL if an allocation failed. */
X509_STORE *cleat_trust_open_directories(const struct cleat_trust *trust);
X509_STORE *cleat_trust_open_directory(const struct cleat_trust *trust, size_t index);

/* cleat_trust_record_found records the certificates that a verification has found in the directories, for
 * cleat_trust_certificates only. */
void cleat_trust_record_found(struct cleat_trust *trust, X509_STORE *opened);

/* cleat_trust_certificates returns a new list of the certificates without duplicates, with a reference to each:
 * those that were loaded, then those that were found in directories. NULL if an allocation failed. */
STACK_OF(X509) * cleat_trust_certificates(struct cleat_trust *trust);
/* The number of revocation lists, loaded and found. */
size_t cleat_trust_crl_count(struct cleat_trust *trust);

/* cleat_trust_digest returns CLEAT_OK and a digest of the certificates, the revocation lists and the present
 * contents of the directories. It does not depend on their order or on the machine. CLEAT_NOMEM. */
int32_t cleat_trust_digest(struct cleat_trust *trust, uint8_t digest[CLEAT_DIGEST]);

/* cleat_trust_loaded_digest returns true and a digest of everything that was loaded, without the directories. False
 * if an allocation failed. */
bool cleat_trust_loaded_digest(struct cleat_trust *trust, uint8_t digest[CLEAT_DIGEST]);

/* In trust_default.c. cleat_trust_default returns CLEAT_OK and the system's sources: a bundle that
 * the caller owns, and directories ("" if none), valid as long as the environment is not changed.
 * CLEAT_SYS (EMFILE, ENFILE); CLEAT_NOMEM. */
int32_t cleat_trust_default(struct cleat_bundle **bundle, const char **directories);

/* cleat_trust_shared returns CLEAT_OK and the trust object of these system sources, which contexts share. The caller
 * owns a reference. */
int32_t cleat_trust_shared(const struct cleat_trust_sources *sources, struct cleat_trust **trust);

const char *cleat_trust_default_file(void);
const char *cleat_trust_default_directory(void);

#endif
