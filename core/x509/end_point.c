#include "x509/end_point.h"

#include "base/error.h"
#include "base/memory.h"

/* Reads a field of RSASSA-PSS-params (RFC 8017 appendix A.2.3): the digest, or the digest of the mask generation
 * function MGF1. Both default to SHA-1. */
static bool read_pss_field(CBS *params, unsigned number, bool is_mask, const EVP_MD **md) {
    static const uint8_t mgf1[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08};
    CBS field;
    CBS mask;
    CBS name;
    int present;
    if (!CBS_get_optional_asn1(params, &field, &present,
                               CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | number)) {
        return false;
    }
    *md = EVP_sha1();
    if (!present) return true;
    if (is_mask) {
        if (!CBS_get_asn1(&field, &mask, CBS_ASN1_SEQUENCE) ||
            !CBS_get_asn1(&mask, &name, CBS_ASN1_OBJECT) ||
            !CBS_mem_equal(&name, mgf1, sizeof mgf1)) {
            return false;
        }
        field = mask;
    }
    *md = EVP_parse_digest_algorithm(&field);
    return *md != NULL;
}

/* NULL if the signature and the mask use different digests. */
static const EVP_MD *digest_of_pss(const X509 *certificate) {
    const X509_ALGOR *algorithm = NULL;
    const void *value = NULL;
    const EVP_MD *md;
    const EVP_MD *mask;
    int type = V_ASN1_UNDEF;
    CBS in;
    CBS params;
    X509_get0_signature(NULL, &algorithm, certificate);
    X509_ALGOR_get0(NULL, &type, &value, algorithm);
    if (type != V_ASN1_SEQUENCE) return NULL;
    CBS_init(&in, ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    if (!CBS_get_asn1(&in, &params, CBS_ASN1_SEQUENCE) || !read_pss_field(&params, 0, false, &md) ||
        !read_pss_field(&params, 1, true, &mask)) {
        return NULL;
    }
    return EVP_MD_type(md) == EVP_MD_type(mask) ? md : NULL;
}

static const EVP_MD *digest_of(const X509 *certificate) {
    int signature = X509_get_signature_nid(certificate);
    int digest = NID_undef;
    const EVP_MD *md;
    if (signature == NID_rsassaPss) {
        md = digest_of_pss(certificate);
    } else {
        if (OBJ_find_sigid_algs(signature, &digest, NULL) != 1 || digest == NID_undef) return NULL;
        md = EVP_get_digestbynid(digest);
    }
    if (md == NULL) return NULL;
    return EVP_MD_type(md) == NID_md5 || EVP_MD_type(md) == NID_sha1 ? EVP_sha256() : md;
}

int32_t cleat_end_point_digest(CRYPTO_BUFFER *certificate, uint8_t digest[EVP_MAX_MD_SIZE],
                               size_t *len) {
    X509 *parsed;
    const EVP_MD *md;
    unsigned made = 0;
    bool failed = false;
    *len = 0;
    cleat_error_clear_queue();
    parsed = X509_parse_from_buffer(certificate);
    if (parsed == NULL) return cleat_fail_ssl("X509_parse_from_buffer");
    md = digest_of(parsed);
    if (md != NULL) {
        failed = EVP_Digest(CRYPTO_BUFFER_data(certificate), CRYPTO_BUFFER_len(certificate), digest,
                            &made, md, NULL) != 1;
    }
    X509_free(parsed);
    if (failed || cleat_memory_failed()) return cleat_fail_nomem();
    cleat_error_clear_queue();
    *len = made;
    return CLEAT_OK;
}
