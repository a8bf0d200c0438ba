/* shared_cipher.c: the cipher suites that a server has in common with its client.
 *
 * BoringSSL provides the client's list only during the ClientHello, so the shared suites are stored then, as a bit
 * set with a bit for each suite of the table below. A test checks that the table has all of BoringSSL's suites. */
#include "base/argument.h"
#include "tls/connection.h"

/* IANA's numbers, in BoringSSL's order of preference. */
static const uint16_t suites[] = {
    0x1301, 0x1302, 0x1303, /* TLS 1.3 */
    0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xccac, /* ECDHE with AES-GCM, ChaCha20 */
    0xc009, 0xc013, 0xc023, 0xc027, 0xc035, 0xc00a, 0xc014, 0xc036, /* ECDHE with AES-CBC */
    0x009c, 0x009d, 0x002f, 0x003c, 0x008c, 0x0035, 0x003d, 0x008d, /* RSA, PSK */
    0x000a, /* 3DES */
};

enum { SUITES = sizeof suites / sizeof suites[0] };

_Static_assert(SUITES <= 32, "a bit for each");

static uint32_t bit_of(uint16_t suite) {
    int i;
    for (i = 0; i < SUITES; i++) {
        if (suites[i] == suite) return (uint32_t)1 << i;
    }
    return 0;
}

static uint32_t offered_by(const SSL_CLIENT_HELLO *hello) {
    uint32_t set = 0;
    size_t i;
    for (i = 0; i + 1 < hello->cipher_suites_len; i += 2) {
        const uint8_t *suite = hello->cipher_suites + i;
        set |= bit_of((uint16_t)(suite[0] << 8 | suite[1]));
    }
    return set;
}

static uint32_t accepted_by(const SSL *ssl) {
    const STACK_OF(SSL_CIPHER) *ciphers = SSL_get_ciphers(ssl);
    uint32_t set = 0;
    size_t i;
    for (i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
        set |= bit_of(SSL_CIPHER_get_protocol_id(sk_SSL_CIPHER_value(ciphers, i)));
    }
    if (SSL_get_max_proto_version(ssl) >= TLS1_3_VERSION &&
        (SSL_get_options(ssl) & SSL_OP_NO_TLSv1_3) == 0) {
        set |= 7; /* the cipher list does not contain the suites of TLS 1.3 */
    }
    return set;
}

uint32_t cleat_shared_suites(const SSL_CLIENT_HELLO *hello) {
    return offered_by(hello) & accepted_by(hello->ssl);
}

bool cleat_has_shared_suite(const struct cleat_connection *self, int key_exchange,
                            int authentication) {
    int version = SSL_version(self->ssl);
    int i;
    for (i = 0; i < SUITES; i++) {
        const SSL_CIPHER *cipher;
        if ((self->shared_suites & (uint32_t)1 << i) == 0) continue;
        cipher = SSL_get_cipher_by_value(suites[i]);
        if (SSL_CIPHER_get_kx_nid(cipher) == key_exchange &&
            SSL_CIPHER_get_auth_nid(cipher) == authentication &&
            SSL_CIPHER_get_min_version(cipher) <= version &&
            SSL_CIPHER_get_max_version(cipher) >= version) {
            return true;
        }
    }
    return false;
}

/* shared counts the shared suites, and returns the one at index, or NULL if index is out of range. */
static const SSL_CIPHER *shared(const struct cleat_connection *self, int32_t index,
                                int32_t *count) {
    const SSL_CIPHER *found = NULL;
    int i;
    *count = 0;
    for (i = 0; i < SUITES && self->established; i++) {
        if ((self->shared_suites & (uint32_t)1 << i) == 0) continue;
        if ((*count)++ == index) found = SSL_get_cipher_by_value(suites[i]);
    }
    return found;
}

int32_t cleat_connection_shared_cipher_count(int32_t connection) {
    struct cleat_connection *self;
    int32_t count;
    CLEAT_FIND(self, connection, CLEAT_KIND_CONNECTION);
    pthread_mutex_lock(&self->lock);
    shared(self, -1, &count);
    pthread_mutex_unlock(&self->lock);
    CLEAT_DONE(self);
    return count;
}

int32_t cleat_connection_shared_cipher(int32_t connection, int32_t index, char *output,
                                       int32_t output_cap, int32_t *bits, int32_t *tls_version) {
    struct cleat_connection *self;
    const SSL_CIPHER *cipher;
    int32_t count;
    int32_t result;
    CLEAT_CHECK_OUT(3, output, output_cap);
    CLEAT_CHECK_POINTER(5, bits);
    CLEAT_CHECK_POINTER(6, tls_version);
    CLEAT_FIND(self, connection, CLEAT_KIND_CONNECTION);
    pthread_mutex_lock(&self->lock);
    cipher = shared(self, index, &count);
    if (cipher == NULL) {
        result = cleat_fail_usage(2, "index out of range");
    } else {
        const char *name = cleat_cipher_name(cipher);
        *bits = SSL_CIPHER_get_bits(cipher, NULL);
        *tls_version = SSL_CIPHER_get_min_version(cipher);
        result = cleat_copy_out(name, (int64_t)strlen(name), output, output_cap);
    }
    pthread_mutex_unlock(&self->lock);
    CLEAT_DONE(self);
    return result;
}
