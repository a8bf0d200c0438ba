/* chain_bytes.h: chains of parsed certificates as DER, which is what is kept of them. */
#ifndef CLEAT_CORE_CHAIN_BYTES_H
#define CLEAT_CORE_CHAIN_BYTES_H

#include "base/boringssl.h"

/* cleat_chain_bytes returns a chain in DER, for the caller to free. What is among the known, which may be NULL, is
 * shared with them. NULL if memory lacks. */
STACK_OF(CRYPTO_BUFFER) *
    cleat_chain_bytes(const STACK_OF(X509) * chain, const STACK_OF(CRYPTO_BUFFER) * known);

/* cleat_chain_bytes_ref returns another list of the same certificates, likewise; of NULL an empty one. */
STACK_OF(CRYPTO_BUFFER) * cleat_chain_bytes_ref(const STACK_OF(CRYPTO_BUFFER) * chain);

/* cleat_chain_bytes_free frees a list and its references. NULL is none. */
void cleat_chain_bytes_free(STACK_OF(CRYPTO_BUFFER) * chain);

#endif
