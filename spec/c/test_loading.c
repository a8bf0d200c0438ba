/* test_loading.c: libcleat is loaded and unloaded a hundred times, while threads that used it start and end, in a
 * process with the system's OpenSSL. The core is linked into this program as well: here it calls the library's
 * functions, which it finds by dlsym. */
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "expect.h"

enum { ROUNDS = 100, THREADS = 4 };

/* The functions of one loading of the library. */
struct library {
    void *handle;
    int32_t (*random_bytes)(char *out, int32_t count);
    int32_t (*context_new)(int32_t protocol);
    int32_t (*connection_over_memory)(int32_t, int32_t, const char *, int32_t);
    int32_t (*connection_handshake)(int32_t, double);
    int32_t (*connection_drain)(int32_t, char *, int32_t);
    int32_t (*context_load_verify_file)(int32_t, const char *, int32_t);
    int32_t (*close)(int32_t);
    int32_t (*version)(char *, int32_t);
    int32_t (*handle_count)(void);
};

static void find(void *handle, const char *name, void *function) {
    void *symbol = dlsym(handle, name);
    EXPECT(symbol != NULL);
    memcpy(function, &symbol,
           sizeof symbol); /* C has no cast from an object pointer to a function pointer */
}

static void load(struct library *library) {
    const char *name = getenv("CLEAT_LIBRARY");
    EXPECT(name != NULL);
    library->handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library->handle == NULL) fprintf(stderr, "%s\n", dlerror());
    EXPECT(library->handle != NULL);
    find(library->handle, "cleat_random_bytes", &library->random_bytes);
    find(library->handle, "cleat_context_new", &library->context_new);
    find(library->handle, "cleat_connection_over_memory", &library->connection_over_memory);
    find(library->handle, "cleat_connection_handshake", &library->connection_handshake);
    find(library->handle, "cleat_connection_drain", &library->connection_drain);
    find(library->handle, "cleat_context_load_verify_file", &library->context_load_verify_file);
    find(library->handle, "cleat_close", &library->close);
    find(library->handle, "cleat_boringssl_version", &library->version);
    find(library->handle, "cleat_handle_count", &library->handle_count);
}

/* Calls that store data in a thread: random numbers, errors, BoringSSL's error queue. */
static void use(const struct library *library) {
    char bytes[32];
    char hello[4096];
    int32_t context = library->context_new(CLEAT_PROTOCOL_TLS);
    int32_t connection;
    EXPECT(library->random_bytes(bytes, sizeof bytes) == sizeof bytes);
    EXPECT(context > 0);
    EXPECT(library->context_load_verify_file(context, "/no/such/file", 13) < 0);
    EXPECT(library->context_load_verify_file(context, "/dev/null", 9) < 0);
    connection = library->connection_over_memory(context, 0, "localhost", 9);
    EXPECT(connection > 0);
    EXPECT(CLEAT_CLASS(library->connection_handshake(connection, 0)) == CLEAT_WANT_READ);
    EXPECT(library->connection_drain(connection, hello, sizeof hello) > 100); /* a ClientHello */
    EXPECT(library->close(connection) == CLEAT_OK);
    EXPECT(library->close(context) == CLEAT_OK);
}

struct worker {
    const struct library *library;
    pthread_barrier_t *used;
    pthread_barrier_t *unloaded;
};

static void *work(void *argument) {
    const struct worker *worker = argument;
    use(worker->library);
    pthread_barrier_wait(worker->used);
    /* the library is unloaded here, and then the thread ends: the library's code frees its data of the thread */
    pthread_barrier_wait(worker->unloaded);
    return NULL;
}

static int count_entries(const char *name) {
    DIR *folder = opendir(name);
    int count = 0;
    EXPECT(folder != NULL);
    while (readdir(folder) != NULL) count++;
    closedir(folder);
    return count;
}

static void round_of_threads(void) {
    struct library library;
    pthread_barrier_t used;
    pthread_barrier_t unloaded;
    pthread_t threads[THREADS];
    struct worker worker = {&library, &used, &unloaded};
    int i;
    load(&library);
    EXPECT(pthread_barrier_init(&used, NULL, THREADS + 1) == 0);
    EXPECT(pthread_barrier_init(&unloaded, NULL, THREADS + 1) == 0);
    for (i = 0; i < THREADS; i++) {
        EXPECT(pthread_create(&threads[i], NULL, work, &worker) == 0);
    }
    use(&library);
    pthread_barrier_wait(&used);
    EXPECT(library.handle_count() == 0);
    EXPECT(dlclose(library.handle) == 0);
    pthread_barrier_wait(&unloaded);
    for (i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&used);
    pthread_barrier_destroy(&unloaded);
}

/* Threads load, use and unload the library independently. */
static void *load_and_unload(void *unused) {
    int i;
    for (i = 0; i < ROUNDS / THREADS; i++) {
        struct library library;
        load(&library);
        use(&library);
        EXPECT(dlclose(library.handle) == 0);
    }
    return unused;
}

static void test_unloading(void) {
    pthread_t threads[THREADS];
    int descriptors = 0;
    int i;
    for (i = 0; i < ROUNDS; i++) {
        round_of_threads();
        if (i == 0) descriptors = count_entries("/proc/self/fd");
    }
    for (i = 0; i < THREADS; i++) {
        EXPECT(pthread_create(&threads[i], NULL, load_and_unload, NULL) == 0);
    }
    for (i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    EXPECT(count_entries("/proc/self/fd") == descriptors);
}

/* Each library returns its version, in either order of loading: neither calls the other's functions. */
static void test_beside_openssl(void) {
    struct library library;
    char text[256] = "";
    const char *(*openssl_version)(int) = NULL;
    const void *(*tls_method)(void) = NULL;
    void *(*ctx_new)(const void *) = NULL;
    void (*ctx_free)(void *) = NULL;
    void *libcrypto = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_GLOBAL);
    void *libssl = dlopen("libssl.so.3", RTLD_NOW | RTLD_GLOBAL);
    void *ctx;
    if (libcrypto == NULL || libssl == NULL) {
        fprintf(stderr, "no OpenSSL 3 to load beside cleat: %s\n", dlerror());
        exit(1);
    }
    find(libcrypto, "OpenSSL_version", &openssl_version);
    find(libssl, "TLS_method", &tls_method);
    find(libssl, "SSL_CTX_new", &ctx_new);
    find(libssl, "SSL_CTX_free", &ctx_free);
    EXPECT(strncmp(openssl_version(0), "OpenSSL 3", 9) == 0);
    load(&library);
    EXPECT(library.version(text, sizeof text) > 0 && strncmp(text, "BoringSSL, API ", 15) == 0);
    use(&library);
    ctx = ctx_new(tls_method());
    EXPECT(ctx != NULL);
    use(&library);
    ctx_free(ctx);
    printf("%s beside %s\n", text, openssl_version(0));
    EXPECT(dlclose(library.handle) == 0);
    dlclose(libssl);
    dlclose(libcrypto);
}

int main(void) {
    test_unloading();
    if (getenv("CLEAT_NO_OPENSSL") !=
        NULL) { /* a build for another machine, whose OpenSSL is not here */
        puts("unloading");
        return 0;
    }
    test_beside_openssl();
    test_unloading();
    puts("unloading, beside OpenSSL");
    return 0;
}
