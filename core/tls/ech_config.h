/* ech_config.h: parses the configurations of Encrypted ClientHello (RFC 9849 section 4). */
#ifndef CLEAT_CORE_ECH_CONFIG_H
#define CLEAT_CORE_ECH_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/boringssl.h"
#include "base/error.h"

/* An ECHConfig. All CBS point into the bytes that were parsed. */
struct cleat_ech_config {
    CBS whole;
    bool is_known; /* BoringSSL supports the version; otherwise the fields below are not set */
    uint8_t id;
    uint16_t kem;
    CBS public_key;
    CBS suites;
    uint8_t max_name_length;
    CBS public_name;
    bool has_mandatory; /* it has a mandatory extension */
};

/* cleat_ech_config_read parses the first configuration of list and advances list. Returns false if it is malformed. */
bool cleat_ech_config_read(CBS *list, struct cleat_ech_config *config);

/* cleat_ech_config_open returns whether bytes are a well-formed ECHConfigList with at least one configuration, and
 * stores its contents in list, from which cleat_ech_config_read can read each. */
bool cleat_ech_config_open(const uint8_t *bytes, size_t len, CBS *list);

/* cleat_ech_name_is_valid returns whether BoringSSL accepts these bytes as a public name. */
bool cleat_ech_name_is_valid(const uint8_t *name, size_t len);

int32_t cleat_fail_ech_list(void); /* reports a malformed ECHConfigList */

/* cleat_ech_configs_supported returns CLEAT_OK and an ECHConfigList with those that BoringSSL supports, which the
 * caller frees with OPENSSL_free. CLEAT_SSL if there is none, or the list is malformed; CLEAT_NOMEM. */
int32_t cleat_ech_configs_supported(const char *data, int32_t data_len, uint8_t **list,
                                    size_t *list_len);

#endif
