/* chain_bytes.c: converts chains to DER. Buffers of certificates that the peer has sent are shared, not copied. */
#include "x509/chain_bytes.h"

#include <stdbool.h>
#include <string.h>

static bool push_buffer(STACK_OF(CRYPTO_BUFFER) * list, CRYPTO_BUFFER *buffer) {
    if (buffer != NULL && sk_CRYPTO_BUFFER_push(list, buffer) != 0) return true;
    CRYPTO_BUFFER_free(buffer);
    return false;
}

void cleat_chain_bytes_free(STACK_OF(CRYPTO_BUFFER) * chain) {
    sk_CRYPTO_BUFFER_pop_free(chain, CRYPTO_BUFFER_free);
}

static CRYPTO_BUFFER *to_buffer(X509 *certificate, const STACK_OF(CRYPTO_BUFFER) * known) {
    uint8_t *der = NULL;
    int len = i2d_X509(certificate, &der);
    CRYPTO_BUFFER *buffer = NULL;
    size_t i;
    if (len <= 0) return NULL;
    for (i = 0; i < sk_CRYPTO_BUFFER_num(known) && buffer == NULL; i++) {
        CRYPTO_BUFFER *other = sk_CRYPTO_BUFFER_value(known, i);
        if (CRYPTO_BUFFER_len(other) == (size_t)len &&
            memcmp(CRYPTO_BUFFER_data(other), der, (size_t)len) == 0) {
            CRYPTO_BUFFER_up_ref(other);
            buffer = other;
        }
    }
    if (buffer == NULL) buffer = CRYPTO_BUFFER_new(der, (size_t)len, NULL);
    OPENSSL_free(der);
    return buffer;
}

STACK_OF(CRYPTO_BUFFER) *
    cleat_chain_bytes(const STACK_OF(X509) * chain, const STACK_OF(CRYPTO_BUFFER) * known) {
    STACK_OF(CRYPTO_BUFFER) *list = sk_CRYPTO_BUFFER_new_null();
    size_t i;
    for (i = 0; list != NULL && i < sk_X509_num(chain); i++) {
        if (!push_buffer(list, to_buffer(sk_X509_value(chain, i), known))) {
            cleat_chain_bytes_free(list);
            return NULL;
        }
    }
    return list;
}

STACK_OF(CRYPTO_BUFFER) * cleat_chain_bytes_ref(const STACK_OF(CRYPTO_BUFFER) * chain) {
    STACK_OF(CRYPTO_BUFFER) *list = sk_CRYPTO_BUFFER_new_null();
    size_t i;
    for (i = 0; list != NULL && i < sk_CRYPTO_BUFFER_num(chain); i++) {
        CRYPTO_BUFFER *certificate = sk_CRYPTO_BUFFER_value(chain, i);
        CRYPTO_BUFFER_up_ref(certificate);
        if (!push_buffer(list, certificate)) {
            cleat_chain_bytes_free(list);
            return NULL;
        }
    }
    return list;
}
