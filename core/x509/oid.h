/* oid.h: object identifiers as text. */
#ifndef CLEAT_CORE_OID_H
#define CLEAT_CORE_OID_H

#include "base/boringssl.h"

/* cleat_answer_oid copies OpenSSL's long name to output, or dotted decimals where there is none.
 * CLEAT_SSL if the identifier is longer than OpenSSL prints. */
int32_t cleat_answer_oid(const ASN1_OBJECT *object, char *output, int32_t output_cap);

/* cleat_answer_dotted copies dotted decimals to output in any case. CLEAT_SSL likewise. */
int32_t cleat_answer_dotted(const ASN1_OBJECT *object, char *output, int32_t output_cap);

#endif
