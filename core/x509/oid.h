/* oid.h: object identifiers as text. */
#ifndef CLEAT_CORE_OID_H
#define CLEAT_CORE_OID_H

#include "base/boringssl.h"

/* cleat_copy_oid copies OpenSSL's long name to output, or dotted decimals if there is none. CLEAT_SSL if the
 * encoding has more than 586 bytes, the limit of OpenSSL. */
int32_t cleat_copy_oid(const ASN1_OBJECT *object, char *output, int32_t output_cap);

/* cleat_copy_dotted always copies dotted decimals to output. CLEAT_SSL as above. */
int32_t cleat_copy_dotted(const ASN1_OBJECT *object, char *output, int32_t output_cap);

#endif
