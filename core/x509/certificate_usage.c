/* certificate_usage.c: extensions as bytes, key usage, extended key usage, basic constraints and key identifiers. */
#include "base/argument.h"
#include "base/memory.h"
#include "x509/certificate.h"
#include "x509/oid.h"

int32_t cleat_certificate_extension_count(int32_t certificate) {
    struct cleat_certificate *self;
    int32_t result;
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    result = X509_get_ext_count(self->x509);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_certificate_extension_oid(int32_t certificate, int32_t index, char *output,
                                        int32_t output_cap, int32_t *critical) {
    struct cleat_certificate *self;
    X509_EXTENSION *extension;
    int32_t result;
    CLEAT_CHECK_OUT(3, output, output_cap);
    CLEAT_CHECK_POINTER(5, critical);
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    extension = X509_get_ext(self->x509, index); /* NULL for an index out of range */
    if (extension == NULL) {
        result = cleat_fail_usage(2, "index out of range");
    } else {
        *critical = X509_EXTENSION_get_critical(extension) != 0 ? 1 : 0;
        result = cleat_copy_dotted(X509_EXTENSION_get_object(extension), output, output_cap);
    }
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_certificate_extension_value(int32_t certificate, int32_t index, char *output,
                                          int32_t output_cap) {
    struct cleat_certificate *self;
    X509_EXTENSION *extension;
    int32_t result;
    CLEAT_CHECK_OUT(3, output, output_cap);
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    extension = X509_get_ext(self->x509, index);
    if (extension == NULL) {
        result = cleat_fail_usage(2, "index out of range");
    } else {
        const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);
        result = cleat_copy_out((const char *)ASN1_STRING_get0_data(value),
                                ASN1_STRING_length(value), output, output_cap);
    }
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_certificate_key_usage(int32_t certificate) {
    struct cleat_certificate *self;
    void *decoded = NULL;
    int32_t result;
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    cleat_error_clear_queue();
    result = cleat_certificate_read(self->x509, NID_key_usage, &decoded, "keyUsage");
    if (result >= 0) {
        int i;
        for (i = 0; decoded != NULL && i < 9; i++) {
            if (ASN1_BIT_STRING_get_bit(decoded, i) != 0) result |= 1 << i;
        }
        if (decoded == NULL) result = CLEAT_KEY_USAGE_NONE;
    }
    ASN1_BIT_STRING_free(decoded);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_certificate_extended_key_usage_count(int32_t certificate) {
    struct cleat_certificate *self;
    void *decoded = NULL;
    int32_t result;
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    cleat_error_clear_queue();
    result = cleat_certificate_read(self->x509, NID_ext_key_usage, &decoded, "extendedKeyUsage");
    if (result >= 0 && decoded != NULL) result = (int32_t)sk_ASN1_OBJECT_num(decoded);
    EXTENDED_KEY_USAGE_free(decoded);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_certificate_extended_key_usage(int32_t certificate, int32_t index, char *output,
                                             int32_t output_cap) {
    struct cleat_certificate *self;
    void *decoded = NULL;
    int32_t result;
    CLEAT_CHECK_OUT(3, output, output_cap);
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    cleat_error_clear_queue();
    result = cleat_certificate_read(self->x509, NID_ext_key_usage, &decoded, "extendedKeyUsage");
    if (result < 0) {
        /* recorded already */
    } else if (decoded == NULL || index < 0 || (size_t)index >= sk_ASN1_OBJECT_num(decoded)) {
        result = cleat_fail_usage(2, "index out of range");
    } else {
        result =
            cleat_copy_dotted(sk_ASN1_OBJECT_value(decoded, (size_t)index), output, output_cap);
    }
    EXTENDED_KEY_USAGE_free(decoded);
    CLEAT_DONE(self);
    return result;
}

/* A path length that is negative or exceeds an int32_t limits nothing: it is reported as INT32_MAX, not as absent. */
static int32_t path_length_of(const ASN1_INTEGER *number) {
    int64_t value = 0;
    if (number == NULL) return -1;
    if (ASN1_INTEGER_get_int64(&value, number) != 1 || value < 0 || value > INT32_MAX) {
        ERR_clear_error();
        return INT32_MAX;
    }
    return (int32_t)value;
}

int32_t cleat_certificate_basic_constraints(int32_t certificate, int32_t *ca,
                                            int32_t *path_length) {
    struct cleat_certificate *self;
    void *decoded = NULL;
    int32_t result;
    CLEAT_CHECK_POINTER(2, ca);
    CLEAT_CHECK_POINTER(3, path_length);
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    cleat_error_clear_queue();
    *ca = 0;
    *path_length = -1;
    result =
        cleat_certificate_read(self->x509, NID_basic_constraints, &decoded, "basicConstraints");
    if (result >= 0 && decoded != NULL) {
        const BASIC_CONSTRAINTS *constraints = decoded;
        *ca = constraints->ca != 0 ? 1 : 0;
        *path_length = path_length_of(constraints->pathlen);
        result = 1;
    }
    BASIC_CONSTRAINTS_free(decoded);
    CLEAT_DONE(self);
    return result;
}

static int32_t copy_string(const ASN1_OCTET_STRING *string, char *output, int32_t output_cap) {
    if (string == NULL) return 0;
    return cleat_copy_out((const char *)ASN1_STRING_get0_data(string), ASN1_STRING_length(string),
                          output, output_cap);
}

int32_t cleat_certificate_key_id(int32_t certificate, int32_t which, char *output,
                                 int32_t output_cap) {
    struct cleat_certificate *self;
    bool is_subject = which == CLEAT_KEY_ID_SUBJECT;
    void *decoded = NULL;
    int32_t result;
    CLEAT_CHECK_RANGE(2, which, CLEAT_KEY_ID_SUBJECT, CLEAT_KEY_ID_ISSUER);
    CLEAT_CHECK_OUT(3, output, output_cap);
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    cleat_error_clear_queue();
    result = is_subject ? cleat_certificate_read(self->x509, NID_subject_key_identifier, &decoded,
                                                 "subjectKeyIdentifier")
                        : cleat_certificate_read(self->x509, NID_authority_key_identifier, &decoded,
                                                 "authorityKeyIdentifier");
    if (result >= 0 && decoded != NULL) {
        result = copy_string(is_subject ? decoded : ((AUTHORITY_KEYID *)decoded)->keyid, output,
                             output_cap);
    }
    if (is_subject) {
        ASN1_OCTET_STRING_free(decoded);
    } else {
        AUTHORITY_KEYID_free(decoded);
    }
    CLEAT_DONE(self);
    return result;
}
