/* generate.c: generates keys and self-signed certificates. */
#include "cleat/generate.h"

#include <arpa/inet.h>
#include <time.h>

#include "base/argument.h"
#include "base/boringssl.h"
#include "base/clock.h"
#include "cleat/signature.h"
#include "tls/credential_pem.h"

enum {
    BEFORE = 300, /* how long before now the validity begins, in seconds */
    SERIAL_LEN = 16,
    KEY_ID_LEN = 20,
    NAME_MAX_LEN = 253,
    COMMON_NAME_MAX = 64,
    NAMES_MAX = 16384
};

/* The extensions that all certificates have: not a CA; digitalSignature; serverAuth and clientAuth. */
static const uint8_t no_ca[] = {0x30, 0x00};
static const uint8_t signs[] = {0x03, 0x02, 0x07, 0x80};
static const uint8_t purposes[] = {0x30, 0x14, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05,
                                   0x05, 0x07, 0x03, 0x01, 0x06, 0x08, 0x2b, 0x06,
                                   0x01, 0x05, 0x05, 0x07, 0x03, 0x02};

static int32_t copy_bio(BIO *bio, char *output, int32_t output_cap) {
    const uint8_t *bytes = NULL;
    size_t len = 0;
    if (BIO_mem_contents(bio, &bytes, &len) != 1) return cleat_fail_ssl("BIO_mem_contents");
    return cleat_copy_out((const char *)bytes, (int64_t)len, output, output_cap);
}

/* NULL if it fails. curve: NID_undef for Ed25519. */
static EVP_PKEY *new_key(int curve) {
    EVP_PKEY_CTX *context =
        EVP_PKEY_CTX_new_id(curve == NID_undef ? EVP_PKEY_ED25519 : EVP_PKEY_EC, NULL);
    EVP_PKEY *key = NULL;
    bool ready =
        context != NULL && EVP_PKEY_keygen_init(context) == 1 &&
        (curve == NID_undef || EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, curve) == 1);
    if (ready && EVP_PKEY_keygen(context, &key) != 1) key = NULL;
    EVP_PKEY_CTX_free(context);
    return key;
}

int32_t cleat_generate_key(int32_t key_type, char *output, int32_t output_cap) {
    CLEAT_NO_CANCEL();
    static const int curves[] = {[CLEAT_REMOTE_KEY_P256] = NID_X9_62_prime256v1,
                                 [CLEAT_REMOTE_KEY_P384] = NID_secp384r1,
                                 [CLEAT_REMOTE_KEY_P521] = NID_secp521r1,
                                 [CLEAT_REMOTE_KEY_ED25519] = NID_undef};
    BIO *bio;
    EVP_PKEY *key;
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_CHECK_RANGE(1, key_type, CLEAT_REMOTE_KEY_P256, CLEAT_REMOTE_KEY_ED25519);
    if (key_type == CLEAT_REMOTE_KEY_P224)
        return cleat_fail_usage(1, "keys on P-224 cannot be generated");
    cleat_error_clear_queue();
    bio = BIO_new(BIO_s_mem());
    key = new_key(curves[key_type]);
    if (bio == NULL || key == NULL ||
        PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
        result = cleat_fail_ssl("generating a key");
    } else {
        result = copy_bio(bio, output, output_cap);
    }
    EVP_PKEY_free(key);
    BIO_free(bio);
    return result;
}

static bool is_label_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '*';
}

static bool is_host(const char *name, size_t len) {
    size_t i;
    if (len == 0 || name[0] == '.' || name[len - 1] == '.') return false;
    for (i = 0; i < len; i++) {
        if (!is_label_char(name[i])) return false;
        if (name[i] == '.' && name[i - 1] == '.') return false;
    }
    return true;
}

/* Returns the length of an IP address in bytes, or 0 if name is not one. */
static size_t address_of(const char *name, size_t len, uint8_t address[16]) {
    char text[INET6_ADDRSTRLEN];
    if (len >= sizeof text) return 0;
    memcpy(text, name, len);
    text[len] = '\0';
    if (inet_pton(AF_INET, text, address) == 1) return 4;
    return inet_pton(AF_INET6, text, address) == 1 ? 16 : 0;
}

/* Adds an alternative name: [2] for a host name, [7] for an IP address. */
static bool add_name(CBB *sequence, const char *name, size_t len) {
    uint8_t address[16];
    size_t address_len = address_of(name, len, address);
    CBB element;
    if (address_len > 0) {
        return CBB_add_asn1(sequence, &element, CBS_ASN1_CONTEXT_SPECIFIC | 7) == 1 &&
               CBB_add_bytes(&element, address, address_len) == 1 && CBB_flush(sequence) == 1;
    }
    return CBB_add_asn1(sequence, &element, CBS_ASN1_CONTEXT_SPECIFIC | 2) == 1 &&
           CBB_add_bytes(&element, (const uint8_t *)name, len) == 1 && CBB_flush(sequence) == 1;
}

/* The length of the first name. */
static size_t first_len(const char *names, size_t len) {
    const char *comma = memchr(names, ',', len);
    return comma == NULL ? len : (size_t)(comma - names);
}

static int32_t check_names(const char *names, int32_t names_len) {
    size_t left = (size_t)names_len;
    uint8_t address[16];
    if (names_len > NAMES_MAX) return cleat_fail_usage(4, "names are longer than %d", NAMES_MAX);
    for (;;) {
        size_t len = first_len(names, left);
        if (len > NAME_MAX_LEN || (address_of(names, len, address) == 0 && !is_host(names, len))) {
            return cleat_fail_usage(3, "'%.*s' is neither a host name nor an IP address",
                                    len > 64 ? 64 : (int)len, names);
        }
        if (len == left) return CLEAT_OK;
        names += len + 1;
        left -= len + 1;
    }
}

static bool add_extension(X509 *x509, int nid, bool critical, const uint8_t *bytes, size_t len) {
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    bool added = false;
    if (value != NULL && ASN1_STRING_set(value, bytes, (ossl_ssize_t)len) == 1) {
        extension = X509_EXTENSION_create_by_NID(NULL, nid, critical, value);
        added = extension != NULL && X509_add_ext(x509, extension, -1) == 1;
    }
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    return added;
}

static bool add_names(X509 *x509, const char *names, size_t left) {
    CBB out;
    CBB sequence;
    uint8_t *der = NULL;
    size_t der_len = 0;
    bool added = CBB_init(&out, 64) == 1 && CBB_add_asn1(&out, &sequence, CBS_ASN1_SEQUENCE) == 1;
    while (added) {
        size_t len = first_len(names, left);
        added = add_name(&sequence, names, len);
        if (len == left) break;
        names += len + 1;
        left -= len + 1;
    }
    added = added && CBB_finish(&out, &der, &der_len) == 1 &&
            add_extension(x509, NID_subject_alt_name, false, der, der_len);
    CBB_cleanup(&out);
    OPENSSL_free(der);
    return added;
}

/* The key identifier is a truncated SHA-256 digest of the public key (RFC 7093). */
static bool add_key_id(X509 *x509) {
    uint8_t value[2 + SHA256_DIGEST_LENGTH] = {0x04, KEY_ID_LEN};
    unsigned len = 0;
    return X509_pubkey_digest(x509, EVP_sha256(), value + 2, &len) == 1 &&
           add_extension(x509, NID_subject_key_identifier, false, value, 2 + KEY_ID_LEN);
}

static bool set_identity(X509 *x509, const char *names, size_t names_len) {
    uint8_t serial[SERIAL_LEN];
    size_t len = first_len(names, names_len);
    X509_NAME *name = X509_get_subject_name(x509);
    RAND_bytes(serial, sizeof serial);
    serial[0] = (uint8_t)((serial[0] & 0x3f) | 0x40); /* positive, and of full length */
    /* A common name has at most 64 characters; verifiers use the alternative names. */
    return ASN1_STRING_set(X509_get_serialNumber(x509), serial, sizeof serial) == 1 &&
           (len > COMMON_NAME_MAX ||
            X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, (const uint8_t *)names,
                                       (ossl_ssize_t)len, -1, 0) == 1) &&
           X509_set_issuer_name(x509, name) == 1;
}

/* NULL if it fails. */
static X509 *new_certificate(EVP_PKEY *key, const char *names, int32_t names_len,
                             int32_t lifetime) {
    X509 *x509 = X509_new();
    time_t now = (time_t)cleat_wall_clock();
    const EVP_MD *digest = EVP_PKEY_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
    bool made =
        x509 != NULL && X509_set_version(x509, X509_VERSION_3) == 1 &&
        set_identity(x509, names, (size_t)names_len) &&
        ASN1_TIME_adj(X509_getm_notBefore(x509), now, 0, -BEFORE) != NULL &&
        ASN1_TIME_adj(X509_getm_notAfter(x509), now, lifetime / 86400, lifetime % 86400) != NULL &&
        X509_set_pubkey(x509, key) == 1 &&
        add_extension(x509, NID_basic_constraints, true, no_ca, sizeof no_ca) &&
        add_extension(x509, NID_key_usage, true, signs, sizeof signs) &&
        add_extension(x509, NID_ext_key_usage, false, purposes, sizeof purposes) &&
        add_names(x509, names, (size_t)names_len) && add_key_id(x509) &&
        X509_sign(x509, key, digest) > 0;
    if (made) return x509;
    X509_free(x509);
    return NULL;
}

static int32_t make(EVP_PKEY *key, const char *names, int32_t names_len, int32_t lifetime,
                    char *output, int32_t output_cap) {
    BIO *bio = BIO_new(BIO_s_mem());
    X509 *x509 = new_certificate(key, names, names_len, lifetime);
    int32_t result;
    if (bio == NULL || x509 == NULL || PEM_write_bio_X509(bio, x509) != 1) {
        result = cleat_fail_ssl("generating a certificate");
    } else {
        result = copy_bio(bio, output, output_cap);
    }
    X509_free(x509);
    BIO_free(bio);
    return result;
}

int32_t cleat_generate_certificate(const char *key, int32_t key_len, const char *names,
                                   int32_t names_len, int32_t lifetime, char *output,
                                   int32_t output_cap) {
    CLEAT_NO_CANCEL();
    struct cleat_password none = {NULL, 0, false};
    EVP_PKEY *parsed = NULL;
    int32_t result;
    CLEAT_CHECK_IN(1, key, key_len);
    CLEAT_CHECK_TEXT(3, names, names_len);
    CLEAT_CHECK_RANGE(5, lifetime, 1, INT32_MAX);
    CLEAT_CHECK_OUT(6, output, output_cap);
    result = check_names(names == NULL ? "" : names, names_len);
    if (result < 0) return result;
    cleat_error_clear_queue();
    result = cleat_pem_key(key, key_len, &none, &parsed);
    if (result >= 0) result = make(parsed, names, names_len, lifetime, output, output_cap);
    EVP_PKEY_free(parsed);
    return result;
}
