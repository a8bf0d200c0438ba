#include "x509/pem_text.h"

#include <string.h>

enum {
    LINE = 64, /* characters in every line except the last */
    FIRST = '+', /* the first character of base64 in ASCII order */
    LAST = 'z',
    NONE = 64 /* not a base64 character */
};

/* The values of the characters from FIRST to LAST. */
static const uint8_t values[LAST - FIRST + 1] = {
    62, 64, 64, 64, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, 64, 64, 64,
    64, 64, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17,
    18, 19, 20, 21, 22, 23, 24, 25, 64, 64, 64, 64, 64, 64, 26, 27, 28, 29, 30, 31,
    32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51};

static uint32_t value_of(char character) {
    unsigned index = (unsigned)(unsigned char)character - FIRST;
    return index < sizeof values ? values[index] : NONE;
}

struct reader {
    const char *at;
    const char *end;
};

static bool skip(struct reader *self, const char *text, size_t len) {
    if ((size_t)(self->end - self->at) < len || memcmp(self->at, text, len) != 0) return false;
    self->at += len;
    return true;
}

static bool skip_line_end(struct reader *self) {
    return skip(self, "\n", 1) || skip(self, "\r\n", 2);
}

/* Decodes four characters, of which the last two may be padding. Returns the number of bytes, 0 if they are not
 * valid base64. */
static size_t decode_four(const char *from, uint8_t *to) {
    size_t padding = from[3] != '=' ? 0 : from[2] != '=' ? 1 : 2;
    uint32_t a = value_of(from[0]);
    uint32_t b = value_of(from[1]);
    uint32_t c = padding == 2 ? 0 : value_of(from[2]);
    uint32_t d = padding > 0 ? 0 : value_of(from[3]);
    if (((a | b | c | d) & NONE) != 0) return 0;
    if ((padding == 2 && (b & 15) != 0) || (padding == 1 && (c & 3) != 0)) return 0;
    to[0] = (uint8_t)(a << 2 | b >> 4);
    to[1] = (uint8_t)(b << 4 | c >> 2);
    to[2] = (uint8_t)(c << 6 | d);
    return 3 - padding;
}

/* Decodes lines up to the first that begins with a dash. */
static bool decode_lines(struct reader *self, uint8_t *der, size_t *der_len) {
    bool ended = false; /* after a short line or padding */
    while (self->at < self->end && *self->at != '-') {
        const char *line = self->at;
        for (; self->end - self->at >= 4 && self->at - line < LINE; self->at += 4) {
            size_t got = self->at[0] == '\n' || self->at[0] == '\r' || ended
                             ? 0
                             : decode_four(self->at, der + *der_len);
            if (got == 0) break;
            *der_len += got;
            ended = got < 3;
        }
        ended = ended || self->at - line < LINE;
        if (self->at == line || !skip_line_end(self)) return false;
    }
    return *der_len > 0;
}

static bool is_label_character(char character) {
    return character >= ' ' && character < 0x7f && character != '-';
}

bool cleat_pem_text_decode(const char *text, size_t len, uint8_t *der, size_t *der_len) {
    struct reader self = {text, text + len};
    const char *label;
    size_t label_len;
    *der_len = 0;
    if (!skip(&self, "-----BEGIN ", 11)) return false;
    label = self.at;
    while (self.at < self.end && is_label_character(*self.at)) self.at++;
    label_len = (size_t)(self.at - label);
    if (!skip(&self, "-----", 5) || !skip_line_end(&self) || !decode_lines(&self, der, der_len)) {
        return false;
    }
    return skip(&self, "-----END ", 9) && skip(&self, label, label_len) &&
           skip(&self, "-----", 5) && (self.at == self.end || skip_line_end(&self));
}
