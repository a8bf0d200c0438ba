/* certificate_key.c: a certificate's public key, signature algorithm and fingerprints, and host name matching. */
#include "base/argument.h"
#include "base/memory.h"
#include "x509/certificate.h"
#include "x509/oid.h"

int32_t cleat_certificate_signature_algorithm(int32_t certificate, char *output,
                                              int32_t output_cap) {
    struct cleat_certificate *self;
    const X509_ALGOR *algorithm = NULL;
    const ASN1_OBJECT *object = NULL;
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    X509_get0_signature(NULL, &algorithm, self->x509);
    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    result = cleat_copy_oid(object, output, output_cap);
    CLEAT_DONE(self);
    return result;
}

/* Returns the key, which the caller frees, or NULL without an error for a key that BoringSSL does not support. */
static EVP_PKEY *key_of(const struct cleat_certificate *self) {
    EVP_PKEY *key = X509_get_pubkey(self->x509);
    if (key == NULL) ERR_clear_error();
    return key;
}

int32_t cleat_certificate_public_key(int32_t certificate, char *output, int32_t output_cap,
                                     int32_t *bits) {
    struct cleat_certificate *self;
    ASN1_OBJECT *object = NULL;
    EVP_PKEY *key;
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_CHECK_POINTER(4, bits);
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    cleat_error_clear_queue();
    key = key_of(self);
    *bits = key == NULL ? 0 : EVP_PKEY_bits(key);
    EVP_PKEY_free(key);
    X509_PUBKEY_get0_param(&object, NULL, NULL, NULL, X509_get_X509_PUBKEY(self->x509));
    result =
        cleat_memory_failed() ? cleat_fail_nomem() : cleat_copy_oid(object, output, output_cap);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_certificate_curve(int32_t certificate, char *output, int32_t output_cap) {
    struct cleat_certificate *self;
    EVP_PKEY *key;
    int32_t result = 0;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    cleat_error_clear_queue();
    key = key_of(self);
    if (key != NULL && EVP_PKEY_id(key) == EVP_PKEY_EC) {
        const EC_GROUP *group = EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key));
        const char *name = OBJ_nid2sn(EC_GROUP_get_curve_name(group));
        result = cleat_copy_out(name, (int64_t)strlen(name), output, output_cap);
    }
    if (cleat_memory_failed()) result = cleat_fail_nomem();
    EVP_PKEY_free(key);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_certificate_public_key_der(int32_t certificate, char *output, int32_t output_cap) {
    struct cleat_certificate *self;
    uint8_t *der = NULL;
    int len;
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    cleat_error_clear_queue();
    len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(self->x509), &der);
    result = len < 0 ? cleat_fail_ssl("i2d_X509_PUBKEY")
                     : cleat_copy_out((const char *)der, len, output, output_cap);
    OPENSSL_free(der);
    CLEAT_DONE(self);
    return result;
}

static const EVP_MD *find_digest(const char *name, int32_t len) {
    static const struct {
        const char *name;
        const EVP_MD *(*get)(void);
    } digests[] = {
        {"sha256", EVP_sha256}, {"sha384", EVP_sha384}, {"sha512", EVP_sha512},
        {"sha224", EVP_sha224}, {"sha1", EVP_sha1},     {"md5", EVP_md5},
    };
    size_t i;
    for (i = 0; i < sizeof digests / sizeof digests[0]; i++) {
        if (strlen(digests[i].name) == (size_t)len && len > 0 &&
            memcmp(digests[i].name, name, (size_t)len) == 0) {
            return digests[i].get();
        }
    }
    return NULL;
}

int32_t cleat_certificate_fingerprint(int32_t certificate, int32_t which, const char *digest,
                                      int32_t digest_len, char *output, int32_t output_cap) {
    struct cleat_certificate *self;
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned hash_len = 0;
    uint8_t *der = NULL;
    const EVP_MD *md;
    int len;
    int32_t result;
    CLEAT_CHECK_RANGE(2, which, CLEAT_FINGERPRINT_CERTIFICATE, CLEAT_FINGERPRINT_SPKI);
    CLEAT_CHECK_IN(3, digest, digest_len);
    CLEAT_CHECK_OUT(5, output, output_cap);
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    cleat_error_clear_queue();
    md = find_digest(digest, digest_len);
    if (md == NULL) {
        result = cleat_fail_usage(3, "digest is none of sha256, sha384, sha512, sha224, sha1, md5");
        CLEAT_DONE(self);
        return result;
    }
    len = which == CLEAT_FINGERPRINT_SPKI ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(self->x509), &der)
                                          : i2d_X509(self->x509, &der);
    if (len < 0 || EVP_Digest(der, (size_t)len, hash, &hash_len, md, NULL) != 1) {
        result = cleat_fail_ssl("EVP_Digest");
    } else {
        result = cleat_copy_out((const char *)hash, hash_len, output, output_cap);
    }
    OPENSSL_free(der);
    CLEAT_DONE(self);
    return result;
}

/* A verification refuses certificates whose alternative names are malformed or repeated. BoringSSL of 2023 would
 * match the common name of such a certificate instead. */
static bool has_bad_names(const X509 *x509) {
    void *names;
    bool repeated;
    bool is_good = cleat_certificate_find(x509, NID_subject_alt_name, &names, &repeated);
    GENERAL_NAMES_free(names);
    return !is_good;
}

int32_t cleat_certificate_matches(int32_t certificate, const char *name, int32_t name_len) {
    struct cleat_certificate *self;
    char *text;
    int match;
    int32_t result;
    CLEAT_CHECK_TEXT(2, name, name_len);
    if (name_len == 0) return cleat_fail_usage(3, "empty name");
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    cleat_error_clear_queue();
    text = cleat_allocate((size_t)name_len + 1);
    if (text == NULL) {
        result = cleat_fail_nomem();
    } else {
        memcpy(text, name, (size_t)name_len);
        text[name_len] = '\0';
        match = has_bad_names(self->x509) ? 0 : X509_check_ip_asc(self->x509, text, 0);
        if (match == -2) { /* text is not an IP address */
            match = X509_check_host(self->x509, text, (size_t)name_len,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL);
        }
        result = cleat_memory_failed() ? cleat_fail_nomem() : match == 1;
        cleat_error_clear_queue();
    }
    cleat_release(text);
    CLEAT_DONE(self);
    return result;
}
