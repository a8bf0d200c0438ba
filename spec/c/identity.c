#include "identity.h"

#include <string.h>
#include <time.h>

#include "base/boringssl.h"
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

/* It is its own CA. */
static void add_constraints(X509 *x509) {
    BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();
    EXPECT(constraints != NULL);
    constraints->ca = 0xff;
    EXPECT(X509_add1_ext_i2d(x509, NID_basic_constraints, constraints, 1, 0) == 1);
    BASIC_CONSTRAINTS_free(constraints);
}

static X509 *make_certificate(EVP_PKEY *key, long serial) {
    X509 *x509 = X509_new();
    X509_NAME *subject = X509_get_subject_name(x509);
    EXPECT(X509_set_version(x509, X509_VERSION_3) == 1);
    EXPECT(ASN1_INTEGER_set(X509_get_serialNumber(x509), serial) == 1);
    EXPECT(X509_gmtime_adj(X509_getm_notBefore(x509), -60) != NULL);
    EXPECT(X509_gmtime_adj(X509_getm_notAfter(x509), 3600) != NULL);
    /* Two certificates with one name would be two candidates for one issuer. */
    static const char *const names[] = {"localhost", "other", "P-384", "Ed25519"};
    const char *name = names[serial - 1];
    EXPECT(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1,
                                      0) == 1);
    EXPECT(X509_set_issuer_name(x509, subject) == 1);
    EXPECT(X509_set_pubkey(x509, key) == 1);
    add_alt_name(x509);
    add_constraints(x509);
    EXPECT(X509_sign(x509, key, EVP_PKEY_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256()) > 0);
    return x509;
}

static EVP_PKEY *make_key(int curve) {
    EVP_PKEY *key = EVP_PKEY_new();
    EC_KEY *ec = EC_KEY_new_by_curve_name(curve);
    EXPECT(key != NULL && ec != NULL && EC_KEY_generate_key(ec) == 1);
    EXPECT(EVP_PKEY_assign_EC_KEY(key, ec) == 1);
    return key;
}

static EVP_PKEY *make_ed25519(void) {
    uint8_t seed[32];
    EVP_PKEY *key;
    RAND_bytes(seed, sizeof seed);
    key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof seed);
    EXPECT(key != NULL);
    return key;
}

static X509_CRL *make_crl(X509 *x509, EVP_PKEY *key) {
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *now = ASN1_TIME_set(NULL, time(NULL) - 60);
    ASN1_TIME *later = ASN1_TIME_set(NULL, time(NULL) + 3600);
    EXPECT(crl != NULL && now != NULL && later != NULL);
    EXPECT(X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1);
    EXPECT(X509_CRL_set_issuer_name(crl, X509_get_subject_name(x509)) == 1);
    EXPECT(X509_CRL_set1_lastUpdate(crl, now) == 1 && X509_CRL_set1_nextUpdate(crl, later) == 1);
    EXPECT(X509_CRL_sign(crl, key, EVP_sha256()) > 0);
    ASN1_TIME_free(now);
    ASN1_TIME_free(later);
    return crl;
}

static char *texts[IDENTITY_PARTS];
static int32_t lengths[IDENTITY_PARTS];

static void keep(enum identity_part part, BIO *bio) {
    const uint8_t *bytes = NULL;
    size_t len = 0;
    EXPECT(BIO_mem_contents(bio, &bytes, &len) == 1);
    texts[part] = calloc(len + 1, 1);
    EXPECT(texts[part] != NULL);
    memcpy(texts[part], bytes, len);
    lengths[part] = (int32_t)len;
    EXPECT(BIO_reset(bio) == 1);
}

/* Takes over the key. */
static void keep_pair(enum identity_part part, EVP_PKEY *key, long serial, BIO *bio) {
    X509 *x509 = make_certificate(key, serial);
    EXPECT(PEM_write_bio_X509(bio, x509) == 1);
    EXPECT(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
    keep(part, bio);
    X509_free(x509);
    EVP_PKEY_free(key);
}

static void make_texts(void) {
    EVP_PKEY *key = make_key(NID_X9_62_prime256v1);
    X509 *x509 = make_certificate(key, 1);
    X509_CRL *crl = make_crl(x509, key);
    BIO *bio = BIO_new(BIO_s_mem());
    char password[] = "secret";
    EXPECT(bio != NULL && PEM_write_bio_X509(bio, x509) == 1);
    keep(IDENTITY_CERTIFICATE, bio);
    EXPECT(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
    keep(IDENTITY_KEY, bio);
    EXPECT(PEM_write_bio_X509(bio, x509) == 1);
    EXPECT(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
    keep(IDENTITY_CHAIN_AND_KEY, bio);
    EXPECT(PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_256_cbc(), password, 6, NULL, NULL) ==
           1);
    keep(IDENTITY_ENCRYPTED_KEY, bio);
    EXPECT(PEM_write_bio_X509_CRL(bio, crl) == 1);
    keep(IDENTITY_CRL, bio);
    keep_pair(IDENTITY_OTHER, make_key(NID_X9_62_prime256v1), 2, bio);
    keep_pair(IDENTITY_P384, make_key(NID_secp384r1), 3, bio);
    keep_pair(IDENTITY_ED25519, make_ed25519(), 4, bio);
    BIO_free(bio);
    X509_CRL_free(crl);
    X509_free(x509);
    EVP_PKEY_free(key);
}

const char *identity_text(enum identity_part part, int32_t *len) {
    if (texts[part] == NULL) make_texts();
    *len = lengths[part];
    return texts[part];
}

void identity_contexts(int32_t *server, int32_t *client) {
    int32_t len;
    const char *text = identity_text(IDENTITY_CHAIN_AND_KEY, &len);
    *server = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(*server > 0);
    EXPECT(cleat_context_load_cert_chain_data(*server, text, len, NULL, 0, NULL, 0) == CLEAT_OK);
    *client = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(*client > 0);
    EXPECT(cleat_context_load_verify_data(*client, text, len) == 1);
    EXPECT(cleat_context_set_verify_mode(*client, CLEAT_CERT_REQUIRED) == CLEAT_OK);
    EXPECT(cleat_context_set_check_hostname(*client, 1) == CLEAT_OK);
}
