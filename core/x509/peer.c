#include "x509/peer.h"

#include <string.h>

#include "base/memory.h"
#include "x509/verification.h"

/* NULL if one of them cannot be parsed, or memory lacks. */
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
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return (terms->name_is_address
                ? X509_VERIFY_PARAM_set1_ip_asc(param, terms->name)
                : X509_VERIFY_PARAM_set1_host(param, terms->name, strlen(terms->name))) == 1;
}

/* NULL if memory lacks. */
static X509_VERIFY_PARAM *make_param(const struct cleat_peer_terms *terms) {
    bool is_server = terms->purpose == X509_PURPOSE_SSL_SERVER;
    X509_VERIFY_PARAM *param = X509_VERIFY_PARAM_new();
    if (param != NULL && X509_VERIFY_PARAM_set_purpose(param, terms->purpose) == 1 &&
        X509_VERIFY_PARAM_set_trust(
            param, is_server ? X509_TRUST_SSL_SERVER : X509_TRUST_SSL_CLIENT) == 1 &&
        X509_VERIFY_PARAM_set_flags(param, terms->flags) == 1 && set_name(param, terms)) {
        return param;
    }
    X509_VERIFY_PARAM_free(param);
    return NULL;
}

static bool verify(const struct cleat_peer_terms *terms, STACK_OF(X509) * chain,
                   struct cleat_verify_error *error) {
    struct cleat_chain_request request = {
        .leaf = sk_X509_value(chain, 0),
        .sent = chain,
        .param = make_param(terms),
        .purpose = terms->purpose,
    };
    bool accepted = false;
    *error = (struct cleat_verify_error){X509_V_ERR_OUT_OF_MEM, 0, 0};
    if (request.param != NULL) accepted = cleat_verification_run(terms->trust, &request, error);
    X509_VERIFY_PARAM_free(request.param);
    return accepted;
}

enum cleat_peer_verdict cleat_peer_verify(const struct cleat_peer_terms *terms,
                                          const STACK_OF(CRYPTO_BUFFER) * sent,
                                          struct cleat_verify_error *error) {
    STACK_OF(X509) *chain = parse(sent);
    bool accepted;
    if (chain == NULL) {
        *error = (struct cleat_verify_error){X509_V_ERR_UNSPECIFIED, 0, 0};
        return CLEAT_PEER_UNDECODABLE;
    }
    accepted = verify(terms, chain, error);
    sk_X509_pop_free(chain, X509_free);
    return accepted ? CLEAT_PEER_ACCEPTED : CLEAT_PEER_REFUSED;
}

enum cleat_peer_verdict cleat_peer_decode(const STACK_OF(CRYPTO_BUFFER) * sent) {
    STACK_OF(X509) *chain = parse(sent);
    if (chain == NULL) return CLEAT_PEER_UNDECODABLE;
    sk_X509_pop_free(chain, X509_free);
    return CLEAT_PEER_ACCEPTED;
}
