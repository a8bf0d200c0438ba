#include "x509/strength.h"

/* 112 bits of security need RSA keys of 2048 bits, elliptic curves of 224 bits (BoringSSL has no smaller ones) and
 * SHA-2. */
#define RSA_BITS_MIN 2048

bool cleat_strength_has_weak_key(X509 *certificate) {
    EVP_PKEY *key = X509_get_pubkey(certificate);
    int type;
    int bits;
    if (key == NULL) return false; /* BoringSSL refuses it */
    type = EVP_PKEY_id(key);
    bits = EVP_PKEY_bits(key);
    EVP_PKEY_free(key);
    return type != EVP_PKEY_EC && type != EVP_PKEY_ED25519 && bits < RSA_BITS_MIN;
}

/* BoringSSL verifies RSA-PSS with SHA-2 only, for which OBJ_find_sigid_algs returns no digest. */
bool cleat_strength_has_weak_signature(const X509 *certificate) {
    int digest = NID_undef;
    if (OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &digest, NULL) != 1) return false;
    return digest == NID_sha1 || digest == NID_md5 || digest == NID_md4;
}
