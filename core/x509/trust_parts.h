/* trust_parts.h: what a trust consists of, for trust*.c only. */
#ifndef CLEAT_CORE_TRUST_PARTS_H
#define CLEAT_CORE_TRUST_PARTS_H

#include <pthread.h>

#include "x509/trust.h"

struct cleat_trust {
    atomic_int references;
    X509_STORE *store;
    STACK_OF(X509) * certificates; /* each once */
    STACK_OF(X509_CRL) * crls; /* likewise */
    char *directories; /* with colons between; "" if none */
    pthread_mutex_t lock; /* for what follows, on which no verification depends */
    STACK_OF(X509) * found; /* in the directories */
    size_t found_crls; /* most revocation lists that one verification has found there */
    bool has_digest;
    uint8_t digest[CLEAT_DIGEST]; /* of what was loaded */
};

#endif
