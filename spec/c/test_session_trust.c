/* test_session_trust.c: the session id context, which must be equal for contexts that verify clients in the same way,
 * and for no others; a server's cache of sessions; and the detection of changed files. */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/boringssl.h"
#include "base/file.h"
#include "expect.h"
#include "identity.h"
#include "tls/context.h"
#include "tls/session_cache.h"

struct digest {
    uint8_t bytes[CLEAT_DIGEST];
};

/* The session id context of a server of the context. */
static struct digest id_context(int32_t context, int32_t mode, int32_t flags) {
    struct cleat_object *found;
    struct cleat_context *self;
    struct cleat_configuration *configuration;
    struct digest digest;
    EXPECT(cleat_handle_find(context, CLEAT_KIND_CONTEXT, &found) == CLEAT_OK);
    self = (void *)found;
    pthread_mutex_lock(&self->lock);
    EXPECT(cleat_context_configuration(self, &configuration) == CLEAT_OK);
    EXPECT(cleat_configuration_id_context(configuration, mode, flags, digest.bytes) == CLEAT_OK);
    pthread_mutex_unlock(&self->lock);
    cleat_handle_done(found);
    return digest;
}

static bool is_same(struct digest one, struct digest other) {
    return memcmp(one.bytes, other.bytes, sizeof one.bytes) == 0;
}

static void load(int32_t context, enum identity_part part) {
    int32_t len;
    const char *text = identity_text(part, &len);
    EXPECT(cleat_context_load_verify_data(context, text, len) > 0);
}

/* A context that trusts these certificates, in this order; -1 is none. */
static int32_t make(int first, int second, int third) {
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(context > 0);
    if (first >= 0) load(context, (enum identity_part)first);
    if (second >= 0) load(context, (enum identity_part)second);
    if (third >= 0) load(context, (enum identity_part)third);
    return context;
}

/* The trust of such a context, for CERT_REQUIRED. */
static struct digest of(int first, int second, int third) {
    int32_t context = make(first, second, third);
    struct digest digest = id_context(context, CLEAT_CERT_REQUIRED, 0);
    EXPECT(cleat_close(context) == CLEAT_OK);
    return digest;
}

static void test_fleet(void) {
    EXPECT(is_same(of(IDENTITY_CERTIFICATE, -1, -1), of(IDENTITY_CERTIFICATE, -1, -1)));
    EXPECT(is_same(of(IDENTITY_CERTIFICATE, IDENTITY_OTHER, IDENTITY_CRL),
                   of(IDENTITY_CRL, IDENTITY_OTHER, IDENTITY_CERTIFICATE)));
    EXPECT(is_same(of(IDENTITY_CERTIFICATE, IDENTITY_CERTIFICATE, -1),
                   of(IDENTITY_CERTIFICATE, -1, -1)));
}

static void test_difference(void) {
    const struct digest all[] = {
        of(-1, -1, -1),
        of(IDENTITY_CERTIFICATE, -1, -1),
        of(IDENTITY_OTHER, -1, -1),
        of(IDENTITY_CERTIFICATE, IDENTITY_OTHER, -1),
        of(IDENTITY_CERTIFICATE, IDENTITY_CRL, -1),
        of(IDENTITY_CRL, -1, -1),
    };
    enum { COUNT = sizeof all / sizeof all[0] };
    int i;
    int k;
    for (i = 0; i < COUNT; i++) {
        for (k = 0; k < COUNT; k++) EXPECT(is_same(all[i], all[k]) == (i == k));
    }
}

static void test_mode_and_flags(void) {
    enum { NONE = CLEAT_CERT_NONE, OPTIONAL = CLEAT_CERT_OPTIONAL, REQUIRED = CLEAT_CERT_REQUIRED };
    int32_t one = make(IDENTITY_CERTIFICATE, -1, -1);
    int32_t other = make(IDENTITY_OTHER, -1, -1);
    EXPECT(!is_same(id_context(one, NONE, 0), id_context(one, OPTIONAL, 0)));
    EXPECT(!is_same(id_context(one, OPTIONAL, 0), id_context(one, REQUIRED, 0)));
    EXPECT(!is_same(id_context(one, NONE, 0), id_context(one, REQUIRED, 0)));
    EXPECT(!is_same(id_context(one, REQUIRED, 0),
                    id_context(one, REQUIRED, CLEAT_VERIFY_CRL_CHECK_LEAF)));
    EXPECT(!is_same(id_context(one, REQUIRED, CLEAT_VERIFY_CRL_CHECK_CHAIN),
                    id_context(one, REQUIRED, CLEAT_VERIFY_CRL_CHECK_LEAF)));
    EXPECT(!is_same(id_context(one, REQUIRED, 0),
                    id_context(one, REQUIRED, CLEAT_VERIFY_X509_PARTIAL_CHAIN)));
    EXPECT(!is_same(id_context(one, REQUIRED, 0),
                    id_context(one, REQUIRED, CLEAT_VERIFY_X509_STRICT)));
    /* settings without an effect */
    EXPECT(is_same(id_context(one, REQUIRED, 0),
                   id_context(one, REQUIRED, CLEAT_VERIFY_X509_TRUSTED_FIRST)));
    /* contexts that verify no clients */
    EXPECT(is_same(id_context(one, NONE, 0), id_context(other, NONE, CLEAT_VERIFY_X509_STRICT)));
    EXPECT(!is_same(id_context(one, REQUIRED, 0), id_context(other, REQUIRED, 0)));
    EXPECT(cleat_close(one) == CLEAT_OK && cleat_close(other) == CLEAT_OK);
}

static void set_callers(int32_t context, const char *bytes, int32_t len) {
    EXPECT(cleat_context_set_session_id_context(context, bytes, len) == CLEAT_OK);
}

/* The caller's session id context separates contexts that would be equal, and never joins different ones. */
static void test_callers(void) {
    enum { REQUIRED = CLEAT_CERT_REQUIRED, NONE = CLEAT_CERT_NONE };
    int32_t one = make(IDENTITY_CERTIFICATE, -1, -1);
    int32_t other = make(IDENTITY_OTHER, -1, -1);
    struct digest before = id_context(one, REQUIRED, 0);
    struct digest with;
    set_callers(one, "a", 1);
    set_callers(other, "a", 1);
    with = id_context(one, REQUIRED, 0);
    EXPECT(!is_same(before, with) && is_same(with, id_context(one, REQUIRED, 0)));
    EXPECT(!is_same(with, id_context(other, REQUIRED, 0)));
    EXPECT(!is_same(with, id_context(one, CLEAT_CERT_OPTIONAL, 0)));
    EXPECT(!is_same(with, id_context(one, REQUIRED, CLEAT_VERIFY_X509_STRICT)));
    EXPECT(is_same(id_context(one, NONE, 0), id_context(other, NONE, 0)));
    set_callers(one, "a\0", 2);
    EXPECT(!is_same(with, id_context(one, REQUIRED, 0)));
    EXPECT(!is_same(id_context(one, NONE, 0), id_context(other, NONE, 0)));
    set_callers(one, (const char *)before.bytes, sizeof before.bytes);
    EXPECT(!is_same(before, id_context(one, REQUIRED, 0)));
    set_callers(one, NULL, 0);
    EXPECT(is_same(before, id_context(one, REQUIRED, 0)));
    EXPECT(CLEAT_CLASS(cleat_context_set_session_id_context(one, "", 0)) == CLEAT_USAGE);
    EXPECT(cleat_close(one) == CLEAT_OK && cleat_close(other) == CLEAT_OK);
}

static void test_unrelated(void) {
    int32_t context = make(IDENTITY_CERTIFICATE, -1, -1);
    struct digest before = id_context(context, CLEAT_CERT_REQUIRED, 0);
    int32_t len;
    const char *text = identity_text(IDENTITY_CHAIN_AND_KEY, &len);
    EXPECT(cleat_context_set_ciphers(context, "ECDHE+AESGCM", 12) == CLEAT_OK);
    EXPECT(cleat_context_set_alpn_protocols(context, "\2h2", 3) == CLEAT_OK);
    EXPECT(cleat_context_set_minimum_version(context, CLEAT_TLS1_2_VERSION) == CLEAT_OK);
    EXPECT(cleat_context_load_cert_chain_data(context, text, len, NULL, 0, NULL, 0) == CLEAT_OK);
    EXPECT(is_same(before, id_context(context, CLEAT_CERT_REQUIRED, 0)));
    EXPECT(cleat_close(context) == CLEAT_OK);
}

static char directory[] = "/tmp/cleat-test.XXXXXX";

static void in_directory(char path[128], const char *name) {
    snprintf(path, 128, "%s/%s", directory, name);
}

static void write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    EXPECT(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

static struct digest of_directory(void) {
    int32_t context = make(-1, -1, -1);
    struct digest digest;
    EXPECT(cleat_context_load_verify_directory(context, directory, (int32_t)strlen(directory)) ==
           CLEAT_OK);
    digest = id_context(context, CLEAT_CERT_REQUIRED, 0);
    EXPECT(cleat_close(context) == CLEAT_OK);
    return digest;
}

static void test_directory(void) {
    struct digest empty = of_directory();
    struct digest one;
    char first[128];
    char second[128];
    char list[128];
    char other[128];
    in_directory(first, "0123abcd.0");
    in_directory(second, "0123abcd.1");
    in_directory(list, "0123abcd.r0");
    in_directory(other, "README");
    EXPECT(is_same(empty, of_directory()));
    write_file(other, "not read");
    EXPECT(is_same(empty, of_directory()));
    write_file(first, "x");
    one = of_directory();
    EXPECT(!is_same(empty, one));
    write_file(first, "y"); /* of the same size */
    EXPECT(!is_same(one, of_directory()));
    write_file(second, "x");
    EXPECT(!is_same(one, of_directory()));
    EXPECT(unlink(second) == 0);
    write_file(first, "x");
    EXPECT(is_same(one, of_directory()));
    write_file(list, "x");
    EXPECT(!is_same(one, of_directory()));
    EXPECT(unlink(list) == 0 && unlink(first) == 0);
    EXPECT(is_same(empty, of_directory()));
    EXPECT(unlink(other) == 0);
}

/* A file that cannot be read differs from an empty or removed one: no session resumes while it is unreadable. */
static void test_unreadable_directory(void) {
    struct digest empty = of_directory();
    struct digest one;
    struct digest another;
    struct rlimit all;
    struct rlimit none;
    char last;
    EXPECT(getrlimit(RLIMIT_NOFILE, &all) == 0);
    none = all;
    none.rlim_cur = 0;
    EXPECT(setrlimit(RLIMIT_NOFILE, &none) == 0);
    one = of_directory();
    another = of_directory();
    EXPECT(setrlimit(RLIMIT_NOFILE, &all) == 0);
    EXPECT(!is_same(empty, one) && !is_same(empty, another) && !is_same(one, another));
    EXPECT(is_same(empty, of_directory()));
    last = directory[strlen(directory) - 1];
    directory[strlen(directory) - 1] =
        '_'; /* no file has this name: mkdtemp uses letters and digits */
    EXPECT(is_same(empty, of_directory()));
    directory[strlen(directory) - 1] = last;
}

/* A file that was rewritten with its size and times kept: its status change time differs. */
static void test_stamp(void) {
    struct cleat_file_stamp before;
    struct cleat_file_stamp after;
    char name[128];
    in_directory(name, "file");
    write_file(name, "x");
    EXPECT(cleat_file_stamp(name, &before) && cleat_file_stamp(name, &after));
    EXPECT(cleat_file_stamp_equal(&before, &after));
    EXPECT(cleat_file_stamp_is_fresh(&before));
    after.changed.tv_nsec ^= 1;
    EXPECT(!cleat_file_stamp_equal(&before, &after));
    after = before;
    after.inode++;
    EXPECT(!cleat_file_stamp_equal(&before, &after));
    after = before;
    after.changed.tv_sec -= 60;
    EXPECT(!cleat_file_stamp_is_fresh(&after));
    after.changed.tv_sec += 3600; /* the clock was set back since then */
    EXPECT(cleat_file_stamp_is_fresh(&after));
    EXPECT(unlink(name) == 0);
    EXPECT(!cleat_file_stamp(name, &after));
}

static SSL_SESSION *new_session(SSL_CTX *ssl_ctx, uint32_t number, int64_t age) {
    SSL_SESSION *session = SSL_SESSION_new(ssl_ctx);
    uint8_t id[32] = {(uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16), 1};
    EXPECT(session != NULL && SSL_SESSION_set1_id(session, id, sizeof id) == 1);
    EXPECT(SSL_SESSION_set_timeout(session, 300) == 1);
    SSL_SESSION_set_time(session, (uint64_t)(time(NULL) - age));
    return session;
}

static bool has(struct cleat_session_cache *cache, uint32_t number) {
    uint8_t id[32] = {(uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16), 1};
    bool expired = false;
    SSL_SESSION *found = cleat_session_cache_find(cache, id, sizeof id, &expired);
    SSL_SESSION_free(found);
    return found != NULL;
}

static bool store(struct cleat_session_cache *cache, SSL_CTX *ssl_ctx, uint32_t number,
                  int64_t age) {
    SSL_SESSION *session = new_session(ssl_ctx, number, age);
    if (cleat_session_cache_store(cache, session)) return true;
    SSL_SESSION_free(session);
    return false;
}

static void test_cache(void) {
    enum { MANY = 1024 * 20 };
    struct cleat_session_cache *cache = cleat_session_cache_new();
    SSL_CTX *ssl_ctx = SSL_CTX_new(TLS_method());
    SSL_SESSION *nameless = SSL_SESSION_new(ssl_ctx);
    uint8_t wrong[] = {1};
    bool expired = false;
    uint32_t i;
    EXPECT(!has(cache, 1) && cleat_session_cache_count(cache) == 0);
    EXPECT(!cleat_session_cache_store(cache, nameless));
    SSL_SESSION_free(nameless);
    EXPECT(store(cache, ssl_ctx, 1, 0) && !store(cache, ssl_ctx, 1, 0));
    EXPECT(has(cache, 1) && !has(cache, 2) && cleat_session_cache_count(cache) == 1);
    EXPECT(cleat_session_cache_find(cache, wrong, sizeof wrong, &expired) == NULL);
    EXPECT(cleat_session_cache_find(cache, wrong, 0, &expired) == NULL);
    for (i = 2; i <= MANY; i++) EXPECT(store(cache, ssl_ctx, i, 0));
    EXPECT(has(cache, 1) && has(cache, MANY) && cleat_session_cache_count(cache) == MANY);
    /* the oldest is replaced */
    EXPECT(store(cache, ssl_ctx, MANY + 1, 0));
    EXPECT(!has(cache, 1) && has(cache, 2) && has(cache, MANY + 1));
    EXPECT(cleat_session_cache_count(cache) == MANY);
    EXPECT(cleat_session_cache_displaced(cache) == 1);
    cleat_session_cache_free(cache);
    /* and expired ones are removed */
    cache = cleat_session_cache_new();
    for (i = 1; i <= 10; i++) EXPECT(store(cache, ssl_ctx, i, 299 - (int64_t)i * 10));
    EXPECT(cleat_session_cache_count(cache) == 10);
    cleat_session_cache_free(cache);
    cache = cleat_session_cache_new();
    EXPECT(store(cache, ssl_ctx, 1, 301) && store(cache, ssl_ctx, 2, 0));
    EXPECT(!has(cache, 1) && has(cache, 2) && cleat_session_cache_count(cache) == 1);
    EXPECT(cleat_session_cache_displaced(cache) == 0);
    cleat_session_cache_free(cache);
    SSL_CTX_free(ssl_ctx);
}

struct worker {
    struct cleat_session_cache *cache;
    SSL_CTX *ssl_ctx;
    uint32_t first;
};

static void *work(void *argument) {
    const struct worker *worker = argument;
    uint32_t i;
    for (i = 0; i < 500; i++) {
        EXPECT(store(worker->cache, worker->ssl_ctx, worker->first + i, 0));
        EXPECT(has(worker->cache, worker->first + i));
        has(worker->cache, i);
    }
    return NULL;
}

static void test_cache_threads(void) {
    enum { THREADS = 3 };
    struct cleat_session_cache *cache = cleat_session_cache_new();
    SSL_CTX *ssl_ctx = SSL_CTX_new(TLS_method());
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    int i;
    for (i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){cache, ssl_ctx, (uint32_t)i * 500};
        EXPECT(pthread_create(&threads[i], NULL, work, &workers[i]) == 0);
    }
    for (i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    EXPECT(cleat_session_cache_count(cache) == THREADS * 500);
    cleat_session_cache_free(cache);
    SSL_CTX_free(ssl_ctx);
}

int main(void) {
    int32_t len;
    identity_text(IDENTITY_CERTIFICATE, &len);
    EXPECT(mkdtemp(directory) != NULL);
    test_fleet();
    test_difference();
    test_mode_and_flags();
    test_callers();
    test_unrelated();
    test_directory();
    test_unreadable_directory();
    test_stamp();
    test_cache();
    test_cache_threads();
    EXPECT(rmdir(directory) == 0);
    return 0;
}
