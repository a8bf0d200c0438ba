/* ech_config.c: parses configurations of Encrypted ClientHello.
 *
 * If BoringSSL supports none of the configurations of a list, it sends the name in plaintext, without an error. So
 * the code below finds the supported configurations first, by rules that are at least as strict as BoringSSL's. */
#include "tls/ech_config.h"

#include <string.h>

#include "base/memory.h"

#define VERSION 0xfe0d
#define MANDATORY 0x8000 /* the bit in the type of a mandatory extension */

enum { X25519_BYTES = 32, NAME_MAX_BYTES = 253, LABEL_MAX_BYTES = 63 };

static bool read_extensions(CBS extensions, bool *has_mandatory) {
    while (CBS_len(&extensions) > 0) {
        uint16_t type;
        CBS body;
        if (!CBS_get_u16(&extensions, &type) || !CBS_get_u16_length_prefixed(&extensions, &body)) {
            return false;
        }
        if ((type & MANDATORY) != 0) *has_mandatory = true;
    }
    return true;
}

bool cleat_ech_config_read(CBS *list, struct cleat_ech_config *config) {
    const uint8_t *start = CBS_data(list);
    uint16_t version;
    CBS contents;
    CBS extensions;
    memset(config, 0, sizeof *config);
    if (!CBS_get_u16(list, &version) || !CBS_get_u16_length_prefixed(list, &contents)) return false;
    CBS_init(&config->whole, start, (size_t)(CBS_data(list) - start));
    config->is_known = version == VERSION;
    if (!config->is_known) return true;
    return CBS_get_u8(&contents, &config->id) && CBS_get_u16(&contents, &config->kem) &&
           CBS_get_u16_length_prefixed(&contents, &config->public_key) &&
           CBS_len(&config->public_key) > 0 &&
           CBS_get_u16_length_prefixed(&contents, &config->suites) &&
           CBS_len(&config->suites) > 0 && CBS_len(&config->suites) % 4 == 0 &&
           CBS_get_u8(&contents, &config->max_name_length) &&
           CBS_get_u8_length_prefixed(&contents, &config->public_name) &&
           CBS_len(&config->public_name) > 0 &&
           CBS_get_u16_length_prefixed(&contents, &extensions) && CBS_len(&contents) == 0 &&
           read_extensions(extensions, &config->has_mandatory);
}

bool cleat_ech_config_open(const uint8_t *bytes, size_t len, CBS *list) {
    struct cleat_ech_config config;
    CBS all;
    CBS rest;
    CBS_init(&all, bytes, len);
    if (!CBS_get_u16_length_prefixed(&all, list) || CBS_len(&all) > 0 || CBS_len(list) == 0) {
        return false;
    }
    rest = *list;
    while (CBS_len(&rest) > 0) {
        if (!cleat_ech_config_read(&rest, &config)) return false;
    }
    return true;
}

static bool is_digit(uint8_t byte) {
    return byte >= '0' && byte <= '9';
}

static bool is_label(const uint8_t *label, size_t len) {
    size_t i;
    if (len == 0 || len > LABEL_MAX_BYTES || label[0] == '-' || label[len - 1] == '-') return false;
    for (i = 0; i < len; i++) {
        uint8_t lower = label[i] | 0x20;
        if (!(lower >= 'a' && lower <= 'z') && !is_digit(label[i]) && label[i] != '-') return false;
    }
    return true;
}

/* A name whose last label begins with a digit could be parsed as an IPv4 address. */
bool cleat_ech_name_is_valid(const uint8_t *name, size_t len) {
    size_t start = 0;
    size_t i;
    if (len == 0 || len > NAME_MAX_BYTES) return false;
    for (i = 0; i < len; i++) {
        if (name[i] != '.') continue;
        if (!is_label(name + start, i - start)) return false;
        start = i + 1;
    }
    return is_label(name + start, len - start) && !is_digit(name[start]);
}

static bool has_suite(CBS suites) {
    while (CBS_len(&suites) > 0) {
        uint16_t kdf;
        uint16_t aead;
        if (!CBS_get_u16(&suites, &kdf) || !CBS_get_u16(&suites, &aead)) return false;
        if (kdf == EVP_HPKE_HKDF_SHA256 &&
            (aead == EVP_HPKE_AES_128_GCM || aead == EVP_HPKE_AES_256_GCM ||
             aead == EVP_HPKE_CHACHA20_POLY1305)) {
            return true;
        }
    }
    return false;
}

static bool is_supported(const struct cleat_ech_config *config) {
    return config->is_known && !config->has_mandatory &&
           config->kem == EVP_HPKE_DHKEM_X25519_HKDF_SHA256 &&
           CBS_len(&config->public_key) == X25519_BYTES && has_suite(config->suites) &&
           cleat_ech_name_is_valid(CBS_data(&config->public_name), CBS_len(&config->public_name));
}

int32_t cleat_fail_ech_list(void) {
    return cleat_fail_named("SSL", "INVALID_ECH_CONFIG_LIST",
                            "malformed list of ECH configurations (ECHConfigList)");
}

int32_t cleat_ech_configs_supported(const char *data, int32_t data_len, uint8_t **list,
                                    size_t *list_len) {
    bool written = true;
    bool found = false;
    CBS configs;
    CBB all;
    CBB kept;
    if (!cleat_ech_config_open((const uint8_t *)data, (size_t)data_len, &configs)) {
        return cleat_fail_ech_list();
    }
    cleat_error_clear_queue();
    CBB_zero(&all);
    written = CBB_init(&all, (size_t)data_len) && CBB_add_u16_length_prefixed(&all, &kept);
    while (written && CBS_len(&configs) > 0) {
        struct cleat_ech_config config;
        written = cleat_ech_config_read(&configs, &config);
        if (!is_supported(&config)) continue;
        found = true;
        written = written && CBB_add_bytes(&kept, CBS_data(&config.whole), CBS_len(&config.whole));
    }
    if (written && found) written = CBB_finish(&all, list, list_len);
    if (!written || !found) CBB_cleanup(&all);
    if (!written) return cleat_fail_ssl("CBB_finish");
    if (found) return CLEAT_OK;
    return cleat_fail_named("SSL", "NO_SUPPORTED_ECH_CONFIG",
                            "the list has no ECH configuration that BoringSSL supports");
}
