/* ocsp.c: verifies OCSP responses, and finds the status of a certificate in them. */
#include "x509/ocsp.h"

#include <string.h>

#include "base/memory.h"
#include "x509/chain.h"
#include "x509/ocsp_response.h"
#include "x509/strength.h"

/* A responder needs to send only its own certificate and, for older clients, its issuers'. */
#define CERTIFICATES_MAX 8

static bool equals(const CBS *bytes, const uint8_t *data, size_t len) {
    return CBS_mem_equal(bytes, data, len) == 1;
}

static bool is_digest_of(const CBS *digest, const EVP_MD *md, const uint8_t *data, size_t len) {
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned hash_len = 0;
    return EVP_Digest(data, len, hash, &hash_len, md, NULL) == 1 && equals(digest, hash, hash_len);
}

static bool is_key_of(const CBS *digest, const EVP_MD *md, const X509 *certificate) {
    const ASN1_BIT_STRING *key = X509_get0_pubkey_bitstr(certificate);
    return is_digest_of(digest, md, ASN1_STRING_get0_data(key), (size_t)ASN1_STRING_length(key));
}

/* The hash of a CertID. SHA-1 is acceptable here: an attacker with a second preimage of an issuer's key could still
 * not sign with that key. */
static const EVP_MD *id_hash(const CBS *oid) {
    switch (OBJ_cbs2nid(oid)) {
        case NID_sha1: return EVP_sha1();
        case NID_sha256: return EVP_sha256();
        case NID_sha384: return EVP_sha384();
        case NID_sha512: return EVP_sha512();
        default: return NULL;
    }
}

static bool has_issuer_name(const struct cleat_ocsp_single *single, const X509 *certificate) {
    const EVP_MD *md = id_hash(&single->hash);
    const uint8_t *name;
    size_t name_len;
    return md != NULL &&
           X509_NAME_get0_der(X509_get_issuer_name(certificate), &name, &name_len) == 1 &&
           is_digest_of(&single->issuer_name_hash, md, name, name_len);
}

static bool has_issuer(const struct cleat_ocsp_single *single, const X509 *certificate,
                       const X509 *issuer) {
    return has_issuer_name(single, certificate) &&
           is_key_of(&single->issuer_key_hash, id_hash(&single->hash), issuer);
}

static bool has_serial(const struct cleat_ocsp_single *single, const X509 *certificate) {
    uint8_t *der = NULL;
    int len = i2d_ASN1_INTEGER(X509_get0_serialNumber(certificate), &der);
    CBS in;
    CBS contents;
    bool same = false;
    if (len > 0) {
        CBS_init(&in, der, (size_t)len);
        same = CBS_get_asn1(&in, &contents, CBS_ASN1_INTEGER) == 1 &&
               equals(&single->serial, CBS_data(&contents), CBS_len(&contents));
    }
    OPENSSL_free(der);
    return same;
}

/* Finds the certificate's status. by_name: its issuer's name must match, too. issuer: the issuer that must match,
 * NULL for any. */
static enum cleat_ocsp_fault find_status(const struct cleat_ocsp_response *response,
                                         const X509 *certificate, bool by_name, const X509 *issuer,
                                         struct cleat_ocsp_status *status) {
    enum cleat_ocsp_fault fault = CLEAT_OCSP_NOT_COVERED;
    CBS statuses = response->statuses;
    struct cleat_ocsp_single single;
    while (CBS_len(&statuses) > 0) {
        if (cleat_ocsp_single_next(&statuses, &single) != CLEAT_OCSP_NO_FAULT)
            return CLEAT_OCSP_MALFORMED;
        if (!has_serial(&single, certificate)) continue;
        if (by_name && !has_issuer_name(&single, certificate)) continue;
        if (issuer != NULL && !has_issuer(&single, certificate, issuer)) {
            if (fault == CLEAT_OCSP_NOT_COVERED) fault = CLEAT_OCSP_WRONG_ISSUER;
            continue;
        }
        if (fault == CLEAT_OCSP_NO_FAULT) return CLEAT_OCSP_AMBIGUOUS;
        fault = CLEAT_OCSP_NO_FAULT;
        *status = single.status;
    }
    return fault;
}

static bool is_responder(const struct cleat_ocsp_response *response, X509 *certificate) {
    const uint8_t *name;
    size_t len;
    if (response->by_key) return is_key_of(&response->responder, EVP_sha1(), certificate);
    return X509_NAME_get0_der(X509_get_subject_name(certificate), &name, &len) == 1 &&
           equals(&response->responder, name, len);
}

/* now is a parameter because the caller may verify for another time than the present. */
static bool is_valid_at(const X509 *certificate, int64_t now) {
    int64_t begin;
    int64_t end;
    return ASN1_TIME_to_posix(X509_get0_notBefore(certificate), &begin) == 1 &&
           ASN1_TIME_to_posix(X509_get0_notAfter(certificate), &end) == 1 && begin <= now &&
           now <= end;
}

/* Checks that the issuer itself has issued the delegate's certificate, for OCSP signing: RFC 6960 section 4.2.2.2. */
static enum cleat_ocsp_fault check_delegate(X509 *delegate, X509 *issuer, int64_t now) {
    uint32_t flags = X509_get_extension_flags(delegate);
    if (!cleat_chain_is_issued_by(delegate, issuer) ||
        (flags & (EXFLAG_INVALID | EXFLAG_CRITICAL)) != 0 || (flags & EXFLAG_XKUSAGE) == 0 ||
        (X509_get_extended_key_usage(delegate) & XKU_OCSP_SIGN) == 0 ||
        ((flags & EXFLAG_KUSAGE) != 0 &&
         (X509_get_key_usage(delegate) & X509v3_KU_DIGITAL_SIGNATURE) == 0) ||
        !is_valid_at(delegate, now)) {
        return CLEAT_OCSP_NOT_AUTHORIZED;
    }
    if (cleat_strength_has_weak_key(delegate) || cleat_strength_has_weak_signature(delegate)) {
        return CLEAT_OCSP_WEAK;
    }
    return CLEAT_OCSP_NO_FAULT;
}

/* Reads an AlgorithmIdentifier: the digest (NULL if the signature algorithm has a built-in one) and the type of key.
 * It accepts the digests that core/x509/strength.c accepts in certificates. The parameters must be as the
 * algorithm's RFC requires, although they are not used. */
static enum cleat_ocsp_fault get_algorithm(CBS algorithm, const EVP_MD **md, int *key_type) {
    CBS oid;
    CBS null;
    int digest = NID_undef;
    bool is_malformed = CBS_get_asn1(&algorithm, &oid, CBS_ASN1_OBJECT) != 1;
    if (!is_malformed && OBJ_find_sigid_algs(OBJ_cbs2nid(&oid), &digest, key_type) != 1) {
        return CLEAT_OCSP_WEAK;
    }
    if (digest != NID_sha256 && digest != NID_sha384 && digest != NID_sha512 &&
        *key_type != EVP_PKEY_ED25519) {
        return is_malformed ? CLEAT_OCSP_MALFORMED : CLEAT_OCSP_WEAK;
    }
    *md = digest == NID_undef ? NULL : EVP_get_digestbynid(digest);
    if (*key_type == EVP_PKEY_RSA && CBS_len(&algorithm) > 0) {
        is_malformed = CBS_get_asn1(&algorithm, &null, CBS_ASN1_NULL) != 1 || CBS_len(&null) != 0;
    }
    return is_malformed || CBS_len(&algorithm) != 0 ? CLEAT_OCSP_MALFORMED : CLEAT_OCSP_NO_FAULT;
}

static enum cleat_ocsp_fault check_signature(const struct cleat_ocsp_response *response,
                                             X509 *signer) {
    const CBS *data = &response->signed_part;
    const CBS *signature = &response->signature;
    const EVP_MD *md = NULL;
    int key_type = NID_undef;
    enum cleat_ocsp_fault fault = get_algorithm(response->algorithm, &md, &key_type);
    EVP_PKEY *key = X509_get_pubkey(signer);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (fault == CLEAT_OCSP_NO_FAULT &&
        !(key != NULL && context != NULL && EVP_PKEY_id(key) == key_type &&
          EVP_DigestVerifyInit(context, NULL, md, NULL, key) == 1 &&
          EVP_DigestVerify(context, CBS_data(signature), CBS_len(signature), CBS_data(data),
                           CBS_len(data)) == 1)) {
        fault = CLEAT_OCSP_BAD_SIGNATURE;
    }
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return fault;
}

static X509 *next_certificate(CBS *certificates) {
    CBS element;
    const uint8_t *at;
    X509 *certificate;
    if (CBS_get_asn1_element(certificates, &element, CBS_ASN1_SEQUENCE) != 1) return NULL;
    at = CBS_data(&element);
    certificate = d2i_X509(NULL, &at, (long)CBS_len(&element));
    if (certificate != NULL) X509_check_purpose(certificate, -1, 0); /* decodes its extensions */
    return certificate;
}

/* The certificates in the response are tried in order, until one is authorized and verifies the signature. */
static enum cleat_ocsp_fault check_signer(const struct cleat_ocsp_response *response, X509 *issuer,
                                          int64_t now) {
    enum cleat_ocsp_fault fault = CLEAT_OCSP_NO_SIGNER;
    CBS certificates = response->certificates;
    int count = 0;
    if (is_responder(response, issuer)) return check_signature(response, issuer);
    while (CBS_len(&certificates) > 0 && fault != CLEAT_OCSP_NO_FAULT) {
        X509 *certificate = ++count > CERTIFICATES_MAX ? NULL : next_certificate(&certificates);
        if (certificate == NULL) return CLEAT_OCSP_MALFORMED;
        if (is_responder(response, certificate)) {
            fault = check_delegate(certificate, issuer, now);
            if (fault == CLEAT_OCSP_NO_FAULT) fault = check_signature(response, certificate);
        }
        X509_free(certificate);
    }
    return fault;
}

int64_t cleat_ocsp_end(const struct cleat_ocsp_status *status) {
    return (status->next_update == 0 ? status->this_update : status->next_update) +
           CLEAT_OCSP_SKEW + 1;
}

static enum cleat_ocsp_fault verify(const uint8_t *response, size_t len, X509 *certificate,
                                    X509 *issuer, int64_t now, struct cleat_ocsp_status *status) {
    struct cleat_ocsp_response parsed;
    enum cleat_ocsp_fault fault = cleat_ocsp_response_parse(response, len, &parsed);
    if (fault == CLEAT_OCSP_NO_FAULT)
        fault = find_status(&parsed, certificate, false, issuer, status);
    if (fault == CLEAT_OCSP_NO_FAULT) fault = check_signer(&parsed, issuer, now);
    if (fault != CLEAT_OCSP_NO_FAULT) return fault;
    if (status->this_update > now + CLEAT_OCSP_SKEW) return CLEAT_OCSP_NOT_YET_VALID;
    return now < cleat_ocsp_end(status) ? CLEAT_OCSP_NO_FAULT : CLEAT_OCSP_EXPIRED;
}

enum cleat_ocsp_fault cleat_ocsp_verify(const uint8_t *response, size_t len, X509 *certificate,
                                        X509 *issuer, int64_t now,
                                        struct cleat_ocsp_status *status) {
    enum cleat_ocsp_fault fault = verify(response, len, certificate, issuer, now, status);
    ERR_clear_error();
    return cleat_memory_failed() ? CLEAT_OCSP_NO_MEMORY : fault;
}

enum cleat_ocsp_fault cleat_ocsp_covers(const uint8_t *response, size_t len,
                                        const X509 *certificate, bool by_issuer) {
    struct cleat_ocsp_response parsed;
    struct cleat_ocsp_status status;
    enum cleat_ocsp_fault fault = cleat_ocsp_response_parse(response, len, &parsed);
    if (fault == CLEAT_OCSP_NO_FAULT)
        fault = find_status(&parsed, certificate, by_issuer, NULL, &status);
    return cleat_memory_failed() ? CLEAT_OCSP_NO_MEMORY : fault;
}
