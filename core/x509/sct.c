/* sct.c: parses signed certificate timestamps (RFC 6962 section 3.2) and lists of them. */
#include "cleat/sct.h"

#include <string.h>

#include "base/argument.h"
#include "x509/certificate.h"

enum { LOG_ID_LEN = 32 };

/* A timestamp. If version is not 0 (v1 of RFC 6962), the other fields are unknown. */
struct timestamp {
    uint8_t version;
    uint64_t milliseconds;
    uint8_t hash;
    uint8_t signer;
    CBS log_id;
    CBS extensions;
    CBS signature;
};

static int32_t refuse_list(void) {
    return cleat_fail_named("CT", "SCT_LIST_INVALID", "malformed list of timestamps");
}

/* Counts the timestamps of a list, and stores the one at index, if there is one. Returns -1 if the list is
 * malformed: RFC 6962 allows neither an empty list nor an empty timestamp. */
static int32_t split(CBS list, int32_t index, CBS *found) {
    CBS body;
    CBS one;
    int32_t count = 0;
    if (!CBS_get_u16_length_prefixed(&list, &body) || CBS_len(&list) > 0) return -1;
    while (CBS_len(&body) > 0) {
        if (!CBS_get_u16_length_prefixed(&body, &one) || CBS_len(&one) == 0) return -1;
        if (count++ == index) *found = one;
    }
    return count > 0 ? count : -1;
}

static CBS bytes_of(const char *data, int32_t len) {
    CBS bytes;
    CBS_init(&bytes, (const uint8_t *)data, (size_t)len);
    return bytes;
}

static int32_t copy_bytes(const CBS *bytes, char *output, int32_t output_cap) {
    return cleat_copy_out((const char *)CBS_data(bytes), (int64_t)CBS_len(bytes), output,
                          output_cap);
}

static bool read_timestamp(CBS sct, struct timestamp *self) {
    *self = (struct timestamp){.version = 0};
    if (!CBS_get_u8(&sct, &self->version)) return false;
    if (self->version != 0) return true;
    return CBS_get_bytes(&sct, &self->log_id, LOG_ID_LEN) &&
           CBS_get_u64(&sct, &self->milliseconds) &&
           CBS_get_u16_length_prefixed(&sct, &self->extensions) && CBS_get_u8(&sct, &self->hash) &&
           CBS_get_u8(&sct, &self->signer) && CBS_get_u16_length_prefixed(&sct, &self->signature) &&
           CBS_len(&sct) == 0;
}

static int32_t refuse_timestamp(void) {
    return cleat_fail_named("CT", "SCT_INVALID", "malformed timestamp");
}

/* Returns the position of the extension with timestamps, from index on, or -1 if there is none. BoringSSL has no NID
 * for it. */
static int find_extension(const X509 *x509, int index) {
    static const uint8_t oid[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x02};
    for (; index < X509_get_ext_count(x509); index++) {
        const ASN1_OBJECT *object = X509_EXTENSION_get_object(X509_get_ext(x509, index));
        if (OBJ_length(object) == sizeof oid &&
            memcmp(OBJ_get0_data(object), oid, sizeof oid) == 0) {
            return index;
        }
    }
    return -1;
}

static int32_t read_extension(const X509 *x509, char *output, int32_t output_cap) {
    int index = find_extension(x509, 0);
    const ASN1_OCTET_STRING *value;
    CBS der;
    CBS list;
    CBS unused = {NULL, 0};
    if (index < 0) return 0;
    if (find_extension(x509, index + 1) >= 0) {
        return cleat_fail_named("X509V3", "DUPLICATE_EXTENSION", "timestamps");
    }
    value = X509_EXTENSION_get_data(X509_get_ext(x509, index));
    CBS_init(&der, ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    if (!CBS_get_asn1(&der, &list, CBS_ASN1_OCTETSTRING) || CBS_len(&der) > 0 ||
        split(list, -1, &unused) < 0) {
        return refuse_list();
    }
    return copy_bytes(&list, output, output_cap);
}

int32_t cleat_certificate_scts(int32_t certificate, char *output, int32_t output_cap) {
    struct cleat_certificate *self;
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    result = read_extension(self->x509, output, output_cap);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_scts_count(const char *scts, int32_t scts_len) {
    CLEAT_NO_CANCEL();
    int32_t count;
    CBS unused = {NULL, 0};
    CLEAT_CHECK_IN(1, scts, scts_len);
    count = split(bytes_of(scts, scts_len), -1, &unused);
    return count < 0 ? refuse_list() : count;
}

int32_t cleat_scts_get(const char *scts, int32_t scts_len, int32_t index, char *output,
                       int32_t output_cap) {
    CLEAT_NO_CANCEL();
    int32_t count;
    CBS found = {NULL, 0};
    CLEAT_CHECK_IN(1, scts, scts_len);
    CLEAT_CHECK_OUT(4, output, output_cap);
    count = split(bytes_of(scts, scts_len), index, &found);
    if (count < 0) return refuse_list();
    if (index < 0 || index >= count) return cleat_fail_usage(3, "index out of range");
    return copy_bytes(&found, output, output_cap);
}

int32_t cleat_sct_read(const char *sct, int32_t sct_len, double *time, int32_t *hash_algorithm,
                       int32_t *signature_algorithm) {
    CLEAT_NO_CANCEL();
    struct timestamp self;
    bool is_known;
    CLEAT_CHECK_IN(1, sct, sct_len);
    CLEAT_CHECK_POINTER(3, time);
    CLEAT_CHECK_POINTER(4, hash_algorithm);
    CLEAT_CHECK_POINTER(5, signature_algorithm);
    if (!read_timestamp(bytes_of(sct, sct_len), &self)) return refuse_timestamp();
    is_known = self.version == 0;
    *time = is_known ? (double)self.milliseconds / 1000 : -1;
    *hash_algorithm = is_known ? self.hash : -1;
    *signature_algorithm = is_known ? self.signer : -1;
    return self.version + 1;
}

int32_t cleat_sct_bytes(const char *sct, int32_t sct_len, int32_t which, char *output,
                        int32_t output_cap) {
    CLEAT_NO_CANCEL();
    struct timestamp self;
    CLEAT_CHECK_IN(1, sct, sct_len);
    CLEAT_CHECK_RANGE(3, which, CLEAT_SCT_LOG_ID, CLEAT_SCT_SIGNATURE);
    CLEAT_CHECK_OUT(4, output, output_cap);
    if (!read_timestamp(bytes_of(sct, sct_len), &self)) return refuse_timestamp();
    return copy_bytes(which == CLEAT_SCT_LOG_ID       ? &self.log_id
                      : which == CLEAT_SCT_EXTENSIONS ? &self.extensions
                                                      : &self.signature,
                      output, output_cap);
}
