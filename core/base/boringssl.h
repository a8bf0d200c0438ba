/* boringssl.h: the only file that includes BoringSSL's headers, and the differences between its versions.
 *
 * BORINGSSL_API_VERSION 19 (2023-03) is the oldest that is supported. */
#ifndef CLEAT_CORE_BORINGSSL_H
#define CLEAT_CORE_BORINGSSL_H

#include <openssl/aes.h>
#include <openssl/base.h>
#include <openssl/bio.h>
#include <openssl/bytestring.h>
#include <openssl/chacha.h>
#include <openssl/cipher.h>
#include <openssl/crypto.h>
#include <openssl/dh.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hkdf.h>
#include <openssl/hmac.h>
#include <openssl/hpke.h>
#include <openssl/mem.h>
#include <openssl/obj.h>
#include <openssl/pem.h>
#include <openssl/pkcs8.h>
#include <openssl/pool.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* Newer versions declare OPENSSL_tm_to_posix here. */
#if __has_include(<openssl/posix_time.h>)
#include <openssl/posix_time.h>
#else
#include <openssl/time.h>
#endif

#if BORINGSSL_API_VERSION < 19
#error "cleat needs BORINGSSL_API_VERSION 19 (2023-03) or later"
#endif

/* The default groups, in order of preference; BoringSSL's own default differs between versions. In TLS 1.2 the list
 * also restricts the curves of certificates: it includes P-521 for those. */
#if defined(SSL_GROUP_X25519_MLKEM768)
#define CLEAT_DEFAULT_GROUPS "X25519MLKEM768:X25519:P-256:P-384:P-521"
#else
#define CLEAT_DEFAULT_GROUPS "X25519:P-256:P-384:P-521"
#endif

/* SSL_CREDENTIAL: an SSL_CTX can have several certificates, also for certain issuers only. Without it
 * core/tls/credential_choice.c selects the certificate. */
#if defined(SSL_R_NO_MATCHING_ISSUER)
#define CLEAT_HAS_SSL_CREDENTIAL 1
#else
#define CLEAT_HAS_SSL_CREDENTIAL 0
#endif

/* Raw public keys (RFC 7250). */
#if defined(TLSEXT_cert_type_rpk)
#define CLEAT_HAS_RAW_PUBLIC_KEYS 1
#else
#define CLEAT_HAS_RAW_PUBLIC_KEYS 0
#endif

/* The policies of CNSA: 2024-07, and two of 2026-03. */
#if BORINGSSL_API_VERSION >= 40
#define CLEAT_HAS_CNSA_POLICIES 1
#else
#define CLEAT_HAS_CNSA_POLICIES 0
#endif

#endif
