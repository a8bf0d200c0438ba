/* ech_key.h: a server's keys for Encrypted ClientHello. */
#ifndef CLEAT_CORE_ECH_KEY_H
#define CLEAT_CORE_ECH_KEY_H

#include "base/boringssl.h"
#include "base/handle.h"
#include "cleat/ech.h"

/* cleat_ech_keys_make returns CLEAT_OK and the set of the keys with these ids, at most CLEAT_ECH_KEYS_MAX, the
 * newest first; NULL for no ids. The caller frees it. CLEAT_HANDLE; CLEAT_NOMEM. */
int32_t cleat_ech_keys_make(const int32_t *ids, int32_t count, SSL_ECH_KEYS **set);

#endif
