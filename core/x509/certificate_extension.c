/* certificate_extension.c: subject alternative names, and the URIs of authority information access and CRL
 * distribution points. BoringSSL's printing functions are not used because they replace zero bytes in names by dots. */
#include <stdio.h>

#include "base/argument.h"
#include "base/memory.h"
#include "x509/certificate.h"
#include "x509/oid.h"

bool cleat_certificate_find(const X509 *x509, int nid, void **decoded, bool *repeated) {
    int critical = 0;
    *decoded = X509_get_ext_d2i(x509, nid, &critical, NULL);
    *repeated = critical == -2;
    return *decoded != NULL || critical == -1;
}

int32_t cleat_certificate_read(const X509 *x509, int nid, void **decoded, const char *what) {
    bool repeated;
    if (cleat_certificate_find(x509, nid, decoded, &repeated)) return CLEAT_OK;
    if (repeated) return cleat_fail_named("X509V3", "DUPLICATE_EXTENSION", what);
    return cleat_fail_ssl(what);
}

/* Appends the name to the list, if it is a URI. */
static bool add_uri(struct cleat_uri **list, size_t *count, int32_t which,
                    const GENERAL_NAME *name) {
    if (name->type != GEN_URI) return true;
    if ((*count & (*count - 1)) == 0) { /* full: its capacity is the next power of two */
        size_t size = *count == 0 ? 1 : 2 * *count;
        struct cleat_uri *larger = cleat_resize(*list, size * sizeof **list);
        if (larger == NULL) return false;
        *list = larger;
    }
    (*list)[*count].which = which;
    (*list)[*count].text = name->d.uniformResourceIdentifier;
    (*count)++;
    return true;
}

static bool collect_access(struct cleat_extensions *extensions) {
    struct cleat_uri **list = &extensions->access_uris;
    size_t *count = &extensions->access_uri_count;
    size_t i;
    for (i = 0; i < sk_ACCESS_DESCRIPTION_num(extensions->access); i++) {
        const ACCESS_DESCRIPTION *entry = sk_ACCESS_DESCRIPTION_value(extensions->access, i);
        int method = OBJ_obj2nid(entry->method);
        if (method == NID_ad_OCSP && !add_uri(list, count, CLEAT_URI_OCSP, entry->location)) {
            return false;
        }
        if (method == NID_ad_ca_issuers &&
            !add_uri(list, count, CLEAT_URI_CA_ISSUERS, entry->location)) {
            return false;
        }
    }
    return true;
}

static bool collect_crl_points(struct cleat_extensions *extensions) {
    struct cleat_uri **list = &extensions->crl_uris;
    size_t *count = &extensions->crl_uri_count;
    size_t i;
    size_t j;
    for (i = 0; i < sk_DIST_POINT_num(extensions->crl_points); i++) {
        const DIST_POINT *point = sk_DIST_POINT_value(extensions->crl_points, i);
        const GENERAL_NAMES *names;
        /* A distribution point may be empty, or relative to the issuer's name: neither has URIs. */
        if (point->distpoint == NULL || point->distpoint->type != 0) continue;
        names = point->distpoint->name.fullname;
        for (j = 0; j < sk_GENERAL_NAME_num(names); j++) {
            if (!add_uri(list, count, CLEAT_URI_CRL, sk_GENERAL_NAME_value(names, j))) return false;
        }
    }
    return true;
}

/* Frees the decoded extension, whole or in part. */
static void clear_extension(struct cleat_extensions *self, enum cleat_extension extension) {
    switch (extension) {
        case CLEAT_EXTENSION_ALT_NAMES:
            GENERAL_NAMES_free(self->alt_names);
            self->alt_names = NULL;
            break;
        case CLEAT_EXTENSION_ACCESS:
            AUTHORITY_INFO_ACCESS_free(self->access);
            cleat_release(self->access_uris);
            self->access = NULL;
            self->access_uris = NULL;
            self->access_uri_count = 0;
            break;
        case CLEAT_EXTENSION_CRL_POINTS:
            CRL_DIST_POINTS_free(self->crl_points);
            cleat_release(self->crl_uris);
            self->crl_points = NULL;
            self->crl_uris = NULL;
            self->crl_uri_count = 0;
            break;
        case CLEAT_EXTENSION_COUNT: break;
    }
}

static int32_t decode_extension(struct cleat_extensions *self, const X509 *x509,
                                enum cleat_extension extension) {
    void *decoded = NULL;
    bool collected = true;
    int32_t status = CLEAT_OK;
    cleat_error_clear_queue();
    switch (extension) {
        case CLEAT_EXTENSION_ALT_NAMES:
            status = cleat_certificate_read(x509, NID_subject_alt_name, &decoded, "subjectAltName");
            self->alt_names = decoded;
            break;
        case CLEAT_EXTENSION_ACCESS:
            status = cleat_certificate_read(x509, NID_info_access, &decoded, "authorityInfoAccess");
            self->access = decoded;
            collected = collect_access(self);
            break;
        case CLEAT_EXTENSION_CRL_POINTS:
            status = cleat_certificate_read(x509, NID_crl_distribution_points, &decoded,
                                            "crlDistributionPoints");
            self->crl_points = decoded;
            collected = collect_crl_points(self);
            break;
        case CLEAT_EXTENSION_COUNT: break;
    }
    return status >= 0 && !collected ? cleat_fail_nomem() : status;
}

int32_t cleat_certificate_decode(struct cleat_certificate *certificate,
                                 enum cleat_extension extension) {
    struct cleat_extensions *self = &certificate->extensions;
    int32_t status = CLEAT_OK;
    pthread_mutex_lock(&certificate->lock);
    if (!self->decoded[extension]) {
        status = decode_extension(self, certificate->x509, extension);
        if (status < 0) clear_extension(self, extension);
        self->decoded[extension] = status >= 0;
    }
    pthread_mutex_unlock(&certificate->lock);
    return status;
}

void cleat_extensions_free(struct cleat_extensions *extensions) {
    clear_extension(extensions, CLEAT_EXTENSION_ALT_NAMES);
    clear_extension(extensions, CLEAT_EXTENSION_ACCESS);
    clear_extension(extensions, CLEAT_EXTENSION_CRL_POINTS);
}

int32_t cleat_certificate_alt_name_count(int32_t certificate) {
    struct cleat_certificate *self;
    int32_t result;
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    result = cleat_certificate_decode(self, CLEAT_EXTENSION_ALT_NAMES);
    if (result >= 0) result = (int32_t)sk_GENERAL_NAME_num(self->extensions.alt_names);
    CLEAT_DONE(self);
    return result;
}

static int32_t copy_type(const GENERAL_NAME *name, char *output, int32_t output_cap) {
    static const char *const types[] = {
        [GEN_OTHERNAME] = "othername",
        [GEN_EMAIL] = "email",
        [GEN_DNS] = "DNS",
        [GEN_X400] = "X400Name",
        [GEN_DIRNAME] = "DirName",
        [GEN_EDIPARTY] = "EdiPartyName",
        [GEN_URI] = "URI",
        [GEN_IPADD] = "IP Address",
        [GEN_RID] = "Registered ID",
    };
    const char *type = types[name->type];
    return cleat_copy_out(type, (int64_t)strlen(type), output, output_cap);
}

/* OpenSSL's and Python's format: without "::". */
static void format_address(const ASN1_OCTET_STRING *address, char *text, size_t size) {
    const uint8_t *bytes = ASN1_STRING_get0_data(address);
    int len = ASN1_STRING_length(address);
    int i;
    if (len == 4) {
        snprintf(text, size, "%d.%d.%d.%d", bytes[0], bytes[1], bytes[2], bytes[3]);
    } else if (len == 16) {
        size_t used = 0;
        for (i = 0; i < 16; i += 2) {
            used += (size_t)snprintf(text + used, size - used, "%s%X", i == 0 ? "" : ":",
                                     (unsigned)(bytes[i] << 8 | bytes[i + 1]));
        }
    } else {
        snprintf(text, size, "<invalid>");
    }
}

static int32_t copy_value(const GENERAL_NAME *name, char *output, int32_t output_cap) {
    char text[64] = "";
    switch (name->type) {
        case GEN_EMAIL:
        case GEN_DNS:
        case GEN_URI:
            return cleat_copy_out((const char *)ASN1_STRING_get0_data(name->d.ia5),
                                  ASN1_STRING_length(name->d.ia5), output, output_cap);
        case GEN_IPADD: format_address(name->d.iPAddress, text, sizeof text); break;
        case GEN_RID: return cleat_copy_oid(name->d.registeredID, output, output_cap);
        case GEN_DIRNAME: break;
        default: snprintf(text, sizeof text, "<unsupported>"); break;
    }
    return cleat_copy_out(text, (int64_t)strlen(text), output, output_cap);
}

typedef int32_t (*copy_function)(const GENERAL_NAME *name, char *output, int32_t output_cap);

static int32_t copy_alt_name(int32_t certificate, int32_t index, copy_function copy, char *output,
                             int32_t output_cap) {
    struct cleat_certificate *self;
    int32_t result;
    CLEAT_CHECK_OUT(3, output, output_cap);
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    result = cleat_certificate_decode(self, CLEAT_EXTENSION_ALT_NAMES);
    if (result < 0) {
        /* recorded already */
    } else if (index < 0 || (size_t)index >= sk_GENERAL_NAME_num(self->extensions.alt_names)) {
        result = cleat_fail_usage(2, "index out of range");
    } else {
        result = copy(sk_GENERAL_NAME_value(self->extensions.alt_names, (size_t)index), output,
                      output_cap);
    }
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_certificate_alt_name_type(int32_t certificate, int32_t index, char *output,
                                        int32_t output_cap) {
    return copy_alt_name(certificate, index, copy_type, output, output_cap);
}

int32_t cleat_certificate_alt_name_value(int32_t certificate, int32_t index, char *output,
                                         int32_t output_cap) {
    return copy_alt_name(certificate, index, copy_value, output, output_cap);
}

/* Decodes the extension that contains the list, and stores all URIs of the extension. */
static int32_t find_uris(struct cleat_certificate *self, int32_t which,
                         const struct cleat_uri **list, size_t *count) {
    bool crl = which == CLEAT_URI_CRL;
    int32_t status =
        cleat_certificate_decode(self, crl ? CLEAT_EXTENSION_CRL_POINTS : CLEAT_EXTENSION_ACCESS);
    if (status < 0) return status;
    *list = crl ? self->extensions.crl_uris : self->extensions.access_uris;
    *count = crl ? self->extensions.crl_uri_count : self->extensions.access_uri_count;
    return status;
}

int32_t cleat_certificate_uri_count(int32_t certificate, int32_t which) {
    struct cleat_certificate *self;
    const struct cleat_uri *list = NULL;
    int32_t result;
    size_t count = 0;
    size_t i;
    CLEAT_CHECK_RANGE(2, which, CLEAT_URI_OCSP, CLEAT_URI_CRL);
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    result = find_uris(self, which, &list, &count);
    for (i = 0; i < count; i++) {
        if (list[i].which == which) result++;
    }
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_certificate_uri(int32_t certificate, int32_t which, int32_t index, char *output,
                              int32_t output_cap) {
    struct cleat_certificate *self;
    const struct cleat_uri *list = NULL;
    const ASN1_STRING *uri = NULL;
    int32_t result;
    size_t count = 0;
    size_t i;
    CLEAT_CHECK_RANGE(2, which, CLEAT_URI_OCSP, CLEAT_URI_CRL);
    CLEAT_CHECK_OUT(4, output, output_cap);
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    result = find_uris(self, which, &list, &count);
    for (i = 0; i < count && uri == NULL && index >= 0; i++) {
        if (list[i].which == which && index-- == 0) uri = list[i].text;
    }
    if (uri != NULL) {
        result = cleat_copy_out((const char *)ASN1_STRING_get0_data(uri), ASN1_STRING_length(uri),
                                output, output_cap);
    } else if (result >= 0) {
        result = cleat_fail_usage(3, "index out of range");
    }
    CLEAT_DONE(self);
    return result;
}
