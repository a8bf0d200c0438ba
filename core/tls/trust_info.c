/* trust_info.c: what a context has loaded to verify with. */
#include "base/argument.h"
#include "tls/trust.h"
#include "x509/certificate.h"

/* Before get1_objects there was only a list that other threads could change while it was read,
 * so that directories' certificates may be missed but nothing is read that was freed: a store
 * only grows. */
STACK_OF(X509_OBJECT) * cleat_trust_objects(X509_STORE *store) {
#if BORINGSSL_API_VERSION >= 40
    return X509_STORE_get1_objects(store);
#else
    return sk_X509_OBJECT_dup(X509_STORE_get0_objects(store));
#endif
}

void cleat_trust_objects_free(STACK_OF(X509_OBJECT) * objects) {
#if BORINGSSL_API_VERSION >= 40
    sk_X509_OBJECT_pop_free(objects, X509_OBJECT_free);
#else
    sk_X509_OBJECT_free(objects);
#endif
}

static STACK_OF(X509_OBJECT) * store_objects(struct cleat_context *self) {
    STACK_OF(X509_OBJECT) * objects;
    pthread_mutex_lock(&self->lock);
    objects = cleat_trust_objects(
        self->shared_store != NULL ? self->shared_store : SSL_CTX_get_cert_store(self->ssl_ctx));
    pthread_mutex_unlock(&self->lock);
    return objects;
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
    cleat_trust_objects_free(objects);
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
    cleat_trust_objects_free(objects);
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
    cleat_error_clear_queue();
    result =
        index < 0 ? cleat_fail_usage(2, "index out of range") : authorities(self, index, &found);
    if (result >= 0) {
        result = found == NULL ? cleat_fail_usage(2, "index out of range")
                               : cleat_certificate_open(found);
    }
    CLEAT_DONE(self);
    return result;
}
