/* oid.c: object identifiers as text. BoringSSL cannot print arcs of more than 64 bits, which UUID-based identifiers
 * have (2.25..., X.667), and lacks OpenSSL's names of newer attribute types. */
#include "x509/oid.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* Longer encodings are refused, as OpenSSL does: the conversion to decimal takes quadratic time (CVE-2023-2650). */
#define ENCODED_MAX 586

/* Each byte gives at most a dot and three digits. */
#define TEXT_MAX (4 * ENCODED_MAX + 4)

/* A number in base 10^9, the lowest limb first. */
#define BASE 1000000000U
struct number {
    uint32_t limbs[ENCODED_MAX * 7 / 29 + 2];
    size_t count;
};

/* number = number * 128 + bits */
static void append_bits(struct number *number, uint32_t bits) {
    uint64_t carry = bits;
    size_t i;
    for (i = 0; i < number->count; i++) {
        carry += (uint64_t)number->limbs[i] * 128;
        number->limbs[i] = (uint32_t)(carry % BASE);
        carry /= BASE;
    }
    if (carry != 0) number->limbs[number->count++] = (uint32_t)carry;
}

/* The first number of an encoding is 40 times the first arc, which is 0 to 2, plus the second. */
static uint32_t take_first_arc(struct number *number) {
    uint32_t first = number->count == 0 ? 0 : number->limbs[0] / 40;
    uint32_t borrow;
    size_t i;
    if (number->count > 1 || first > 2) first = 2;
    borrow = 40 * first;
    for (i = 0; borrow != 0; i++) {
        bool enough = number->limbs[i] >= borrow;
        number->limbs[i] += enough ? -borrow : BASE - borrow;
        borrow = enough ? 0 : 1;
    }
    return first;
}

static size_t print(char *text, size_t size, const struct number *number) {
    size_t i = number->count;
    size_t used;
    while (i > 1 && number->limbs[i - 1] == 0) i--; /* after a borrow */
    used = (size_t)snprintf(text, size, "%" PRIu32, i == 0 ? 0 : number->limbs[i - 1]);
    while (i > 1) {
        i--;
        used += (size_t)snprintf(text + used, size - used, "%09" PRIu32, number->limbs[i - 1]);
    }
    return used;
}

static size_t print_dotted(char *text, size_t size, const uint8_t *encoded, size_t len) {
    struct number number = {{0}, 0};
    size_t used = 0;
    size_t i;
    for (i = 0; i < len; i++) {
        append_bits(&number, encoded[i] & 0x7f);
        if ((encoded[i] & 0x80) != 0) continue;
        if (used == 0) used = (size_t)snprintf(text, size, "%" PRIu32, take_first_arc(&number));
        text[used++] = '.';
        used += print(text + used, size - used, &number);
        number.count = 0;
    }
    return used;
}

/* OpenSSL's long names of the attribute types that BoringSSL does not know. */
static const struct {
    const char *encoded;
    const char *name;
} attribute_types[] = {
    {"\x55\x04\x61", "organizationIdentifier"}, /* 2.5.4.97 */
    {"\x55\x04\x62", "countryCode3c"},
    {"\x55\x04\x63", "countryCode3n"},
    {"\x55\x04\x64", "dnsName"},
    {"\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x01", "jurisdictionLocalityName"},
    {"\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x02", "jurisdictionStateOrProvinceName"},
    {"\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x03", "jurisdictionCountryName"},
    {"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x2c", "uniqueIdentifier"},
    {"\x2a\x85\x03\x03\x81\x03\x01\x01", "INN"}, /* 1.2.643.3.131.1.1 */
    {"\x2a\x85\x03\x64\x01", "OGRN"},
    {"\x2a\x85\x03\x64\x03", "SNILS"},
    {"\x2a\x85\x03\x64\x05", "OGRNIP"},
};

static const char *long_name(const ASN1_OBJECT *object) {
    int nid = OBJ_obj2nid(object);
    size_t i;
    if (nid != NID_undef) return OBJ_nid2ln(nid);
    for (i = 0; i < sizeof attribute_types / sizeof attribute_types[0]; i++) {
        size_t len = strlen(attribute_types[i].encoded); /* none has a zero byte */
        if (OBJ_length(object) == len &&
            memcmp(OBJ_get0_data(object), attribute_types[i].encoded, len) == 0) {
            return attribute_types[i].name;
        }
    }
    return NULL;
}

int32_t cleat_copy_dotted(const ASN1_OBJECT *object, char *output, int32_t output_cap) {
    char text[TEXT_MAX];
    if (OBJ_length(object) > ENCODED_MAX) {
        return cleat_fail_named("ASN1", "INVALID_OBJECT_ENCODING", "object identifier too long");
    }
    return cleat_copy_out(
        text, (int64_t)print_dotted(text, sizeof text, OBJ_get0_data(object), OBJ_length(object)),
        output, output_cap);
}

int32_t cleat_copy_oid(const ASN1_OBJECT *object, char *output, int32_t output_cap) {
    const char *name = long_name(object);
    if (name == NULL) return cleat_copy_dotted(object, output, output_cap);
    return cleat_copy_out(name, (int64_t)strlen(name), output, output_cap);
}
