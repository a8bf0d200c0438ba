/* test_undecodable.c: certificates that BoringSSL's TLS accepts and its X.509 parser refuses. The handshake fails as
 * with BoringSSL's own X.509 method: DECODE_ERROR, even without verification. */
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "ca.h"
#include "expect.h"
#include "raw.h"

enum { DAY = 86400, DECODE_ERROR = SSL_AD_REASON_OFFSET + SSL_AD_DECODE_ERROR };

static int32_t new_context(int32_t mode) {
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(context > 0);
    EXPECT(cleat_context_set_verify_mode(context, mode) == CLEAT_OK);
    return context;
}

/* The result of a connection of the context with the peer. */
static int32_t meet(int32_t context, const struct raw_peer *peer, int *error) {
    int32_t connection = cleat_connection_over_memory(context, peer->server ? 0 : 1, NULL, 0);
    int32_t status = raw_meet(connection, peer, error);
    if (status == CLEAT_OK) { /* an accepted certificate can be parsed later, too */
        int32_t certificate = cleat_connection_peer_certificate(connection);
        EXPECT(certificate > 0 && cleat_close(certificate) == CLEAT_OK);
    }
    EXPECT(cleat_close(connection) == CLEAT_OK);
    return status;
}

static bool can_parse(const uint8_t *der, size_t len) {
    CRYPTO_BUFFER *buffer = CRYPTO_BUFFER_new(der, len, NULL);
    X509 *x509 = X509_parse_from_buffer(buffer);
    CRYPTO_BUFFER_free(buffer);
    X509_free(x509);
    ERR_clear_error();
    return x509 != NULL;
}

/* Each byte of a server's certificate is changed in turn. */
static void test_each_byte(int32_t version, size_t step) {
    const struct ca_request request = {"localhost", 7, -DAY, DAY, false, 0};
    struct ca_certificate leaf = ca_issue(&request, NULL);
    int32_t none = new_context(CLEAT_CERT_NONE);
    int32_t required = new_context(CLEAT_CERT_REQUIRED);
    uint8_t *der = NULL;
    size_t len = (size_t)i2d_X509(leaf.x509, &der);
    int undecodable = 0;
    int accepted = 0;
    size_t i;
    EXPECT(cleat_context_set_maximum_version(none, version) == CLEAT_OK);
    EXPECT(cleat_context_set_maximum_version(required, version) == CLEAT_OK);
    for (i = 0; i < len; i += step) {
        const struct raw_peer peer = {true, der, len, leaf.key, NULL};
        int32_t status;
        int error;
        der[i] ^= 0x21;
        if (raw_accepts(&peer)) {
            accepted++;
            EXPECT(meet(none, &peer, &error) == CLEAT_OK && error == 0);
            EXPECT(CLEAT_CLASS(meet(required, &peer, &error)) == CLEAT_VERIFY);
        } else if (raw_can_present(&peer)) {
            status = meet(none, &peer, &error);
            EXPECT(CLEAT_CLASS(status) == CLEAT_SSL && error != 0);
            if (status == CLEAT_STATUS(CLEAT_SSL, SSL_R_DECODE_ERROR)) {
                undecodable++;
                EXPECT(!can_parse(der, len) && error == DECODE_ERROR);
                EXPECT(meet(required, &peer, &error) == status && error == DECODE_ERROR);
            }
        }
        der[i] ^= 0x21;
    }
    EXPECT(undecodable > 0 && accepted > 0);
    OPENSSL_free(der);
    EXPECT(cleat_close(none) == CLEAT_OK && cleat_close(required) == CLEAT_OK);
    ca_free(&leaf);
}

/* Servers receive them from clients. Here the version is one that does not exist. */
static void test_client(void) {
    static const uint8_t version[] = {0xa0, 3, 2, 1, 2};
    const struct ca_request request = {"client", 7, -DAY, DAY, false, 0};
    struct ca_certificate leaf = ca_issue(&request, NULL);
    int32_t optional = new_context(CLEAT_CERT_OPTIONAL);
    uint8_t *der = NULL;
    size_t len = (size_t)i2d_X509(leaf.x509, &der);
    const struct raw_peer peer = {false, der, len, leaf.key, NULL};
    uint8_t *at = memmem(der, len, version, sizeof version);
    int error;
    ca_load(optional, &leaf);
    EXPECT(CLEAT_CLASS(meet(optional, &peer, &error)) == CLEAT_VERIFY); /* the control */
    EXPECT(at != NULL);
    at[4] = 7;
    EXPECT(meet(optional, &peer, &error) == CLEAT_STATUS(CLEAT_SSL, SSL_R_DECODE_ERROR) &&
           error == DECODE_ERROR);
    OPENSSL_free(der);
    EXPECT(cleat_close(optional) == CLEAT_OK);
    ca_free(&leaf);
}

int main(void) {
    test_each_byte(CLEAT_TLS1_3_VERSION, 1);
    test_each_byte(CLEAT_TLS1_2_VERSION, 3);
    test_client();
    EXPECT(cleat_handle_count() == 0);
    puts("servers' and clients' certificates that cannot be parsed");
    return 0;
}
