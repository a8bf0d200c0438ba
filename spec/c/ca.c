#include "ca.h"

#include <string.h>
#include <time.h>

#include "expect.h"

static EVP_PKEY *make_key(void) {
    EVP_PKEY *key = EVP_PKEY_new();
    EC_KEY *ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    EXPECT(key != NULL && ec != NULL && EC_KEY_generate_key(ec) == 1);
    EXPECT(EVP_PKEY_assign_EC_KEY(key, ec) == 1);
    return key;
}

static void add_host_name(X509 *x509, const char *host) {
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    EXPECT(names != NULL && name != NULL && text != NULL);
    EXPECT(ASN1_STRING_set(text, host, (ossl_ssize_t)strlen(host)) == 1);
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    EXPECT(sk_GENERAL_NAME_push(names, name) != 0);
    EXPECT(X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, 0) == 1);
    sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
}

static void add_constraints(X509 *x509) {
    BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();
    EXPECT(constraints != NULL);
    constraints->ca = 0xff;
    EXPECT(X509_add1_ext_i2d(x509, NID_basic_constraints, constraints, 1, 0) == 1);
    BASIC_CONSTRAINTS_free(constraints);
}

static void add_purpose(X509 *x509, int purpose) {
    EXTENDED_KEY_USAGE *usage = sk_ASN1_OBJECT_new_null();
    EXPECT(usage != NULL && sk_ASN1_OBJECT_push(usage, OBJ_nid2obj(purpose)) != 0);
    EXPECT(X509_add1_ext_i2d(x509, NID_ext_key_usage, usage, 0, 0) == 1);
    sk_ASN1_OBJECT_pop_free(usage, ASN1_OBJECT_free);
}

struct ca_certificate ca_issue(const struct ca_request *request,
                               const struct ca_certificate *issuer) {
    struct ca_certificate made = {make_key(), X509_new()};
    X509_NAME *subject = X509_get_subject_name(made.x509);
    EXPECT(X509_set_version(made.x509, X509_VERSION_3) == 1);
    EXPECT(ASN1_INTEGER_set(X509_get_serialNumber(made.x509), request->serial) == 1);
    EXPECT(ASN1_TIME_set(X509_getm_notBefore(made.x509), time(NULL) + request->begins) != NULL);
    EXPECT(ASN1_TIME_set(X509_getm_notAfter(made.x509), time(NULL) + request->ends) != NULL);
    EXPECT(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)request->name,
                                      -1, -1, 0) == 1);
    EXPECT(X509_set_issuer_name(
               made.x509, issuer == NULL ? subject : X509_get_subject_name(issuer->x509)) == 1);
    EXPECT(X509_set_pubkey(made.x509, made.key) == 1);
    if (request->is_ca) {
        add_constraints(made.x509);
    } else {
        add_host_name(made.x509, request->name);
    }
    if (request->purpose != 0) add_purpose(made.x509, request->purpose);
    EXPECT(X509_sign(made.x509, issuer == NULL ? made.key : issuer->key, EVP_sha256()) > 0);
    return made;
}

void ca_free(struct ca_certificate *certificate) {
    EVP_PKEY_free(certificate->key);
    X509_free(certificate->x509);
}

/* Passes the written bytes to the function, and frees them. */
static void load_data(BIO *bio, int32_t context, int32_t (*load)(int32_t, const char *, int32_t)) {
    const uint8_t *bytes = NULL;
    size_t len = 0;
    EXPECT(BIO_mem_contents(bio, &bytes, &len) == 1);
    EXPECT(load(context, (const char *)bytes, (int32_t)len) >= 0);
    BIO_free(bio);
}

static int32_t load_trust(int32_t context, const char *data, int32_t len) {
    return cleat_context_load_verify_data(context, data, len);
}

static int32_t load_chain(int32_t context, const char *data, int32_t len) {
    return cleat_context_load_cert_chain_data(context, data, len, NULL, 0, NULL, 0);
}

void ca_trust(int32_t context, const struct ca_certificate *certificate) {
    BIO *bio = BIO_new(BIO_s_mem());
    EXPECT(bio != NULL && PEM_write_bio_X509(bio, certificate->x509) == 1);
    load_data(bio, context, load_trust);
}

void ca_load_chain(int32_t context, const struct ca_certificate *certificate,
                   const struct ca_certificate *other, int count) {
    BIO *bio = BIO_new(BIO_s_mem());
    EXPECT(bio != NULL && PEM_write_bio_X509(bio, certificate->x509) == 1);
    for (; count > 0; count--) EXPECT(PEM_write_bio_X509(bio, other->x509) == 1);
    EXPECT(PEM_write_bio_PrivateKey(bio, certificate->key, NULL, NULL, 0, NULL, NULL) == 1);
    load_data(bio, context, load_chain);
}

void ca_load(int32_t context, const struct ca_certificate *certificate) {
    ca_load_chain(context, certificate, NULL, 0);
}

static void revoke(X509_CRL *crl, long serial, const ASN1_TIME *when) {
    X509_REVOKED *revoked = X509_REVOKED_new();
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    EXPECT(revoked != NULL && number != NULL && ASN1_INTEGER_set(number, serial) == 1);
    EXPECT(X509_REVOKED_set_serialNumber(revoked, number) == 1);
    EXPECT(X509_REVOKED_set_revocationDate(revoked, when) == 1);
    EXPECT(X509_CRL_add0_revoked(crl, revoked) == 1);
    ASN1_INTEGER_free(number);
}

void ca_trust_list(int32_t context, const struct ca_certificate *certificate, long begins,
                   long ends, long revoked) {
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *from = ASN1_TIME_set(NULL, time(NULL) + begins);
    ASN1_TIME *to = ASN1_TIME_set(NULL, time(NULL) + ends);
    BIO *bio = BIO_new(BIO_s_mem());
    EXPECT(crl != NULL && from != NULL && to != NULL && bio != NULL);
    EXPECT(X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1);
    EXPECT(X509_CRL_set_issuer_name(crl, X509_get_subject_name(certificate->x509)) == 1);
    EXPECT(X509_CRL_set1_lastUpdate(crl, from) == 1 && X509_CRL_set1_nextUpdate(crl, to) == 1);
    if (revoked != 0) revoke(crl, revoked, from);
    EXPECT(X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, certificate->key, EVP_sha256()) > 0);
    EXPECT(PEM_write_bio_X509_CRL(bio, crl) == 1);
    load_data(bio, context, load_trust);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    X509_CRL_free(crl);
}
