/* context_trust.c: loads the trusted certificates and revocation lists of contexts, and lists them. */
#include "base/argument.h"
#include "base/memory.h"
#include "cleat/trust.h"
#include "tls/context.h"
#include "x509/certificate.h"

/* The additions of one call; each may be NULL. */
struct addition {
    struct cleat_bundle *data;
    struct cleat_bundle *file;
    const char *directory;
};

/* Adds all of it or nothing. */
static int32_t add(struct cleat_context *context, const struct addition *addition) {
    struct cleat_trust_sources *sources = &context->sources;
    size_t before;
    bool had_default;
    int32_t status = CLEAT_OK;
    pthread_mutex_lock(&context->lock);
    had_default = sources->has_default;
    before = sources->bundle_count;
    if (addition->data != NULL) status = cleat_trust_sources_add(sources, addition->data, NULL);
    if (status >= 0) status = cleat_trust_sources_add(sources, addition->file, addition->directory);
    if (status < 0) {
        while (sources->bundle_count > before) {
            cleat_bundle_unref(sources->bundles[--sources->bundle_count]);
        }
        sources->has_default = had_default;
    } else {
        cleat_context_sources_changed(context);
    }
    pthread_mutex_unlock(&context->lock);
    return status;
}

static int32_t load_file(const char *name, int32_t name_len, struct cleat_bundle **bundle) {
    char *text = cleat_copy_text(name, name_len);
    char *bytes = NULL;
    int32_t len = 0;
    int32_t status = text == NULL ? cleat_fail_nomem() : cleat_file_load(text, &bytes, &len);
    if (status >= 0) status = cleat_bundle_from_file(bytes, len, CLEAT_BUNDLE_STRICT, bundle);
    cleat_release(bytes);
    cleat_release(text);
    return status;
}

static int32_t load(struct cleat_context *context, const char *cafile, int32_t cafile_len,
                    const char *capath, int32_t capath_len, const char *data, int32_t data_len) {
    struct addition addition = {NULL, NULL, NULL};
    char *directory = NULL;
    int32_t status = CLEAT_OK;
    int32_t count = 0;
    if (data != NULL) status = cleat_bundle_from_data(data, data_len, &addition.data);
    if (status >= 0 && cafile != NULL) status = load_file(cafile, cafile_len, &addition.file);
    if (status >= 0 && capath != NULL) {
        addition.directory = directory = cleat_copy_text(capath, capath_len);
        if (directory == NULL) status = cleat_fail_nomem();
    }
    if (status >= 0) status = add(context, &addition);
    if (addition.data != NULL) count += cleat_bundle_count(addition.data);
    if (addition.file != NULL) count += cleat_bundle_count(addition.file);
    cleat_bundle_unref(addition.data);
    cleat_bundle_unref(addition.file);
    cleat_release(directory);
    cleat_error_clear_queue();
    return status < 0 ? status : count;
}

int32_t cleat_context_load_verify_locations(int32_t context, const char *cafile, int32_t cafile_len,
                                            const char *capath, int32_t capath_len,
                                            const char *data, int32_t data_len) {
    struct cleat_context *self;
    int32_t result;
    CLEAT_CHECK_TEXT(2, cafile, cafile_len);
    CLEAT_CHECK_TEXT(4, capath, capath_len);
    CLEAT_CHECK_IN(6, data, data_len);
    if (cafile == NULL && capath == NULL && data == NULL) {
        return cleat_fail_usage(0, "nothing to load");
    }
    if (capath != NULL && capath_len == 0) return cleat_fail_usage(4, "empty name of a directory");
    if (data != NULL && data_len == 0) return cleat_fail_usage(6, "Empty certificate data");
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    result = load(self, cafile, cafile_len, capath, capath_len, data, data_len);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_context_load_verify_file(int32_t context, const char *cafile, int32_t cafile_len) {
    struct cleat_context *self;
    int32_t result;
    CLEAT_CHECK_TEXT(2, cafile, cafile_len);
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    result = load(self, cafile == NULL ? "" : cafile, cafile_len, NULL, 0, NULL, 0);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_context_load_verify_data(int32_t context, const char *data, int32_t data_len) {
    struct cleat_context *self;
    int32_t result;
    CLEAT_CHECK_IN(2, data, data_len);
    if (data_len == 0) return cleat_fail_usage(2, "Empty certificate data");
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    result = load(self, NULL, 0, NULL, 0, data, data_len);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_context_load_verify_directory(int32_t context, const char *capath,
                                            int32_t capath_len) {
    struct cleat_context *self;
    int32_t result;
    CLEAT_CHECK_TEXT(2, capath, capath_len);
    if (capath_len == 0) return cleat_fail_usage(2, "empty name of a directory");
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    result = load(self, NULL, 0, capath, capath_len, NULL, 0);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_context_set_default_verify_paths(int32_t context) {
    struct cleat_context *self;
    struct cleat_bundle *bundle = NULL;
    const char *directories;
    int32_t result;
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    result = cleat_trust_default(&bundle, &directories);
    if (result >= 0) {
        pthread_mutex_lock(&self->lock);
        bool is_first = self->sources.bundle_count == 0 && self->sources.directories == NULL;
        result = cleat_trust_sources_add(&self->sources, bundle, directories);
        if (result >= 0) {
            self->sources.has_default = is_first;
            cleat_context_sources_changed(self);
        }
        pthread_mutex_unlock(&self->lock);
    }
    cleat_bundle_unref(bundle);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_default_verify_path(int32_t which, char *output, int32_t output_cap) {
    CLEAT_NO_CANCEL();
    const char *text;
    CLEAT_CHECK_RANGE(1, which, CLEAT_DEFAULT_CAFILE, CLEAT_DEFAULT_OPENSSL_CAPATH);
    CLEAT_CHECK_OUT(2, output, output_cap);
    switch (which) {
        case CLEAT_DEFAULT_CAFILE: text = cleat_trust_default_file(); break;
        case CLEAT_DEFAULT_CAPATH: text = cleat_trust_default_directory(); break;
        case CLEAT_DEFAULT_OPENSSL_CAFILE_ENV: text = X509_get_default_cert_file_env(); break;
        case CLEAT_DEFAULT_OPENSSL_CAFILE: text = X509_get_default_cert_file(); break;
        case CLEAT_DEFAULT_OPENSSL_CAPATH_ENV: text = X509_get_default_cert_dir_env(); break;
        default: text = X509_get_default_cert_dir(); break;
    }
    return cleat_copy_out(text, (int64_t)strlen(text), output, output_cap);
}

/* Returns CLEAT_OK, a list of the context's trusted certificates, which the caller frees, and the number of
 * revocation lists. */
static int32_t list_certificates(struct cleat_context *context, STACK_OF(X509) * *list,
                                 int32_t *crls) {
    struct cleat_trust *trust = NULL;
    int32_t status;
    *list = NULL;
    pthread_mutex_lock(&context->lock);
    status = cleat_context_trust(context, &trust);
    if (status >= 0) {
        *list = cleat_trust_certificates(trust);
        *crls = (int32_t)cleat_trust_crl_count(trust);
        if (*list == NULL) status = cleat_fail_nomem();
    }
    pthread_mutex_unlock(&context->lock);
    return status;
}

static bool is_ca(X509 *certificate) {
    return X509_check_ca(certificate) != 0;
}

int32_t cleat_context_cert_store_stats(int32_t context, int32_t *x509, int32_t *x509_ca,
                                       int32_t *crl) {
    struct cleat_context *self;
    STACK_OF(X509) * list;
    int32_t crls = 0;
    int32_t result;
    CLEAT_CHECK_POINTER(2, x509);
    CLEAT_CHECK_POINTER(3, x509_ca);
    CLEAT_CHECK_POINTER(4, crl);
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    result = list_certificates(self, &list, &crls);
    if (result >= 0) {
        int32_t cas = 0;
        size_t i;
        for (i = 0; i < sk_X509_num(list); i++) {
            if (is_ca(sk_X509_value(list, i))) cas++;
        }
        *x509 = (int32_t)sk_X509_num(list);
        *x509_ca = cas;
        *crl = crls;
    }
    sk_X509_pop_free(list, X509_free);
    cleat_error_clear_queue();
    CLEAT_DONE(self);
    return result;
}

/* Counts the CA certificates, and finds the one at index unless that is -1. */
static int32_t find_ca(struct cleat_context *self, int32_t index, X509 **found) {
    STACK_OF(X509) * list;
    int32_t crls;
    int32_t count = 0;
    int32_t status = list_certificates(self, &list, &crls);
    size_t i;
    for (i = 0; status >= 0 && i < sk_X509_num(list); i++) {
        X509 *certificate = sk_X509_value(list, i);
        if (!is_ca(certificate)) continue;
        if (found != NULL && count == index) {
            *found = certificate;
            X509_up_ref(certificate);
        }
        count++;
    }
    sk_X509_pop_free(list, X509_free);
    return status < 0 ? status : count;
}

int32_t cleat_context_ca_count(int32_t context) {
    struct cleat_context *self;
    int32_t result;
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    result = find_ca(self, -1, NULL);
    cleat_error_clear_queue();
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_context_ca_certificate(int32_t context, int32_t index) {
    struct cleat_context *self;
    X509 *found = NULL;
    int32_t result;
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    cleat_error_clear_queue();
    result = index < 0 ? cleat_fail_usage(2, "index out of range") : find_ca(self, index, &found);
    if (result >= 0) {
        result = found == NULL ? cleat_fail_usage(2, "index out of range")
                               : cleat_certificate_open(found);
    }
    CLEAT_DONE(self);
    return result;
}

/* Counts the skipped blocks of all bundles, and finds the one at index unless that is -1. */
static int32_t find_skipped(const struct cleat_trust_sources *sources, int32_t index,
                            const struct cleat_skipped **found) {
    int32_t count = 0;
    size_t i;
    for (i = 0; i < sources->bundle_count; i++) {
        const struct cleat_bundle *bundle = sources->bundles[i];
        if (found != NULL && index >= count && index - count < bundle->skipped_count) {
            *found = &bundle->skipped[index - count];
        }
        count += bundle->skipped_count;
    }
    return count;
}

int32_t cleat_context_skipped_count(int32_t context) {
    int32_t result;
    CLEAT_CONTEXT_BEGIN(context);
    result = find_skipped(&self->sources, -1, NULL);
    CLEAT_CONTEXT_END(result);
}

int32_t cleat_context_skipped_reason(int32_t context, int32_t index, char *output,
                                     int32_t output_cap, int32_t *ordinal, int32_t *line) {
    const struct cleat_skipped *found = NULL;
    int32_t result;
    CLEAT_CHECK_OUT(3, output, output_cap);
    CLEAT_CHECK_POINTER(5, ordinal);
    CLEAT_CHECK_POINTER(6, line);
    CLEAT_CONTEXT_BEGIN(context);
    if (index >= 0) find_skipped(&self->sources, index, &found);
    if (found == NULL) {
        result = cleat_fail_usage(2, "index out of range");
    } else {
        *ordinal = found->ordinal;
        *line = found->line;
        result = cleat_copy_out(found->reason, (int64_t)strlen(found->reason), output, output_cap);
    }
    CLEAT_CONTEXT_END(result);
}
