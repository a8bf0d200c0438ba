#include "x509/validity.h"

/* Sets end to the earlier of both. */
static void limit_end(int64_t *end, const ASN1_TIME *time) {
    int64_t seconds = 0;
    if (ASN1_TIME_to_posix(time, &seconds) != 1) seconds = 0;
    if (seconds < *end) *end = seconds;
}

/* The same for a time that matters only if it is in the future. */
static void limit_end_if_later(int64_t *end, const ASN1_TIME *time, int64_t now) {
    int64_t seconds = INT64_MAX;
    limit_end(&seconds, time);
    if (seconds > now && seconds < *end) *end = seconds;
}

int64_t cleat_validity_end(const STACK_OF(X509) * chain, const STACK_OF(X509_CRL) * crls,
                           int64_t now) {
    int64_t end = INT64_MAX;
    size_t i;
    for (i = 0; i < sk_X509_num(chain); i++)
        limit_end(&end, X509_get0_notAfter(sk_X509_value(chain, i)));
    /* It is not known which of the lists were used, so all of them count, except those that have expired. */
    for (i = 0; crls != NULL && i < sk_X509_CRL_num(crls); i++) {
        const X509_CRL *crl = sk_X509_CRL_value(crls, i);
        const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
        limit_end_if_later(&end, X509_CRL_get0_lastUpdate(crl), now);
        if (next != NULL) limit_end_if_later(&end, next, now);
    }
    return end;
}
