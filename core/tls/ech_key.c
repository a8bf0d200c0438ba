/* ech_key.c: a server's keys for Encrypted ClientHello, and their configurations. A key is immutable. A context has
 * a set of them, which BoringSSL reference-counts. */
#include "tls/ech_key.h"

#include <string.h>

#include "base/argument.h"
#include "base/file.h"
#include "base/memory.h"
#include "tls/credential_pem.h"
#include "tls/ech_config.h"

/* The label of the PEM block with an ECHConfigList. */
#define PEM_STRING_ECHCONFIG "ECHCONFIG"

struct cleat_ech_key {
    struct cleat_object object;
    EVP_HPKE_KEY *key;
    uint8_t *config; /* an ECHConfig */
    size_t config_len;
};

static void ech_key_destroy(struct cleat_object *object) {
    struct cleat_ech_key *self = (void *)object; /* its first member */
    EVP_HPKE_KEY_free(self->key);
    OPENSSL_free(self->config);
    cleat_release(self);
}

/* Creates an empty key; NULL if an allocation failed. */
static struct cleat_ech_key *make(void) {
    struct cleat_ech_key *self = cleat_allocate(sizeof *self);
    if (self == NULL) return NULL;
    cleat_object_init(&self->object, CLEAT_KIND_ECH_KEY, ech_key_destroy);
    cleat_error_clear_queue();
    self->key = EVP_HPKE_KEY_new();
    if (self->key != NULL) return self;
    cleat_object_unref(&self->object);
    return NULL;
}

static struct cleat_ech_config config_of(const struct cleat_ech_key *self) {
    struct cleat_ech_config config;
    CBS bytes;
    CBS_init(&bytes, self->config, self->config_len);
    cleat_ech_config_read(&bytes, &config); /* it has been parsed before */
    return config;
}

static int32_t generate(struct cleat_ech_key *self, const char *public_name, int32_t config_id,
                        int32_t max_name_length) {
    uint8_t id = (uint8_t)config_id;
    if (config_id < 0) RAND_bytes(&id, 1);
    if (EVP_HPKE_KEY_generate(self->key, EVP_hpke_x25519_hkdf_sha256()) == 1 &&
        SSL_marshal_ech_config(&self->config, &self->config_len, id, self->key, public_name,
                               (size_t)max_name_length) == 1) {
        return CLEAT_OK;
    }
    return cleat_fail_ssl("SSL_marshal_ech_config");
}

int32_t cleat_ech_key_new(const char *public_name, int32_t public_name_len, int32_t config_id,
                          int32_t max_name_length) {
    CLEAT_NO_CANCEL();
    struct cleat_ech_key *self;
    char *name;
    int32_t status;
    CLEAT_CHECK_TEXT(1, public_name, public_name_len);
    CLEAT_CHECK_RANGE(3, config_id, -1, 255);
    CLEAT_CHECK_RANGE(4, max_name_length, 0, 255);
    if (!cleat_ech_name_is_valid((const uint8_t *)public_name, (size_t)public_name_len)) {
        return cleat_fail_named("SSL", "INVALID_ECH_PUBLIC_NAME",
                                "the public name is not a host name in ASCII");
    }
    self = make();
    name = cleat_copy_text(public_name, public_name_len);
    status = self == NULL || name == NULL ? cleat_fail_nomem()
                                          : generate(self, name, config_id, max_name_length);
    cleat_release(name);
    if (status >= 0) return cleat_handle_open(&self->object);
    if (self != NULL) cleat_object_unref(&self->object);
    return status;
}

static int32_t read_key(struct cleat_ech_key *self, const char *text, int32_t len) {
    struct cleat_password password = {NULL, 0, false};
    EVP_PKEY *pkey = NULL;
    uint8_t bytes[32];
    size_t bytes_len = sizeof bytes;
    int32_t status = cleat_pem_key(text, len, &password, &pkey);
    if (password.wanted) {
        return cleat_fail_named("SSL", "ENCRYPTED_ECH_KEY",
                                "the private key is encrypted: decrypt it first");
    }
    if (status < 0) return status;
    if (EVP_PKEY_id(pkey) != EVP_PKEY_X25519) {
        status = cleat_fail_named("SSL", "UNKNOWN_KEY_TYPE", "the private key is not for X25519");
    } else if (EVP_PKEY_get_raw_private_key(pkey, bytes, &bytes_len) != 1 ||
               EVP_HPKE_KEY_init(self->key, EVP_hpke_x25519_hkdf_sha256(), bytes, bytes_len) != 1) {
        status = cleat_fail_ssl("EVP_HPKE_KEY_init");
    }
    OPENSSL_cleanse(bytes, sizeof bytes);
    EVP_PKEY_free(pkey);
    return status;
}

static bool is_of_key(const struct cleat_ech_config *config, const EVP_HPKE_KEY *key) {
    uint8_t bytes[EVP_HPKE_MAX_PUBLIC_KEY_LENGTH];
    size_t len = 0;
    return config->is_known && config->kem == EVP_HPKE_KEM_id(EVP_HPKE_KEY_kem(key)) &&
           EVP_HPKE_KEY_public_key(key, bytes, &len, sizeof bytes) == 1 &&
           CBS_mem_equal(&config->public_key, bytes, len) == 1;
}

/* Stores the configuration of the key, if BoringSSL supports everything that it announces to clients. */
static int32_t choose_config(struct cleat_ech_key *self, CBS list) {
    while (CBS_len(&list) > 0) {
        struct cleat_ech_config config;
        SSL_ECH_KEYS *trial;
        int32_t status = CLEAT_OK;
        cleat_ech_config_read(&list, &config); /* all have been parsed before */
        if (!is_of_key(&config, self->key)) continue;
        trial = SSL_ECH_KEYS_new();
        if (trial == NULL ||
            SSL_ECH_KEYS_add(trial, 1, CBS_data(&config.whole), CBS_len(&config.whole),
                             self->key) != 1 ||
            CBS_stow(&config.whole, &self->config, &self->config_len) != 1) {
            status = cleat_fail_ssl("SSL_ECH_KEYS_add");
        }
        SSL_ECH_KEYS_free(trial);
        return status;
    }
    return cleat_fail_named("SSL", "NO_ECH_CONFIG_OF_THE_KEY",
                            "no ECH configuration in the file is for the private key");
}

static int32_t read_configs(struct cleat_ech_key *self, const char *text, int32_t len) {
    BIO *bio = BIO_new_mem_buf(len > 0 ? text : "", len);
    uint8_t *bytes = NULL;
    long bytes_len = 0;
    int32_t status;
    CBS list;
    if (bio == NULL) return cleat_fail_nomem();
    if (PEM_bytes_read_bio(&bytes, &bytes_len, NULL, PEM_STRING_ECHCONFIG, bio, NULL, NULL) != 1) {
        status = cleat_fail_ssl("PEM_bytes_read_bio");
    } else if (!cleat_ech_config_open(bytes, (size_t)bytes_len, &list)) {
        status = cleat_fail_ech_list();
    } else {
        status = choose_config(self, list);
    }
    BIO_free(bio);
    OPENSSL_free(bytes);
    return status;
}

static int32_t load(const char *text, int32_t len) {
    struct cleat_ech_key *self = make();
    int32_t status;
    cleat_file_skip_mark(&text, &len);
    if (self == NULL) return cleat_fail_nomem();
    status = read_key(self, text, len);
    if (status >= 0) status = read_configs(self, text, len);
    if (status >= 0) return cleat_handle_open(&self->object);
    cleat_object_unref(&self->object);
    return status;
}

int32_t cleat_ech_key_load_data(const char *data, int32_t data_len) {
    CLEAT_NO_CANCEL();
    CLEAT_CHECK_IN(1, data, data_len);
    return load(data, data_len);
}

int32_t cleat_ech_key_load(const char *keyfile, int32_t keyfile_len) {
    CLEAT_NO_CANCEL();
    char *text = NULL;
    int32_t len = 0;
    int32_t result;
    CLEAT_CHECK_PEM_FILE(1, keyfile, keyfile_len);
    result = cleat_pem_read(keyfile, keyfile_len, &text, &len);
    if (result < 0) return result;
    result = load(text, len);
    cleat_release(text);
    return result;
}

static EVP_PKEY *private_key(const struct cleat_ech_key *self) {
    uint8_t bytes[EVP_HPKE_MAX_PRIVATE_KEY_LENGTH];
    size_t len = 0;
    EVP_PKEY *pkey = NULL;
    if (EVP_HPKE_KEY_private_key(self->key, bytes, &len, sizeof bytes) == 1) {
        pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, bytes, len);
    }
    OPENSSL_cleanse(bytes, sizeof bytes);
    return pkey;
}

/* Writes an ECHConfigList of the keys' configurations to list, which the caller finishes or cleans up. */
static bool write_list(CBB *list, struct cleat_ech_key *const *keys, int32_t count) {
    int32_t i;
    CBB configs;
    CBB_zero(list);
    if (!CBB_init(list, 128) || !CBB_add_u16_length_prefixed(list, &configs)) return false;
    for (i = 0; i < count; i++) {
        if (!CBB_add_bytes(&configs, keys[i]->config, keys[i]->config_len)) return false;
    }
    return CBB_flush(list) == 1;
}

static int32_t write_pem(struct cleat_ech_key *self, char *output, int32_t output_cap) {
    EVP_PKEY *pkey = private_key(self);
    BIO *bio = BIO_new(BIO_s_mem());
    const uint8_t *text = NULL;
    size_t len = 0;
    int32_t result;
    CBB list;
    if (!write_list(&list, &self, 1) || pkey == NULL || bio == NULL ||
        PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) != 1 ||
        PEM_write_bio(bio, PEM_STRING_ECHCONFIG, "", CBB_data(&list), (long)CBB_len(&list)) <= 0 ||
        BIO_mem_contents(bio, &text, &len) != 1) {
        result = cleat_fail_ssl("PEM_write_bio");
    } else {
        result = cleat_copy_out((const char *)text, (int64_t)len, output, output_cap);
    }
    CBB_cleanup(&list);
    BIO_free(bio);
    EVP_PKEY_free(pkey);
    return result;
}

int32_t cleat_ech_key_pem(int32_t ech_key, char *output, int32_t output_cap) {
    struct cleat_ech_key *self;
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_FIND(self, ech_key, CLEAT_KIND_ECH_KEY);
    cleat_error_clear_queue();
    result = write_pem(self, output, output_cap);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_ech_key_config(int32_t ech_key, char *output, int32_t output_cap) {
    struct cleat_ech_key *self;
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_FIND(self, ech_key, CLEAT_KIND_ECH_KEY);
    result =
        cleat_copy_out((const char *)self->config, (int64_t)self->config_len, output, output_cap);
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_ech_key_config_id(int32_t ech_key) {
    struct cleat_ech_key *self;
    int32_t result;
    CLEAT_FIND(self, ech_key, CLEAT_KIND_ECH_KEY);
    result = config_of(self).id;
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_ech_key_max_name_length(int32_t ech_key) {
    struct cleat_ech_key *self;
    int32_t result;
    CLEAT_FIND(self, ech_key, CLEAT_KIND_ECH_KEY);
    result = config_of(self).max_name_length;
    CLEAT_DONE(self);
    return result;
}

int32_t cleat_ech_key_public_name(int32_t ech_key, char *output, int32_t output_cap) {
    struct cleat_ech_key *self;
    struct cleat_ech_config config;
    int32_t result;
    CLEAT_CHECK_OUT(2, output, output_cap);
    CLEAT_FIND(self, ech_key, CLEAT_KIND_ECH_KEY);
    config = config_of(self);
    result = cleat_copy_out((const char *)CBS_data(&config.public_name),
                            (int64_t)CBS_len(&config.public_name), output, output_cap);
    CLEAT_DONE(self);
    return result;
}

/* Pins the keys with these ids. *found: the number of pinned keys, also after an error. */
static int32_t find_keys(const int32_t *ids, int32_t count, struct cleat_ech_key **keys,
                         int32_t *found) {
    for (*found = 0; *found < count; (*found)++) {
        struct cleat_object *object = NULL;
        int32_t status = cleat_handle_find(ids[*found], CLEAT_KIND_ECH_KEY, &object);
        if (object == NULL) return status;
        keys[*found] = (void *)object; /* its first member */
    }
    return CLEAT_OK;
}

static void done(struct cleat_ech_key **keys, int32_t count) {
    int32_t i;
    for (i = 0; i < count; i++) CLEAT_DONE(keys[i]);
}

int32_t cleat_ech_config_list(const int32_t *ech_keys, int32_t ech_keys_len, char *output,
                              int32_t output_cap) {
    CLEAT_NO_CANCEL();
    struct cleat_ech_key *keys[CLEAT_ECH_KEYS_MAX];
    int32_t found;
    int32_t result;
    CLEAT_CHECK_IN(1, ech_keys, ech_keys_len);
    CLEAT_CHECK_RANGE(2, ech_keys_len, 1, CLEAT_ECH_KEYS_MAX);
    CLEAT_CHECK_OUT(3, output, output_cap);
    result = find_keys(ech_keys, ech_keys_len, keys, &found);
    if (found == ech_keys_len) {
        CBB list;
        cleat_error_clear_queue();
        if (write_list(&list, keys, found)) {
            result = cleat_copy_out((const char *)CBB_data(&list), (int64_t)CBB_len(&list), output,
                                    output_cap);
        } else {
            result = cleat_fail_ssl("CBB_flush");
        }
        CBB_cleanup(&list);
    }
    done(keys, found);
    return result;
}

/* Servers send the configuration of the first key to clients whose ClientHello they cannot decrypt. */
static int32_t make_set(struct cleat_ech_key *const *keys, int32_t count, SSL_ECH_KEYS **set) {
    int32_t i;
    cleat_error_clear_queue();
    *set = SSL_ECH_KEYS_new();
    for (i = 0; *set != NULL && i < count; i++) {
        if (SSL_ECH_KEYS_add(*set, i == 0, keys[i]->config, keys[i]->config_len, keys[i]->key) ==
            1) {
            continue;
        }
        SSL_ECH_KEYS_free(*set);
        *set = NULL;
    }
    return *set != NULL ? CLEAT_OK : cleat_fail_ssl("SSL_ECH_KEYS_add");
}

int32_t cleat_ech_keys_make(const int32_t *ids, int32_t count, SSL_ECH_KEYS **set) {
    struct cleat_ech_key *keys[CLEAT_ECH_KEYS_MAX];
    int32_t found;
    int32_t status = find_keys(ids, count, keys, &found);
    *set = NULL;
    if (found > 0 && found == count) status = make_set(keys, count, set);
    done(keys, found);
    return status;
}
