/* test_secrets.c: which passwords, keys and plaintext remain in the process's memory after the library has used them.
 * docs/security.md lists the guarantees. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/boringssl.h"
#include "expect.h"
#include "identity.h"
#include "search.h"
#include "tls/connection.h"

enum { LINES = 4, PRIME = 128 };

/* The values that spec/support/pki.sh prints about its files: the key in a file and in memory. */
struct made {
    struct secret lines[LINES]; /* pieces of the PEM file */
    struct secret prime; /* as in its DER */
    struct secret words; /* as BoringSSL stores it for computing */
};

static char certificate_file[64];
static char key_file[64];
static char encrypted_file[64];
static char broken_file[64]; /* the key's first half */

static void write_file(const char *name, BIO *bio, bool half) {
    const uint8_t *bytes = NULL;
    size_t len = 0;
    FILE *file = fopen(name, "w");
    EXPECT(BIO_mem_contents(bio, &bytes, &len) == 1);
    if (half) len /= 2;
    EXPECT(file != NULL && fwrite(bytes, 1, len, file) == len && fclose(file) == 0);
}

static X509 *make_certificate(EVP_PKEY *key) {
    X509 *x509 = X509_new();
    EXPECT(ASN1_INTEGER_set(X509_get_serialNumber(x509), 1) == 1);
    EXPECT(X509_gmtime_adj(X509_getm_notBefore(x509), -60) != NULL);
    EXPECT(X509_gmtime_adj(X509_getm_notAfter(x509), 3600) != NULL);
    EXPECT(X509_set_pubkey(x509, key) == 1 && X509_sign(x509, key, EVP_sha256()) > 0);
    return x509;
}

static void tell_lines(struct made *made, BIO *bio) {
    const uint8_t *pem = NULL;
    size_t len = 0;
    int i;
    EXPECT(BIO_mem_contents(bio, &pem, &len) == 1);
    for (i = 0; i < LINES; i++) {
        uint8_t piece[24];
        const char *first = strchr((const char *)pem, '\n') + 1;
        memcpy(piece, first + 65 * (2 + i * 7) + 3 * i, sizeof piece);
        EXPECT(memchr(piece, '\n', sizeof piece) == NULL);
        secret_keep(&made->lines[i], piece, sizeof piece);
    }
}

static void make_files(struct made *made, const struct secret *password) {
    EVP_PKEY *key = EVP_PKEY_new();
    RSA *rsa = RSA_new();
    BIGNUM *exponent = BN_new();
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = secret_copy(password);
    uint8_t prime[PRIME];
    X509 *x509;
    EXPECT(BN_set_word(exponent, RSA_F4) == 1);
    EXPECT(RSA_generate_key_ex(rsa, 2048, exponent, NULL) == 1);
    EXPECT(EVP_PKEY_set1_RSA(key, rsa) == 1);
    x509 = make_certificate(key);
    EXPECT(PEM_write_bio_X509(bio, x509) == 1);
    write_file(certificate_file, bio, false);
    EXPECT(BIO_reset(bio) == 1);
    EXPECT(PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_256_cbc(), NULL, 0, NULL, text) == 1);
    write_file(encrypted_file, bio, false);
    EXPECT(BIO_reset(bio) == 1);
    EXPECT(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
    write_file(key_file, bio, false);
    write_file(broken_file, bio, true);
    tell_lines(made, bio);
    EXPECT(BN_bn2bin_padded(prime, sizeof prime, RSA_get0_p(rsa)) == 1);
    secret_keep(&made->prime, prime, sizeof prime);
    EXPECT(BN_bn2le_padded(prime, sizeof prime, RSA_get0_p(rsa)) == 1);
    secret_keep(&made->words, prime, sizeof prime);
    secret_free(text, password);
    X509_free(x509);
    BN_free(exponent);
    RSA_free(rsa);
    EVP_PKEY_free(key);
    BIO_free(bio);
}

/* Another process makes the files, so that their content was never in this process. */
static void make_elsewhere(struct made *made, const struct secret *password) {
    int pipes[2];
    int status = 0;
    pid_t child;
    EXPECT(pipe(pipes) == 0);
    child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        make_files(made, password);
        _exit(write(pipes[1], made, sizeof *made) == sizeof *made ? 0 : 1);
    }
    EXPECT(read(pipes[0], made, sizeof *made) == sizeof *made);
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    close(pipes[0]);
    close(pipes[1]);
}

static int32_t load(int32_t context, const char *keyfile, const char *password, size_t len) {
    return cleat_context_load_cert_chain(context, certificate_file,
                                         (int32_t)strlen(certificate_file), keyfile,
                                         (int32_t)strlen(keyfile), password, (int32_t)len);
}

/* Nothing of the file's text is found, and the key only in the form for computing. */
static void expect_key(const struct made *made, bool present) {
    int i;
    for (i = 0; i < LINES; i++) EXPECT(secret_count(&made->lines[i]) == 0);
    EXPECT(secret_count(&made->prime) == 0);
    EXPECT((secret_count(&made->words) > 0) == present);
}

static void test_key(const struct made *made) {
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    expect_key(made, false);
    EXPECT(load(context, key_file, NULL, 0) == CLEAT_OK);
    expect_key(made, true);
    EXPECT(load(context, key_file, NULL, 0) == CLEAT_OK); /* replaces the first */
    EXPECT(cleat_close(context) == CLEAT_OK);
    expect_key(made, false);

    context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(load(context, broken_file, NULL, 0) < 0);
    expect_key(made, false);
    EXPECT(cleat_close(context) == CLEAT_OK);
}

/* No text about the last failure contains the secret. */
static void expect_not_said(const struct secret *secret) {
    int32_t (*const texts[])(char *, int32_t) = {cleat_error_message, cleat_error_library,
                                                 cleat_error_reason, cleat_error_filename,
                                                 cleat_error_verify_message};
    char *bytes = secret_copy(secret);
    size_t i;
    for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char said[2048] = "";
        texts[i](said, sizeof said - 1);
        EXPECT(strstr(said, bytes) == NULL);
    }
    secret_free(bytes, secret);
}

static void test_password(const struct made *made, const struct secret *password) {
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    char *text = secret_copy(password);
    EXPECT(secret_count(password) == 1); /* the control: the text is found */
    EXPECT(load(context, encrypted_file, text, password->len) == CLEAT_OK);
    EXPECT(secret_count(password) == 1);
    secret_free(text, password);
    EXPECT(secret_count(password) == 0);
    expect_key(made, true); /* encrypted in the file, decrypted in memory */
    EXPECT(cleat_close(context) == CLEAT_OK);
    expect_key(made, false);
}

static void test_wrong_password(const struct made *made) {
    struct secret wrong;
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    char *text;
    secret_random(&wrong, 40);
    text = secret_copy(&wrong);
    EXPECT(CLEAT_CLASS(load(context, encrypted_file, text, wrong.len)) == CLEAT_SSL);
    secret_free(text, &wrong);
    EXPECT(secret_count(&wrong) == 0);
    expect_not_said(&wrong);
    expect_key(made, false);
    EXPECT(cleat_close(context) == CLEAT_OK);
}

static void pump(int32_t from, int32_t to) {
    char bytes[40000];
    int32_t moved = cleat_connection_drain(from, bytes, sizeof bytes);
    EXPECT(moved >= 0);
    if (moved > 0) EXPECT(cleat_connection_feed(to, bytes, moved) == moved);
}

/* The secrets from which the keys of a connection are derived. */
static void find_master(int32_t connection, struct secret *master) {
    struct cleat_object *object = NULL;
    uint8_t bytes[64];
    size_t len;
    EXPECT(cleat_handle_find(connection, CLEAT_KIND_CONNECTION, &object) == CLEAT_OK);
    len = SSL_SESSION_get_master_key(
        SSL_get_session(((const struct cleat_connection *)(const void *)object)->ssl), bytes,
        sizeof bytes);
    secret_keep(master, bytes, len);
    cleat_handle_done(object);
}

static void test_connection(int32_t version) {
    enum { LEN = 200 };
    struct secret text;
    struct secret master;
    int32_t contexts[2];
    int32_t server;
    int32_t client;
    char *bytes;
    int turn;
    identity_contexts(&contexts[0], &contexts[1]);
    EXPECT(cleat_context_set_maximum_version(contexts[1], version) == CLEAT_OK);
    server = cleat_connection_over_memory(contexts[0], 1, NULL, 0);
    client = cleat_connection_over_memory(contexts[1], 0, "localhost", 9);
    for (turn = 0; turn < 4; turn++) {
        cleat_connection_handshake(client, 0);
        pump(client, server);
        cleat_connection_handshake(server, 0);
        pump(server, client);
    }
    secret_random(&text, LEN);
    bytes = secret_copy(&text);
    EXPECT(cleat_connection_write(client, bytes, LEN, 0) == LEN);
    memset(bytes, 0, LEN);
    EXPECT(secret_count(&text) == 0);
    pump(client, server);
    EXPECT(cleat_connection_read(server, bytes, LEN, 0) == LEN);
    EXPECT(secret_count(&text) >= 1); /* the control: the bytes are found */
    memset(bytes, 0, LEN);
    /* BoringSSL decrypts a record in its receive buffer, and frees that memory without wiping it. */
    EXPECT(secret_count(&text) <= 1);
    secret_free(bytes, &text);

    find_master(client, &master);
    EXPECT(secret_count(&master) >= 1);
    EXPECT(cleat_close(server) == CLEAT_OK && cleat_close(client) == CLEAT_OK);
    EXPECT(cleat_close(contexts[0]) == CLEAT_OK && cleat_close(contexts[1]) == CLEAT_OK);
    EXPECT(secret_count(&master) == 0);
}

/* A pre-shared key in both sides' handshakes: afterwards only the caller has it. */
static void test_psk(const char *suite) {
    enum { LEN = 64 };
    struct secret key;
    int32_t contexts[2] = {cleat_context_new(CLEAT_PROTOCOL_TLS),
                           cleat_context_new(CLEAT_PROTOCOL_TLS)};
    int32_t ends[2];
    char *bytes;
    int i;
    secret_random(&key, LEN);
    for (i = 0; i < 2; i++) {
        EXPECT(cleat_context_set_ciphers(contexts[i], suite, (int32_t)strlen(suite)) == CLEAT_OK);
        EXPECT(cleat_context_set_psk_client(contexts[i], 1) == CLEAT_OK);
        EXPECT(cleat_context_set_psk_server(contexts[i], 1, NULL, 0) == CLEAT_OK);
        ends[i] = cleat_connection_over_memory(contexts[i], i, NULL, 0);
    }
    for (i = 0; i < 8; i++) {
        int32_t end = ends[i % 2];
        int32_t status = cleat_connection_handshake(end, 0);
        EXPECT(secret_count(&key) == 0);
        if (CLEAT_CLASS(status) == CLEAT_WANT_PSK) {
            bytes = secret_copy(&key);
            EXPECT(cleat_connection_answer_psk(end, NULL, 0, bytes, LEN) == CLEAT_OK);
            secret_free(bytes, &key);
            EXPECT(secret_count(&key) == 1); /* the control: the key is in the connection */
            status = cleat_connection_handshake(end, 0);
        }
        EXPECT(status == CLEAT_OK || CLEAT_CLASS(status) == CLEAT_WANT_READ);
        EXPECT(secret_count(&key) == 0);
        pump(end, ends[1 - i % 2]);
    }
    for (i = 0; i < 2; i++) {
        EXPECT(cleat_connection_established(ends[i]) == 1);
        EXPECT(cleat_close(ends[i]) == CLEAT_OK && cleat_close(contexts[i]) == CLEAT_OK);
    }
}

int main(void) {
    char directory[] = "/tmp/cleat-secrets.XXXXXX";
    char *files[] = {certificate_file, key_file, encrypted_file, broken_file};
    struct secret password;
    struct made made = {0}; /* all of it is written to a pipe */
    int i;
#if defined(__SANITIZE_THREAD__)
    puts("not run: under this sanitizer there are no threads, and too much memory to search");
    return 0;
#endif
    EXPECT(mkdtemp(directory) != NULL);
    for (i = 0; i < 4; i++) snprintf(files[i], sizeof certificate_file, "%s/%d", directory, i);
    secret_random(&password, 40);
    make_elsewhere(&made, &password);
    test_key(&made);
    test_password(&made, &password);
    test_wrong_password(&made);
    for (i = 0; i < 4; i++) unlink(files[i]);
    rmdir(directory);
    test_connection(CLEAT_TLS1_2_VERSION);
    test_connection(CLEAT_TLS1_3_VERSION);
    test_psk("PSK-AES128-CBC-SHA");
    test_psk("ECDHE-PSK-CHACHA20-POLY1305");
    EXPECT(cleat_handle_count() == 0);
    puts("keys, passwords, connections, pre-shared keys");
    return 0;
}
