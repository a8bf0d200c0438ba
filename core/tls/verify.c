/* verify.c: what is asked of a peer's chain beyond what BoringSSL asks.
 *
 * BoringSSL does not look at what a trusted certificate says of itself, and takes keys and
 * signatures of any strength that it can compute. OpenSSL looks, at the security level that
 * Python and Debian give it: docs/decisions/09 and 12. */
#include "tls/verify.h"

#include <stdio.h>

/* OpenSSL's numbers, which BoringSSL lacks or uses for something else. */
#define EE_KEY_TOO_SMALL 66
#define CA_KEY_TOO_SMALL 67
#define CA_MD_TOO_WEAK 68
#define INVALID_CALL 69
#define STORE_LOOKUP 70

/* 112 bits of security: RFC 5280's algorithms of that strength are RSA of 2048 bits, elliptic
 * curves of 224 bits (BoringSSL has no smaller ones) and SHA-2. */
#define RSA_BITS_MIN 2048

static bool is_weak_key(X509 *certificate) {
    EVP_PKEY *key = X509_get_pubkey(certificate);
    int type;
    int bits;
    if (key == NULL) return false; /* BoringSSL refuses it */
    type = EVP_PKEY_id(key);
    bits = EVP_PKEY_bits(key);
    EVP_PKEY_free(key);
    return type != EVP_PKEY_EC && type != EVP_PKEY_ED25519 && bits < RSA_BITS_MIN;
}

/* BoringSSL verifies RSA-PSS with SHA-2 only, which has no digest of its own here. */
static bool is_weak_signature(X509 *certificate) {
    int digest = NID_undef;
    if (OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &digest, NULL) != 1) return false;
    return digest == NID_sha1 || digest == NID_md5 || digest == NID_md4;
}

/* Intermediates between a certificate at that depth and the peer's own. Those that an authority
 * has issued to itself do not count: RFC 5280 section 4.2.1.9. */
static long path_length(X509_STORE_CTX *verification, int depth) {
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(verification);
    long length = 0;
    int i;
    for (i = 1; i < depth; i++) {
        if ((X509_get_extension_flags(sk_X509_value(chain, (size_t)i)) & EXFLAG_SI) == 0) length++;
    }
    return length;
}

/* What an issuer says of itself. BoringSSL has looked only if it is not the trusted one. */
static int judge_issuer(X509 *issuer, X509_STORE_CTX *verification, int depth, bool is_server) {
    int purpose = is_server ? X509_PURPOSE_SSL_CLIENT : X509_PURPOSE_SSL_SERVER;
    long limit = X509_get_pathlen(issuer);
    if (X509_check_ca(issuer) == 0) return X509_V_ERR_INVALID_CA;
    if ((X509_get_extension_flags(issuer) & EXFLAG_CRITICAL) != 0) {
        return X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION;
    }
    if (X509_check_purpose(issuer, purpose, 1) <= 0) return X509_V_ERR_INVALID_PURPOSE;
    if (limit >= 0 && path_length(verification, depth) > limit) {
        return X509_V_ERR_PATH_LENGTH_EXCEEDED;
    }
    return X509_V_OK;
}

static int judge_strength(X509 *certificate, X509_STORE_CTX *verification, int depth) {
    int top = (int)sk_X509_num(X509_STORE_CTX_get0_chain(verification)) - 1;
    if (is_weak_key(certificate)) return depth == 0 ? EE_KEY_TOO_SMALL : CA_KEY_TOO_SMALL;
    /* The trusted one is not believed for its signature. */
    return depth < top && is_weak_signature(certificate) ? CA_MD_TOO_WEAK : X509_V_OK;
}

/* A server's ticket for TLS 1.3 holds all that the client has sent as its chain. BoringSSL sends
 * two, and fails if they take more than 64 KiB; its clients of 2023 refuse one of more than 16.
 * A client with that many certificates gets none. */
#define TICKET_CERTIFICATES_MAX ((size_t)14 * 1024)

static void bound_tickets(SSL *ssl) {
    const STACK_OF(CRYPTO_BUFFER) *sent = SSL_get0_peer_certificates(ssl);
    size_t count = sent == NULL ? 0 : sk_CRYPTO_BUFFER_num(sent);
    size_t len = 0;
    size_t i;
    for (i = 0; i < count; i++) len += CRYPTO_BUFFER_len(sk_CRYPTO_BUFFER_value(sent, i));
    if (len > TICKET_CERTIFICATES_MAX) SSL_set_options(ssl, SSL_OP_NO_TICKET);
}

static bool is_trusted_itself(X509 *certificate, X509_STORE_CTX *verification) {
    STACK_OF(X509) *found = X509_STORE_get1_certs(verification, X509_get_subject_name(certificate));
    bool is_found = false;
    size_t i;
    for (i = 0; found != NULL && i < sk_X509_num(found) && !is_found; i++) {
        is_found = X509_cmp(sk_X509_value(found, i), certificate) == 0;
    }
    sk_X509_pop_free(found, X509_free);
    return is_found;
}

/* A self-signed certificate whose key may not sign certificates is for BoringSSL not its own
 * issuer, so that it misses one though the certificate is trusted itself. Then the chain ends
 * where it is, and the rest of what BoringSSL asks, such as the dates, follows. */
static bool end_at_trusted(X509 *certificate, X509_STORE_CTX *verification, int depth) {
    if (depth != 0 ||
        X509_STORE_CTX_get_error(verification) != X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
        (X509_get_extension_flags(certificate) & EXFLAG_SI) == 0 ||
        !is_trusted_itself(certificate, verification)) {
        return false;
    }
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(verification), X509_V_FLAG_PARTIAL_CHAIN);
    X509_STORE_CTX_set_error(verification, X509_V_OK);
    return true;
}

int cleat_verify_certificate(int ok, X509_STORE_CTX *verification) {
    X509 *certificate = X509_STORE_CTX_get_current_cert(verification);
    int depth = X509_STORE_CTX_get_error_depth(verification);
    SSL *ssl = X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct cleat_connection *connection = SSL_get_app_data(ssl);
    int code = X509_V_OK;
    if (certificate == NULL) return ok;
    if (ok != 1) return end_at_trusted(certificate, verification, depth) ? 1 : 0;
    if (depth > 0) code = judge_issuer(certificate, verification, depth, SSL_is_server(ssl) == 1);
    if (code == X509_V_OK) {
        code = judge_strength(certificate, verification, depth);
        if (code == X509_V_OK) {
            if (depth == 0 && SSL_is_server(ssl) == 1) bound_tickets(ssl);
            return 1;
        }
        /* BoringSSL makes the alert of its own numbers. This one's is what OpenSSL sends for
         * what is weak: bad_certificate. */
        connection->verify_code = code;
        code = X509_V_ERR_CERT_REJECTED;
    }
    X509_STORE_CTX_set_error(verification, code);
    return 0;
}

int32_t cleat_verify_code(const struct cleat_connection *connection) {
    long code = SSL_get_verify_result(connection->ssl);
    if (connection->verify_code != X509_V_OK) return connection->verify_code;
    switch (code) {
        case X509_V_ERR_INVALID_CALL: return INVALID_CALL;
        case X509_V_ERR_STORE_LOOKUP: return STORE_LOOKUP;
        /* OpenSSL has no such code: it compares the common name, or fails with this one. */
        case X509_V_ERR_NAME_CONSTRAINTS_WITHOUT_SANS: return X509_V_ERR_UNSUPPORTED_NAME_SYNTAX;
        default: return (int32_t)code;
    }
}

void cleat_verify_describe(const struct cleat_connection *connection, char *text, size_t size) {
    const char *name = connection->server_hostname == NULL ? "" : connection->server_hostname;
    long code = SSL_get_verify_result(connection->ssl);
    const char *words = X509_verify_cert_error_string(code);
    switch (connection->verify_code) {
        case EE_KEY_TOO_SMALL: words = "certificate's key is too weak"; break;
        case CA_KEY_TOO_SMALL: words = "issuer's key is too weak"; break;
        case CA_MD_TOO_WEAK: words = "signature's digest is too weak"; break;
        default: break;
    }
    if (code == X509_V_ERR_HOSTNAME_MISMATCH) {
        snprintf(text, size, "Hostname mismatch, certificate is not valid for '%s'.", name);
    } else if (code == X509_V_ERR_IP_ADDRESS_MISMATCH) {
        snprintf(text, size, "IP address mismatch, certificate is not valid for '%s'.", name);
    } else {
        snprintf(text, size, "%s", words);
    }
}
