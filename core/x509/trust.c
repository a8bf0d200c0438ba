/* trust.c: trust objects, built from the bundles and directories that a context has loaded. */
#include "x509/trust.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/argument.h"
#include "base/memory.h"
#include "x509/trust_parts.h"

/* Appends the names of a list to those of another, which may be NULL, and skips empty ones. The caller frees the
 * result. */
static char *join_directories(const char *list, const char *more) {
    size_t used = list == NULL ? 0 : strlen(list);
    char *joined = cleat_allocate(used + strlen(more) + 2);
    if (joined == NULL) return NULL;
    if (list != NULL) memcpy(joined, list, used + 1);
    while (*more != '\0') {
        size_t len = strcspn(more, ":");
        if (len > 0 && used > 0) joined[used++] = ':';
        memcpy(joined + used, more, len);
        used += len;
        more += len + (more[len] == ':' ? 1 : 0);
    }
    return joined;
}

int32_t cleat_trust_sources_add(struct cleat_trust_sources *sources, struct cleat_bundle *bundle,
                                const char *directories) {
    char *joined = NULL;
    if (directories != NULL && directories[0] != '\0') {
        joined = join_directories(sources->directories, directories);
        if (joined == NULL) return cleat_fail_nomem();
    }
    if (bundle != NULL) {
        struct cleat_bundle **more =
            cleat_resize(sources->bundles, (sources->bundle_count + 1) * sizeof *sources->bundles);
        if (more == NULL) {
            cleat_release(joined);
            return cleat_fail_nomem();
        }
        sources->bundles = more;
        more[sources->bundle_count++] = cleat_bundle_ref(bundle);
    }
    if (joined != NULL) {
        cleat_release(sources->directories);
        sources->directories = joined;
    }
    sources->has_default = false;
    return CLEAT_OK;
}

void cleat_trust_sources_free(struct cleat_trust_sources *sources) {
    size_t i;
    for (i = 0; i < sources->bundle_count; i++) cleat_bundle_unref(sources->bundles[i]);
    cleat_release(sources->bundles);
    cleat_release(sources->directories);
    memset(sources, 0, sizeof *sources);
}

struct cleat_trust *cleat_trust_ref(struct cleat_trust *trust) {
    atomic_fetch_add_explicit(&trust->references, 1, memory_order_relaxed);
    return trust;
}

void cleat_trust_unref(struct cleat_trust *trust) {
    if (trust == NULL) return;
    if (atomic_fetch_sub_explicit(&trust->references, 1, memory_order_acq_rel) > 1) return;
    X509_STORE_free(trust->store);
    sk_X509_pop_free(trust->certificates, X509_free);
    sk_X509_CRL_pop_free(trust->crls, X509_CRL_free);
    sk_X509_pop_free(trust->found, X509_free);
    cleat_release(trust->directories);
    pthread_mutex_destroy(&trust->lock);
    cleat_release(trust);
}

static int compare_certificates(const X509 *const *one, const X509 *const *other) {
    return X509_cmp(*one, *other);
}

static bool push_certificate(STACK_OF(X509) * list, X509 *certificate) {
    if (sk_X509_push(list, certificate) == 0) return false;
    X509_up_ref(certificate);
    return true;
}

/* Adds each certificate of the sources to trust, without duplicates. */
static bool add_certificates(struct cleat_trust *trust, const struct cleat_trust_sources *sources) {
    STACK_OF(X509) *all = sk_X509_new(compare_certificates);
    bool added = all != NULL;
    size_t i;
    size_t k;
    for (i = 0; i < sources->bundle_count && added; i++) {
        const STACK_OF(X509) *list = sources->bundles[i]->certificates;
        for (k = 0; k < sk_X509_num(list) && added; k++) {
            added = sk_X509_push(all, sk_X509_value(list, k)) != 0;
        }
    }
    if (added) sk_X509_sort(all);
    for (i = 0; added && i < sk_X509_num(all); i++) {
        X509 *certificate = sk_X509_value(all, i);
        if (i > 0 && X509_cmp(sk_X509_value(all, i - 1), certificate) == 0) continue;
        added = push_certificate(trust->certificates, certificate);
    }
    sk_X509_free(all);
    return added;
}

static bool has_crl(const STACK_OF(X509_CRL) * crls, const X509_CRL *crl) {
    size_t i;
    for (i = 0; i < sk_X509_CRL_num(crls); i++) {
        if (X509_CRL_match(sk_X509_CRL_value(crls, i), crl) == 0) return true;
    }
    return false;
}

static bool add_crls(struct cleat_trust *trust, const struct cleat_trust_sources *sources) {
    size_t i;
    size_t k;
    for (i = 0; i < sources->bundle_count; i++) {
        const STACK_OF(X509_CRL) *list = sources->bundles[i]->crls;
        for (k = 0; k < sk_X509_CRL_num(list); k++) {
            X509_CRL *crl = sk_X509_CRL_value(list, k);
            if (has_crl(trust->crls, crl)) continue;
            if (sk_X509_CRL_push(trust->crls, crl) == 0) return false;
            X509_CRL_up_ref(crl);
        }
    }
    return true;
}

/* Adds everything that was loaded to a store. There are no duplicates, so that it fails only if an allocation fails. */
static bool fill(X509_STORE *store, const struct cleat_trust *trust) {
    size_t i;
    for (i = 0; i < sk_X509_num(trust->certificates); i++) {
        if (X509_STORE_add_cert(store, sk_X509_value(trust->certificates, i)) != 1) return false;
    }
    for (i = 0; i < sk_X509_CRL_num(trust->crls); i++) {
        if (X509_STORE_add_crl(store, sk_X509_CRL_value(trust->crls, i)) != 1) return false;
    }
    return true;
}

int32_t cleat_trust_new(const struct cleat_trust_sources *sources, struct cleat_trust **trust) {
    const char *directories = sources->directories == NULL ? "" : sources->directories;
    struct cleat_trust *made = cleat_allocate(sizeof *made);
    if (made == NULL) return cleat_fail_nomem();
    cleat_error_clear_queue();
    atomic_init(&made->references, 1);
    pthread_mutex_init(&made->lock, NULL);
    made->store = X509_STORE_new();
    made->certificates = sk_X509_new_null();
    made->crls = sk_X509_CRL_new_null();
    made->found = sk_X509_new_null();
    made->directories = cleat_copy_text(directories, (int32_t)strlen(directories));
    if (made->store == NULL || made->certificates == NULL || made->crls == NULL ||
        made->found == NULL || made->directories == NULL || !add_certificates(made, sources) ||
        !add_crls(made, sources) || !fill(made->store, made) || cleat_memory_failed()) {
        cleat_trust_unref(made);
        return cleat_fail_nomem();
    }
    *trust = made;
    return CLEAT_OK;
}

X509_STORE *cleat_trust_store(const struct cleat_trust *trust) {
    return trust->store;
}

const STACK_OF(X509_CRL) * cleat_trust_crls(const struct cleat_trust *trust) {
    return trust->crls;
}

size_t cleat_trust_directory_count(const struct cleat_trust *trust) {
    const char *at = trust->directories;
    size_t count = at[0] == '\0' ? 0 : 1;
    for (; *at != '\0'; at++) count += *at == ':' ? 1 : 0;
    return count;
}

/* names: separated by colons. */
static X509_STORE *open_directories(const char *names) {
    X509_STORE *store = X509_STORE_new();
    X509_LOOKUP *lookup =
        store == NULL ? NULL : X509_STORE_add_lookup(store, X509_LOOKUP_hash_dir());
    if (lookup != NULL && X509_LOOKUP_add_dir(lookup, names, X509_FILETYPE_PEM) == 1) return store;
    X509_STORE_free(store);
    return NULL;
}

X509_STORE *cleat_trust_open_directories(const struct cleat_trust *trust) {
    X509_STORE *store = open_directories(trust->directories);
    if (store == NULL || fill(store, trust)) return store;
    X509_STORE_free(store);
    return NULL;
}

X509_STORE *cleat_trust_open_directory(const struct cleat_trust *trust, size_t index) {
    const char *start = trust->directories;
    X509_STORE *store;
    char *name;
    for (; index > 0; index--) start = strchr(start, ':') + 1;
    name = cleat_copy_text(start, (int32_t)strcspn(start, ":"));
    store = name == NULL ? NULL : open_directories(name);
    cleat_release(name);
    return store;
}

static bool has_certificate(const STACK_OF(X509) * list, const X509 *certificate) {
    size_t i;
    for (i = 0; i < sk_X509_num(list); i++) {
        if (X509_cmp(sk_X509_value(list, i), certificate) == 0) return true;
    }
    return false;
}

void cleat_trust_record_found(struct cleat_trust *trust, X509_STORE *opened) {
    /* The store belongs to the caller: no other thread uses it. */
    const STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(opened);
    size_t crls = 0;
    size_t i;
    pthread_mutex_lock(&trust->lock);
    for (i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        const X509_OBJECT *object = sk_X509_OBJECT_value(objects, i);
        X509 *certificate = X509_OBJECT_get0_X509(object);
        if (certificate != NULL && !has_certificate(trust->certificates, certificate) &&
            !has_certificate(trust->found, certificate)) {
            push_certificate(trust->found, certificate);
        }
        if (X509_OBJECT_get_type(object) == X509_LU_CRL) crls++;
    }
    /* BoringSSL has no function to get a revocation list out of a store, so they are only counted. */
    if (crls > sk_X509_CRL_num(trust->crls) + trust->found_crls) {
        trust->found_crls = crls - sk_X509_CRL_num(trust->crls);
    }
    pthread_mutex_unlock(&trust->lock);
}

static bool append(STACK_OF(X509) * to, const STACK_OF(X509) * from) {
    size_t i;
    for (i = 0; i < sk_X509_num(from); i++) {
        if (!push_certificate(to, sk_X509_value(from, i))) return false;
    }
    return true;
}

STACK_OF(X509) * cleat_trust_certificates(struct cleat_trust *trust) {
    STACK_OF(X509) *all = sk_X509_new_null();
    bool complete;
    if (all == NULL) return NULL;
    pthread_mutex_lock(&trust->lock);
    complete = append(all, trust->certificates) && append(all, trust->found);
    pthread_mutex_unlock(&trust->lock);
    if (complete) return all;
    sk_X509_pop_free(all, X509_free);
    return NULL;
}

size_t cleat_trust_crl_count(struct cleat_trust *trust) {
    size_t count = sk_X509_CRL_num(trust->crls);
    pthread_mutex_lock(&trust->lock);
    count += trust->found_crls;
    pthread_mutex_unlock(&trust->lock);
    return count;
}
