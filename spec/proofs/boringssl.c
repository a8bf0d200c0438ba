/* boringssl.c: mistakes that only an instrumented BoringSSL shows: nothing here touches the memory, BoringSSL does.
 * Run as `proof-boringssl NAME`, see proof.c. */
#include <openssl/bio.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static BIO *shared;

/* BoringSSL reads an object that it has freed. */
static int use_after_free(void) {
    BIO *bio = BIO_new(BIO_s_mem());
    BIO_free(bio);
    return BIO_number_read(bio) != 0;
}

static void *set_flags(void *unused) {
    (void)unused;
    for (int i = 0; i < 1000; i++) BIO_set_flags(shared, BIO_FLAGS_READ);
    return NULL;
}

/* BoringSSL changes an object in two threads, without a lock. */
static int race(void) {
    pthread_t threads[2];
    shared = BIO_new(BIO_s_mem());
    for (int i = 0; i < 2; i++) {
        if (pthread_create(&threads[i], NULL, set_flags, NULL)) return 0;
    }
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    BIO_free(shared);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "use_after_free") == 0) return use_after_free();
    if (argc == 2 && strcmp(argv[1], "race") == 0) return race();
    fprintf(stderr, "usage: %s NAME\n", argv[0]);
    return 2;
}
