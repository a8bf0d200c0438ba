/* context.c: contexts, their credentials and their CA certificates. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../c/expect.h"
#include "../c/identity.h"
#include "base/boringssl.h"
#include "scenario.h"

static int32_t context;
static int32_t made;
static char folder[] = "/tmp/cleat-allocation-XXXXXX";
static char certificate_file[64];
static char key_file[64];
static char trust_file[64];
static char dh_file[64];
static char other_file[64];
static char hashed_file[64];

/* Parameters of 1024 bits, for this test only: they are parsed and not used. */
static const char dh_params[] = "-----BEGIN DH PARAMETERS-----\n"
                                "MIGHAoGBAP//////////yQ/aoiFowjTExmKLgNwc0SkCTgiKZ8x0Agu+pjsTmyJR\n"
                                "Sgh5jjQE3e+VGbPNOkMbMCsKbfJfFDdP4TVtbVHCReSFtXZiXn7G9ExC6aY37WsL\n"
                                "/1y29Aa37e44a/taiZ+lrp8kEXxLH+ZJKGZR7OZTgf//////////AgEC\n"
                                "-----END DH PARAMETERS-----\n";

static void write_file(char *name, size_t size, const char *base, const char *text, int32_t len) {
    FILE *file;
    snprintf(name, size, "%s/%s", folder, base);
    file = fopen(name, "wb");
    EXPECT(file != NULL && fwrite(text, 1, (size_t)len, file) == (size_t)len);
    EXPECT(fclose(file) == 0);
}

static void write_part(char *name, size_t size, const char *base, enum identity_part part) {
    int32_t len;
    const char *text = identity_text(part, &len);
    write_file(name, size, base, text, len);
}

/* The name under which a directory has a certificate. */
static void write_hashed(const char *text, int32_t len) {
    BIO *bio = BIO_new_mem_buf(text, len);
    X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    char base[16];
    EXPECT(x509 != NULL);
    snprintf(base, sizeof base, "%08x.0", (unsigned)X509_NAME_hash(X509_get_subject_name(x509)));
    write_file(hashed_file, sizeof hashed_file, base, text, len);
    X509_free(x509);
    BIO_free(bio);
}

void context_scenarios_begin(void) {
    int32_t len;
    int32_t crl_len;
    const char *text = identity_text(IDENTITY_CERTIFICATE, &len);
    const char *crl = identity_text(IDENTITY_CRL, &crl_len);
    char both[8192];
    EXPECT(mkdtemp(folder) != NULL);
    write_part(certificate_file, sizeof certificate_file, "certificate.pem", IDENTITY_CERTIFICATE);
    write_part(key_file, sizeof key_file, "key.pem", IDENTITY_ENCRYPTED_KEY);
    snprintf(both, sizeof both, "%s%s", text, crl);
    write_file(trust_file, sizeof trust_file, "trust.pem", both, len + crl_len);
    write_file(dh_file, sizeof dh_file, "dh.pem", dh_params, sizeof dh_params - 1);
    write_file(other_file, sizeof other_file, "other.pem", text, len);
    write_hashed(text, len);
    setenv("SSL_CERT_DIR", folder, 1);
}

void context_scenarios_end(void) {
    unlink(certificate_file);
    unlink(key_file);
    unlink(trust_file);
    unlink(dh_file);
    unlink(other_file);
    unlink(hashed_file);
    rmdir(folder);
}

static int32_t text_len(const char *text) {
    return (int32_t)strlen(text);
}

static void open_context(void) {
    context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(context > 0);
}

static void close_all(void) {
    if (context > 0) cleat_close(context);
    if (made > 0) cleat_close(made);
    context = made = 0;
}

/* Settings that a failure must not change. The first getter makes a configuration. */
static int32_t note_settings(void) {
    char name[64];
    int32_t count = cleat_context_cipher_count(context);
    int32_t i;
    if (count < 0) return count;
    EXPECT(count > 0);
    note(count);
    for (i = 0; i < count; i++) {
        int32_t len = cleat_context_cipher_name(context, i, name, sizeof name);
        EXPECT(len > 0);
        note_text(name, len);
    }
    note(cleat_context_options(context));
    return CLEAT_OK;
}

static int32_t act_new(void) {
    made = cleat_context_new(CLEAT_PROTOCOL_TLS);
    return made;
}

static int32_t act_key_log(void) {
    int32_t status = cleat_context_set_key_log_file(context, "/dev/null", 9);
    return status < 0 ? status : note_settings();
}

static int32_t act_ciphers(void) {
    int32_t status = cleat_context_set_ciphers(context, "ECDHE+AESGCM:ECDHE+CHACHA20:!aPSK", 33);
    return status < 0 ? status : note_settings();
}

static void open_with_ciphers(void) {
    open_context();
    EXPECT(cleat_context_set_ciphers(context, "ECDHE-RSA-AES128-GCM-SHA256", 27) == CLEAT_OK);
}

/* Whichever allocation fails, the list is the old one or the new one. */
static void close_with_ciphers(void) {
    int32_t count = cleat_context_cipher_count(context);
    EXPECT(count == 1 || count == 6);
    close_all();
}

static int32_t act_wrong_ciphers(void) {
    int32_t status = cleat_context_set_ciphers(context, "NONE-OF-THEM", 12);
    int32_t count = cleat_context_cipher_count(context);
    if (count < 0) return count;
    EXPECT(count == 1);
    return CLEAT_CLASS(status) == CLEAT_SSL ? -(CLEAT_SSL << 16) : status;
}

static int32_t act_curve(void) {
    return cleat_context_set_ecdh_curve(context, "secp384r1", 9);
}

static int32_t act_algorithms(void) {
    char text[256];
    int32_t status = cleat_context_set_groups(context, "P-256:P-384", 11);
    if (status >= 0) status = cleat_context_set_server_sigalgs(context, "ECDSA+SHA256", 12);
    if (status >= 0) status = cleat_context_set_client_sigalgs(context, "ECDSA+SHA256", 12);
    if (status >= 0) status = cleat_context_groups(context, 1, text, sizeof text);
    if (status >= 0) status = cleat_signature_algorithms(text, sizeof text);
    return status < 0 ? status : cleat_context_set_policy(context, CLEAT_POLICY_FIPS_202205);
}

static int32_t act_versions(void) {
    int32_t status = cleat_context_set_minimum_version(context, CLEAT_TLS1_2_VERSION);
    return status < 0 ? status : cleat_context_set_maximum_version(context, CLEAT_TLS1_3_VERSION);
}

static int32_t act_alpn(void) {
    return cleat_context_set_alpn_protocols(context, "\2h2\10http/1.1", 12);
}

static int32_t act_ticket_keys(void) {
    static const char keys[CLEAT_TICKET_KEY_SIZE] = "a name";
    return cleat_context_set_ticket_keys(context, keys, sizeof keys);
}

static int32_t act_ticket_secrets(void) {
    static const char secret[2 + CLEAT_TICKET_SECRET_MIN] = {0, CLEAT_TICKET_SECRET_MIN, 's'};
    return cleat_context_set_ticket_secrets(context, secret, sizeof secret, 60);
}

static int32_t act_session_settings(void) {
    int32_t status = cleat_context_set_num_tickets(context, 1);
    if (status >= 0) status = cleat_context_set_session_timeout(context, 60);
    if (status >= 0) status = cleat_context_set_session_id_context(context, "x", 1);
    return status < 0 ? status : cleat_context_set_session_events(context, CLEAT_SESSIONS_STORED);
}

static int32_t act_npn(void) {
    return cleat_context_set_npn_protocols(context, "\2h2\10http/1.1", 12);
}

static int32_t act_verify(void) {
    int32_t status = cleat_context_set_verify_mode(context, CLEAT_CERT_REQUIRED);
    if (status >= 0) status = cleat_context_set_check_hostname(context, 1);
    if (status >= 0) status = cleat_context_set_verify_flags(context, CLEAT_VERIFY_CRL_CHECK_LEAF);
    return status;
}

static int32_t act_chain_files(void) {
    return cleat_context_load_cert_chain(context, certificate_file, text_len(certificate_file),
                                         key_file, text_len(key_file), "secret", 6);
}

static int32_t act_no_password(void) {
    return cleat_context_load_cert_chain(context, certificate_file, text_len(certificate_file),
                                         key_file, text_len(key_file), NULL, 0);
}

static int32_t act_chain_data(void) {
    int32_t len;
    const char *text = identity_text(IDENTITY_CHAIN_AND_KEY, &len);
    return cleat_context_load_cert_chain_data(context, text, len, NULL, 0, NULL, 0);
}

static int32_t act_raw_key(void) {
    int32_t len;
    const char *text = identity_text(IDENTITY_CHAIN_AND_KEY, &len);
    if (cleat_has_raw_public_keys() == 0) return CLEAT_OK;
    return cleat_context_load_raw_public_key_data(context, text, len, NULL, 0);
}

static int32_t act_raw_key_file(void) {
    if (cleat_has_raw_public_keys() == 0) return CLEAT_OK;
    return cleat_context_load_raw_public_key(context, key_file, text_len(key_file), "secret", 6);
}

static int32_t act_peer_keys(void) {
    /* of Ed25519 (RFC 8410) */
    static const char keys[] = "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"
                               "0123456789abcdef0123456789abcdef";
    if (cleat_has_raw_public_keys() == 0) return CLEAT_OK;
    return cleat_context_set_peer_public_keys(context, CLEAT_PEER_KEYS_ALSO, keys,
                                              (int32_t)sizeof keys - 1);
}

static int32_t act_remote_key(void) {
    return cleat_context_load_cert_chain_remote_key(context, certificate_file,
                                                    text_len(certificate_file));
}

static int32_t act_sign(void) {
    char signature[100];
    int32_t len =
        cleat_sign(key_file, text_len(key_file), "secret", 6,
                   CLEAT_SIGNATURE_ECDSA_SECP256R1_SHA256, "data", 4, signature, sizeof signature);
    return len < 0 ? len : CLEAT_OK;
}

static int32_t act_dh(void) {
    return cleat_context_load_dh_params(context, dh_file, text_len(dh_file));
}

static int32_t act_trust_file(void) {
    return cleat_context_load_verify_file(context, trust_file, text_len(trust_file));
}

static int32_t act_trust_pem(void) {
    int32_t len;
    const char *text = identity_text(IDENTITY_CERTIFICATE, &len);
    return cleat_context_load_verify_data(context, text, len);
}

static char der[4096];
static int32_t der_len;

static void open_with_der(void) {
    int32_t len;
    const char *text = identity_text(IDENTITY_CERTIFICATE, &len);
    int32_t certificate = cleat_certificate_from_pem(text, len);
    open_context();
    der_len = cleat_certificate_der(certificate, der, sizeof der);
    EXPECT(der_len > 0 && cleat_close(certificate) == CLEAT_OK);
}

static int32_t act_trust_der(void) {
    return cleat_context_load_verify_data(context, der, der_len);
}

static int32_t act_trust_directory(void) {
    return cleat_context_load_verify_directory(context, folder, text_len(folder));
}

/* The trust store that contexts share was made from one file; act finds another one. */
static void open_and_share(void) {
    int32_t other = cleat_context_new(CLEAT_PROTOCOL_TLS);
    setenv("SSL_CERT_FILE", other_file, 1);
    EXPECT(other > 0 && cleat_context_set_default_verify_paths(other) == CLEAT_OK);
    EXPECT(cleat_close(other) == CLEAT_OK);
    open_context();
    setenv("SSL_CERT_FILE", trust_file, 1);
}

/* The first file's store replaces the second's again, so that nothing is leaked. */
static void close_and_share(void) {
    close_all();
    open_and_share();
    close_all();
}

static int32_t act_defaults(void) {
    int32_t status = cleat_context_set_default_verify_paths(context);
    return status < 0 ? status : cleat_context_ca_count(context);
}

static void open_with_defaults(void) {
    open_and_share();
    EXPECT(cleat_context_set_default_verify_paths(context) == CLEAT_OK);
}

static void open_with_trust(void) {
    open_context();
    EXPECT(act_trust_file() == 2);
}

static void open_with_trust_and_share(void) {
    open_and_share();
    EXPECT(act_trust_file() == 2);
}

static int32_t act_stats(void) {
    int32_t counts[3];
    int32_t status = cleat_context_cert_store_stats(context, &counts[0], &counts[1], &counts[2]);
    if (status < 0) return status;
    note(counts[0]);
    note(counts[1]);
    note(counts[2]);
    return status;
}

static int32_t act_count(void) {
    int32_t count = cleat_context_ca_count(context);
    if (count >= 0) note(count);
    return count;
}

static int32_t act_ca(void) {
    made = cleat_context_ca_certificate(context, 0);
    return made;
}

const struct scenario context_scenarios[] = {
    {"context_new", NULL, act_new, close_all, 0, true},
    {"context_set_key_log_file", open_context, act_key_log, close_all, 0, true},
    {"context_set_ciphers", open_with_ciphers, act_ciphers, close_with_ciphers, 0, true},
    {"context_set_ciphers: none of them", open_with_ciphers, act_wrong_ciphers, close_with_ciphers,
     -(CLEAT_SSL << 16), true},
    {"context_set_ecdh_curve", open_context, act_curve, close_all, 0, true},
    {"context_set_policy", open_context, act_algorithms, close_all, 0, true},
    {"context_set_versions", open_context, act_versions, close_all, 0, true},
    {"context_set_alpn_protocols", open_context, act_alpn, close_all, 0, true},
    {"context_set_npn_protocols", open_context, act_npn, close_all, 0, true},
    {"context_set_ticket_keys", open_context, act_ticket_keys, close_all, 0, true},
    {"context_set_ticket_secrets", open_context, act_ticket_secrets, close_all, 0, true},
    {"context_set_session_timeout", open_context, act_session_settings, close_all, 0, true},
    {"context_set_verify", open_context, act_verify, close_all, 0, true},
    {"context_load_cert_chain", open_context, act_chain_files, close_all, 0, true},
    {"context_load_cert_chain: no password", open_context, act_no_password, close_all,
     -(CLEAT_NEED_PASSWORD << 16), true},
    {"context_load_raw_public_key", open_context, act_raw_key_file, close_all, 0, true},
    {"context_load_raw_public_key_data", open_context, act_raw_key, close_all, 0, true},
    {"context_set_peer_public_keys", open_context, act_peer_keys, close_all, 0, true},
    {"context_load_cert_chain_data", open_context, act_chain_data, close_all, 0, true},
    {"context_load_cert_chain_remote_key", open_context, act_remote_key, close_all,
     CLEAT_REMOTE_KEY_P256, true},
    {"sign", NULL, act_sign, NULL, 0, true},
    {"context_load_dh_params", open_context, act_dh, close_all, 0, true},
    {"context_load_verify_file", open_context, act_trust_file, close_all, 0, true},
    {"context_load_verify_data: PEM", open_context, act_trust_pem, close_all, 0, true},
    {"context_load_verify_data: DER", open_with_der, act_trust_der, close_all, 0, true},
    {"context_load_verify_directory", open_context, act_trust_directory, close_all, 0, true},
    {"context_set_default_verify_paths", open_and_share, act_defaults, close_and_share, 0, true},
    {"context_set_default_verify_paths: two", open_with_trust_and_share, act_defaults,
     close_and_share, 0, true},
    {"context_load_verify_data: defaults", open_with_defaults, act_trust_pem, close_and_share, 0,
     true},
    {"context_cert_store_stats", open_with_trust, act_stats, close_all, 0, true},
    {"context_ca_count", open_with_trust, act_count, close_all, 0, true},
    {"context_ca_certificate", open_with_trust, act_ca, close_all, 0, true},
    {NULL, NULL, NULL, NULL, 0, false},
};
