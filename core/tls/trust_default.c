/* trust_default.c: the system's certification authorities.
 *
 * To parse a system's bundle takes milliseconds, a thousand times as long as anything else
 * about a context. So the store made from it is shared by all contexts that trust nothing
 * besides, and by their connections. It is never added to, but for what a verification finds
 * in the system's directory. A context that is told to trust more gets a store of its own
 * first, with the same certificates. The shared store is made anew when the bundle's path,
 * size, time or inode is another. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/argument.h"
#include "base/file.h"
#include "base/memory.h"
#include "tls/trust.h"

/* Where distributions keep the bundle, if not where BoringSSL looks. */
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt", /* Debian, Ubuntu, Arch, Alpine */
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora, RHEL */
    "/etc/pki/tls/certs/ca-bundle.crt", /* older Fedora, RHEL */
    "/etc/ssl/ca-bundle.pem", /* openSUSE */
};

static bool is_file(const char *name) {
    struct cleat_file_stamp stamp;
    return cleat_file_stamp(name, &stamp);
}

/* The environment's word is final: what it names and does not exist is not replaced. */
static const char *default_file(void) {
    const char *named = getenv(X509_get_default_cert_file_env());
    size_t i;
    if (named != NULL) return is_file(named) ? named : "";
    if (is_file(X509_get_default_cert_file())) return X509_get_default_cert_file();
    for (i = 0; i < sizeof bundles / sizeof bundles[0]; i++) {
        if (is_file(bundles[i])) return bundles[i];
    }
    return "";
}

static const char *default_directory(void) {
    const char *named = getenv(X509_get_default_cert_dir_env());
    if (named == NULL) named = X509_get_default_cert_dir();
    return cleat_file_is_directory(named) ? named : "";
}

/* The environment may also name a list of them, with colons between, as OpenSSL reads it. */
static const char *default_directories(void) {
    const char *named = getenv(X509_get_default_cert_dir_env());
    return named != NULL && strchr(named, ':') != NULL ? named : default_directory();
}

/* What was made of the system's places when they were looked at last. */
static struct {
    pthread_mutex_t lock;
    X509_STORE *store; /* NULL: nothing yet */
    char *file;
    char *directory;
    struct cleat_file_stamp stamp; /* of file */
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_current(const char *file, const char *directory,
                       const struct cleat_file_stamp *stamp) {
    const struct cleat_file_stamp *known = &shared.stamp;
    return shared.store != NULL && strcmp(shared.file, file) == 0 &&
           strcmp(shared.directory, directory) == 0 && known->device == stamp->device &&
           known->inode == stamp->inode && known->size == stamp->size &&
           known->modified.tv_sec == stamp->modified.tv_sec &&
           known->modified.tv_nsec == stamp->modified.tv_nsec;
}

/* A bundle that cannot be used is passed over like one that is not there, as OpenSSL does. But
 * one that cannot be read just now must not be remembered as one without authorities. */
static bool is_shortage(int32_t status) {
    return status == CLEAT_STATUS(CLEAT_NOMEM, 0) || status == CLEAT_STATUS(CLEAT_SYS, EMFILE) ||
           status == CLEAT_STATUS(CLEAT_SYS, ENFILE);
}

static int32_t make_store(const char *file, const char *directory, X509_STORE **made) {
    X509_STORE *store = X509_STORE_new();
    int32_t status = CLEAT_OK;
    if (store == NULL) return cleat_fail_nomem();
    if (file[0] != '\0') status = cleat_trust_add_file(store, file);
    if (!is_shortage(status)) status = CLEAT_OK;
    if (status >= 0 && directory[0] != '\0') status = cleat_trust_add_directory(store, directory);
    if (status < 0) {
        X509_STORE_free(store);
        return status;
    }
    *made = store;
    return CLEAT_OK;
}

/* CLEAT_OK and the shared store for these places, of which the caller gets a reference. */
static int32_t get_shared(const char *file, const char *directory, X509_STORE **store) {
    struct cleat_file_stamp stamp;
    int32_t status = CLEAT_OK;
    cleat_file_stamp(file, &stamp);
    pthread_mutex_lock(&shared.lock);
    if (!is_current(file, directory, &stamp)) {
        X509_STORE *made = NULL;
        char *file_copy = cleat_copy_text(file, (int32_t)strlen(file));
        char *directory_copy = cleat_copy_text(directory, (int32_t)strlen(directory));
        status = file_copy == NULL || directory_copy == NULL ? cleat_fail_nomem()
                                                             : make_store(file, directory, &made);
        if (status < 0) {
            cleat_release(file_copy);
            cleat_release(directory_copy);
        } else {
            X509_STORE_free(shared.store);
            cleat_release(shared.file);
            cleat_release(shared.directory);
            shared.store = made;
            shared.file = file_copy;
            shared.directory = directory_copy;
            shared.stamp = stamp;
        }
    }
    if (status >= 0) {
        X509_STORE_up_ref(shared.store);
        *store = shared.store;
    }
    pthread_mutex_unlock(&shared.lock);
    return status;
}

int32_t cleat_trust_own(struct cleat_context *context) {
    X509_STORE *own = SSL_CTX_get_cert_store(context->ssl_ctx);
    STACK_OF(X509_OBJECT) * objects;
    int32_t status = CLEAT_OK;
    size_t i;
    context->trusts_own = true;
    if (context->shared_store == NULL) return CLEAT_OK;
    cleat_error_clear_queue();
    objects = cleat_trust_objects(context->shared_store);
    if (objects == NULL) return cleat_fail_nomem();
    for (i = 0; i < sk_X509_OBJECT_num(objects) && status >= 0; i++) {
        X509 *certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
        if (certificate != NULL && X509_STORE_add_cert(own, certificate) != 1) {
            status = cleat_fail_ssl("X509_STORE_add_cert");
        }
    }
    cleat_trust_objects_free(objects);
    if (status >= 0 && context->shared_directory[0] != '\0') {
        status = cleat_trust_add_directory(own, context->shared_directory);
    }
    if (status >= 0) cleat_trust_drop_shared(context);
    return status;
}

void cleat_trust_drop_shared(struct cleat_context *context) {
    X509_STORE_free(context->shared_store);
    cleat_release(context->shared_directory);
    context->shared_store = NULL;
    context->shared_directory = NULL;
}

/* Called with the context's lock. */
static int32_t trust_defaults(struct cleat_context *self) {
    const char *file = default_file();
    const char *directory = default_directories();
    X509_STORE *store = NULL;
    char *copy = cleat_copy_text(directory, (int32_t)strlen(directory));
    bool owns = self->trusts_own;
    int32_t status = copy == NULL ? cleat_fail_nomem() : get_shared(file, directory, &store);
    if (status < 0) {
        cleat_release(copy);
        return status;
    }
    cleat_trust_drop_shared(self);
    self->shared_store = store;
    self->shared_directory = copy;
    return owns ? cleat_trust_own(self) : CLEAT_OK;
}

int32_t cleat_context_set_default_verify_paths(int32_t context) {
    struct cleat_context *self;
    int32_t result;
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    pthread_mutex_lock(&self->lock);
    result = trust_defaults(self);
    pthread_mutex_unlock(&self->lock);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_default_verify_path(int32_t which, char *out, int32_t out_cap) {
    const char *text;
    CLEAT_CHECK_RANGE(1, which, CLEAT_DEFAULT_CAFILE, CLEAT_DEFAULT_OPENSSL_CAPATH);
    CLEAT_CHECK_OUT(2, out, out_cap);
    switch (which) {
        case CLEAT_DEFAULT_CAFILE: text = default_file(); break;
        case CLEAT_DEFAULT_CAPATH: text = default_directory(); break;
        case CLEAT_DEFAULT_OPENSSL_CAFILE_ENV: text = X509_get_default_cert_file_env(); break;
        case CLEAT_DEFAULT_OPENSSL_CAFILE: text = X509_get_default_cert_file(); break;
        case CLEAT_DEFAULT_OPENSSL_CAPATH_ENV: text = X509_get_default_cert_dir_env(); break;
        default: text = X509_get_default_cert_dir(); break;
    }
    return cleat_answer_text(text, (int64_t)strlen(text), out, out_cap);
}
