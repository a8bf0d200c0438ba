/* test_path_search.c: how much work a peer can cause with the certificates that it sends. X509_verify, which verifies
 * one signature, and X509_verify_cert, which verifies a path as a whole, are replaced by functions that count their
 * calls (-Wl,--wrap in cmake/tests/programs.cmake): the numbers do not depend on the machine. */
#include "base/error.h"
#include "ca.h"
#include "ends.h"
#include "expect.h"

enum { KEYS = 8, SENT = 200 };
#define DAY 86400L
enum { NO_LIST = 3, BAD_SIGNATURE = 7 };

int __real_X509_verify(X509 *x509, EVP_PKEY *key);
int __real_X509_verify_cert(X509_STORE_CTX *store);
int __wrap_X509_verify(X509 *x509, EVP_PKEY *key);
int __wrap_X509_verify_cert(X509_STORE_CTX *store);

/* What was verified since the last handshake began. */
static int signatures;
static int long_signatures; /* of keys of more than 256 bits */
static int paths;

int __wrap_X509_verify(X509 *x509, EVP_PKEY *key) {
    signatures++;
    if (EVP_PKEY_bits(key) > 256) long_signatures++;
    return __real_X509_verify(x509, key);
}

int __wrap_X509_verify_cert(X509_STORE_CTX *store) {
    paths++;
    return __real_X509_verify_cert(store);
}

static EVP_PKEY *make_key(int curve) {
    EVP_PKEY *key = EVP_PKEY_new();
    EC_KEY *ec = EC_KEY_new_by_curve_name(curve);
    EXPECT(key != NULL && ec != NULL && EC_KEY_generate_key(ec) == 1);
    EXPECT(EVP_PKEY_assign_EC_KEY(key, ec) == 1);
    return key;
}

/* Makes a copy of a certificate for another key, signed by the issuer's. */
static X509 *reissue(X509 *model, long serial, EVP_PKEY *subject, EVP_PKEY *issuer) {
    X509 *made = X509_dup(model);
    EXPECT(made != NULL && ASN1_INTEGER_set(X509_get_serialNumber(made), serial) == 1);
    EXPECT(X509_set_pubkey(made, subject) == 1 && X509_sign(made, issuer, EVP_sha256()) > 0);
    return made;
}

struct scene {
    struct ca_certificate root; /* its name is "A" */
    struct ca_certificate model; /* of the certificates that are sent after the leaf */
    struct ca_certificate leaf; /* signed with the first of keys */
    EVP_PKEY *keys[KEYS];
    X509 *sent[SENT];
    int client; /* trusts the root */
};

static struct scene open_scene(int curve, const char *issuer) {
    const struct ca_request ca = {
        .name = "A", .serial = 1, .begins = -DAY, .ends = DAY, .is_ca = true};
    const struct ca_request intermediate = {
        .name = issuer, .serial = 3, .begins = -DAY, .ends = DAY, .is_ca = true};
    const struct ca_request host = {.name = "localhost", .serial = 2, .begins = -DAY, .ends = DAY};
    struct scene scene = {.root = ca_issue(&ca, NULL)};
    int i;
    for (i = 0; i < KEYS; i++) scene.keys[i] = make_key(curve);
    scene.model = ca_issue(&intermediate, &scene.root);
    scene.leaf = ca_issue(&host, &scene.model);
    EXPECT(X509_sign(scene.leaf.x509, scene.keys[0], EVP_sha256()) > 0);
    scene.client = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(scene.client > 0);
    ca_trust(scene.client, &scene.root);
    EXPECT(cleat_context_set_verify_mode(scene.client, CLEAT_CERT_REQUIRED) == CLEAT_OK);
    return scene;
}

static void close_scene(struct scene *scene) {
    int i;
    for (i = 0; i < KEYS; i++) EVP_PKEY_free(scene->keys[i]);
    for (i = 0; i < SENT; i++) X509_free(scene->sent[i]);
    ca_free(&scene->root);
    ca_free(&scene->model);
    ca_free(&scene->leaf);
    EXPECT(cleat_close(scene->client) == CLEAT_OK);
}

static int32_t new_server(const struct scene *scene) {
    int32_t server = cleat_context_new(CLEAT_PROTOCOL_TLS);
    BIO *bio = BIO_new(BIO_s_mem());
    const uint8_t *bytes = NULL;
    size_t len = 0;
    int i;
    EXPECT(server > 0 && bio != NULL && PEM_write_bio_X509(bio, scene->leaf.x509) == 1);
    for (i = 0; i < SENT && scene->sent[i] != NULL; i++) {
        EXPECT(PEM_write_bio_X509(bio, scene->sent[i]) == 1);
    }
    EXPECT(PEM_write_bio_PrivateKey(bio, scene->leaf.key, NULL, NULL, 0, NULL, NULL) == 1);
    EXPECT(BIO_mem_contents(bio, &bytes, &len) == 1);
    EXPECT(cleat_context_load_cert_chain_data(server, (const char *)bytes, (int32_t)len, NULL, 0,
                                              NULL, 0) == CLEAT_OK);
    BIO_free(bio);
    return server;
}

/* A handshake that fails with the verify code, or succeeds if that is 0. */
static void visit(const struct scene *scene, int32_t code) {
    int32_t context = new_server(scene);
    struct ends ends;
    int32_t client = 0;
    int32_t server = 0;
    ends_open(&ends, ENDS_SOCKET, context, scene->client, "localhost");
    signatures = 0;
    long_signatures = 0;
    paths = 0;
    ends_drive(&ends, &client, &server);
    EXPECT(client == (code == 0 ? CLEAT_OK : CLEAT_STATUS(CLEAT_VERIFY, code)));
    ends_close(&ends);
    EXPECT(cleat_close(context) == CLEAT_OK);
}

/* CA certificates of one name that have signed each other; the trusted one of that name has signed none of them. The
 * expected numbers follow from COST_MAX and cost_of in core/x509/path.c; one more signature is verified before the
 * search. The peer sends nearly as many bytes as a handshake accepts. */
static void test_certificates_that_sign_each_other(int curve, int most, int most_long) {
    struct scene scene = open_scene(curve, "A");
    int i;
    for (i = 0; i < SENT; i++) {
        scene.sent[i] = reissue(scene.model.x509, 100 + i, scene.keys[i % KEYS],
                                scene.keys[(i * 5 + i / KEYS) % KEYS]);
    }
    visit(&scene, BAD_SIGNATURE);
    EXPECT(signatures > most / 2 && signatures <= most && long_signatures <= most_long);
    /* The control: the same, but the trusted certificate's key has signed one of them. */
    X509_free(scene.sent[0]);
    scene.sent[0] = reissue(scene.model.x509, 99, scene.keys[0], scene.root.key);
    visit(&scene, 0);
    close_scene(&scene);
}

/* Each of many paths reaches the trusted certificate, and fails because there is no revocation list. */
static void test_paths_that_fail(void) {
    struct scene scene = open_scene(NID_X9_62_prime256v1, "B");
    int i;
    for (i = 0; i < SENT; i++) {
        scene.sent[i] = reissue(scene.model.x509, 100 + i, scene.keys[0], scene.root.key);
    }
    visit(&scene, 0);
    EXPECT(paths == 1); /* the control */
    EXPECT(cleat_context_set_verify_flags(scene.client, CLEAT_VERIFY_CRL_CHECK_LEAF) == CLEAT_OK);
    visit(&scene, NO_LIST);
    EXPECT(paths == 5); /* TRIES_WITH_LISTS_MAX, and one before the search */
    close_scene(&scene);
}

int main(void) {
    test_certificates_that_sign_each_other(NID_secp521r1, 12, 6);
    test_certificates_that_sign_each_other(NID_X9_62_prime256v1, 51, 0);
    test_paths_that_fail();
    return 0;
}
