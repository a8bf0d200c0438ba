/* oid.h: object identifiers as text. */
#ifndef CLEAT_CORE_OID_H
#define CLEAT_CORE_OID_H

#include "base/boringssl.h"

/* cleat_answer_oid answers with BoringSSL's long name, or dotted decimals where it knows none.
 * CLEAT_SSL if there are too many of them. */
int32_t cleat_answer_oid(const ASN1_OBJECT *object, char *out, int32_t out_cap);

#endif
