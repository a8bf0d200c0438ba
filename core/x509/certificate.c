/* certificate.c: certificate objects and their simple fields. Names are in certificate_name.c, times in
 * certificate_time.c, keys in certificate_key.c, extensions in certificate_extension.c and certificate_usage.c. */
#include "x509/certificate.h"

#include "base/argument.h"
#include "base/memory.h"

static void certificate_destroy(struct cleat_object *object) {
    struct cleat_certificate *self = (struct cleat_certificate *)object;
    cleat_extensions_free(&self->extensions);
    X509_free(self->x509);
    pthread_mutex_destroy(&self->lock);
    cleat_release(self);
}

int32_t cleat_certificate_open(X509 *x509) {
    struct cleat_certificate *self = cleat_allocate(sizeof *self);
    /* BoringSSL decodes the key and the extensions only once: if an allocation fails now, they would be missing for
     * the life of the certificate. */
    X509_check_purpose(x509, -1, 0);
    if (self == NULL || cleat_memory_failed()) {
        cleat_release(self);
        X509_free(x509);
        return cleat_fail_nomem();
    }
    cleat_object_init(&self->object, CLEAT_KIND_CERTIFICATE, certificate_destroy);
    self->x509 = x509;
    pthread_mutex_init(&self->lock, NULL);
    return cleat_handle_open(&self->object);
}

int32_t cleat_certificate_from_pem(const char *data, int32_t data_len) {
    CLEAT_NO_CANCEL();
    BIO *bio;
    X509 *x509;
    CLEAT_CHECK_IN(1, data, data_len);
    cleat_error_clear_queue();
    bio = BIO_new_mem_buf(data_len > 0 ? data : "", data_len);
    if (bio == NULL) return cleat_fail_nomem();
    x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    if (x509 == NULL) return cleat_fail_ssl("PEM_read_bio_X509");
    return cleat_certificate_open(x509);
}

int32_t cleat_certificate_open_buffer(CRYPTO_BUFFER *buffer) {
    X509 *x509 = X509_parse_from_buffer(buffer);
    if (x509 == NULL) return cleat_fail_ssl("X509_parse_from_buffer");
    return cleat_certificate_open(x509);
}

int32_t cleat_certificate_from_der(const char *data, int32_t data_len) {
    CLEAT_NO_CANCEL();
    const uint8_t *at = (const uint8_t *)data;
    X509 *x509;
    CLEAT_CHECK_IN(1, data, data_len);
    cleat_error_clear_queue();
    if (data_len == 0) return cleat_fail_named("ASN1", "NOT_ENOUGH_DATA", "not enough data");
    x509 = d2i_X509(NULL, &at, data_len);
    if (x509 == NULL) return cleat_fail_ssl("d2i_X509");
    if (at != (const uint8_t *)data + data_len) {
        X509_free(x509);
        return cleat_fail_named("ASN1", "TRAILING_DATA", "bytes after the certificate");
    }
    return cleat_certificate_open(x509);
}

int32_t cleat_certificate_der(int32_t certificate, char *output, int32_t output_cap) {
    struct cleat_certificate *self;
    uint8_t *der = NULL;
    int len;
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    cleat_error_clear_queue();
    len = i2d_X509(self->x509, &der);
    result = len < 0 ? cleat_fail_ssl("i2d_X509")
                     : cleat_copy_out((const char *)der, len, output, output_cap);
    OPENSSL_free(der);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_certificate_version(int32_t certificate) {
    struct cleat_certificate *self;
    int32_t result;
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    result = (int32_t)X509_get_version(self->x509) + 1; /* BoringSSL counts from 0 */
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_certificate_is_ca(int32_t certificate) {
    struct cleat_certificate *self;
    int32_t result;
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    result = X509_check_ca(self->x509) != 0 ? 1 : 0;
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_certificate_serial_number(int32_t certificate, char *output, int32_t output_cap) {
    static const char digits[] = "0123456789ABCDEF";
    struct cleat_certificate *self;
    const ASN1_INTEGER *number;
    char *text;
    int32_t used = 0;
    int32_t result;
    int i;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    /* i2a_ASN1_INTEGER is not used because it wraps lines. */
    number = X509_get0_serialNumber(self->x509);
    text = cleat_allocate((size_t)ASN1_STRING_length(number) * 2 + 3);
    if (text == NULL) {
        result = cleat_fail_nomem();
    } else {
        if (ASN1_STRING_type(number) == V_ASN1_NEG_INTEGER) text[used++] = '-';
        for (i = 0; i < ASN1_STRING_length(number); i++) {
            uint8_t byte = ASN1_STRING_get0_data(number)[i];
            text[used++] = digits[byte >> 4];
            text[used++] = digits[byte & 15];
        }
        if (used == 0) { /* zero may have no bytes */
            text[used++] = '0';
            text[used++] = '0';
        }
        result = cleat_copy_out(text, used, output, output_cap);
    }
    cleat_release(text);
    CLEAT_DONE(self);
    return result;
}
