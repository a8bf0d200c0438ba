#include "identity.h"

#include <string.h>
#include <time.h>

#include "boringssl.h"
#include "expect.h"

static void add_alt_name(X509 *x509) {
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    EXPECT(names != NULL && name != NULL && text != NULL);
    EXPECT(ASN1_STRING_set(text, "localhost", 9) == 1);
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    EXPECT(sk_GENERAL_NAME_push(names, name) != 0);
    EXPECT(X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, 0) == 1);
    sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
}

static X509 *make_certificate(EVP_PKEY *key) {
    X509 *x509 = X509_new();
    X509_NAME *subject = X509_get_subject_name(x509);
    EXPECT(X509_set_version(x509, X509_VERSION_3) == 1);
    EXPECT(ASN1_INTEGER_set(X509_get_serialNumber(x509), 1) == 1);
    EXPECT(X509_gmtime_adj(X509_getm_notBefore(x509), -60) != NULL);
    EXPECT(X509_gmtime_adj(X509_getm_notAfter(x509), 3600) != NULL);
    EXPECT(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)"localhost", -1,
                                      -1, 0) == 1);
    EXPECT(X509_set_issuer_name(x509, subject) == 1);
    EXPECT(X509_set_pubkey(x509, key) == 1);
    add_alt_name(x509);
    EXPECT(X509_sign(x509, key, EVP_sha256()) > 0);
    return x509;
}

static EVP_PKEY *make_key(void) {
    EVP_PKEY *key = EVP_PKEY_new();
    EC_KEY *ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    EXPECT(key != NULL && ec != NULL && EC_KEY_generate_key(ec) == 1);
    EXPECT(EVP_PKEY_assign_EC_KEY(key, ec) == 1);
    return key;
}

void identity_contexts(int32_t *server, int32_t *client) {
    EVP_PKEY *key = make_key();
    X509 *x509 = make_certificate(key);
    BIO *bio = BIO_new(BIO_s_mem());
    const uint8_t *pem = NULL;
    size_t len = 0;
    EXPECT(bio != NULL && PEM_write_bio_X509(bio, x509) == 1);
    EXPECT(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
    EXPECT(BIO_mem_contents(bio, &pem, &len) == 1);

    *server = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(*server > 0);
    EXPECT(cleat_context_load_cert_chain_data(*server, (const char *)pem, (int32_t)len, NULL, 0,
                                              NULL, 0) == CLEAT_OK);
    *client = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(*client > 0);
    EXPECT(cleat_context_load_verify_data(*client, (const char *)pem, (int32_t)len) == 1);
    EXPECT(cleat_context_set_verify_mode(*client, CLEAT_CERT_REQUIRED) == CLEAT_OK);
    EXPECT(cleat_context_set_check_hostname(*client, 1) == CLEAT_OK);
    BIO_free(bio);
    X509_free(x509);
    EVP_PKEY_free(key);
}
