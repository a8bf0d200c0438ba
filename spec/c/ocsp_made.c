#include "ocsp_made.h"

#include <string.h>
#include <time.h>

#include "expect.h"

#define EXPLICIT(number) (CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | (number))

static void add_digest(CBB *out, const uint8_t *bytes, size_t len) {
    uint8_t digest[SHA_DIGEST_LENGTH];
    SHA1(bytes, len, digest);
    EXPECT(CBB_add_asn1_octet_string(out, digest, sizeof digest) == 1);
}

static void add_key_digest(CBB *out, const X509 *certificate) {
    const ASN1_BIT_STRING *key = X509_get0_pubkey_bitstr(certificate);
    add_digest(out, ASN1_STRING_get0_data(key), (size_t)ASN1_STRING_length(key));
}

static void add_cert_id(CBB *out, const X509 *certificate, const X509 *issuer) {
    CBB id;
    CBB algorithm;
    const uint8_t *name;
    size_t name_len;
    uint8_t *serial = NULL;
    int serial_len = i2d_ASN1_INTEGER(X509_get0_serialNumber(certificate), &serial);
    EXPECT(X509_NAME_get0_der(X509_get_issuer_name(certificate), &name, &name_len) == 1);
    EXPECT(CBB_add_asn1(out, &id, CBS_ASN1_SEQUENCE) == 1);
    EXPECT(CBB_add_asn1(&id, &algorithm, CBS_ASN1_SEQUENCE) == 1);
    EXPECT(OBJ_nid2cbb(&algorithm, NID_sha1) == 1);
    add_digest(&id, name, name_len);
    add_key_digest(&id, issuer);
    EXPECT(serial_len > 0 && CBB_add_bytes(&id, serial, (size_t)serial_len) == 1);
    OPENSSL_free(serial);
    EXPECT(CBB_flush(out) == 1);
}

static void add_time(CBB *out, time_t when) {
    CBB time;
    char text[32];
    struct tm parts;
    EXPECT(gmtime_r(&when, &parts) != NULL);
    EXPECT(strftime(text, sizeof text, "%Y%m%d%H%M%SZ", &parts) == 15);
    EXPECT(CBB_add_asn1(out, &time, CBS_ASN1_GENERALIZEDTIME) == 1);
    EXPECT(CBB_add_bytes(&time, (const uint8_t *)text, 15) == 1 && CBB_flush(out) == 1);
}

static void add_good(CBB *out) {
    static const uint8_t good[] = {0x80, 0};
    CBB next;
    EXPECT(CBB_add_bytes(out, good, sizeof good) == 1);
    add_time(out, time(NULL) - 10);
    EXPECT(CBB_add_asn1(out, &next, EXPLICIT(0)) == 1);
    add_time(&next, time(NULL) + 3600);
    EXPECT(CBB_flush(out) == 1);
}

uint8_t *ocsp_signed(const struct ca_certificate *issuer, const uint8_t *data, size_t data_len,
                     size_t *len) {
    static const uint8_t basic_oid[] = {0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1};
    static const uint8_t successful = 0;
    uint8_t signature[128];
    size_t signature_len = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t *made;
    CBB all;
    CBB response;
    CBB child;
    CBB typed;
    CBB octets;
    CBB basic;
    CBB part;
    EXPECT(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, issuer->key) == 1);
    EXPECT(EVP_DigestSign(context, signature, &signature_len, data, data_len) == 1);
    EVP_MD_CTX_free(context);
    EXPECT(CBB_init(&all, 512) == 1 && CBB_add_asn1(&all, &response, CBS_ASN1_SEQUENCE) == 1);
    EXPECT(CBB_add_asn1(&response, &child, CBS_ASN1_ENUMERATED) == 1);
    EXPECT(CBB_add_bytes(&child, &successful, 1) == 1);
    EXPECT(CBB_add_asn1(&response, &child, EXPLICIT(0)) == 1);
    EXPECT(CBB_add_asn1(&child, &typed, CBS_ASN1_SEQUENCE) == 1);
    EXPECT(CBB_add_asn1(&typed, &part, CBS_ASN1_OBJECT) == 1);
    EXPECT(CBB_add_bytes(&part, basic_oid, sizeof basic_oid) == 1);
    EXPECT(CBB_add_asn1(&typed, &octets, CBS_ASN1_OCTETSTRING) == 1);
    EXPECT(CBB_add_asn1(&octets, &basic, CBS_ASN1_SEQUENCE) == 1);
    EXPECT(CBB_add_bytes(&basic, data, data_len) == 1);
    EXPECT(CBB_add_asn1(&basic, &part, CBS_ASN1_SEQUENCE) == 1);
    EXPECT(OBJ_nid2cbb(&part, NID_ecdsa_with_SHA256) == 1);
    EXPECT(CBB_add_asn1(&basic, &part, CBS_ASN1_BITSTRING) == 1);
    EXPECT(CBB_add_u8(&part, 0) == 1 && CBB_add_bytes(&part, signature, signature_len) == 1);
    EXPECT(CBB_finish(&all, &made, len) == 1);
    return made;
}

uint8_t *ocsp_made(const struct ca_certificate *issuer, const X509 *certificate,
                   const uint8_t *rest, size_t rest_len, size_t *len) {
    uint8_t *data;
    size_t data_len;
    uint8_t *made;
    CBB all;
    CBB contents;
    CBB responder;
    CBB statuses;
    CBB single;
    EXPECT(CBB_init(&all, 256) == 1 && CBB_add_asn1(&all, &contents, CBS_ASN1_SEQUENCE) == 1);
    EXPECT(CBB_add_asn1(&contents, &responder, EXPLICIT(2)) == 1);
    add_key_digest(&responder, issuer->x509);
    add_time(&contents, time(NULL) - 10);
    EXPECT(CBB_add_asn1(&contents, &statuses, CBS_ASN1_SEQUENCE) == 1);
    EXPECT(CBB_add_asn1(&statuses, &single, CBS_ASN1_SEQUENCE) == 1);
    add_cert_id(&single, certificate, issuer->x509);
    if (rest == NULL) {
        add_good(&single);
    } else {
        EXPECT(CBB_add_bytes(&single, rest, rest_len) == 1);
    }
    EXPECT(CBB_finish(&all, &data, &data_len) == 1);
    made = ocsp_signed(issuer, data, data_len, len);
    OPENSSL_free(data);
    return made;
}
