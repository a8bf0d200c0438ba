/* trust_digest.c: digests of the content of trust objects, which are the same in every process and on every machine. */
#include <stdlib.h>
#include <string.h>

#include "base/argument.h"
#include "base/memory.h"
#include "x509/trust_parts.h"

static int compare_digests(const void *one, const void *other) {
    return memcmp(one, other, CLEAT_DIGEST);
}

/* Includes the trust settings of a "BEGIN TRUSTED CERTIFICATE" block. */
static bool digest_certificate(X509 *certificate, uint8_t digest[CLEAT_DIGEST]) {
    uint8_t *der = NULL;
    int len = i2d_X509_AUX(certificate, &der);
    if (len < 0) return false;
    SHA256(der, (size_t)len, digest);
    OPENSSL_free(der);
    return true;
}

static bool digest_loaded(const struct cleat_trust *trust, uint8_t digest[CLEAT_DIGEST]) {
    size_t certificates = sk_X509_num(trust->certificates);
    size_t crls = sk_X509_CRL_num(trust->crls);
    uint8_t(*list)[CLEAT_DIGEST] = cleat_allocate((certificates + crls + 1) * CLEAT_DIGEST);
    bool done = list != NULL;
    SHA256_CTX hash;
    size_t i;
    for (i = 0; i < certificates && done; i++) {
        done = digest_certificate(sk_X509_value(trust->certificates, i), list[i]);
    }
    for (i = 0; i < crls && done; i++) {
        done = X509_CRL_digest(sk_X509_CRL_value(trust->crls, i), EVP_sha256(),
                               list[certificates + i], NULL) == 1;
    }
    if (done) {
        qsort(list, certificates + crls, CLEAT_DIGEST, compare_digests);
        SHA256_Init(&hash);
        SHA256_Update(&hash, list, (certificates + crls) * CLEAT_DIGEST);
        SHA256_Final(digest, &hash);
    }
    cleat_release(list);
    return done;
}

/* Adds the digests of the directories, which are read at each call. */
static int32_t add_directories(const struct cleat_trust *trust, SHA256_CTX *hash) {
    char *names = cleat_copy_text(trust->directories, (int32_t)strlen(trust->directories));
    char *rest = names;
    const char *name;
    int32_t status = names == NULL ? cleat_fail_nomem() : CLEAT_OK;
    while (status >= 0 && (name = strsep(&rest, ":")) != NULL) {
        uint8_t content[CLEAT_DIGEST];
        status = cleat_file_digest_directory(name, content);
        if (status >= 0) SHA256_Update(hash, content, sizeof content);
    }
    cleat_release(names);
    return status;
}

bool cleat_trust_loaded_digest(struct cleat_trust *trust, uint8_t digest[CLEAT_DIGEST]) {
    bool done;
    pthread_mutex_lock(&trust->lock);
    if (!trust->has_digest) trust->has_digest = digest_loaded(trust, trust->digest);
    done = trust->has_digest;
    memcpy(digest, trust->digest, CLEAT_DIGEST);
    pthread_mutex_unlock(&trust->lock);
    return done;
}

int32_t cleat_trust_digest(struct cleat_trust *trust, uint8_t digest[CLEAT_DIGEST]) {
    SHA256_CTX hash;
    int32_t status = CLEAT_OK;
    if (!cleat_trust_loaded_digest(trust, digest)) status = cleat_fail_nomem();
    if (status < 0 || cleat_trust_directory_count(trust) == 0) return status;
    SHA256_Init(&hash);
    SHA256_Update(&hash, digest, CLEAT_DIGEST);
    status = add_directories(trust, &hash);
    if (status >= 0) SHA256_Final(digest, &hash);
    return status;
}
