/* chain_cache.h: the cache of successful verifications of this process.
 *
 * An entry records that a verification has succeeded, and until when that result is valid. Its key is a digest of
 * all inputs of the verification except the time: see peer.c. Failures are never cached. A miss only costs another
 * verification, so an entry may be evicted at any time. */
#ifndef CLEAT_CORE_CHAIN_CACHE_H
#define CLEAT_CORE_CHAIN_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/file.h"

/* The time by two clocks, in seconds. Dates are compared with the wall clock, which can be set; ages are measured by
 * both. */
struct cleat_chain_moment {
    int64_t wall;
    int64_t monotonic;
};

struct cleat_chain_moment cleat_chain_moment_now(void);

/* cleat_chain_cache_has returns whether a verification with that key has succeeded less than `seconds` before now,
 * by both clocks, and its result is still valid at now. It then stores until when. */
bool cleat_chain_cache_has(const uint8_t key[CLEAT_DIGEST], struct cleat_chain_moment now,
                           int32_t seconds, int64_t *until);

/* cleat_chain_cache_add adds a successful verification that has begun at `since`. until: when the first of its
 * certificates and revocation lists expires, by the wall clock. */
void cleat_chain_cache_add(const uint8_t key[CLEAT_DIGEST], struct cleat_chain_moment since,
                           int64_t until);

#endif
