/* raw.h: what the raw client and the raw server have in common. They are what the others are compared
 * with: plain C over BoringSSL, SSL_set_fd on a blocking socket, no layer of any kind. */
#ifndef CLEAT_BENCH_RAW_H
#define CLEAT_BENCH_RAW_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { COMMAND = 16, RECORD = 16384, PIECE = 65536, MESSAGE = 64 };

static inline _Noreturn void die(const char *what) {
    fprintf(stderr, "%s: ", what);
    perror(NULL);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static inline const char *setting(const char *name) {
    const char *value = getenv(name);
    if (value == NULL) {
        fprintf(stderr, "%s is not set: see bench/README.md\n", name);
        exit(1);
    }
    return value;
}

/* The CPU seconds of this process, user and system. */
static inline double cpu(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* How many bytes of memory this process has. */
static inline long long resident(void) {
    long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%*d %lld", &pages) != 1) die("statm");
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static inline struct sockaddr_in loopback(int port) {
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* A context as cleat makes one for these benchmarks: one version of TLS, the groups that BENCH_GROUPS names. */
static inline SSL_CTX *new_context(void) {
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    uint16_t version =
        strcmp(setting("BENCH_VERSION"), "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
    if (context == NULL || !SSL_CTX_set_min_proto_version(context, version) ||
        !SSL_CTX_set_max_proto_version(context, version) ||
        !SSL_CTX_set1_curves_list(context, setting("BENCH_GROUPS")))
        die("context");
    return context;
}

/* Loads a certificate with its chain and key. */
static inline void use_certificate(SSL_CTX *context, const char *chain, const char *key) {
    if (SSL_CTX_use_certificate_chain_file(context, chain) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        die(chain);
}

/* Whether this end shows another certificate on each connection, so that no peer has verified it before. */
static inline bool is_always_new(const char *end) {
    return strcmp(setting("BENCH_NEW_CHAINS"), end) == 0;
}

/* Gives a connection its context's certificate with another serial number, signed again by the issuer. */
static inline void renew_certificate(SSL *ssl) {
    static EVP_PKEY *issuer;
    static long serial = 1000000;
    X509 *fresh = X509_dup(SSL_get_certificate(ssl));
    if (issuer == NULL) {
        FILE *file = fopen(setting("BENCH_ISSUER_KEY"), "r");
        issuer = file == NULL ? NULL : PEM_read_PrivateKey(file, NULL, NULL, NULL);
        if (issuer == NULL) die("the issuer's key");
        fclose(file);
    }
    if (fresh == NULL || !ASN1_INTEGER_set(X509_get_serialNumber(fresh), serial++) ||
        X509_sign(fresh, issuer, EVP_sha256()) == 0 || SSL_use_certificate(ssl, fresh) != 1)
        die("a new certificate");
    X509_free(fresh);
}

static inline void allow_many_descriptors(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

#endif
