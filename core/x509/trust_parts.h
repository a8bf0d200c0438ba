/* trust_parts.h: the fields of trust objects, for trust*.c only. */
#ifndef CLEAT_CORE_TRUST_PARTS_H
#define CLEAT_CORE_TRUST_PARTS_H

#include <pthread.h>

#include "x509/trust.h"

struct cleat_trust {
    atomic_int references;
    X509_STORE *store;
    STACK_OF(X509) * certificates; /* without duplicates */
    STACK_OF(X509_CRL) * crls; /* likewise */
    char *directories; /* separated by colons; "" if none */
    pthread_mutex_t lock; /* for the fields below, which do not affect verifications */
    STACK_OF(X509) * found; /* in the directories */
    /* The maximum number of revocation lists that one verification has found there. */
    size_t found_crls;
    bool has_digest;
    uint8_t digest[CLEAT_DIGEST]; /* of what was loaded */
};

#endif
