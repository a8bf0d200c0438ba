/* bundle.c: parses all certificates and revocation lists of a file or text before any of them is used, so that a
 * failure adds nothing. */
#include "x509/bundle.h"

#include <stdio.h>

#include "base/argument.h"
#include "base/file.h"
#include "base/memory.h"
#include "x509/pem_text.h"

static const char begin_mark[] = "-----BEGIN ";

struct cleat_bundle *cleat_bundle_ref(struct cleat_bundle *bundle) {
    atomic_fetch_add_explicit(&bundle->references, 1, memory_order_relaxed);
    return bundle;
}

void cleat_bundle_unref(struct cleat_bundle *bundle) {
    if (bundle == NULL) return;
    if (atomic_fetch_sub_explicit(&bundle->references, 1, memory_order_acq_rel) > 1) return;
    sk_X509_pop_free(bundle->certificates, X509_free);
    sk_X509_CRL_pop_free(bundle->crls, X509_CRL_free);
    cleat_release(bundle->skipped);
    cleat_release(bundle);
}

static struct cleat_bundle *new_bundle(void) {
    struct cleat_bundle *bundle = cleat_allocate(sizeof *bundle);
    if (bundle == NULL) return NULL;
    atomic_init(&bundle->references, 1);
    bundle->certificates = sk_X509_new_null();
    bundle->crls = sk_X509_CRL_new_null();
    if (bundle->certificates != NULL && bundle->crls != NULL) return bundle;
    cleat_bundle_unref(bundle);
    return NULL;
}

int32_t cleat_bundle_new_empty(struct cleat_bundle **bundle) {
    *bundle = new_bundle();
    return *bundle == NULL ? cleat_fail_nomem() : CLEAT_OK;
}

int32_t cleat_bundle_count(const struct cleat_bundle *bundle) {
    return (int32_t)(sk_X509_num(bundle->certificates) + sk_X509_CRL_num(bundle->crls));
}

/* Both functions take over the caller's reference. X509_check_purpose decodes and caches the certificate's
 * extensions. It is called here and not at first use: if an allocation failed then, the certificate would stay
 * invalid in all contexts that share it. */
static bool append_certificate(struct cleat_bundle *bundle, X509 *certificate) {
    X509_check_purpose(certificate, -1, 0);
    if (!cleat_memory_failed() && sk_X509_push(bundle->certificates, certificate) != 0) return true;
    X509_free(certificate);
    return false;
}

static bool append_crl(struct cleat_bundle *bundle, X509_CRL *crl) {
    if (sk_X509_CRL_push(bundle->crls, crl) != 0) return true;
    X509_CRL_free(crl);
    return false;
}

static bool is_present(const char *data, int32_t len, const char *mark) {
    return memmem(data, (size_t)len, mark, strlen(mark)) != NULL;
}

static bool is_ascii(const char *data, int32_t len) {
    int32_t i;
    for (i = 0; i < len; i++) {
        if ((unsigned char)data[i] > 0x7f || data[i] == '\0') return false;
    }
    return true;
}

/* Parses concatenated certificates and revocation lists in DER. */
static int32_t parse_der(const char *data, int32_t len, struct cleat_bundle *bundle) {
    const uint8_t *at = (const uint8_t *)data;
    const uint8_t *end = at + len;
    /* Data that does not begin with a SEQUENCE contains no certificate; for later errors BoringSSL reports the
     * reason. */
    if (*at != 0x30) return cleat_fail_named("ASN1", "NOT_ENOUGH_DATA", "not enough data");
    while (at < end) {
        const uint8_t *start = at;
        X509 *certificate = d2i_X509(NULL, &at, end - at);
        X509_CRL *crl;
        if (certificate != NULL) {
            if (!append_certificate(bundle, certificate)) return cleat_fail_nomem();
            continue;
        }
        at = start;
        crl = d2i_X509_CRL(NULL, &at, end - at);
        if (crl == NULL) return cleat_fail_ssl("d2i_X509");
        cleat_error_clear_queue();
        if (!append_crl(bundle, crl)) return cleat_fail_nomem();
    }
    return CLEAT_OK;
}

/* A PEM block: from its BEGIN line up to the next one. */
struct block {
    const char *start;
    int32_t len;
    int32_t line; /* from 1 */
    int32_t ordinal; /* among the certificates and revocation lists, from 1 */
};

static bool is_label(const struct block *block, const char *label) {
    size_t len = strlen(label);
    size_t mark = sizeof begin_mark - 1;
    return (size_t)block->len >= mark + len + 5 && memcmp(block->start + mark, label, len) == 0 &&
           memcmp(block->start + mark + len, "-----", 5) == 0;
}

static bool is_certificate(const struct block *block) {
    return is_label(block, PEM_STRING_X509) || is_label(block, PEM_STRING_X509_OLD) ||
           is_label(block, PEM_STRING_X509_TRUSTED);
}

static bool is_line_start(const char *text, const char *at) {
    return at == text || at[-1] == '\n' || at[-1] == '\r';
}

/* Finds the first "-----BEGIN " at the start of a line, from at on. A byte order mark may precede it where files
 * were concatenated. */
static const char *find_begin(const char *text, const char *at, const char *end) {
    while ((at = memmem(at, (size_t)(end - at), begin_mark, sizeof begin_mark - 1)) != NULL) {
        const char *before = at;
        if (at - text >= 3 && memcmp(at - 3, "\xef\xbb\xbf", 3) == 0) before = at - 3;
        if (is_line_start(text, before)) return at;
        at++;
    }
    return NULL;
}

static int32_t count_lines(const char *from, const char *to) {
    int32_t count = 0;
    for (; (from = memchr(from, '\n', (size_t)(to - from))) != NULL; from++) count++;
    return count;
}

/* NULL if the block is not in strict form: BoringSSL then parses it or reports what is wrong. */
static X509 *read_strict(const struct block *block) {
    uint8_t *der = cleat_allocate((size_t)block->len);
    const uint8_t *at = der;
    X509 *certificate = NULL;
    size_t len;
    if (der != NULL && cleat_pem_text_decode(block->start, (size_t)block->len, der, &len)) {
        certificate = d2i_X509_AUX(NULL, &at, (long)len);
        if (certificate == NULL && !cleat_memory_failed()) cleat_error_clear_queue();
    }
    cleat_release(der);
    return certificate;
}

/* NULL, and an error in BoringSSL's queue, if the block is not a certificate. */
static X509 *read_certificate(const struct block *block) {
    X509 *certificate = read_strict(block);
    BIO *bio;
    if (certificate != NULL || cleat_memory_failed()) return certificate;
    bio = BIO_new_mem_buf(block->start, block->len);
    if (bio != NULL) certificate = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return certificate;
}

static X509_CRL *read_crl(const struct block *block) {
    BIO *bio = BIO_new_mem_buf(block->start, block->len);
    X509_CRL *crl = bio == NULL ? NULL : PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return crl;
}

/* Parses a certificate or revocation list. CLEAT_OK; CLEAT_NOMEM; CLEAT_SSL. */
static int32_t parse_block(const struct block *block, struct cleat_bundle *bundle) {
    bool appended;
    if (is_certificate(block)) {
        X509 *certificate = read_certificate(block);
        if (certificate == NULL) return cleat_fail_ssl("PEM_read_bio_X509_AUX");
        appended = append_certificate(bundle, certificate);
    } else {
        X509_CRL *crl = read_crl(block);
        if (crl == NULL) return cleat_fail_ssl("PEM_read_bio_X509_CRL");
        appended = append_crl(bundle, crl);
    }
    return appended ? CLEAT_OK : cleat_fail_nomem();
}

/* Records a block for which parse_block has failed, with the reason from this thread's record. */
static int32_t skip_block(struct cleat_bundle *bundle, const struct block *block) {
    struct cleat_skipped *more = cleat_resize(bundle->skipped, ((size_t)bundle->skipped_count + 1) *
                                                                   sizeof *bundle->skipped);
    struct cleat_skipped *skipped;
    int32_t len;
    if (more == NULL) return cleat_fail_nomem();
    bundle->skipped = more;
    skipped = &more[bundle->skipped_count++];
    memset(skipped, 0, sizeof *skipped);
    skipped->ordinal = block->ordinal;
    skipped->line = block->line;
    len = cleat_error_reason(skipped->reason, (int32_t)sizeof skipped->reason - 1);
    if (len < 0) skipped->reason[0] = '\0';
    cleat_error_clear_queue();
    return CLEAT_OK;
}

static int32_t parse_pem(const char *text, int32_t len, enum cleat_bundle_mode mode,
                         struct cleat_bundle *bundle) {
    const char *end = text + len;
    const char *at = find_begin(text, text, end);
    const char *counted = text;
    struct block block = {NULL, 0, 1, 0};
    while (at != NULL) {
        const char *next = find_begin(text, at + 1, end);
        int32_t status;
        block.start = at;
        block.len = (int32_t)((next == NULL ? end : next) - at);
        block.line += count_lines(counted, at);
        counted = at;
        at = next;
        if (!is_certificate(&block) && !is_label(&block, PEM_STRING_X509_CRL)) continue;
        block.ordinal++;
        cleat_error_clear_queue();
        status = parse_block(&block, bundle);
        if (status == CLEAT_STATUS(CLEAT_NOMEM, 0)) return status;
        if (status < 0 && mode == CLEAT_BUNDLE_LENIENT) {
            status = skip_block(bundle, &block);
        } else if (status < 0) {
            return cleat_fail_where(status, "block %d, which begins in line %d", (int)block.ordinal,
                                    (int)block.line);
        }
        if (status < 0) return status;
    }
    return CLEAT_OK;
}

static int32_t make(const char *bytes, int32_t len, bool pem, enum cleat_bundle_mode mode,
                    struct cleat_bundle **bundle) {
    struct cleat_bundle *made;
    int32_t status;
    cleat_error_clear_queue();
    made = new_bundle();
    if (made == NULL) return cleat_fail_nomem();
    status = pem ? parse_pem(bytes, len, mode, made) : parse_der(bytes, len, made);
    if (status >= 0 && cleat_memory_failed()) status = cleat_fail_nomem();
    if (status < 0) {
        cleat_bundle_unref(made);
        return status;
    }
    *bundle = made;
    return CLEAT_OK;
}

/* Fails for an empty bundle, which it releases. */
static int32_t refuse_empty(struct cleat_bundle **bundle, const char *library, const char *reason,
                            const char *words) {
    if (cleat_bundle_count(*bundle) > 0 || (*bundle)->skipped_count > 0) return CLEAT_OK;
    cleat_bundle_unref(*bundle);
    *bundle = NULL;
    return cleat_fail_named(library, reason, words);
}

int32_t cleat_bundle_from_file(const char *bytes, int32_t len, enum cleat_bundle_mode mode,
                               struct cleat_bundle **bundle) {
    int32_t status;
    bool pem;
    cleat_file_skip_mark(&bytes, &len);
    pem = len == 0 || bytes[0] != 0x30 || is_present(bytes, len, "-----BEGIN");
    status = make(bytes, len, pem, mode, bundle);
    if (status < 0) return status;
    return refuse_empty(bundle, "X509", "NO_CERTIFICATE_OR_CRL_FOUND",
                        "no certificate or crl found");
}

int32_t cleat_bundle_from_data(const char *bytes, int32_t len, struct cleat_bundle **bundle) {
    int32_t status;
    bool pem;
    cleat_file_skip_mark(&bytes, &len);
    /* Data without a PEM block is treated as text if it is ASCII (a str in Python), and otherwise as DER. */
    pem = len == 0 ||
          (bytes[0] != 0x30 && (is_present(bytes, len, "-----BEGIN") || is_ascii(bytes, len)));
    status = make(bytes, len, pem, CLEAT_BUNDLE_STRICT, bundle);
    if (status < 0) return status;
    return refuse_empty(bundle, "PEM", "NO_START_LINE", "no start line");
}
