/* hostname.c: whether a certificate's name matches the server's, computed by the library as for connections, and by a
 * second implementation that is slow and obvious (RFC 6125 section 6.4.3, with a wildcard as the whole first label
 * only). The input is the certificate's name, a newline, and the server's. */
#include <ctype.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>

#include "fuzz.h"

enum { MOST_LABELS = 64, LONGEST = 200 };

struct labels {
    int count;
    char text[MOST_LABELS][LONGEST + 1];
};

static bool split(const char *name, struct labels *labels) {
    memset(labels, 0, sizeof *labels);
    labels->count = 1;
    for (; *name != '\0'; name++) {
        char *label = labels->text[labels->count - 1];
        if (*name == '.') {
            if (++labels->count > MOST_LABELS) return false;
        } else {
            label[strlen(label)] = (char)tolower((unsigned char)*name);
        }
    }
    return true;
}

/* The part that a wildcard matches. */
#define LETTERS "abcdefghijklmnopqrstuvwxyz0123456789-"

/* A name that a certificate may have for a wildcard to match: letters, digits, hyphens inside. */
static bool is_plain(const char *label) {
    size_t len = strlen(label);
    size_t i;
    if (len == 0 || label[0] == '-' || label[len - 1] == '-') return false;
    for (i = 0; i < len; i++) {
        if (!isalnum((unsigned char)label[i]) && label[i] != '-') return false;
    }
    return true;
}

static bool matches(const char *pattern, const char *name) {
    static struct labels a;
    static struct labels b;
    int i;
    if (!split(pattern, &a) || !split(name, &b) || a.count != b.count) return false;
    for (i = 0; i < a.count; i++) {
        bool wild = i == 0 && strcmp(a.text[i], "*") == 0 && strcmp(b.text[i], "*") != 0;
        if (wild) {
            /* for one whole label, of a name with at least two more */
            if (a.count < 3 || strspn(b.text[i], LETTERS) != strlen(b.text[i]) ||
                b.text[i][0] == '\0')
                return false;
        } else if (strcmp(a.text[i], b.text[i]) != 0) {
            return false;
        }
    }
    return true;
}

static X509 *certificate_for(const char *name) {
    X509 *x509 = X509_new();
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *one = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    DEMAND(ASN1_STRING_set(text, name, (ossl_ssize_t)strlen(name)) == 1);
    GENERAL_NAME_set0_value(one, GEN_DNS, text);
    sk_GENERAL_NAME_push(names, one);
    X509_set_version(x509, X509_VERSION_3);
    DEMAND(X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, 0) == 1);
    sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
    return x509;
}

/* Names for which the two need not agree, because no host has them. */
static bool is_name(const char *name, bool pattern) {
    static struct labels labels;
    int i;
    if (name[0] == '\0' || !split(name, &labels)) return false;
    for (i = 0; i < labels.count; i++) {
        if (pattern && i == 0 && strcmp(labels.text[0], "*") == 0) continue;
        if (!is_plain(labels.text[i])) return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char pattern[LONGEST + 1] = "";
    char name[LONGEST + 1] = "";
    const uint8_t *newline = size == 0 ? NULL : memchr(data, '\n', size);
    size_t first;
    size_t second;
    X509 *x509;
    bool found;
    if (newline == NULL) return 0;
    first = (size_t)(newline - data);
    second = size - first - 1;
    if (first > LONGEST || second > LONGEST || memchr(data, 0, size) != NULL) return 0;
    memcpy(pattern, data, first);
    memcpy(name, newline + 1, second);
    if (name[0] == '\0') return 0;
    x509 = certificate_for(pattern);
    found =
        X509_check_host(x509, name, strlen(name), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
    X509_free(x509);
    /* Whatever the two names are, the library matches nothing that the obvious implementation refuses. */
    if (found) DEMAND(matches(pattern, name));
    if (is_name(pattern, true) && is_name(name, false)) DEMAND(found == matches(pattern, name));
    return 0;
}
