/* policy.h: BoringSSL's compliance policies, as restrictions of the other settings.
 *
 * BoringSSL applies a policy by setting versions, suites, groups and algorithms, which later setters replace. So the
 * policy is applied first, and each of the other settings is then set to its intersection with the policy. */
#ifndef CLEAT_CORE_POLICY_H
#define CLEAT_CORE_POLICY_H

#include "tls/algorithm.h"

/* cleat_policy_narrow returns CLEAT_OK and stores the intersection of the lists and the policy; an empty list is
 * replaced by the policy's. CLEAT_SSL if an intersection is empty. */
int32_t cleat_policy_narrow(const struct cleat_algorithms *lists,
                            struct cleat_algorithms *narrowed);

/* cleat_policy_minimum_version returns the lowest version that a policy allows. */
uint16_t cleat_policy_minimum_version(int32_t policy);

/* cleat_policy_set_up applies the policy to ssl_ctx and sets the cipher list without the suites that the policy
 * forbids. It must be called before versions, groups and algorithms are set. It returns false on failure, with the
 * error in BoringSSL's queue. */
bool cleat_policy_set_up(SSL_CTX *ssl_ctx, int32_t policy, const char *ciphers);

/* cleat_policy_check_ciphers returns CLEAT_OK if cleat_policy_set_up succeeds for a new SSL_CTX. CLEAT_SSL;
 * CLEAT_NOMEM. */
int32_t cleat_policy_check_ciphers(int32_t policy, const char *ciphers);

#endif
