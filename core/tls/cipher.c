/* cipher.c: the parts of cipher suites, with the names of OpenSSL 3 and Python's get_ciphers(). */
#include "cleat/cipher.h"

#include <stdio.h>
#include <string.h>

#include "base/argument.h"
#include "base/boringssl.h"

static const char *version_of(const SSL_CIPHER *cipher) {
    uint16_t first = SSL_CIPHER_get_min_version(cipher);
    if (first >= TLS1_3_VERSION) return "TLSv1.3";
    if (first >= TLS1_2_VERSION) return "TLSv1.2";
    return SSL_CIPHER_get_kx_nid(cipher) == NID_kx_ecdhe ? "TLSv1.0" : "SSLv3";
}

static bool is_ecdhe_psk(const SSL_CIPHER *cipher) {
    return SSL_CIPHER_get_kx_nid(cipher) == NID_kx_ecdhe &&
           SSL_CIPHER_get_auth_nid(cipher) == NID_auth_psk;
}

static const char *part_of(const SSL_CIPHER *cipher, int32_t which) {
    switch (which) {
        case CLEAT_CIPHER_NAME: return SSL_CIPHER_get_name(cipher);
        case CLEAT_CIPHER_VERSION: return version_of(cipher);
        case CLEAT_CIPHER_SYMMETRIC: return OBJ_nid2ln(SSL_CIPHER_get_cipher_nid(cipher));
        case CLEAT_CIPHER_DIGEST:
            return SSL_CIPHER_is_aead(cipher) ? "" : OBJ_nid2ln(SSL_CIPHER_get_digest_nid(cipher));
        case CLEAT_CIPHER_KEY_EXCHANGE:
            return is_ecdhe_psk(cipher) ? "kx-ecdhe-psk"
                                        : OBJ_nid2ln(SSL_CIPHER_get_kx_nid(cipher));
        default: return OBJ_nid2ln(SSL_CIPHER_get_auth_nid(cipher));
    }
}

static const char *description_of_key_exchange(const SSL_CIPHER *cipher) {
    if (is_ecdhe_psk(cipher)) return "ECDHEPSK";
    switch (SSL_CIPHER_get_kx_nid(cipher)) {
        case NID_kx_ecdhe: return "ECDH";
        case NID_kx_rsa: return "RSA";
        case NID_kx_psk: return "PSK";
        default: return "any";
    }
}

static const char *description_of_authentication(const SSL_CIPHER *cipher) {
    switch (SSL_CIPHER_get_auth_nid(cipher)) {
        case NID_auth_rsa: return "RSA";
        case NID_auth_ecdsa: return "ECDSA";
        case NID_auth_psk: return "PSK";
        default: return "any";
    }
}

static const char *description_of_encryption(const SSL_CIPHER *cipher) {
    switch (SSL_CIPHER_get_cipher_nid(cipher)) {
        case NID_aes_128_gcm: return "AESGCM(128)";
        case NID_aes_256_gcm: return "AESGCM(256)";
        case NID_chacha20_poly1305: return "CHACHA20/POLY1305(256)";
        case NID_aes_128_cbc: return "AES(128)";
        case NID_aes_256_cbc: return "AES(256)";
        default: return "3DES(168)";
    }
}

static const char *description_of_mac(const SSL_CIPHER *cipher) {
    if (SSL_CIPHER_is_aead(cipher)) return "AEAD";
    switch (SSL_CIPHER_get_digest_nid(cipher)) {
        case NID_sha256: return "SHA256";
        case NID_sha384: return "SHA384";
        default: return "SHA1";
    }
}

static int32_t describe(const SSL_CIPHER *cipher, char *output, int32_t output_cap) {
    char line[160];
    const char *version = version_of(cipher);
    int len =
        snprintf(line, sizeof line, "%-30s %-7s Kx=%-8s Au=%-5s Enc=%-22s Mac=%-4s",
                 SSL_CIPHER_get_name(cipher), strcmp(version, "TLSv1.0") == 0 ? "TLSv1" : version,
                 description_of_key_exchange(cipher), description_of_authentication(cipher),
                 description_of_encryption(cipher), description_of_mac(cipher));
    return cleat_copy_out(line, len, output, output_cap);
}

/* NULL if there is none. */
static const SSL_CIPHER *find(int32_t cipher) {
    return cipher < 0 || cipher > UINT16_MAX ? NULL : SSL_get_cipher_by_value((uint16_t)cipher);
}

static int32_t fail_unknown(void) {
    return cleat_fail_usage(1, "unknown cipher suite");
}

int32_t cleat_cipher_text(int32_t cipher, int32_t which, char *output, int32_t output_cap) {
    CLEAT_NO_CANCEL();
    const SSL_CIPHER *found = find(cipher);
    const char *part;
    CLEAT_CHECK_RANGE(2, which, CLEAT_CIPHER_NAME, CLEAT_CIPHER_DESCRIPTION);
    CLEAT_CHECK_OUT(3, output, output_cap);
    if (found == NULL) return fail_unknown();
    if (which == CLEAT_CIPHER_DESCRIPTION) return describe(found, output, output_cap);
    part = part_of(found, which);
    return cleat_copy_out(part, (int64_t)strlen(part), output, output_cap);
}

int32_t cleat_cipher_bits(int32_t cipher, int32_t *bits) {
    CLEAT_NO_CANCEL();
    const SSL_CIPHER *found = find(cipher);
    int key_bits;
    int strength;
    CLEAT_CHECK_POINTER(2, bits);
    if (found == NULL) return fail_unknown();
    strength = SSL_CIPHER_get_bits(found, &key_bits);
    *bits = key_bits;
    return strength;
}
