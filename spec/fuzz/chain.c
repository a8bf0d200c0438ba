/* chain.c: verifies a peer's certificates. The first byte has the flags and the role. The low bits of the second one
 * are the number of trusted certificates among those after it, in DER: the last ones of them. The verdict must be the
 * same each time, and must not depend on the cache. */
#undef _FORTIFY_SOURCE
#include <time.h>

#include "base/boringssl.h"
#include "base/error.h"
#include "base/memory.h"
#include "fuzz.h"
#include "x509/chain_bytes.h"
#include "x509/peer.h"
#include "x509/strict.h"

enum { CERTIFICATES_MAX = 12 };

/* The seeds' certificates are valid at this time. */
time_t time(
    time_t *
        now) { /* NOLINT(readability-inconsistent-declaration-parameter-name): libc's parameters have reserved names */
    if (now != NULL) *now = 1796000000;
    return 1796000000;
}

struct input {
    CBS certificates[CERTIFICATES_MAX];
    size_t count;
    size_t trusted;
    struct cleat_peer_terms terms;
};

static void split(struct input *input, const uint8_t *data, size_t size) {
    CBS rest;
    size_t header;
    CBS_init(&rest, data, size);
    while (input->count < CERTIFICATES_MAX && CBS_len(&rest) > 0) {
        CBS *certificate = &input->certificates[input->count++];
        if (CBS_get_any_asn1_element(&rest, certificate, NULL, &header) != 1) {
            *certificate = rest;
            return;
        }
    }
}

static void set_terms(struct input *input, uint8_t first) {
    if ((first & 1) != 0) input->terms.flags |= CLEAT_STRICT_FLAG;
    if ((first & 2) != 0) input->terms.flags |= X509_V_FLAG_PARTIAL_CHAIN;
    if ((first & 4) != 0) input->terms.flags |= X509_V_FLAG_CRL_CHECK;
    input->terms.purpose = (first & 8) != 0 ? X509_PURPOSE_SSL_CLIENT : X509_PURPOSE_SSL_SERVER;
    if ((first & 16) != 0) input->terms.name = "localhost";
    if ((first & 32) != 0) {
        input->terms.name = "127.0.0.1";
        input->terms.name_is_address = true;
    }
}

/* NULL if the trusted certificates cannot be loaded. */
static struct cleat_trust *make_trust(const struct input *input) {
    struct cleat_trust_sources sources = {NULL, 0, NULL, false};
    struct cleat_trust *trust = NULL;
    size_t i;
    for (i = input->count - input->trusted; i < input->count; i++) {
        const CBS *der = &input->certificates[i];
        struct cleat_bundle *bundle;
        if (cleat_bundle_from_data((const char *)CBS_data(der), (int32_t)CBS_len(der), &bundle) < 0)
            continue;
        DEMAND(cleat_trust_sources_add(&sources, bundle, NULL) == CLEAT_OK);
        cleat_bundle_unref(bundle);
    }
    DEMAND(cleat_trust_new(&sources, &trust) == CLEAT_OK);
    cleat_trust_sources_free(&sources);
    return trust;
}

static STACK_OF(CRYPTO_BUFFER) * make_sent(const struct input *input, bool *decodable) {
    STACK_OF(CRYPTO_BUFFER) *sent = sk_CRYPTO_BUFFER_new_null();
    size_t i;
    *decodable = true;
    for (i = 0; i < input->count; i++) {
        const CBS *der = &input->certificates[i];
        CRYPTO_BUFFER *buffer = CRYPTO_BUFFER_new(CBS_data(der), CBS_len(der), NULL);
        X509 *x509 = X509_parse_from_buffer(buffer);
        if (x509 == NULL) *decodable = false;
        X509_free(x509);
        DEMAND(sk_CRYPTO_BUFFER_push(sent, buffer) != 0);
    }
    ERR_clear_error();
    return sent;
}

static enum cleat_peer_verdict verify(struct input *input, const STACK_OF(CRYPTO_BUFFER) * sent,
                                      int32_t seconds, struct cleat_peer_report *report) {
    enum cleat_peer_verdict verdict;
    input->terms.cache_seconds = seconds;
    cleat_error_clear_queue();
    verdict = cleat_peer_verify(&input->terms, sent, report);
    /* The refused certificate is in the error's chain. */
    DEMAND((verdict == CLEAT_PEER_REFUSED) == (report->refused != NULL));
    DEMAND(report->refused == NULL ||
           (report->error.depth >= 0 &&
            (size_t)report->error.depth < sk_CRYPTO_BUFFER_num(report->refused)));
    cleat_chain_bytes_free(report->refused);
    return verdict;
}

static void compare(struct input *input, const STACK_OF(CRYPTO_BUFFER) * sent, bool decodable) {
    struct cleat_peer_report first;
    struct cleat_peer_report second;
    enum cleat_peer_verdict verdict = verify(input, sent, 0, &first);
    DEMAND(first.cache == CLEAT_PEER_CACHE_UNUSED);
    DEMAND((verdict == CLEAT_PEER_UNDECODABLE) == !decodable);
    DEMAND((verdict == CLEAT_PEER_REFUSED) == (first.error.error != X509_V_OK));
    DEMAND(verify(input, sent, 300, &second) == verdict);
    DEMAND(second.cache != CLEAT_PEER_CACHE_UNUSED);
    DEMAND(second.error.error == first.error.error && second.error.number == first.error.number);
    DEMAND(verify(input, sent, 300, &second) == verdict);
    if (verdict != CLEAT_PEER_ACCEPTED) DEMAND(second.cache == CLEAT_PEER_CACHE_MISS);
    DEMAND(cleat_peer_decode(sent) == (decodable ? CLEAT_PEER_ACCEPTED : CLEAT_PEER_UNDECODABLE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input input = {.count = 0};
    STACK_OF(CRYPTO_BUFFER) * sent;
    bool decodable;
    if (size < 3) return 0;
    split(&input, data + 2, size - 2);
    set_terms(&input, data[0]);
    input.trusted = data[1] % (input.count + 1);
    input.terms.trust = make_trust(&input);
    input.count -= input.trusted; /* they are not sent */
    if (input.count > 0) {
        sent = make_sent(&input, &decodable);
        compare(&input, sent, decodable);
        sk_CRYPTO_BUFFER_pop_free(sent, CRYPTO_BUFFER_free);
    }
    cleat_trust_unref(input.terms.trust);
    return 0;
}
