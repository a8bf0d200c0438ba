/* test_pem_text.c: the decoder of common PEM blocks decodes the same bytes as BoringSSL, or refuses, after any change
 * of them; and it accepts the common ones, so that bundles are loaded with it. */
#include <string.h>

#include "base/boringssl.h"
#include "expect.h"
#include "x509/pem_text.h"

enum { BYTES = 400, ROOM = 1024, CHANGES = 20000 };

static uint32_t state = 1;

/* bound: above 0. */
static uint32_t below(uint32_t bound) {
    state = state * 1664525u + 1013904223u;
    return bound == 0 ? 0 : (state >> 8) % bound;
}

/* A block of a single type, as BoringSSL writes it, with CRLF if requested. Returns its length. */
static size_t write_block(const uint8_t *bytes, size_t len, bool crlf, char *text) {
    BIO *bio = BIO_new(BIO_s_mem());
    const uint8_t *written;
    size_t written_len;
    size_t text_len = 0;
    size_t i;
    EXPECT(bio != NULL && PEM_write_bio(bio, PEM_STRING_X509, "", bytes, (long)len) > 0);
    EXPECT(BIO_mem_contents(bio, &written, &written_len) == 1);
    for (i = 0; i < written_len; i++) {
        if (crlf && written[i] == '\n') text[text_len++] = '\r';
        text[text_len++] = (char)written[i];
    }
    BIO_free(bio);
    return text_len;
}

/* Whether BoringSSL decodes the block to these bytes. */
static bool boringssl_reads(const char *text, size_t len, const uint8_t *bytes, size_t bytes_len) {
    BIO *bio = BIO_new_mem_buf(text, (ossl_ssize_t)len);
    char *name = NULL;
    char *header = NULL;
    uint8_t *data = NULL;
    long data_len = 0;
    bool same = bio != NULL && PEM_read_bio(bio, &name, &header, &data, &data_len) == 1 &&
                header[0] == '\0' && (size_t)data_len == bytes_len &&
                memcmp(data, bytes, bytes_len) == 0;
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
    BIO_free(bio);
    ERR_clear_error();
    return same;
}

/* Into a block of exactly this size, so that a sanitizer detects accesses beyond it. */
static bool decode(const char *text, size_t len, uint8_t *bytes, size_t *bytes_len) {
    char *copy = OPENSSL_memdup(text, len);
    uint8_t *room = OPENSSL_malloc(len);
    bool decoded = cleat_pem_text_decode(copy, len, room, bytes_len);
    EXPECT(*bytes_len <= len);
    if (decoded) memcpy(bytes, room, *bytes_len);
    OPENSSL_free(copy);
    OPENSSL_free(room);
    return decoded;
}

static void test_usual(void) {
    uint8_t bytes[BYTES];
    uint8_t got[ROOM];
    char text[ROOM];
    size_t len;
    size_t i;
    for (i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)below(256);
    for (len = 1; len < sizeof bytes; len++) {
        size_t got_len;
        size_t text_len = write_block(bytes, len, len % 2 == 0, text);
        EXPECT(decode(text, text_len, got, &got_len));
        EXPECT(got_len == len && memcmp(got, bytes, len) == 0);
        while (text[text_len - 1] != '-') text_len--; /* the end of a file */
        EXPECT(decode(text, text_len, got, &got_len) && got_len == len);
        EXPECT(!decode(text, text_len - 1, got, &got_len));
    }
}

/* For BoringSSL a byte that is not text ends a label, or makes it no label. */
static void test_label(void) {
    static const char odd[] = {0, 1, '\t', '\r', 0x7f, (char)0x80, (char)0xff};
    uint8_t bytes[BYTES] = {0};
    uint8_t got[ROOM];
    char text[ROOM];
    size_t text_len = write_block(bytes, 30, false, text);
    size_t got_len;
    size_t i;
    char *labels[] = {strstr(text, "CERTIFICATE"), strstr(text, "-----END CERTIFICATE") + 9};
    EXPECT(decode(text, text_len, got, &got_len) && got_len == 30);
    labels[0][4] = labels[1][4] = ' ';
    EXPECT(decode(text, text_len, got, &got_len) && boringssl_reads(text, text_len, got, got_len));
    for (i = 0; i < sizeof odd; i++) {
        labels[0][4] = labels[1][4] = odd[i];
        EXPECT(!decode(text, text_len, got, &got_len));
    }
}

/* Replaces, removes, repeats or adds a character. Returns the new length. */
static size_t change(char *text, size_t len) {
    static const char odd[] = "\n\r =-AZaz09+/:\0\xff,";
    size_t at = below((uint32_t)len);
    char character = odd[below(sizeof odd - 1)];
    switch (below(4)) {
        case 0: text[at] = character; return len;
        case 1: memmove(text + at, text + at + 1, len - at - 1); return len - 1;
        case 2: memmove(text + at + 1, text + at, len - at); return len + 1;
        default:
            memmove(text + at + 1, text + at, len - at);
            text[at] = character;
            return len + 1;
    }
}

static void test_changed(void) {
    uint8_t bytes[BYTES] = {0};
    uint8_t got[ROOM];
    char text[ROOM];
    int decoded = 0;
    int i;
    for (i = 0; i < CHANGES; i++) {
        size_t text_len = write_block(bytes, 1 + below(150), below(4) == 0, text);
        size_t got_len;
        uint32_t count = 1 + below(3);
        bytes[below(sizeof bytes)] = (uint8_t)below(256);
        for (; count > 0; count--) text_len = change(text, text_len);
        if (!decode(text, text_len, got, &got_len)) continue;
        EXPECT(boringssl_reads(text, text_len, got, got_len));
        decoded++;
    }
    EXPECT(decoded > CHANGES / 100);
}

int main(void) {
    test_usual();
    test_label();
    test_changed();
    return 0;
}
