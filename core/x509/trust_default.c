/* trust_default.c: the system's CA certificates.
 *
 * Parsing the system's bundle takes milliseconds, a thousand times as long as the other steps of making a context.
 * So the bundle is parsed once and shared by later contexts, and so is the trust object that has no other sources.
 * The file is read again if its path, device, inode, size, or one of its times has changed. While the file is so new
 * that another change may not change its times, the content is compared as well. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "x509/trust.h"

/* The bundles of distributions, for systems without BoringSSL's default file. */
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

/* If the environment names a file that does not exist, no other file is used instead. A set-user-ID program ignores
 * the environment: otherwise its caller would choose what it trusts. */
const char *cleat_trust_default_file(void) {
    const char *named = secure_getenv(X509_get_default_cert_file_env());
    size_t i;
    if (named != NULL) return is_file(named) ? named : "";
    if (is_file(X509_get_default_cert_file())) return X509_get_default_cert_file();
    for (i = 0; i < sizeof bundles / sizeof bundles[0]; i++) {
        if (is_file(bundles[i])) return bundles[i];
    }
    return "";
}

const char *cleat_trust_default_directory(void) {
    const char *named = secure_getenv(X509_get_default_cert_dir_env());
    if (named == NULL) named = X509_get_default_cert_dir();
    return cleat_file_is_directory(named) ? named : "";
}

/* As in OpenSSL, the environment variable may contain a colon-separated list. */
static const char *default_directories(void) {
    const char *named = secure_getenv(X509_get_default_cert_dir_env());
    return named != NULL && strchr(named, ':') != NULL ? named : cleat_trust_default_directory();
}

/* The system's bundle as it was last read. */
static struct {
    pthread_mutex_t lock;
    struct cleat_bundle *bundle; /* NULL until it is read */
    char *file;
    struct cleat_file_stamp stamp; /* of the file, taken before it was read */
    bool was_fresh; /* the file may have changed since without a change of the stamp */
    uint8_t digest[CLEAT_DIGEST]; /* of the file's content, if was_fresh */
    struct cleat_trust *trust; /* made of bundle and directories only; NULL until it is needed */
    char *directories;
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* As in OpenSSL, a bundle that cannot be used is treated as missing. But if it cannot be read because of a temporary
 * shortage, it must not be cached as empty. */
static bool is_shortage(int32_t status) {
    return status == CLEAT_STATUS(CLEAT_NOMEM, 0) || status == CLEAT_STATUS(CLEAT_SYS, EMFILE) ||
           status == CLEAT_STATUS(CLEAT_SYS, ENFILE);
}

static void replace(struct cleat_bundle *bundle, char *file) {
    cleat_bundle_unref(shared.bundle);
    cleat_trust_unref(shared.trust);
    cleat_release(shared.file);
    cleat_release(shared.directories);
    shared.bundle = bundle;
    shared.file = file;
    shared.trust = NULL;
    shared.directories = NULL;
}

/* Reads the file and parses it, unless it was fresh and has the same digest as before. A digest takes a tenth of the
 * time of parsing; it is only computed for files that were changed recently. */
static int32_t read_bundle(const char *file, bool is_known, bool is_fresh) {
    char *bytes = NULL;
    int32_t len = 0;
    struct cleat_bundle *made = NULL;
    uint8_t digest[CLEAT_DIGEST] = {0};
    bool compares = is_known && shared.was_fresh;
    char *copy;
    int32_t status = file[0] == '\0' ? CLEAT_OK : cleat_file_read(file, &bytes, &len);
    if (is_shortage(status)) return status;
    if (compares || is_fresh) {
        SHA256((const uint8_t *)(len > 0 ? bytes : ""), (size_t)len, digest);
    }
    if (compares && memcmp(digest, shared.digest, sizeof digest) == 0) {
        cleat_release(bytes);
        return CLEAT_OK;
    }
    copy = cleat_copy_text(file, (int32_t)strlen(file));
    status = copy == NULL
                 ? cleat_fail_nomem()
                 : cleat_bundle_from_file(len > 0 ? bytes : "", len, CLEAT_BUNDLE_LENIENT, &made);
    cleat_release(bytes);
    if (copy == NULL || is_shortage(status)) {
        cleat_release(copy);
        return status;
    }
    if (status < 0) status = cleat_bundle_new_empty(&made);
    if (status < 0) {
        cleat_release(copy);
        return status;
    }
    replace(made, copy);
    memcpy(shared.digest, digest, sizeof digest);
    return CLEAT_OK;
}

int32_t cleat_trust_default(struct cleat_bundle **bundle, const char **directories) {
    const char *file = cleat_trust_default_file();
    struct cleat_file_stamp stamp;
    bool is_known;
    bool is_unchanged;
    int32_t status = CLEAT_OK;
    *directories = default_directories();
    cleat_file_stamp(file, &stamp);
    pthread_mutex_lock(&shared.lock);
    is_known = shared.bundle != NULL && strcmp(shared.file, file) == 0;
    is_unchanged = is_known && cleat_file_stamp_equal(&stamp, &shared.stamp);
    if (!is_unchanged || shared.was_fresh) {
        bool is_fresh = file[0] != '\0' && cleat_file_stamp_is_fresh(&stamp);
        status = read_bundle(file, is_known, is_fresh);
        if (status >= 0) {
            shared.stamp = stamp;
            shared.was_fresh = is_fresh;
        }
    }
    if (status >= 0) *bundle = cleat_bundle_ref(shared.bundle);
    pthread_mutex_unlock(&shared.lock);
    return status;
}

int32_t cleat_trust_shared(const struct cleat_trust_sources *sources, struct cleat_trust **trust) {
    const char *directories = sources->directories == NULL ? "" : sources->directories;
    int32_t status = CLEAT_OK;
    pthread_mutex_lock(&shared.lock);
    if (shared.trust != NULL && shared.bundle == sources->bundles[0] &&
        strcmp(shared.directories, directories) == 0) {
        *trust = cleat_trust_ref(shared.trust);
    } else {
        status = cleat_trust_new(sources, trust);
        if (status >= 0 && shared.bundle == sources->bundles[0]) {
            char *copy = cleat_copy_text(directories, (int32_t)strlen(directories));
            if (copy != NULL) {
                cleat_trust_unref(shared.trust);
                cleat_release(shared.directories);
                shared.trust = cleat_trust_ref(*trust);
                shared.directories = copy;
            }
        }
    }
    pthread_mutex_unlock(&shared.lock);
    return status;
}
