/* algorithm.c: OpenSSL's and IANA's names of groups and signature algorithms, and the parsers of lists of them.
 *
 * BoringSSL's own parsers accept neither IANA's names of the curves nor optional names, and do not report which name
 * is unknown. */
#include "tls/algorithm.h"

#include <ctype.h>
#include <string.h>

#include "base/argument.h"
#include "base/error.h"

/* One name of a list. */
struct item {
    const char *text;
    size_t len;
    bool is_optional; /* it has the prefix "?" */
};

static const struct group {
    int nid;
    uint16_t number; /* IANA's */
    bool tls13_only;
    const char *names[3]; /* IANA's first; the unused ones are NULL */
} groups[] = {
#if defined(SSL_GROUP_X25519_MLKEM768)
    {NID_X25519MLKEM768, SSL_GROUP_X25519_MLKEM768, true, {"X25519MLKEM768"}},
#endif
    {NID_X25519, SSL_CURVE_X25519, false, {"x25519"}},
    {NID_X9_62_prime256v1, SSL_CURVE_SECP256R1, false, {"secp256r1", "prime256v1", "P-256"}},
    {NID_secp384r1, SSL_CURVE_SECP384R1, false, {"secp384r1", "P-384"}},
    {NID_secp521r1, SSL_CURVE_SECP521R1, false, {"secp521r1", "P-521"}},
#if defined(SSL_GROUP_MLKEM1024)
    {NID_ML_KEM_1024, SSL_GROUP_MLKEM1024, true, {"MLKEM1024"}},
#endif
};

enum { GROUPS = sizeof groups / sizeof groups[0], NAMES = 3 };

static const struct sigalg {
    uint16_t number; /* IANA's */
    const char *name; /* IANA's */
    const char *pair; /* OpenSSL's name of key and hash; NULL if none */
} sigalgs[] = {
    {SSL_SIGN_ECDSA_SECP256R1_SHA256, "ecdsa_secp256r1_sha256", "ECDSA+SHA256"},
    {SSL_SIGN_ECDSA_SECP384R1_SHA384, "ecdsa_secp384r1_sha384", "ECDSA+SHA384"},
    {SSL_SIGN_ECDSA_SECP521R1_SHA512, "ecdsa_secp521r1_sha512", "ECDSA+SHA512"},
    {SSL_SIGN_ED25519, "ed25519", NULL},
    {SSL_SIGN_RSA_PSS_RSAE_SHA256, "rsa_pss_rsae_sha256", "RSA-PSS+SHA256"},
    {SSL_SIGN_RSA_PSS_RSAE_SHA384, "rsa_pss_rsae_sha384", "RSA-PSS+SHA384"},
    {SSL_SIGN_RSA_PSS_RSAE_SHA512, "rsa_pss_rsae_sha512", "RSA-PSS+SHA512"},
    {SSL_SIGN_RSA_PKCS1_SHA256, "rsa_pkcs1_sha256", "RSA+SHA256"},
    {SSL_SIGN_RSA_PKCS1_SHA384, "rsa_pkcs1_sha384", "RSA+SHA384"},
    {SSL_SIGN_RSA_PKCS1_SHA512, "rsa_pkcs1_sha512", "RSA+SHA512"},
    {0x0904, "mldsa44", NULL}, /* BoringSSL's constants for these differ between its versions */
    {0x0905, "mldsa65", NULL},
    {0x0906, "mldsa87", NULL},
    {0x0420, "rsa_pkcs1_sha256_legacy", NULL},
    {SSL_SIGN_ECDSA_SHA1, "ecdsa_sha1", "ECDSA+SHA1"},
    {SSL_SIGN_RSA_PKCS1_SHA1, "rsa_pkcs1_sha1", "RSA+SHA1"},
};

enum { SIGALGS = sizeof sigalgs / sizeof sigalgs[0] };

_Static_assert((int)GROUPS <= (int)CLEAT_GROUPS_MAX && (int)SIGALGS <= (int)CLEAT_SIGALGS_MAX,
               "lists have room for all algorithms");

static bool is_known(const struct sigalg *sigalg) {
    return SSL_get_signature_algorithm_key_type(sigalg->number) != EVP_PKEY_NONE;
}

static bool is_named(const struct item *item, const char *name) {
    size_t i;
    if (name == NULL || strlen(name) != item->len) return false;
    for (i = 0; i < item->len; i++) {
        if (tolower((unsigned char)item->text[i]) != tolower((unsigned char)name[i])) return false;
    }
    return true;
}

/* Removes the next name from a list; false at the end of the list. */
static bool next_item(const char **text, size_t *len, const char *separators, struct item *item) {
    size_t i;
    if (*text == NULL) return false;
    item->text = *text;
    for (i = 0; i < *len && strchr(separators, (*text)[i]) == NULL; i++) continue;
    item->len = i;
    *text = i < *len ? *text + i + 1 : NULL;
    *len -= i < *len ? i + 1 : i;
    item->is_optional = item->len > 0 && item->text[0] == '?';
    if (item->is_optional) {
        item->text++;
        item->len--;
    }
    return true;
}

/* Reports a name that is not in the tables. */
static int32_t fail_unknown(const char *reason, const char *kind, const struct item *item,
                            const char *known) {
    char words[320];
    size_t i;
    for (i = 0; i < item->len && i < 48; i++) {
        if (!isalnum((unsigned char)item->text[i]) && strchr("-_+", item->text[i]) == NULL) break;
    }
    if (item->len == 0) {
        snprintf(words, sizeof words, "empty name in the list of %ss", kind);
    } else if (i < item->len) {
        snprintf(words, sizeof words, "malformed name in the list of %ss", kind);
    } else {
        snprintf(words, sizeof words, "unknown %s '%.*s'; this BoringSSL has %s", kind,
                 (int)item->len, item->text, known);
    }
    return cleat_fail_named("SSL", reason, words);
}

bool cleat_groups_has(const struct cleat_groups *list, int nid) {
    size_t i;
    for (i = 0; i < list->count; i++) {
        if (list->nids[i] == nid) return true;
    }
    return false;
}

bool cleat_sigalgs_has(const struct cleat_sigalgs *list, uint16_t number) {
    size_t i;
    for (i = 0; i < list->count; i++) {
        if (list->numbers[i] == number) return true;
    }
    return false;
}

int cleat_group_nid(uint16_t number) {
    size_t i;
    for (i = 0; i < GROUPS; i++) {
        if (groups[i].number == number) return groups[i].nid;
    }
    return NID_undef;
}

const char *cleat_group_name(uint16_t number) {
    size_t i;
    for (i = 0; i < GROUPS; i++) {
        if (groups[i].number == number) return groups[i].names[0];
    }
    return SSL_get_curve_name(number);
}

static void add_group(struct cleat_groups *list, int nid) {
    if (!cleat_groups_has(list, nid)) list->nids[list->count++] = nid;
}

static int find_group(const struct item *item) {
    size_t i;
    size_t j;
    for (i = 0; i < GROUPS; i++) {
        for (j = 0; j < NAMES; j++) {
            if (is_named(item, groups[i].names[j])) return groups[i].nid;
        }
    }
    return NID_undef;
}

/* Adds the groups of CLEAT_DEFAULT_GROUPS. */
static void add_default_groups(struct cleat_groups *list) {
    size_t i;
    for (i = 0; i < GROUPS; i++) {
        if (strcmp(groups[i].names[0], "MLKEM1024") != 0) add_group(list, groups[i].nid);
    }
}

int32_t cleat_groups_parse(const char *text, int32_t len, struct cleat_groups *list) {
    size_t left = (size_t)len;
    struct item item;
    list->count = 0;
    while (next_item(&text, &left, ":/", &item)) {
        int nid = find_group(&item);
        if (nid != NID_undef) {
            add_group(list, nid);
        } else if (is_named(&item, "DEFAULT")) {
            add_default_groups(list);
        } else if (!item.is_optional || item.len == 0) {
            char known[128];
            struct cleat_groups all = {0};
            int32_t known_len = cleat_groups_write(&all, false, false, known, sizeof known - 1);
            known[known_len > 0 && known_len < (int32_t)sizeof known ? known_len : 0] = '\0';
            return fail_unknown("UNSUPPORTED_ELLIPTIC_CURVE", "group", &item, known);
        }
    }
    if (list->count > 0) return CLEAT_OK;
    return cleat_fail_named("SSL", "UNSUPPORTED_ELLIPTIC_CURVE",
                            "this BoringSSL has none of the groups");
}

static const struct sigalg *find_sigalg(const struct item *item) {
    size_t i;
    for (i = 0; i < SIGALGS; i++) {
        const char *pair = sigalgs[i].pair;
        bool is_pss = pair != NULL && strncmp(pair, "RSA-PSS+", 8) == 0;
        if (!is_known(&sigalgs[i])) continue;
        if (is_named(item, sigalgs[i].name) || is_named(item, pair)) return &sigalgs[i];
        if (is_pss && is_named(item, pair + 4)) return &sigalgs[i]; /* the short form "PSS+" */
    }
    return NULL;
}

int32_t cleat_sigalgs_parse(const char *text, int32_t len, struct cleat_sigalgs *list) {
    size_t left = (size_t)len;
    struct item item;
    list->count = 0;
    while (next_item(&text, &left, ":", &item)) {
        const struct sigalg *found = find_sigalg(&item);
        if (found != NULL) {
            if (!cleat_sigalgs_has(list, found->number))
                list->numbers[list->count++] = found->number;
        } else if (!item.is_optional || item.len == 0) {
            return fail_unknown("INVALID_SIGNATURE_ALGORITHM", "signature algorithm", &item,
                                "those that cleat_signature_algorithms lists");
        }
    }
    if (list->count > 0) return CLEAT_OK;
    return cleat_fail_named("SSL", "INVALID_SIGNATURE_ALGORITHM",
                            "this BoringSSL has none of the signature algorithms");
}

/* A list of names under construction, with room for all names. */
struct names {
    size_t len;
    char text[512];
};

static void add_name(struct names *names, const char *name) {
    size_t len = strlen(name);
    if (names->len + 1 + len > sizeof names->text) return;
    if (names->len > 0) names->text[names->len++] = ':';
    memcpy(names->text + names->len, name, len);
    names->len += len;
}

int32_t cleat_groups_write(const struct cleat_groups *allowed, bool tls12_only, bool aliases,
                           char *output, int32_t output_cap) {
    struct names names = {0};
    size_t i;
    size_t j;
    for (i = 0; i < GROUPS; i++) {
        if (tls12_only && groups[i].tls13_only) continue;
        if (allowed->count > 0 && !cleat_groups_has(allowed, groups[i].nid)) continue;
        for (j = 0; j < (aliases ? NAMES : 1) && groups[i].names[j] != NULL; j++)
            add_name(&names, groups[i].names[j]);
    }
    return cleat_copy_out(names.text, (int64_t)names.len, output, output_cap);
}

int32_t cleat_sigalgs_write(char *output, int32_t output_cap) {
    struct names names = {0};
    size_t i;
    for (i = 0; i < SIGALGS; i++) {
        if (is_known(&sigalgs[i])) add_name(&names, sigalgs[i].name);
    }
    return cleat_copy_out(names.text, (int64_t)names.len, output, output_cap);
}
