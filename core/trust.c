/* trust.c: what a context trusts.
 *
 * What is loaded is parsed whole before the first of it is added, so that a failure adds
 * nothing. */
#include "cleat/trust.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "argument.h"
#include "certificate.h"
#include "context.h"
#include "file.h"
#include "memory.h"

static bool is_present(const char *data, int32_t len, const char *mark) {
    return memmem(data, (size_t)len, mark, strlen(mark)) != NULL;
}

static bool is_ascii(const char *data, int32_t len) {
    int32_t i;
    for (i = 0; i < len; i++) {
        if ((unsigned char)data[i] > 0x7f || data[i] == '\0') return false;
    }
    return true;
}

/* What was parsed and not yet added. */
struct parsed {
    STACK_OF(X509) * certificates;
    STACK_OF(X509_CRL) * crls;
};

/* Each takes over what it is given. */
static bool append_certificate(struct parsed *parsed, X509 *certificate) {
    if (sk_X509_push(parsed->certificates, certificate) != 0) return true;
    X509_free(certificate);
    return false;
}

static bool append_crl(struct parsed *parsed, X509_CRL *crl) {
    if (sk_X509_CRL_push(parsed->crls, crl) != 0) return true;
    X509_CRL_free(crl);
    return false;
}

/* Certificates and revocation lists in DER, one after the other. */
static int32_t parse_der(const char *data, int32_t len, struct parsed *parsed) {
    const uint8_t *at = (const uint8_t *)data;
    const uint8_t *end = at + len;
    /* What does not even begin as DER is nothing that could be loaded; what is broken further
     * on says how. */
    if (*at != 0x30) return cleat_fail_named("ASN1", "NOT_ENOUGH_DATA", "not enough data");
    while (at < end) {
        const uint8_t *start = at;
        X509 *certificate = d2i_X509(NULL, &at, end - at);
        X509_CRL *crl;
        if (certificate != NULL) {
            if (!append_certificate(parsed, certificate)) return cleat_fail_nomem();
            continue;
        }
        at = start;
        crl = d2i_X509_CRL(NULL, &at, end - at);
        if (crl == NULL) return cleat_fail_ssl("d2i_X509");
        cleat_error_clear_queue();
        if (!append_crl(parsed, crl)) return cleat_fail_nomem();
    }
    return CLEAT_OK;
}

static int32_t parse_pem(const char *data, int32_t len, struct parsed *parsed) {
    BIO *bio = BIO_new_mem_buf(data, len);
    STACK_OF(X509_INFO) * list;
    int32_t status = CLEAT_OK;
    size_t i;
    if (bio == NULL) return cleat_fail_nomem();
    list = PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL);
    BIO_free(bio);
    if (list == NULL) return cleat_fail_ssl("PEM_X509_INFO_read_bio");
    for (i = 0; i < sk_X509_INFO_num(list) && status >= 0; i++) {
        X509_INFO *info = sk_X509_INFO_value(list, i);
        bool appended = true;
        if (info->x509 != NULL) appended = append_certificate(parsed, info->x509);
        info->x509 = NULL;
        if (info->crl != NULL) appended = append_crl(parsed, info->crl) && appended;
        info->crl = NULL;
        if (!appended) status = cleat_fail_nomem();
    }
    sk_X509_INFO_pop_free(list, X509_INFO_free);
    return status;
}

static bool add_failed(int added) {
    uint32_t error;
    if (added == 1) return false;
    error = ERR_peek_last_error();
    return ERR_GET_LIB(error) != ERR_LIB_X509 ||
           ERR_GET_REASON(error) != X509_R_CERT_ALREADY_IN_HASH_TABLE;
}

/* Returns how many there were. Only memory can be lacking here. */
static int32_t add_all(X509_STORE *store, const struct parsed *parsed) {
    size_t i;
    for (i = 0; i < sk_X509_num(parsed->certificates); i++) {
        if (add_failed(X509_STORE_add_cert(store, sk_X509_value(parsed->certificates, i)))) {
            return cleat_fail_ssl("X509_STORE_add_cert");
        }
    }
    for (i = 0; i < sk_X509_CRL_num(parsed->crls); i++) {
        if (add_failed(X509_STORE_add_crl(store, sk_X509_CRL_value(parsed->crls, i)))) {
            return cleat_fail_ssl("X509_STORE_add_crl");
        }
    }
    cleat_error_clear_queue();
    return (int32_t)(sk_X509_num(parsed->certificates) + sk_X509_CRL_num(parsed->crls));
}

static int32_t load(struct cleat_context *context, const char *data, int32_t len, bool pem) {
    struct parsed parsed = {sk_X509_new_null(), sk_X509_CRL_new_null()};
    int32_t result;
    cleat_error_clear_queue();
    if (parsed.certificates == NULL || parsed.crls == NULL) {
        result = cleat_fail_nomem();
    } else {
        result = pem ? parse_pem(data, len, &parsed) : parse_der(data, len, &parsed);
    }
    if (result >= 0) {
        pthread_mutex_lock(&context->lock);
        result = add_all(SSL_CTX_get_cert_store(context->ssl_ctx), &parsed);
        pthread_mutex_unlock(&context->lock);
    }
    sk_X509_pop_free(parsed.certificates, X509_free);
    sk_X509_CRL_pop_free(parsed.crls, X509_CRL_free);
    return result;
}

static int32_t load_file(struct cleat_context *context, const char *name) {
    char *bytes;
    int32_t len;
    bool pem;
    int32_t result = cleat_file_read(name, &bytes, &len);
    if (result < 0) return result;
    /* A file of revocation lists is often DER; PEM is what this function is for. */
    pem = len == 0 || bytes[0] != 0x30 || is_present(bytes, len, "-----BEGIN");
    result = load(context, bytes, len, pem);
    cleat_release(bytes);
    if (result == 0) {
        return cleat_fail_named("X509", "NO_CERTIFICATE_OR_CRL_FOUND",
                                "no certificate or crl found");
    }
    return result;
}

int32_t cleat_context_load_verify_file(int32_t context, const char *cafile, int32_t cafile_len) {
    struct cleat_context *self;
    char *name;
    int32_t result;
    CLEAT_CHECK_TEXT(2, cafile, cafile_len);
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    name = cleat_copy_text(cafile, cafile_len);
    result = name == NULL ? cleat_fail_nomem() : load_file(self, name);
    cleat_release(name);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_context_load_verify_data(int32_t context, const char *data, int32_t data_len) {
    struct cleat_context *self;
    bool pem;
    int32_t result;
    CLEAT_CHECK_IN(2, data, data_len);
    if (data_len == 0) return cleat_fail_usage(2, "Empty certificate data");
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    /* Text without a block is told from bytes as Python tells str from bytes: it is ASCII. */
    pem = data[0] != 0x30 && (is_present(data, data_len, "-----BEGIN") || is_ascii(data, data_len));
    result = load(self, data, data_len, pem);
    if (result == 0) result = cleat_fail_named("PEM", "NO_START_LINE", "no start line");
    CLEAT_DONE(self);
    return result;
}

static int32_t add_directory(struct cleat_context *self, const char *name) {
    X509_LOOKUP *lookup;
    int32_t result = CLEAT_OK;
    pthread_mutex_lock(&self->lock);
    cleat_error_clear_queue();
    lookup = X509_STORE_add_lookup(SSL_CTX_get_cert_store(self->ssl_ctx), X509_LOOKUP_hash_dir());
    if (lookup == NULL || X509_LOOKUP_add_dir(lookup, name, X509_FILETYPE_PEM) != 1) {
        result = cleat_fail_ssl("X509_LOOKUP_add_dir");
    }
    pthread_mutex_unlock(&self->lock);
    return result;
}

int32_t cleat_context_load_verify_directory(int32_t context, const char *capath,
                                            int32_t capath_len) {
    struct cleat_context *self;
    char *name;
    int32_t result;
    CLEAT_CHECK_TEXT(2, capath, capath_len);
    if (capath_len == 0) return cleat_fail_usage(2, "empty name of a directory");
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    name = cleat_copy_text(capath, capath_len);
    result = name == NULL ? cleat_fail_nomem() : add_directory(self, name);
    cleat_release(name);
    CLEAT_DONE(self);
    return result;
}

/* Where distributions keep the bundle, if not where BoringSSL looks. */
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt", /* Debian, Ubuntu, Arch, Alpine */
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora, RHEL */
    "/etc/pki/tls/certs/ca-bundle.crt", /* older Fedora, RHEL */
    "/etc/ssl/ca-bundle.pem", /* openSUSE */
};

static bool exists(const char *name, mode_t type) {
    struct stat about;
    return stat(name, &about) == 0 && (about.st_mode & S_IFMT) == type;
}

/* The environment's word is final: what it names and does not exist is not replaced. */
static const char *default_file(void) {
    const char *named = getenv(X509_get_default_cert_file_env());
    size_t i;
    if (named != NULL) return exists(named, S_IFREG) ? named : "";
    if (exists(X509_get_default_cert_file(), S_IFREG)) return X509_get_default_cert_file();
    for (i = 0; i < sizeof bundles / sizeof bundles[0]; i++) {
        if (exists(bundles[i], S_IFREG)) return bundles[i];
    }
    return "";
}

static const char *default_directory(void) {
    const char *named = getenv(X509_get_default_cert_dir_env());
    if (named == NULL) named = X509_get_default_cert_dir();
    return exists(named, S_IFDIR) ? named : "";
}

int32_t cleat_context_set_default_verify_paths(int32_t context) {
    struct cleat_context *self;
    const char *name = default_file();
    int32_t result = CLEAT_OK;
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    /* A bundle that cannot be read is passed over as one that is not there, as OpenSSL does. */
    if (name[0] != '\0' && load_file(self, name) == CLEAT_STATUS(CLEAT_NOMEM, 0)) {
        result = CLEAT_STATUS(CLEAT_NOMEM, 0);
    }
    name = default_directory();
    if (result >= 0 && name[0] != '\0') result = add_directory(self, name);
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

/* The store's objects, to be freed. Before get1_objects there was only a list that other
 * threads could change while it was read, so that directories' certificates may be missed but
 * nothing is read that was freed: the store only grows. */
static STACK_OF(X509_OBJECT) * store_objects(const struct cleat_context *self) {
    X509_STORE *store = SSL_CTX_get_cert_store(self->ssl_ctx);
#if BORINGSSL_API_VERSION >= 40
    return X509_STORE_get1_objects(store);
#else
    return sk_X509_OBJECT_dup(X509_STORE_get0_objects(store));
#endif
}

static void free_objects(STACK_OF(X509_OBJECT) * objects) {
#if BORINGSSL_API_VERSION >= 40
    sk_X509_OBJECT_pop_free(objects, X509_OBJECT_free);
#else
    sk_X509_OBJECT_free(objects);
#endif
}

static bool is_authority(const X509_OBJECT *object) {
    X509 *certificate = X509_OBJECT_get0_X509(object);
    return certificate != NULL && X509_check_ca(certificate) != 0;
}

int32_t cleat_context_cert_store_stats(int32_t context, int32_t *x509, int32_t *x509_ca,
                                       int32_t *crl) {
    struct cleat_context *self;
    STACK_OF(X509_OBJECT) * objects;
    int32_t result = CLEAT_OK;
    size_t i;
    CLEAT_CHECK_POINTER(2, x509);
    CLEAT_CHECK_POINTER(3, x509_ca);
    CLEAT_CHECK_POINTER(4, crl);
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    objects = store_objects(self);
    if (objects == NULL) {
        result = cleat_fail_nomem();
    } else {
        int32_t counts[3] = {0, 0, 0};
        for (i = 0; i < sk_X509_OBJECT_num(objects); i++) {
            const X509_OBJECT *object = sk_X509_OBJECT_value(objects, i);
            int type = X509_OBJECT_get_type(object);
            if (type == X509_LU_X509) counts[0]++;
            if (type == X509_LU_CRL) counts[2]++;
            if (is_authority(object)) counts[1]++;
        }
        *x509 = counts[0];
        *x509_ca = counts[1];
        *crl = counts[2];
    }
    free_objects(objects);
    cleat_error_clear_queue();
    CLEAT_DONE(self);
    return result;
}

/* Finds the authority at index, or, if index is -1, counts them. */
static int32_t authorities(struct cleat_context *self, int32_t index, X509 **found) {
    STACK_OF(X509_OBJECT) *objects = store_objects(self);
    int32_t count = 0;
    size_t i;
    if (objects == NULL) return cleat_fail_nomem();
    for (i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        const X509_OBJECT *object = sk_X509_OBJECT_value(objects, i);
        if (!is_authority(object)) continue;
        if (count == index) {
            *found = X509_OBJECT_get0_X509(object);
            X509_up_ref(*found);
        }
        count++;
    }
    free_objects(objects);
    cleat_error_clear_queue();
    return count;
}

int32_t cleat_context_ca_count(int32_t context) {
    struct cleat_context *self;
    int32_t result;
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    result = authorities(self, -1, NULL);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_context_ca_certificate(int32_t context, int32_t index) {
    struct cleat_context *self;
    X509 *found = NULL;
    int32_t result;
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    result =
        index < 0 ? cleat_fail_usage(2, "index out of range") : authorities(self, index, &found);
    if (result >= 0) {
        result = found == NULL ? cleat_fail_usage(2, "index out of range")
                               : cleat_certificate_open(found);
    }
    CLEAT_DONE(self);
    return result;
}
