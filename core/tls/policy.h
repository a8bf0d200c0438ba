/* policy.h: BoringSSL's compliance policies, as restrictions of what the other settings allow.
 *
 * BoringSSL applies a policy by setting versions, suites, groups and algorithms, and whatever is set afterwards
 * replaces them. Here the policy is applied first, and each of the others is set to what it has in common with it. */
#ifndef CLEAT_CORE_POLICY_H
#define CLEAT_CORE_POLICY_H

#include "tls/algorithm.h"

/* cleat_policy_narrow returns CLEAT_OK and what the policy leaves of lists: the policy's own where a list is empty.
 * CLEAT_SSL if it leaves nothing of one. */
int32_t cleat_policy_narrow(const struct cleat_algorithms *lists,
                            struct cleat_algorithms *narrowed);

/* cleat_policy_minimum_version returns the lowest version that a policy allows. */
uint16_t cleat_policy_minimum_version(int32_t policy);

/* cleat_policy_set_up returns whether ssl_ctx now has the policy and the list of suites, without those that the policy
 * forbids. It is called before the versions, groups and algorithms are set. On failure the error is in BoringSSL's
 * queue. */
bool cleat_policy_set_up(SSL_CTX *ssl_ctx, int32_t policy, const char *ciphers);

/* cleat_policy_check_ciphers returns CLEAT_OK if BoringSSL can make such an SSL_CTX. CLEAT_SSL; CLEAT_NOMEM. */
int32_t cleat_policy_check_ciphers(int32_t policy, const char *ciphers);

#endif
