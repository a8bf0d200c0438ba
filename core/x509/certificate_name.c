/* certificate_name.c: distinguished names, attribute by attribute. */
#include "base/argument.h"
#include "base/memory.h"
#include "x509/certificate.h"
#include "x509/oid.h"

/* Stores the name that which selects. */
static int32_t find_name(struct cleat_certificate *self, int32_t which, const X509_NAME **name) {
    const GENERAL_NAME *alt = NULL;
    int32_t status;
    if (which == CLEAT_NAME_SUBJECT || which == CLEAT_NAME_ISSUER) {
        *name = which == CLEAT_NAME_SUBJECT ? X509_get_subject_name(self->x509)
                                            : X509_get_issuer_name(self->x509);
        return CLEAT_OK;
    }
    status = cleat_certificate_decode(self, CLEAT_EXTENSION_ALT_NAMES);
    if (status < 0) return status;
    if (which >= CLEAT_NAME_ALT &&
        (size_t)(which - CLEAT_NAME_ALT) < sk_GENERAL_NAME_num(self->extensions.alt_names)) {
        alt = sk_GENERAL_NAME_value(self->extensions.alt_names, (size_t)(which - CLEAT_NAME_ALT));
    }
    if (alt == NULL || alt->type != GEN_DIRNAME) {
        return cleat_fail_usage(2, "which is %d: the certificate has no such directory name",
                                (int)which);
    }
    *name = alt->d.directoryName;
    return CLEAT_OK;
}

int32_t cleat_certificate_name_count(int32_t certificate, int32_t which) {
    struct cleat_certificate *self;
    const X509_NAME *name = NULL;
    int32_t result;
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    result = find_name(self, which, &name);
    if (result >= 0) result = (int32_t)X509_NAME_entry_count(name);
    CLEAT_DONE(self);
    return result;
}

/* Reads one property of an attribute. */
typedef int32_t (*get_function)(const X509_NAME_ENTRY *entry, char *output, int32_t output_cap);

static int32_t read_attribute(int32_t certificate, int32_t which, int32_t index, get_function get,
                              char *output, int32_t output_cap) {
    struct cleat_certificate *self;
    const X509_NAME *name = NULL;
    int32_t result;
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    cleat_error_clear_queue();
    result = find_name(self, which, &name);
    if (result < 0) {
        /* reported already */
    } else if (index < 0 || index >= X509_NAME_entry_count(name)) {
        result = cleat_fail_usage(3, "index out of range");
    } else {
        result = get(X509_NAME_get_entry(name, index), output, output_cap);
    }
    CLEAT_DONE(self);
    return result;
}

static int32_t get_rdn(const X509_NAME_ENTRY *entry, char *output, int32_t output_cap) {
    (void)output;
    (void)output_cap;
    return X509_NAME_ENTRY_set(entry);
}

static int32_t copy_type(const X509_NAME_ENTRY *entry, char *output, int32_t output_cap) {
    return cleat_copy_oid(X509_NAME_ENTRY_get_object(entry), output, output_cap);
}

/* Copies the contents octets of the value's DER encoding. */
static int32_t copy_contents(const ASN1_STRING *value, char *output, int32_t output_cap) {
    ASN1_TYPE *any = NULL;
    uint8_t *der = NULL;
    CBS encoding;
    CBS contents;
    int32_t result;
    int len = -1;
    int type = ASN1_STRING_type(value);
    if (type == V_ASN1_NEG_INTEGER || type == V_ASN1_NEG_ENUMERATED) type &= ~V_ASN1_NEG;
    if (type == V_ASN1_NULL) return cleat_copy_out("", 0, output, output_cap);
    any = ASN1_TYPE_new();
    if (any != NULL && ASN1_TYPE_set1(any, type, value) == 1) {
        len = i2d_ASN1_TYPE(any, &der);
    }
    ASN1_TYPE_free(any);
    CBS_init(&encoding, der, len < 0 ? 0 : (size_t)len);
    if (CBS_get_any_asn1(&encoding, &contents, NULL) == 1) {
        result = cleat_copy_out((const char *)CBS_data(&contents), (int64_t)CBS_len(&contents),
                                output, output_cap);
    } else {
        result = cleat_fail_ssl("i2d_ASN1_TYPE");
    }
    OPENSSL_free(der);
    return result;
}

static int32_t copy_value(const X509_NAME_ENTRY *entry, char *output, int32_t output_cap) {
    const ASN1_STRING *value = X509_NAME_ENTRY_get_data(entry);
    uint8_t *text = NULL;
    int len;
    int32_t result;
    if (ASN1_STRING_type(value) == V_ASN1_BIT_STRING) { /* x500UniqueIdentifier is not a text */
        return cleat_copy_out((const char *)ASN1_STRING_get0_data(value), ASN1_STRING_length(value),
                              output, output_cap);
    }
    len = ASN1_STRING_to_UTF8(&text, value);
    if (len < 0 && !cleat_memory_failed()) { /* it is not a string */
        cleat_error_clear_queue();
        return copy_contents(value, output, output_cap);
    }
    result = len < 0 ? cleat_fail_ssl("ASN1_STRING_to_UTF8")
                     : cleat_copy_out((const char *)text, len, output, output_cap);
    OPENSSL_free(text);
    return result;
}

int32_t cleat_certificate_name_rdn(int32_t certificate, int32_t which, int32_t index) {
    return read_attribute(certificate, which, index, get_rdn, NULL, 0);
}

int32_t cleat_certificate_name_type(int32_t certificate, int32_t which, int32_t index, char *output,
                                    int32_t output_cap) {
    CLEAT_CHECK_OUT(4, output, output_cap);
    return read_attribute(certificate, which, index, copy_type, output, output_cap);
}

int32_t cleat_certificate_name_value(int32_t certificate, int32_t which, int32_t index,
                                     char *output, int32_t output_cap) {
    CLEAT_CHECK_OUT(4, output, output_cap);
    return read_attribute(certificate, which, index, copy_value, output, output_cap);
}
