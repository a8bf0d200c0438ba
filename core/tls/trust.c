/* trust.c: loading what a context trusts. The system's own is in trust_default.c.
 *
 * What is loaded is parsed whole before the first of it is added, so that a failure adds
 * nothing. */
#include "tls/trust.h"

#include "base/argument.h"
#include "base/file.h"
#include "base/memory.h"

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

/* Each takes over what it is given. A certificate's extensions are looked at here and not when it
 * is first used: if memory runs out then it stays invalid, and would be so for all. */
static bool append_certificate(struct parsed *parsed, X509 *certificate) {
    X509_check_purpose(certificate, -1, 0);
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

static int32_t parse(const char *data, int32_t len, bool pem, struct parsed *parsed) {
    int32_t status;
    cleat_error_clear_queue();
    parsed->certificates = sk_X509_new_null();
    parsed->crls = sk_X509_CRL_new_null();
    if (parsed->certificates == NULL || parsed->crls == NULL) return cleat_fail_nomem();
    status = pem ? parse_pem(data, len, parsed) : parse_der(data, len, parsed);
    return status >= 0 && cleat_memory_failed() ? cleat_fail_nomem() : status;
}

static void free_parsed(struct parsed *parsed) {
    sk_X509_pop_free(parsed->certificates, X509_free);
    sk_X509_CRL_pop_free(parsed->crls, X509_CRL_free);
}

/* A file of revocation lists is often DER; PEM is what a file is expected to be. */
static int32_t parse_file(const char *name, struct parsed *parsed) {
    char *bytes;
    int32_t len;
    bool pem;
    int32_t result = cleat_file_read(name, &bytes, &len);
    if (result < 0) return result;
    pem = len == 0 || bytes[0] != 0x30 || is_present(bytes, len, "-----BEGIN");
    result = parse(bytes, len, pem, parsed);
    cleat_release(bytes);
    if (result >= 0 && sk_X509_num(parsed->certificates) == 0 &&
        sk_X509_CRL_num(parsed->crls) == 0) {
        return cleat_fail_named("X509", "NO_CERTIFICATE_OR_CRL_FOUND",
                                "no certificate or crl found");
    }
    return result;
}

int32_t cleat_trust_add_file(X509_STORE *store, const char *name) {
    struct parsed parsed = {NULL, NULL};
    int32_t result = parse_file(name, &parsed);
    if (result >= 0) result = add_all(store, &parsed);
    free_parsed(&parsed);
    return result;
}

int32_t cleat_trust_add_directory(X509_STORE *store, const char *name) {
    X509_LOOKUP *lookup;
    cleat_error_clear_queue();
    lookup = X509_STORE_add_lookup(store, X509_LOOKUP_hash_dir());
    if (lookup == NULL || X509_LOOKUP_add_dir(lookup, name, X509_FILETYPE_PEM) != 1) {
        return cleat_fail_ssl("X509_LOOKUP_add_dir");
    }
    return CLEAT_OK;
}

static int32_t add_to_context(struct cleat_context *context, const struct parsed *parsed) {
    int32_t result;
    pthread_mutex_lock(&context->lock);
    result = cleat_trust_own(context);
    if (result >= 0) result = add_all(SSL_CTX_get_cert_store(context->ssl_ctx), parsed);
    pthread_mutex_unlock(&context->lock);
    return result;
}

int32_t cleat_context_load_verify_file(int32_t context, const char *cafile, int32_t cafile_len) {
    struct cleat_context *self;
    struct parsed parsed = {NULL, NULL};
    char *name;
    int32_t result;
    CLEAT_CHECK_TEXT(2, cafile, cafile_len);
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    name = cleat_copy_text(cafile, cafile_len);
    result = name == NULL ? cleat_fail_nomem() : parse_file(name, &parsed);
    if (result >= 0) result = add_to_context(self, &parsed);
    free_parsed(&parsed);
    cleat_release(name);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_context_load_verify_data(int32_t context, const char *data, int32_t data_len) {
    struct cleat_context *self;
    struct parsed parsed = {NULL, NULL};
    bool pem;
    int32_t result;
    CLEAT_CHECK_IN(2, data, data_len);
    if (data_len == 0) return cleat_fail_usage(2, "Empty certificate data");
    CLEAT_FIND(self, context, CLEAT_KIND_CONTEXT);
    /* Text without a block is told from bytes as Python tells str from bytes: it is ASCII. */
    pem = data[0] != 0x30 && (is_present(data, data_len, "-----BEGIN") || is_ascii(data, data_len));
    result = parse(data, data_len, pem, &parsed);
    if (result >= 0 && sk_X509_num(parsed.certificates) == 0 && sk_X509_CRL_num(parsed.crls) == 0) {
        result = cleat_fail_named("PEM", "NO_START_LINE", "no start line");
    }
    if (result >= 0) result = add_to_context(self, &parsed);
    free_parsed(&parsed);
    CLEAT_DONE(self);
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
    pthread_mutex_lock(&self->lock);
    result = name == NULL ? cleat_fail_nomem() : cleat_trust_own(self);
    if (result >= 0) {
        result = cleat_trust_add_directory(SSL_CTX_get_cert_store(self->ssl_ctx), name);
    }
    pthread_mutex_unlock(&self->lock);
    cleat_release(name);
    CLEAT_DONE(self);
    return result;
}
