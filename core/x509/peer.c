#include "x509/peer.h"

#include <string.h>

#include "base/memory.h"
#include "cleat/verify.h"
#include "x509/chain_bytes.h"
#include "x509/chain_cache.h"
#include "x509/validity.h"
#include "x509/verification.h"

/* NULL if one of them cannot be parsed, or an allocation failed. */
static STACK_OF(X509) * parse(const STACK_OF(CRYPTO_BUFFER) * sent) {
    STACK_OF(X509) *chain = sk_X509_new_null();
    size_t i;
    for (i = 0; chain != NULL && i < sk_CRYPTO_BUFFER_num(sent); i++) {
        X509 *certificate = X509_parse_from_buffer(sk_CRYPTO_BUFFER_value(sent, i));
        if (certificate == NULL || sk_X509_push(chain, certificate) == 0) {
            X509_free(certificate);
            sk_X509_pop_free(chain, X509_free);
            return NULL;
        }
    }
    return chain;
}

static bool set_name(X509_VERIFY_PARAM *param, const struct cleat_peer_terms *terms) {
    if (terms->name == NULL) return true;
    X509_VERIFY_PARAM_set_hostflags(
        param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                   (terms->ignores_common_name ? X509_CHECK_FLAG_NEVER_CHECK_SUBJECT : 0));
    return (terms->name_is_address
                ? X509_VERIFY_PARAM_set1_ip_asc(param, terms->name)
                : X509_VERIFY_PARAM_set1_host(param, terms->name, strlen(terms->name))) == 1;
}

/* NULL if an allocation failed. */
static X509_VERIFY_PARAM *make_param(const struct cleat_peer_terms *terms, int64_t now) {
    X509_VERIFY_PARAM *param = X509_VERIFY_PARAM_new();
    if (param != NULL && X509_VERIFY_PARAM_set_purpose(param, terms->purpose) == 1 &&
        X509_VERIFY_PARAM_set_trust(param, cleat_chain_trust(terms->purpose)) == 1 &&
        X509_VERIFY_PARAM_set_flags(param, terms->flags) == 1 && set_name(param, terms)) {
        if (terms->has_time) X509_VERIFY_PARAM_set_time_posix(param, now);
        return param;
    }
    X509_VERIFY_PARAM_free(param);
    return NULL;
}

/* Whether a verification with these terms may use the cache. Revocation lists in a directory are read each time. */
static bool is_cacheable(const struct cleat_peer_terms *terms) {
    bool has_lists = (terms->flags & X509_V_FLAG_CRL_CHECK) != 0;
    return terms->cache_seconds > 0 && !terms->has_time &&
           (!has_lists || cleat_trust_directory_count(terms->trust) == 0);
}

static int32_t depth_of(const struct cleat_peer_terms *terms) {
    return terms->has_depth ? terms->depth : CLEAT_DEPTH_MAX;
}

static void add_number(SHA256_CTX *hash, uint64_t number) {
    uint8_t bytes[8];
    size_t i;
    for (i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(number >> (8 * i));
    SHA256_Update(hash, bytes, sizeof bytes);
}

static void add_bytes(SHA256_CTX *hash, const void *bytes, size_t len) {
    add_number(hash, len);
    SHA256_Update(hash, bytes, len);
}

/* Computes a digest of all inputs of a verification except the time. The contents of directories are not included: a
 * chain that needs them is not cached. False if an allocation failed. */
static bool make_key(const struct cleat_peer_terms *terms, const STACK_OF(CRYPTO_BUFFER) * sent,
                     uint8_t key[CLEAT_DIGEST]) {
    uint8_t trust[CLEAT_DIGEST];
    SHA256_CTX hash;
    size_t i;
    if (!cleat_trust_loaded_digest(terms->trust, trust)) return false;
    SHA256_Init(&hash);
    SHA256_Update(&hash, trust, sizeof trust);
    add_number(&hash, terms->flags);
    add_number(&hash, (uint64_t)terms->purpose);
    add_number(&hash, terms->name == NULL ? 0 : terms->name_is_address ? 2 : 1);
    if (terms->name != NULL) add_bytes(&hash, terms->name, strlen(terms->name));
    add_number(&hash, terms->ignores_common_name ? 1 : 0);
    add_number(&hash, (uint64_t)depth_of(terms));
    add_number(&hash, terms->asks_ocsp ? 1 : 0);
    add_number(&hash, terms->requires_ocsp ? 1 : 0);
    add_bytes(&hash, terms->ocsp_response, terms->ocsp_response_len);
    for (i = 0; i < sk_CRYPTO_BUFFER_num(sent); i++) {
        const CRYPTO_BUFFER *certificate = sk_CRYPTO_BUFFER_value(sent, i);
        add_bytes(&hash, CRYPTO_BUFFER_data(certificate), CRYPTO_BUFFER_len(certificate));
    }
    SHA256_Final(key, &hash);
    return true;
}

/* Computes the key unless an allocation has failed before. If an allocation fails here, the cache is not used, and
 * the verification is not affected. */
static bool try_key(const struct cleat_peer_terms *terms, const STACK_OF(CRYPTO_BUFFER) * sent,
                    uint8_t key[CLEAT_DIGEST]) {
    if (!is_cacheable(terms) || cleat_memory_failed()) return false;
    if (make_key(terms, sent, key)) return true;
    cleat_error_clear_queue();
    return false;
}

/* Checks the peer's OCSP response for an accepted chain. The report's until is then limited to the end of the
 * response. */
static bool check_staple(const struct cleat_peer_terms *terms, const STACK_OF(X509) * chain,
                         int64_t now, struct cleat_peer_report *report) {
    X509 *leaf = sk_X509_value(chain, 0);
    /* A peer's certificate that is trusted itself is its own issuer. */
    X509 *issuer = sk_X509_num(chain) > 1 ? sk_X509_value(chain, 1) : leaf;
    bool is_required =
        terms->requires_ocsp || (terms->asks_ocsp && cleat_ocsp_is_must_staple(leaf));
    struct cleat_ocsp_status status;
    int number = 0;
    if (terms->ocsp_response_len == 0) {
        number = is_required ? CLEAT_X509_OCSP_VERIFY_NEEDED : 0;
    } else {
        report->ocsp_fault = cleat_ocsp_verify(terms->ocsp_response, terms->ocsp_response_len, leaf,
                                               issuer, now, &status);
        if (report->ocsp_fault == CLEAT_OCSP_NO_MEMORY) {
            report->error = (struct cleat_verify_error){X509_V_ERR_OUT_OF_MEM, 0, 0};
            return false;
        }
        if (report->ocsp_fault != CLEAT_OCSP_NO_FAULT) {
            number = is_required ? CLEAT_X509_OCSP_VERIFY_FAILED : 0;
        } else if (status.status == CLEAT_OCSP_REVOKED) {
            report->error = (struct cleat_verify_error){X509_V_ERR_CERT_REVOKED, 0, 0};
            return false;
        } else {
            if (status.status == CLEAT_OCSP_UNKNOWN && is_required)
                number = CLEAT_X509_OCSP_CERT_UNKNOWN;
            if (cleat_ocsp_end(&status) < report->until) report->until = cleat_ocsp_end(&status);
        }
    }
    if (number != 0) cleat_verify_error_set(&report->error, number, 0);
    return number == 0;
}

/* Verifies the chain. used_directories: the result depends on directories and must not be cached. accepted_chain and
 * refused: the caller frees them; NULL if there is none. */
static bool verify(const struct cleat_peer_terms *terms, STACK_OF(X509) * chain, int64_t now,
                   struct cleat_peer_report *report, bool *used_directories,
                   STACK_OF(X509) * *accepted_chain, STACK_OF(X509) * *refused) {
    struct cleat_chain_request request = {
        .leaf = sk_X509_value(chain, 0),
        .sent = chain,
        .param = make_param(terms, now),
        .purpose = terms->purpose,
        .now = now,
        .depth = depth_of(terms),
        .accepted = accepted_chain,
        .refused = refused,
    };
    bool has_lists = (terms->flags & X509_V_FLAG_CRL_CHECK) != 0;
    bool accepted = false;
    report->error = (struct cleat_verify_error){X509_V_ERR_OUT_OF_MEM, 0, 0};
    report->until = 0;
    *accepted_chain = *refused = NULL;
    if (request.param != NULL)
        accepted = cleat_verification_run(terms->trust, &request, &report->error);
    *used_directories = request.used_directories;
    if (accepted) {
        const STACK_OF(X509_CRL) *crls = has_lists ? cleat_trust_crls(terms->trust) : NULL;
        sk_X509_pop_free(
            *refused, X509_free); /* of a path that was refused before another one was accepted */
        *refused = NULL;
        report->until = cleat_validity_end(*accepted_chain, crls, now);
        accepted = check_staple(terms, *accepted_chain, now, report);
    }
    if (terms->has_time)
        report->until = INT64_MAX; /* the result does not depend on the present time */
    if (!accepted && terms->faults != NULL && request.param != NULL) {
        cleat_verify_faults_add(terms->faults, report->error);
        cleat_verification_faults(terms->trust, &request, terms->faults);
        if (cleat_memory_failed()) {
            report->error = (struct cleat_verify_error){X509_V_ERR_OUT_OF_MEM, 0, 0};
        }
    }
    X509_VERIFY_PARAM_free(request.param);
    return accepted;
}

static int64_t time_of(const struct cleat_peer_terms *terms, int64_t now) {
    return terms->has_time ? terms->time : now;
}

/* Verifies the certificates that were sent, at now unless the terms have another time. Returns the accepted chain,
 * which the caller frees, or NULL. used_directories: see verify. */
static STACK_OF(X509) * check_chain(const struct cleat_peer_terms *terms, STACK_OF(X509) * chain,
                                    const STACK_OF(CRYPTO_BUFFER) * sent, int64_t now,
                                    struct cleat_peer_report *report, bool *used_directories) {
    STACK_OF(X509) *refused = NULL;
    STACK_OF(X509) *accepted_chain = NULL;
    bool accepted = verify(terms, chain, time_of(terms, now), report, used_directories,
                           &accepted_chain, &refused);
    if (!accepted && refused == NULL) { /* refused because of the OCSP response */
        refused = accepted_chain;
        accepted_chain = NULL;
    }
    if (!accepted && refused != NULL) {
        report->refused = cleat_chain_bytes(refused, sent);
        if (report->refused == NULL) report->error.error = X509_V_ERR_OUT_OF_MEM;
    }
    sk_X509_pop_free(refused, X509_free);
    if (accepted) return accepted_chain;
    sk_X509_pop_free(accepted_chain, X509_free);
    return NULL;
}

static const struct cleat_peer_report no_report = {
    {X509_V_OK, 0, 0}, CLEAT_PEER_CACHE_UNUSED, CLEAT_OCSP_NO_FAULT, 0, NULL};

enum cleat_peer_verdict cleat_peer_verify(const struct cleat_peer_terms *terms,
                                          const STACK_OF(CRYPTO_BUFFER) * sent,
                                          struct cleat_peer_report *report) {
    struct cleat_chain_moment now = cleat_chain_moment_now();
    uint8_t key[CLEAT_DIGEST];
    bool has_key = try_key(terms, sent, key);
    STACK_OF(X509) * chain;
    STACK_OF(X509) * accepted_chain;
    bool used_directories;
    bool accepted;
    *report = no_report;
    if (has_key) {
        bool is_known = cleat_chain_cache_has(key, now, terms->cache_seconds, &report->until);
        report->cache = is_known ? CLEAT_PEER_CACHE_HIT : CLEAT_PEER_CACHE_MISS;
        if (is_known) return CLEAT_PEER_ACCEPTED;
    }
    chain = parse(sent);
    if (chain == NULL) return CLEAT_PEER_UNDECODABLE;
    accepted_chain = check_chain(terms, chain, sent, now.wall, report, &used_directories);
    accepted = accepted_chain != NULL;
    sk_X509_pop_free(accepted_chain, X509_free);
    if (accepted && has_key && !used_directories) cleat_chain_cache_add(key, now, report->until);
    sk_X509_pop_free(chain, X509_free);
    return accepted ? CLEAT_PEER_ACCEPTED : CLEAT_PEER_REFUSED;
}

STACK_OF(X509) * cleat_peer_chain(const struct cleat_peer_terms *terms,
                                  const STACK_OF(CRYPTO_BUFFER) * sent,
                                  struct cleat_peer_report *report) {
    STACK_OF(X509) *chain = parse(sent);
    STACK_OF(X509) *accepted_chain = NULL;
    bool used_directories;
    *report = no_report;
    if (chain == NULL) {
        report->error.error = X509_V_ERR_OUT_OF_MEM;
    } else {
        accepted_chain = check_chain(terms, chain, sent, cleat_chain_moment_now().wall, report,
                                     &used_directories);
    }
    sk_X509_pop_free(chain, X509_free);
    return accepted_chain;
}

enum cleat_peer_verdict cleat_peer_decode(const STACK_OF(CRYPTO_BUFFER) * sent) {
    STACK_OF(X509) *chain = parse(sent);
    if (chain == NULL) return CLEAT_PEER_UNDECODABLE;
    sk_X509_pop_free(chain, X509_free);
    return CLEAT_PEER_ACCEPTED;
}
