/* ticket_secret.c: HKDF-SHA256 (RFC 5869) derives the key of a period from a secret, the period's length and its
 * number. The key's name consists of an id of the secret and the number; it is not secret: all tickets of the period
 * contain it. */
#include "tls/ticket_secret.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"

enum { SECRET_ID = CLEAT_TICKET_SECRET_ID, NUMBER = 8 };

_Static_assert(SECRET_ID + NUMBER == SSL_TICKET_KEY_NAME_LEN, "a name consists of both");

static void put_number(uint8_t bytes[8], int64_t number) {
    int i;
    for (i = 0; i < 8; i++) bytes[i] = (uint8_t)((uint64_t)number >> (8 * (7 - i)));
}

static int64_t get_number(const uint8_t bytes[8]) {
    uint64_t number = 0;
    int i;
    for (i = 0; i < 8; i++) number = number << 8 | bytes[i];
    return number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

/* HKDF-Expand; info consists of a letter and two numbers. */
static bool expand(const struct cleat_ticket_secret *secret, char letter, int64_t number,
                   uint8_t *bytes, size_t len) {
    uint8_t info[17] = {(uint8_t)letter};
    put_number(info + 1, secret->period);
    put_number(info + 9, number);
    return HKDF_expand(bytes, len, EVP_sha256(), secret->prk, sizeof secret->prk, info,
                       sizeof info) == 1;
}

static bool extract(struct cleat_ticket_secret *secret, const uint8_t *bytes, size_t len,
                    int32_t period) {
    static const uint8_t salt[] = "cleat ticket secret 1";
    size_t prk_len;
    secret->period = period;
    return HKDF_extract(secret->prk, &prk_len, EVP_sha256(), bytes, len, salt, sizeof salt) == 1 &&
           expand(secret, 'i', 0, secret->id, sizeof secret->id);
}

/* Returns the number of secrets, or CLEAT_USAGE. */
static int32_t count_secrets(CBS secrets) {
    int32_t count = 0;
    while (CBS_len(&secrets) > 0) {
        CBS secret;
        if (!CBS_get_u16_length_prefixed(&secrets, &secret)) {
            return cleat_fail_usage(2, "a secret is shorter than its length prefix says");
        }
        if (CBS_len(&secret) < CLEAT_TICKET_SECRET_MIN) {
            return cleat_fail_usage(2, "a secret has at least %d bytes", CLEAT_TICKET_SECRET_MIN);
        }
        count++;
    }
    if (count < 1 || count > CLEAT_TICKET_SECRET_COUNT_MAX) {
        return cleat_fail_usage(2, "there are 1 to %d secrets", CLEAT_TICKET_SECRET_COUNT_MAX);
    }
    return count;
}

bool cleat_ticket_secret_key(const struct cleat_ticket_secret *secret, int64_t number,
                             struct cleat_ticket_key *key) {
    uint8_t bytes[sizeof key->hmac + sizeof key->aes];
    bool derived = expand(secret, 'k', number, bytes, sizeof bytes);
    memcpy(key->name, secret->id, SECRET_ID);
    put_number(key->name + SECRET_ID, number);
    memcpy(key->hmac, bytes, sizeof key->hmac);
    memcpy(key->aes, bytes + sizeof key->hmac, sizeof key->aes);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return derived;
}

bool cleat_ticket_secret_has(const struct cleat_ticket_secret *secret,
                             const uint8_t name[SSL_TICKET_KEY_NAME_LEN]) {
    return CRYPTO_memcmp(secret->id, name, SECRET_ID) == 0;
}

int64_t cleat_ticket_secret_number(const uint8_t name[SSL_TICKET_KEY_NAME_LEN]) {
    return get_number(name + SECRET_ID);
}

int32_t cleat_ticket_secrets_parse(const char *bytes, int32_t len, int32_t period,
                                   struct cleat_ticket_secret **secrets) {
    struct cleat_ticket_secret *made;
    int32_t count;
    int32_t i;
    CBS left;
    CBS_init(&left, (const uint8_t *)bytes, (size_t)len);
    count = count_secrets(left);
    if (count < 0) return count;
    made = cleat_allocate((size_t)count * sizeof *made);
    if (made == NULL) return cleat_fail_nomem();
    for (i = 0; i < count; i++) {
        CBS secret;
        if (!CBS_get_u16_length_prefixed(&left, &secret) ||
            !extract(&made[i], CBS_data(&secret), CBS_len(&secret), period)) {
            cleat_release(made);
            return cleat_fail_nomem();
        }
    }
    *secrets = made;
    return count;
}
