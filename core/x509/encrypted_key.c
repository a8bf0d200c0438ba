/* encrypted_key.c: parses the parameters of PBES2. BoringSSL's functions derive the key and decrypt.
 *
 * EncryptedPrivateKeyInfo ::= SEQUENCE { algorithm SEQUENCE { pbes2 OID, parameters }, OCTET STRING } parameters ::=
 * SEQUENCE { kdf SEQUENCE { OID, parameters }, cipher SEQUENCE { OID, iv } } */
#include "x509/encrypted_key.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* Object identifiers without tag and length. */
static const uint8_t pbes2[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d};
static const uint8_t pbkdf2[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c};
static const uint8_t scrypt[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b};
static const uint8_t hmac_prefix[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02};
static const uint8_t aes_prefix[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01};
static const uint8_t des3_cbc[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07};

struct scheme {
    const EVP_MD *digest; /* of PBKDF2; NULL for scrypt */
    const EVP_CIPHER *cipher;
    CBS salt;
    CBS iv;
    CBS ciphertext;
    uint64_t iterations;
    uint64_t n;
    uint64_t r;
    uint64_t p;
    uint64_t key_len; /* 0 if absent */
};

static int32_t fail_malformed(void) {
    return cleat_fail_named("PKCS8", "DECODE_ERROR", "decode error");
}

bool cleat_encrypted_key_is_for(uint32_t error) {
    int reason = ERR_GET_REASON(error);
    return ERR_GET_LIB(error) == ERR_LIB_PKCS8 &&
           (reason == PKCS8_R_UNSUPPORTED_PRF ||
            reason == PKCS8_R_UNSUPPORTED_KEY_DERIVATION_FUNCTION);
}

/* The last byte of an object identifier that consists of the prefix and one more byte; -1 for others. */
static int last_number(const CBS *oid, const uint8_t *prefix, size_t len) {
    const uint8_t *bytes = CBS_data(oid);
    return CBS_len(oid) == len + 1 && memcmp(bytes, prefix, len) == 0 ? bytes[len] : -1;
}

static const EVP_MD *digest_of(const CBS *oid) {
    switch (last_number(oid, hmac_prefix, sizeof hmac_prefix)) {
        case 7: return EVP_sha1();
        case 8: return EVP_sha224();
        case 9: return EVP_sha256();
        case 10: return EVP_sha384();
        case 11: return EVP_sha512();
        case 13: return EVP_sha512_256();
        default: return NULL;
    }
}

static const EVP_CIPHER *cipher_of(const CBS *oid) {
    if (CBS_mem_equal(oid, des3_cbc, sizeof des3_cbc)) return EVP_des_ede3_cbc();
    switch (last_number(oid, aes_prefix, sizeof aes_prefix)) {
        case 2: return EVP_aes_128_cbc();
        case 22: return EVP_aes_192_cbc();
        case 42: return EVP_aes_256_cbc();
        default: return NULL;
    }
}

/* The optional length of the key. */
static bool get_key_len(CBS *parameters, struct scheme *scheme) {
    return !CBS_peek_asn1_tag(parameters, CBS_ASN1_INTEGER) ||
           (CBS_get_asn1_uint64(parameters, &scheme->key_len) && scheme->key_len > 0);
}

static int32_t parse_pbkdf2(CBS *parameters, struct scheme *scheme) {
    CBS prf;
    CBS oid;
    CBS null;
    scheme->digest = EVP_sha1(); /* the default */
    if (!CBS_get_asn1(parameters, &scheme->salt, CBS_ASN1_OCTETSTRING) ||
        !CBS_get_asn1_uint64(parameters, &scheme->iterations) || !get_key_len(parameters, scheme)) {
        return fail_malformed();
    }
    if (CBS_len(parameters) > 0) {
        if (!CBS_get_asn1(parameters, &prf, CBS_ASN1_SEQUENCE) || CBS_len(parameters) != 0 ||
            !CBS_get_asn1(&prf, &oid, CBS_ASN1_OBJECT) ||
            !CBS_get_asn1(&prf, &null, CBS_ASN1_NULL) || CBS_len(&null) != 0 ||
            CBS_len(&prf) != 0) {
            return fail_malformed();
        }
        scheme->digest = digest_of(&oid);
        if (scheme->digest == NULL) {
            return cleat_fail_named("PKCS8", "UNSUPPORTED_PRF", "unsupported prf");
        }
    }
    if (scheme->iterations == 0 || scheme->iterations > CLEAT_PBKDF2_ITERATIONS_MAX) {
        return cleat_fail_named("PKCS8", "BAD_ITERATION_COUNT",
                                "bad iteration count (the limit is 10000000)");
    }
    return CLEAT_OK;
}

static int32_t parse_scrypt(CBS *parameters, struct scheme *scheme) {
    if (!CBS_get_asn1(parameters, &scheme->salt, CBS_ASN1_OCTETSTRING) ||
        !CBS_get_asn1_uint64(parameters, &scheme->n) ||
        !CBS_get_asn1_uint64(parameters, &scheme->r) ||
        !CBS_get_asn1_uint64(parameters, &scheme->p) || !get_key_len(parameters, scheme) ||
        CBS_len(parameters) != 0) {
        return fail_malformed();
    }
    if (scheme->n < 2 || (scheme->n & (scheme->n - 1)) != 0 || scheme->r == 0 || scheme->p == 0) {
        return cleat_fail_named("EVP", "INVALID_PARAMETERS", "invalid parameters");
    }
    /* Each factor is checked first, so that no product overflows. */
    if (scheme->n > CLEAT_SCRYPT_WORK_MAX || scheme->r > CLEAT_SCRYPT_WORK_MAX ||
        scheme->p > CLEAT_SCRYPT_WORK_MAX ||
        scheme->n * scheme->r > CLEAT_SCRYPT_WORK_MAX / scheme->p ||
        (scheme->n + scheme->p + 1) * scheme->r * 128 > CLEAT_SCRYPT_MEMORY_MAX) {
        return cleat_fail_named(
            "EVP", "MEMORY_LIMIT_EXCEEDED",
            "memory limit exceeded (the limits for scrypt are 65 MiB, and 2^22 for N * r * p)");
    }
    return CLEAT_OK;
}

static int32_t parse_cipher(CBS *algorithm, struct scheme *scheme) {
    CBS oid;
    if (!CBS_get_asn1(algorithm, &oid, CBS_ASN1_OBJECT)) return fail_malformed();
    scheme->cipher = cipher_of(&oid);
    if (scheme->cipher == NULL) {
        return cleat_fail_named("PKCS8", "UNSUPPORTED_CIPHER", "unsupported cipher");
    }
    if (!CBS_get_asn1(algorithm, &scheme->iv, CBS_ASN1_OCTETSTRING) || CBS_len(algorithm) != 0) {
        return fail_malformed();
    }
    if (CBS_len(&scheme->iv) != EVP_CIPHER_iv_length(scheme->cipher)) {
        return cleat_fail_named("PKCS8", "ERROR_SETTING_CIPHER_PARAMS",
                                "error setting cipher params");
    }
    if (scheme->key_len != 0 && scheme->key_len != EVP_CIPHER_key_length(scheme->cipher)) {
        return cleat_fail_named("PKCS8", "UNSUPPORTED_KEYLENGTH", "unsupported keylength");
    }
    return CLEAT_OK;
}

static int32_t parse(const uint8_t *der, size_t len, struct scheme *scheme) {
    CBS all;
    CBS info;
    CBS algorithm;
    CBS oid;
    CBS parameters;
    CBS kdf;
    CBS cipher;
    CBS kdf_parameters;
    int32_t status;
    CBS_init(&all, der, len);
    if (!CBS_get_asn1(&all, &info, CBS_ASN1_SEQUENCE) || CBS_len(&all) != 0 ||
        !CBS_get_asn1(&info, &algorithm, CBS_ASN1_SEQUENCE) ||
        !CBS_get_asn1(&info, &scheme->ciphertext, CBS_ASN1_OCTETSTRING) || CBS_len(&info) != 0 ||
        !CBS_get_asn1(&algorithm, &oid, CBS_ASN1_OBJECT) ||
        !CBS_mem_equal(&oid, pbes2, sizeof pbes2) ||
        !CBS_get_asn1(&algorithm, &parameters, CBS_ASN1_SEQUENCE) || CBS_len(&algorithm) != 0 ||
        !CBS_get_asn1(&parameters, &kdf, CBS_ASN1_SEQUENCE) ||
        !CBS_get_asn1(&parameters, &cipher, CBS_ASN1_SEQUENCE) || CBS_len(&parameters) != 0 ||
        !CBS_get_asn1(&kdf, &oid, CBS_ASN1_OBJECT) ||
        !CBS_get_asn1(&kdf, &kdf_parameters, CBS_ASN1_SEQUENCE) || CBS_len(&kdf) != 0) {
        return fail_malformed();
    }
    if (CBS_mem_equal(&oid, pbkdf2, sizeof pbkdf2)) {
        status = parse_pbkdf2(&kdf_parameters, scheme);
    } else if (CBS_mem_equal(&oid, scrypt, sizeof scrypt)) {
        status = parse_scrypt(&kdf_parameters, scheme);
    } else {
        status = cleat_fail_named("PKCS8", "UNSUPPORTED_KEY_DERIVATION_FUNCTION",
                                  "unsupported key derivation function");
    }
    return status < 0 ? status : parse_cipher(&cipher, scheme);
}

static bool derive(const struct scheme *scheme, const char *password, size_t len, uint8_t *key,
                   size_t key_len) {
    const uint8_t *salt = CBS_data(&scheme->salt);
    size_t salt_len = CBS_len(&scheme->salt);
    if (scheme->digest != NULL) {
        return PKCS5_PBKDF2_HMAC(password, len, salt, salt_len, (unsigned)scheme->iterations,
                                 scheme->digest, key_len, key) == 1;
    }
    return EVP_PBE_scrypt(password, len, salt, salt_len, scheme->n, scheme->r, scheme->p,
                          CLEAT_SCRYPT_MEMORY_MAX, key, key_len) == 1;
}

/* plain: a buffer as long as the ciphertext. */
static bool decrypt(const struct scheme *scheme, const uint8_t *key, uint8_t *plain, size_t *len) {
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int first = 0;
    int last = 0;
    bool decrypted =
        context != NULL &&
        EVP_DecryptInit_ex(context, scheme->cipher, NULL, key, CBS_data(&scheme->iv)) == 1 &&
        EVP_DecryptUpdate(context, plain, &first, CBS_data(&scheme->ciphertext),
                          (int)CBS_len(&scheme->ciphertext)) == 1 &&
        EVP_DecryptFinal_ex(context, plain + first, &last) == 1;
    *len = (size_t)first + (size_t)last;
    EVP_CIPHER_CTX_free(context);
    return decrypted;
}

/* With one wrong password in 256 the decrypted bytes end in valid padding, and parsing the key fails instead. */
static void report_bad_decrypt(void) {
    uint32_t error = ERR_peek_error();
    if (ERR_GET_LIB(error) != ERR_LIB_EVP || ERR_GET_REASON(error) != EVP_R_DECODE_ERROR) return;
    ERR_clear_error();
    ERR_put_error(ERR_LIB_CIPHER, 0, CIPHER_R_BAD_DECRYPT, __FILE__, __LINE__);
}

static EVP_PKEY *open_key(const struct scheme *scheme, const char *password, size_t password_len,
                          uint8_t *plain) {
    uint8_t key[EVP_MAX_KEY_LENGTH];
    EVP_PKEY *opened = NULL;
    size_t len;
    CBS info;
    if (derive(scheme, password, password_len, key, EVP_CIPHER_key_length(scheme->cipher)) &&
        decrypt(scheme, key, plain, &len)) {
        CBS_init(&info, plain, len);
        opened = EVP_parse_private_key(&info);
        if (opened == NULL) report_bad_decrypt();
    }
    OPENSSL_cleanse(key, sizeof key);
    return opened;
}

int32_t cleat_encrypted_key_parse(const uint8_t *der, size_t len, const char *password,
                                  size_t password_len, EVP_PKEY **key) {
    struct scheme scheme = {.digest = NULL};
    int32_t status = parse(der, len, &scheme);
    uint8_t *plain;
    if (status < 0) return status;
    cleat_error_clear_queue();
    plain = cleat_allocate(CBS_len(&scheme.ciphertext) + EVP_MAX_BLOCK_LENGTH);
    if (plain == NULL) return cleat_fail_nomem();
    *key = open_key(&scheme, password, password_len, plain);
    cleat_release(plain);
    return *key == NULL ? cleat_fail_ssl("decrypting a private key") : CLEAT_OK;
}
