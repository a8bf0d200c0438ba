/* algorithm.h: lists of groups and of signature algorithms, and their names. */
#ifndef CLEAT_CORE_ALGORITHM_H
#define CLEAT_CORE_ALGORITHM_H

#include <stdbool.h>

#include "base/boringssl.h"
#include "cleat/algorithm.h"

enum { CLEAT_GROUPS_MAX = 16, CLEAT_SIGALGS_MAX = 24 }; /* more than exist */

struct cleat_groups {
    size_t count; /* 0: the default ones */
    int nids[CLEAT_GROUPS_MAX];
};

struct cleat_sigalgs {
    size_t count; /* 0: the default ones */
    uint16_t numbers[CLEAT_SIGALGS_MAX]; /* IANA's */
};

/* Which side signs. */
enum cleat_signer { CLEAT_SIGNER_CLIENT, CLEAT_SIGNER_SERVER, CLEAT_SIGNERS };

struct cleat_algorithms {
    int32_t policy; /* CLEAT_POLICY_* */
    bool grease;
    struct cleat_groups groups;
    struct cleat_sigalgs sigalgs[CLEAT_SIGNERS];
};

/* cleat_groups_parse returns CLEAT_OK and parses a list of groups in OpenSSL's format. CLEAT_SSL. */
int32_t cleat_groups_parse(const char *text, int32_t len, struct cleat_groups *list);

/* cleat_sigalgs_parse does the same for signature algorithms. CLEAT_SSL. */
int32_t cleat_sigalgs_parse(const char *text, int32_t len, struct cleat_sigalgs *list);

bool cleat_groups_has(const struct cleat_groups *groups, int nid);
bool cleat_sigalgs_has(const struct cleat_sigalgs *sigalgs, uint16_t number);

/* cleat_group_nid returns the NID of a group by IANA's number, NID_undef if it is unknown. */
int cleat_group_nid(uint16_t number);

/* cleat_group_name returns IANA's name of a group by IANA's number, or BoringSSL's; NULL if there is none. */
const char *cleat_group_name(uint16_t number);

/* cleat_groups_write copies a list of the names of groups to output, as cleat_context_groups does. allowed: the
 * groups to list, all if it is empty. tls12_only: omit the groups that need TLS 1.3. */
int32_t cleat_groups_write(const struct cleat_groups *allowed, bool tls12_only, bool aliases,
                           char *output, int32_t output_cap);

/* cleat_sigalgs_write copies a list of all signature algorithms to output. */
int32_t cleat_sigalgs_write(char *output, int32_t output_cap);

#endif
