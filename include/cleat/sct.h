/* sct.h: signed certificate timestamps (RFC 6962 section 3.2), by which logs promise to publish a certificate. They
 * are in the certificate itself, or are stapled (staple.h). These functions do not verify signatures. */
#ifndef CLEAT_SCT_H
#define CLEAT_SCT_H

#include "cleat/base.h"

/* cleat_certificate_scts returns the length of the certificate's list of timestamps (a SignedCertificateTimestampList
 * of RFC 6962 section 3.3, the extension 1.3.6.1.4.1.11129.2.4.2), and copies it to output; 0 if there is none.
 * CLEAT_SSL if the extension is malformed (CT SCT_LIST_INVALID) or repeated. */
CLEAT_API int32_t cleat_certificate_scts(int32_t certificate, CLEAT_BINARY char *output,
                                         int32_t output_cap);

/* cleat_scts_count returns the number of timestamps in a list. CLEAT_SSL if the list is malformed (CT
 * SCT_LIST_INVALID). The timestamps themselves are not parsed. */
CLEAT_API int32_t cleat_scts_count(const char *scts, int32_t scts_len);

/* cleat_scts_get returns the length of the timestamp at index, from 0, of a list, and copies it to output. CLEAT_USAGE
 * for an index out of range; CLEAT_SSL as above. */
CLEAT_API int32_t cleat_scts_get(const char *scts, int32_t scts_len, int32_t index,
                                 CLEAT_BINARY char *output, int32_t output_cap);

/* cleat_sct_read returns the version of a timestamp, 1 for RFC 6962's, and stores its time in seconds since 1970,
 * and the TLS numbers of the hash and signature algorithms (RFC 5246 section 7.4.1.4.1). All three are -1 for other
 * versions, whose format is unknown. time, hash_algorithm and signature_algorithm must not be NULL. CLEAT_SSL if the
 * timestamp is malformed (CT SCT_INVALID). */
CLEAT_API int32_t cleat_sct_read(const char *sct, int32_t sct_len, double *time,
                                 int32_t *hash_algorithm, int32_t *signature_algorithm);

/* CLEAT_SCT_* choose a field of a timestamp. */
#define CLEAT_SCT_LOG_ID 0 /* identifies the log: SHA-256 of its public key */
#define CLEAT_SCT_EXTENSIONS 1
#define CLEAT_SCT_SIGNATURE 2

/* cleat_sct_bytes returns the length of a field of a timestamp, and copies it to output; 0 for versions other than
 * 1. which: CLEAT_SCT_*. CLEAT_SSL as above. */
CLEAT_API int32_t cleat_sct_bytes(const char *sct, int32_t sct_len, int32_t which,
                                  CLEAT_BINARY char *output, int32_t output_cap);

#endif
