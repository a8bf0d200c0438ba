/* chain_cache.h: which chains were verified lately, in this process.
 *
 * An entry says that a verification was successful, and until when it stays so. Its key is a digest of all that the
 * verification depends on but the time: see peer.c. Failures are never entered. Each miss costs a verification and
 * nothing else, so an entry may be dropped at any time. */
#ifndef CLEAT_CORE_CHAIN_CACHE_H
#define CLEAT_CORE_CHAIN_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/file.h"

/* Both clocks, in seconds: dates are compared with the first, which may be set; ages are of the second. */
struct cleat_chain_moment {
    int64_t wall;
    int64_t monotonic;
};

struct cleat_chain_moment cleat_chain_moment_now(void);

/* cleat_chain_cache_has returns whether a verification of that key has succeeded less than `seconds` before now, by
 * both clocks, and is still right at now. */
bool cleat_chain_cache_has(const uint8_t key[CLEAT_DIGEST], struct cleat_chain_moment now,
                           int32_t seconds, int64_t *until);

/* cleat_chain_cache_add enters a verification that has begun at `since` and succeeded. until: when the first of its
 * certificates and revocation lists ends, by the wall clock. */
void cleat_chain_cache_add(const uint8_t key[CLEAT_DIGEST], struct cleat_chain_moment since,
                           int64_t until);

#endif
