/* ocsp_response.h: the parser of OCSP responses. It verifies nothing; all CBS point into the response. */
#ifndef CLEAT_CORE_OCSP_RESPONSE_H
#define CLEAT_CORE_OCSP_RESPONSE_H

#include "x509/ocsp.h"

/* A BasicOCSPResponse. */
struct cleat_ocsp_response {
    CBS signed_part; /* tbsResponseData with its tag */
    bool by_key;
    CBS responder; /* the SHA-1 of its key, or its name with its tag */
    CBS statuses; /* of SingleResponse; each is well-formed */
    CBS algorithm; /* of the signature: the contents of an AlgorithmIdentifier */
    CBS signature;
    CBS certificates; /* empty if there are none */
};

/* A SingleResponse. */
struct cleat_ocsp_single {
    CBS hash; /* the object identifier of the hash */
    CBS issuer_name_hash;
    CBS issuer_key_hash;
    CBS serial; /* the contents of an INTEGER */
    struct cleat_ocsp_status status;
};

/* cleat_ocsp_response_parse parses a whole response: CLEAT_OCSP_NO_FAULT, _MALFORMED, _NOT_SUCCESSFUL or
 * _CRITICAL_EXTENSION. */
enum cleat_ocsp_fault cleat_ocsp_response_parse(const uint8_t *bytes, size_t len,
                                                struct cleat_ocsp_response *response);

/* cleat_ocsp_single_next parses the next SingleResponse, and advances statuses: CLEAT_OCSP_NO_FAULT, _MALFORMED or
 * _CRITICAL_EXTENSION. */
enum cleat_ocsp_fault cleat_ocsp_single_next(CBS *statuses, struct cleat_ocsp_single *single);

#endif
