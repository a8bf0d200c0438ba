/* trust.h: what the files about trust share. Functions that take a context are called with its
 * lock. */
#ifndef CLEAT_CORE_TRUST_H
#define CLEAT_CORE_TRUST_H

#include "base/boringssl.h"
#include "cleat/trust.h"
#include "tls/context.h"

/* cleat_trust_add_file returns how many certificates and revocation lists of a file were added. */
int32_t cleat_trust_add_file(X509_STORE *store, const char *name);

/* cleat_trust_add_directory returns CLEAT_OK and makes the store look into a directory. */
int32_t cleat_trust_add_directory(X509_STORE *store, const char *name);

/* cleat_trust_own returns CLEAT_OK once the context's own store has all that it trusts and may
 * be added to: see trust_default.c. */
int32_t cleat_trust_own(struct cleat_context *context);

/* cleat_trust_drop_shared lets go of the shared store, if the context uses it. */
void cleat_trust_drop_shared(struct cleat_context *context);

/* cleat_trust_objects returns what is in the store, or NULL; cleat_trust_objects_free frees
 * the list. */
STACK_OF(X509_OBJECT) * cleat_trust_objects(X509_STORE *store);
void cleat_trust_objects_free(STACK_OF(X509_OBJECT) * objects);

#endif
