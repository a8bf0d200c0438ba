/* verification.c: the verification of certificates without a connection: searches for paths, name constraints, STRICT;
 * and encrypted keys that BoringSSL does not decrypt. */
#include <string.h>

#include "../c/expect.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/memory.h"
#include "scenario.h"
#include "x509/chain_bytes.h"
#include "x509/chain_cache.h"
#include "x509/encrypted_key.h"
#include "x509/peer.h"
#include "x509/verification.h"

enum { ROOT, OLD, NEW, LEAF, ROLLED, ROLLED_LEAF, CERTIFICATES };

static CBB ders[CERTIFICATES];
static EVP_PKEY *keys[3];
static CBB encrypted_key;

static EVP_PKEY *make_key(void) {
    EVP_PKEY *key = EVP_PKEY_new();
    EC_KEY *ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    EXPECT(key != NULL && ec != NULL && EC_KEY_generate_key(ec) == 1);
    EXPECT(EVP_PKEY_assign_EC_KEY(key, ec) == 1);
    return key;
}

/* An extension of bytes in DER. */
static void add(X509 *x509, int nid, int critical, const char *der, size_t len) {
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension;
    EXPECT(value != NULL && ASN1_OCTET_STRING_set(value, (const uint8_t *)der, (int)len) == 1);
    extension = X509_EXTENSION_create_by_NID(NULL, nid, critical, value);
    EXPECT(extension != NULL && X509_add_ext(x509, extension, -1) == 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
}

#define ADD(x509, nid, critical, der) add(x509, nid, critical, der, sizeof(der) - 1)

static const char *const names[] = {"", "issuer", "root", "localhost"};

/* Signs the certificate and stores its DER; then frees it. until: seconds from now. */
static void finish(X509 *x509, int which, int subject, int key, int issuer, int signer, int until) {
    X509_NAME *name = X509_NAME_new();
    EXPECT(X509_set_version(x509, X509_VERSION_3) == 1);
    EXPECT(ASN1_INTEGER_set(X509_get_serialNumber(x509), which + 1) == 1);
    EXPECT(X509_gmtime_adj(X509_getm_notBefore(x509), -7200) != NULL);
    EXPECT(X509_gmtime_adj(X509_getm_notAfter(x509), until) != NULL);
    EXPECT(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)names[subject], -1,
                                      -1, 0) == 1);
    EXPECT(X509_set_subject_name(x509, name) == 1);
    X509_NAME_free(name);
    name = X509_NAME_new();
    EXPECT(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)names[issuer], -1,
                                      -1, 0) == 1);
    EXPECT(X509_set_issuer_name(x509, name) == 1);
    X509_NAME_free(name);
    EXPECT(X509_set_pubkey(x509, keys[key]) == 1);
    EXPECT(X509_sign(x509, keys[signer], EVP_sha256()) > 0);
    {
        uint8_t *der = NULL;
        int len = i2d_X509(x509, &der);
        EXPECT(len > 0 && CBB_init(&ders[which], (size_t)len) == 1);
        EXPECT(CBB_add_bytes(&ders[which], der, (size_t)len) == 1);
        OPENSSL_free(der);
    }
    X509_free(x509);
}

static X509 *ca_certificate(void) {
    X509 *x509 = X509_new();
    EXPECT(x509 != NULL);
    ADD(x509, NID_basic_constraints, 1, "\x30\x03\x01\x01\xff");
    ADD(x509, NID_key_usage, 1, "\x03\x02\x01\x06");
    return x509;
}

static X509 *server(void) {
    X509 *x509 = X509_new();
    EXPECT(x509 != NULL);
    ADD(x509, NID_subject_alt_name, 0, "\x30\x11\x82\x09localhost\x87\x04\x7f\x00\x00\x01");
    return x509;
}

static X509 *with_ids(X509 *x509, bool subject) {
    if (subject) ADD(x509, NID_subject_key_identifier, 0, "\x04\x01i");
    ADD(x509, NID_authority_key_identifier, 0, "\x30\x03\x80\x01i");
    return x509;
}

static void make_certificates(void) {
    X509 *x509 = with_ids(ca_certificate(), true);
    finish(x509, ROOT, 2, 0, 2, 0, 3600);
    finish(with_ids(ca_certificate(), true), OLD, 1, 1, 2, 0, -3600);
    x509 = with_ids(ca_certificate(), true);
    ADD(x509, NID_name_constraints, 1,
        "\x30\x1b\xa0\x19\x30\x0a\x87\x08\x7f\x00\x00\x00\xff\x00\x00\x00\x30\x0b\x82\x09localhos"
        "t");
    finish(x509, NEW, 1, 1, 2, 0, 3600);
    finish(with_ids(server(), false), LEAF, 3, 2, 1, 1, 3600);
    finish(ca_certificate(), ROLLED, 2, 1, 2, 0, 3600);
    finish(server(), ROLLED_LEAF, 3, 2, 2, 1, 3600);
}

/* The first key, encrypted with AES-256 and PBKDF2 over HMAC-SHA-512. */
static void make_encrypted_key(void) {
    static const char head[] =
        "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d\x30\x4a\x30\x29"
        "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c\x30\x1c\x04\x08saltsalt\x02\x02\x00\x80"
        "\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x0b\x05\x00"
        "\x30\x1d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2a\x04\x10iviviviviviviviv";
    uint8_t key[32];
    uint8_t plain[256];
    uint8_t encrypted[256 + 16];
    int len = 0;
    int more = 0;
    size_t plain_len;
    CBB cbb;
    CBB info;
    CBB part;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    EXPECT(CBB_init_fixed(&cbb, plain, sizeof plain) == 1);
    EXPECT(EVP_marshal_private_key(&cbb, keys[0]) == 1 && CBB_finish(&cbb, NULL, &plain_len) == 1);
    EXPECT(PKCS5_PBKDF2_HMAC("secret", 6, (const uint8_t *)"saltsalt", 8, 128, EVP_sha512(),
                             sizeof key, key) == 1);
    EXPECT(EVP_EncryptInit_ex(context, EVP_aes_256_cbc(), NULL, key,
                              (const uint8_t *)"iviviviviviviviv") == 1);
    EXPECT(EVP_EncryptUpdate(context, encrypted, &len, plain, (int)plain_len) == 1);
    EXPECT(EVP_EncryptFinal_ex(context, encrypted + len, &more) == 1);
    EVP_CIPHER_CTX_free(context);
    EXPECT(CBB_init(&encrypted_key, 512) == 1);
    EXPECT(CBB_add_asn1(&encrypted_key, &info, CBS_ASN1_SEQUENCE) == 1);
    EXPECT(CBB_add_asn1(&info, &part, CBS_ASN1_SEQUENCE) == 1);
    EXPECT(CBB_add_bytes(&part, (const uint8_t *)head, sizeof head - 1) == 1);
    EXPECT(CBB_add_asn1(&info, &part, CBS_ASN1_OCTETSTRING) == 1);
    EXPECT(CBB_add_bytes(&part, encrypted, (size_t)(len + more)) == 1);
    EXPECT(CBB_flush(&encrypted_key) == 1);
}

void verification_scenarios_begin(void) {
    size_t i;
    for (i = 0; i < sizeof keys / sizeof keys[0]; i++) keys[i] = make_key();
    make_certificates();
    make_encrypted_key();
}

void verification_scenarios_end(void) {
    size_t i;
    for (i = 0; i < CERTIFICATES; i++) CBB_cleanup(&ders[i]);
    for (i = 0; i < sizeof keys / sizeof keys[0]; i++) EVP_PKEY_free(keys[i]);
    CBB_cleanup(&encrypted_key);
}

/* The certificates are parsed anew each time, because they cache the results of checks. */
static struct cleat_chain_request request;

static X509 *parse(int which) {
    const uint8_t *at = CBB_data(&ders[which]);
    X509 *x509 = d2i_X509(NULL, &at, (long)CBB_len(&ders[which]));
    EXPECT(x509 != NULL);
    return x509;
}

static void open_request(int leaf, int first, int second, unsigned long flags, const char *host) {
    X509 *root = parse(ROOT);
    X509_check_purpose(root, -1, 0); /* as trust.c does */
    request.leaf = parse(leaf);
    request.sent = sk_X509_new_null();
    EXPECT(sk_X509_push(request.sent, parse(first)) != 0);
    if (second != 0) EXPECT(sk_X509_push(request.sent, parse(second)) != 0);
    request.store = X509_STORE_new();
    EXPECT(X509_STORE_add_cert(request.store, root) == 1);
    X509_free(root);
    request.purpose = X509_PURPOSE_SSL_SERVER;
    request.now = cleat_chain_moment_now().wall;
    request.depth = CLEAT_DEPTH_MAX;
    request.param = X509_VERIFY_PARAM_new();
    EXPECT(X509_VERIFY_PARAM_set_purpose(request.param, X509_PURPOSE_SSL_SERVER) == 1);
    EXPECT(X509_VERIFY_PARAM_set_trust(request.param, X509_TRUST_SSL_SERVER) == 1);
    EXPECT(X509_VERIFY_PARAM_set1_host(request.param, host, strlen(host)) == 1);
    EXPECT(X509_VERIFY_PARAM_set_flags(request.param, flags) == 1);
}

static void open_twins(void) {
    open_request(LEAF, OLD, NEW, 0, "localhost");
}

static void open_strict(void) {
    open_request(LEAF, OLD, NEW, CLEAT_VERIFY_X509_STRICT, "localhost");
}

static void open_rolled(void) {
    open_request(ROLLED_LEAF, ROLLED, 0, 0, "localhost");
}

static void open_strict_refused(void) {
    open_request(ROLLED_LEAF, ROLLED, 0, CLEAT_VERIFY_X509_STRICT, "localhost");
}

static void open_expired(void) {
    open_request(LEAF, OLD, 0, 0, "localhost");
}

static void open_name(void) {
    open_request(LEAF, OLD, NEW, 0, "example.org");
}

static void close_request(void) {
    X509_free(request.leaf);
    sk_X509_pop_free(request.sent, X509_free);
    X509_STORE_free(request.store);
    X509_VERIFY_PARAM_free(request.param);
}

static int32_t act_verify(void) {
    struct cleat_verify_error error;
    cleat_error_clear_queue();
    if (cleat_path_verify(&request, &error)) {
        EXPECT(cleat_verify_error_number(&error) == X509_V_OK);
        return CLEAT_OK;
    }
    if (error.error == X509_V_ERR_OUT_OF_MEM) return cleat_fail_nomem();
    EXPECT(cleat_verify_error_number(&error) > 0);
    return CLEAT_STATUS(CLEAT_VERIFY, cleat_verify_error_number(&error));
}

/* With empty directories, so that the peer's certificates are not enough. */
static struct cleat_trust *trust;

static void open_trust(void) {
    static char directories[] = "/nonexistent:/nowhere";
    const struct cleat_trust_sources sources = {.directories = directories};
    EXPECT(cleat_trust_new(&sources, &trust) == CLEAT_OK);
    open_twins();
    X509_STORE_free(request.store);
}

static void close_trust(void) {
    request.store = NULL;
    close_request();
    cleat_trust_unref(trust);
}

static int32_t act_verify_with_directories(void) {
    CLEAT_NO_CANCEL(); /* as the functions of the ABI do that come here: it opens files */
    struct cleat_verify_error error;
    cleat_error_clear_queue();
    EXPECT(!cleat_verification_run(trust, &request, &error));
    if (error.error == X509_V_ERR_OUT_OF_MEM) return cleat_fail_nomem();
    return CLEAT_STATUS(CLEAT_VERIFY, cleat_verify_error_number(&error));
}

/* The same with a peer's certificates, in DER. */
static STACK_OF(CRYPTO_BUFFER) * peer_sent;
static struct cleat_peer_terms terms;

/* Fills the cache with other keys, newer than the entries of the last run, which they replace. */
static void empty_cache(void) {
    static int64_t later = 1000000;
    uint8_t key[CLEAT_DIGEST] = {0};
    struct cleat_chain_moment now = cleat_chain_moment_now();
    int i;
    now.monotonic += later++;
    for (i = 0; i < 1024; i++) {
        key[0] = (uint8_t)i;
        key[1] = (uint8_t)(i >> 8);
        key[2] = 1;
        cleat_chain_cache_add(key, now, INT64_MAX);
    }
}

static void open_peer(void) {
    static const int all[] = {LEAF, OLD, NEW};
    struct cleat_trust_sources sources = {NULL, 0, NULL, false};
    struct cleat_bundle *bundle;
    size_t i;
    empty_cache();
    EXPECT(cleat_bundle_from_data((const char *)CBB_data(&ders[ROOT]),
                                  (int32_t)CBB_len(&ders[ROOT]), &bundle) == CLEAT_OK);
    EXPECT(cleat_trust_sources_add(&sources, bundle, NULL) == CLEAT_OK);
    EXPECT(cleat_trust_new(&sources, &trust) == CLEAT_OK);
    cleat_trust_sources_free(&sources);
    cleat_bundle_unref(bundle);
    peer_sent = sk_CRYPTO_BUFFER_new_null();
    for (i = 0; i < sizeof all / sizeof all[0]; i++) {
        const CBB *der = &ders[all[i]];
        EXPECT(sk_CRYPTO_BUFFER_push(peer_sent,
                                     CRYPTO_BUFFER_new(CBB_data(der), CBB_len(der), NULL)) != 0);
    }
    terms = (struct cleat_peer_terms){.trust = trust,
                                      .purpose = X509_PURPOSE_SSL_SERVER,
                                      .name = "localhost",
                                      .cache_seconds = 300};
}

static void open_peer_name(void) {
    open_peer();
    terms.name = "192.0.2.1";
    terms.name_is_address = true;
}

static void close_peer(void) {
    sk_CRYPTO_BUFFER_pop_free(peer_sent, CRYPTO_BUFFER_free);
    cleat_trust_unref(trust);
}

/* If the key of the cache cannot be allocated, the verdict is the same. */
static int32_t act_peer(void) {
    struct cleat_peer_report report;
    enum cleat_peer_verdict verdict;
    cleat_error_clear_queue();
    verdict = cleat_peer_verify(&terms, peer_sent, &report);
    cleat_chain_bytes_free(report.refused);
    if (verdict == CLEAT_PEER_ACCEPTED) return CLEAT_OK;
    if (verdict == CLEAT_PEER_UNDECODABLE || report.error.error == X509_V_ERR_OUT_OF_MEM) {
        EXPECT(cleat_memory_failed());
        return cleat_fail_nomem();
    }
    return CLEAT_STATUS(CLEAT_VERIFY, cleat_verify_error_number(&report.error));
}

static int32_t open_key(const char *password) {
    EVP_PKEY *key = NULL;
    int32_t status;
    cleat_error_clear_queue();
    status = cleat_encrypted_key_parse(CBB_data(&encrypted_key), CBB_len(&encrypted_key), password,
                                       strlen(password), &key);
    if (status >= 0) EXPECT(EVP_PKEY_cmp(key, keys[0]) == 1);
    EVP_PKEY_free(key);
    return status;
}

static int32_t act_open_key(void) {
    return open_key("secret");
}

static int32_t act_wrong_password(void) {
    return open_key("wrong");
}

#define REFUSED(number) (-(CLEAT_VERIFY << 16 | (number)))

const struct scenario verification_scenarios[] = {
    {"verify: a second path, constraints", open_twins, act_verify, close_request, 0, false},
    {"verify: a second path, STRICT", open_strict, act_verify, close_request, 0, false},
    {"verify: without key identifiers", open_rolled, act_verify, close_request, 0, false},
    {"verify: the same, STRICT", open_strict_refused, act_verify, close_request, REFUSED(7), false},
    {"verify: expired", open_expired, act_verify, close_request, REFUSED(10), false},
    {"verify: another name", open_name, act_verify, close_request, REFUSED(62), false},
    {"verify: directories", open_trust, act_verify_with_directories, close_trust, REFUSED(20),
     false},
    {"peer: not in the cache", open_peer, act_peer, close_peer, 0, false},
    {"peer: another address", open_peer_name, act_peer, close_peer, REFUSED(64), false},
    {"encrypted key", NULL, act_open_key, NULL, 0, true},
    {"encrypted key: wrong password", NULL, act_wrong_password, NULL,
     CLEAT_STATUS(CLEAT_SSL, CIPHER_R_BAD_DECRYPT), true},
    {NULL, NULL, NULL, NULL, 0, false},
};
