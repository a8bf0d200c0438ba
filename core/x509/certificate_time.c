/* certificate_time.c: the validity of certificates, in OpenSSL's format. BoringSSL accepts a UTCTime with an offset
 * from UTC in a certificate, but cannot print it. */
#include "base/argument.h"
#include "base/memory.h"
#include "x509/certificate.h"

#define BAD_TIME "Bad time value" /* OpenSSL's text for a time that it cannot print */

enum { WITHOUT_ZONE = 12, WITH_OFFSET = 17 }; /* lengths of YYMMDDhhmmss and YYMMDDhhmmss+hhmm */

/* The value of two decimal digits, or -1. */
static int two_digits(const char *text) {
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') return -1;
    return (text[0] - '0') * 10 + text[1] - '0';
}

/* An offset such as -0130, in seconds. OpenSSL allows up to 12 hours. */
static bool parse_offset(const char *text, int *seconds) {
    int hours = two_digits(text + 1);
    int minutes = two_digits(text + 3);
    if (text[0] != '+' && text[0] != '-') return false;
    if (hours < 0 || hours > 12 || minutes < 0 || minutes > 59) return false;
    *seconds = (text[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
}

/* The same time in UTC, which the caller frees; or NULL if time is not a UTCTime with an offset. */
static ASN1_TIME *to_utc(const ASN1_TIME *time) {
    const char *text = (const char *)ASN1_STRING_get0_data(time);
    char local[WITHOUT_ZONE + 2];
    ASN1_TIME *utc;
    ASN1_TIME *result = NULL;
    int64_t seconds = 0;
    int offset = 0;
    if (ASN1_STRING_type(time) != V_ASN1_UTCTIME || ASN1_STRING_length(time) != WITH_OFFSET ||
        !parse_offset(text + WITHOUT_ZONE, &offset)) {
        return NULL;
    }
    memcpy(local, text, WITHOUT_ZONE);
    local[WITHOUT_ZONE] = 'Z';
    local[WITHOUT_ZONE + 1] = 0;
    utc = ASN1_TIME_new();
    if (utc != NULL && ASN1_TIME_set_string(utc, local) == 1 &&
        ASN1_TIME_to_posix(utc, &seconds) == 1) {
        result = ASN1_TIME_set_posix(NULL, seconds - offset);
    }
    ASN1_TIME_free(utc);
    return result;
}

static int32_t print_time(BIO *bio, const ASN1_TIME *time, char *output, int32_t output_cap) {
    const uint8_t *text = NULL;
    size_t len = 0;
    ASN1_TIME *utc = to_utc(time);
    bool printed = ASN1_TIME_print(bio, utc != NULL ? utc : time) == 1;
    ASN1_TIME_free(utc);
    if (cleat_memory_failed()) return cleat_fail_nomem();
    if (!printed || BIO_mem_contents(bio, &text, &len) != 1) {
        cleat_error_clear_queue();
        return cleat_copy_out(BAD_TIME, (int64_t)strlen(BAD_TIME), output, output_cap);
    }
    return cleat_copy_out((const char *)text, (int64_t)len, output, output_cap);
}

static int32_t copy_time(int32_t certificate, const ASN1_TIME *(*field)(const X509 *x509),
                         char *output, int32_t output_cap) {
    struct cleat_certificate *self;
    BIO *bio;
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    cleat_error_clear_queue();
    bio = BIO_new(BIO_s_mem());
    result =
        bio == NULL ? cleat_fail_nomem() : print_time(bio, field(self->x509), output, output_cap);
    BIO_free(bio);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_certificate_not_before(int32_t certificate, char *output, int32_t output_cap) {
    return copy_time(certificate, X509_get0_notBefore, output, output_cap);
}

int32_t cleat_certificate_not_after(int32_t certificate, char *output, int32_t output_cap) {
    return copy_time(certificate, X509_get0_notAfter, output, output_cap);
}

static bool to_seconds(const ASN1_TIME *time, double *seconds) {
    ASN1_TIME *utc = to_utc(time);
    int64_t posix = 0;
    bool converted = ASN1_TIME_to_posix(utc != NULL ? utc : time, &posix) == 1;
    ASN1_TIME_free(utc);
    *seconds = (double)posix;
    return converted;
}

int32_t cleat_certificate_validity(int32_t certificate, double *not_before, double *not_after) {
    struct cleat_certificate *self;
    int32_t result = CLEAT_OK;
    CLEAT_CHECK_POINTER(2, not_before);
    CLEAT_CHECK_POINTER(3, not_after);
    CLEAT_FIND(self, certificate, CLEAT_KIND_CERTIFICATE);
    cleat_error_clear_queue();
    if (!to_seconds(X509_get0_notBefore(self->x509), not_before) ||
        !to_seconds(X509_get0_notAfter(self->x509), not_after)) {
        result = cleat_memory_failed() ? cleat_fail_nomem()
                                       : cleat_fail_named("ASN1", "INVALID_TIME_FORMAT", BAD_TIME);
        cleat_error_clear_queue();
    }
    CLEAT_DONE(self);
    return result;
}
