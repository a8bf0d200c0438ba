/* chain_bytes.h: converts parsed chains to lists of DER buffers, which take less memory. */
#ifndef CLEAT_CORE_CHAIN_BYTES_H
#define CLEAT_CORE_CHAIN_BYTES_H

#include "base/boringssl.h"

/* cleat_chain_bytes returns a chain in DER, which the caller frees. Buffers of certificates that are also in known,
 * which may be NULL, are shared. NULL if an allocation failed. */
STACK_OF(CRYPTO_BUFFER) *
    cleat_chain_bytes(const STACK_OF(X509) * chain, const STACK_OF(CRYPTO_BUFFER) * known);

/* cleat_chain_bytes_ref returns another list of the same buffers, which the caller frees; an empty list for NULL.
 * NULL if an allocation failed. */
STACK_OF(CRYPTO_BUFFER) * cleat_chain_bytes_ref(const STACK_OF(CRYPTO_BUFFER) * chain);

/* cleat_chain_bytes_free frees a list and its references. It does nothing for NULL. */
void cleat_chain_bytes_free(STACK_OF(CRYPTO_BUFFER) * chain);

#endif
