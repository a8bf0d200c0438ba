/* ech_config.h: the configurations of Encrypted ClientHello, as servers publish them (RFC 9849 section 4). */
#ifndef CLEAT_CORE_ECH_CONFIG_H
#define CLEAT_CORE_ECH_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/boringssl.h"
#include "base/error.h"

/* One ECHConfig. The bytes stay those that it was read from. */
struct cleat_ech_config {
    CBS whole;
    bool is_known; /* of the version that BoringSSL has; of others there is nothing below */
    uint8_t id;
    uint16_t kem;
    CBS public_key;
    CBS suites;
    uint8_t max_name_length;
    CBS public_name;
    bool has_mandatory; /* an extension that is to be understood */
};

/* cleat_ech_config_read returns whether list begins with a configuration, and moves it behind that. */
bool cleat_ech_config_read(CBS *list, struct cleat_ech_config *config);

/* cleat_ech_config_open returns whether bytes are an ECHConfigList with a configuration or more, all of which
 * cleat_ech_config_read can read from list. */
bool cleat_ech_config_open(const uint8_t *bytes, size_t len, CBS *list);

/* cleat_ech_name_is_valid returns whether BoringSSL takes these bytes as a public name. */
bool cleat_ech_name_is_valid(const uint8_t *name, size_t len);

int32_t cleat_fail_ech_list(void); /* the bytes are no ECHConfigList */

/* cleat_ech_configs_supported returns CLEAT_OK and the list of those that BoringSSL supports, for the caller to free
 * with OPENSSL_free: of others BoringSSL would send the ClientHello in plaintext. CLEAT_SSL; CLEAT_NOMEM. */
int32_t cleat_ech_configs_supported(const char *data, int32_t data_len, uint8_t **list,
                                    size_t *list_len);

#endif
