/* test_chain_table.c: the table of verified chains by itself: ages, both clocks, its size, threads, and fork. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca.h"
#include "expect.h"
#include "x509/chain_cache.h"
#include "x509/validity.h"

enum { LONG = 300 };

struct key {
    uint8_t bytes[CLEAT_DIGEST];
};

static struct key key_of(uint8_t set, uint8_t number) {
    struct key key = {{set}};
    key.bytes[CLEAT_DIGEST - 1] = number;
    return key;
}

static bool has(struct key key, int64_t wall, int64_t monotonic, int32_t seconds) {
    int64_t until = 0;
    bool found = cleat_chain_cache_has(key.bytes, (struct cleat_chain_moment){wall, monotonic},
                                       seconds, &until);
    EXPECT(found == (until > wall));
    return found;
}

static void add(struct key key, int64_t wall, int64_t monotonic, int64_t until) {
    cleat_chain_cache_add(key.bytes, (struct cleat_chain_moment){wall, monotonic}, until);
}

static void test_ages(void) {
    struct key key = key_of(1, 1);
    EXPECT(!has(key, 1000, 50, LONG));
    add(key, 1000, 50, 2000);
    EXPECT(has(key, 1000, 50, LONG) && has(key, 1000, 50, 1));
    EXPECT(has(key, 1299, 349, LONG));
    EXPECT(!has(key, 1000, 350, LONG)); /* by the monotonic clock alone */
    EXPECT(!has(key, 1300, 50, LONG)); /* by the wall clock alone */
    EXPECT(has(key, 1009, 59, 10) && !has(key, 1010, 59, 10) && !has(key, 1009, 60, 10));
    EXPECT(!has(key, 999, 50, LONG)); /* the wall clock was set back */
    EXPECT(!has(key, 1000, 49, LONG));
    EXPECT(!has(key, 1000, 50, 0));
    EXPECT(!has(key_of(1, 2), 1000, 50, LONG) && !has(key_of(2, 1), 1000, 50, LONG));
}

static void test_until(void) {
    struct key key = key_of(2, 1);
    add(key, 1000, 50, 1000); /* expired already */
    EXPECT(!has(key, 1000, 50, LONG));
    add(key, 1000, 50, 0);
    EXPECT(!has(key, 1000, 50, LONG));
    add(key, 1000, 50, 1100);
    EXPECT(has(key, 1099, 149, LONG) && !has(key, 1100, 149, LONG));
    add(key, 1050, 60, 1200); /* the same key again, later */
    EXPECT(has(key, 1150, 160, LONG) && !has(key, 1049, 60, LONG));
}

static void test_size(void) {
    uint8_t i;
    for (i = 1; i <= 4; i++) add(key_of(3, i), 1000, 50 + i, 2000);
    for (i = 1; i <= 4; i++) EXPECT(has(key_of(3, i), 1000, 60, LONG));
    add(key_of(3, 5), 1000, 60, 2000); /* the oldest entry is replaced */
    EXPECT(!has(key_of(3, 1), 1000, 60, LONG));
    for (i = 2; i <= 5; i++) EXPECT(has(key_of(3, i), 1000, 60, LONG));
    add(key_of(3, 2), 1000, 70,
        2000); /* the key's own entry is renewed, and no other is replaced */
    for (i = 2; i <= 5; i++) EXPECT(has(key_of(3, i), 1000, 70, LONG));
}

static atomic_bool ended;

static void *add_all_the_time(void *argument) {
    uint8_t number = *(uint8_t *)argument;
    struct cleat_chain_moment now = {1000, 50};
    while (!atomic_load(&ended)) {
        struct key good = key_of(4, number);
        struct key other = key_of(5, number);
        cleat_chain_cache_add(good.bytes, now, 2000);
        cleat_chain_cache_add(other.bytes, now, 2000);
        /* no thread has added this key: the bytes of two keys are never mixed */
        EXPECT(!has(key_of(4, 9), 1000, 50, LONG));
    }
    return NULL;
}

/* A child process inherits the table and its locks, in any state: the child's calls must return soon. */
static void test_threads_and_fork(void) {
    static uint8_t numbers[] = {1, 2};
    pthread_t threads[2];
    int i;
    for (i = 0; i < 2; i++) {
        EXPECT(pthread_create(&threads[i], NULL, add_all_the_time, &numbers[i]) == 0);
    }
    for (i = 0; i < 50; i++) {
        int status = -1;
        pid_t child = fork();
        EXPECT(child >= 0);
        if (child == 0) {
            int k;
            for (k = 0; k < 256; k++) {
                add(key_of((uint8_t)k, 3), 1000, 50, 2000);
                if (k > 5 && !has(key_of((uint8_t)k, 3), 1000, 50, LONG)) _exit(1);
                (void)has(key_of((uint8_t)k, 3), 1000, 50, LONG);
            }
            _exit(0);
        }
        EXPECT(waitpid(child, &status, 0) == child && status == 0);
    }
    atomic_store(&ended, true);
    for (i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    EXPECT(!has(key_of(6, 3), 1000, 50, LONG)); /* the child's entries are not in the parent */
}

static X509_CRL *make_list(long begins, long ends) {
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *from = ASN1_TIME_set(NULL, 1000000000 + begins);
    ASN1_TIME *to = ends == 0 ? NULL : ASN1_TIME_set(NULL, 1000000000 + ends);
    EXPECT(crl != NULL && X509_CRL_set1_lastUpdate(crl, from) == 1);
    EXPECT(to == NULL || X509_CRL_set1_nextUpdate(crl, to) == 1);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    return crl;
}

/* The earliest end of the chain and of its lists, or the earliest beginning of a list that is not valid yet. */
static void test_validity(void) {
    const int64_t now = 1000000000;
    STACK_OF(X509) *chain = sk_X509_new_null();
    STACK_OF(X509_CRL) *crls = sk_X509_CRL_new_null();
    const long ends[] = {500, 300, 400};
    size_t i;
    for (i = 0; i < 3; i++) {
        X509 *x509 = X509_new();
        EXPECT(ASN1_TIME_set(X509_getm_notAfter(x509), now + ends[i]) != NULL);
        EXPECT(sk_X509_push(chain, x509) != 0);
    }
    EXPECT(cleat_validity_end(chain, NULL, now) == now + 300);
    EXPECT(sk_X509_CRL_push(crls, make_list(-100, 600)) != 0);
    EXPECT(cleat_validity_end(chain, crls, now) == now + 300);
    EXPECT(sk_X509_CRL_push(crls, make_list(-200, -100)) != 0); /* has expired, and was not used */
    EXPECT(sk_X509_CRL_push(crls, make_list(-200, 0)) != 0); /* never ends */
    EXPECT(cleat_validity_end(chain, crls, now) == now + 300);
    EXPECT(sk_X509_CRL_push(crls, make_list(-100, 200)) != 0);
    EXPECT(cleat_validity_end(chain, crls, now) == now + 200);
    EXPECT(sk_X509_CRL_push(crls, make_list(100, 900)) != 0); /* begins later */
    EXPECT(cleat_validity_end(chain, crls, now) == now + 100);
    EXPECT(cleat_validity_end(chain, NULL, now) == now + 300);
    /* A time that cannot be read counts as the past. */
    EXPECT(ASN1_STRING_set(X509_getm_notAfter(sk_X509_value(chain, 0)), "soon", 4) == 1);
    EXPECT(cleat_validity_end(chain, NULL, now) == 0);
    sk_X509_pop_free(chain, X509_free);
    sk_X509_CRL_pop_free(crls, X509_CRL_free);
}

int main(void) {
    test_ages();
    test_until();
    test_size();
    test_validity();
    test_threads_and_fork();
    puts("ages, dates, size, threads, fork");
    return 0;
}
