/* trust.h: the CA certificates and revocation lists that peers are verified against.
 *
 * What is loaded counts for connections that are made afterwards. What a directory holds is looked
 * up for each verification: a file that was removed from it does not count any more, also for
 * connections that were made before. */
#ifndef CLEAT_TRUST_H
#define CLEAT_TRUST_H

#include "cleat/base.h"

/* CLEAT_DEFAULT_* select which default path cleat_default_verify_path returns. */
#define CLEAT_DEFAULT_CAFILE 0 /* the file that would be loaded; empty if there is none */
#define CLEAT_DEFAULT_CAPATH 1 /* the directory that would be used; empty if none */
#define CLEAT_DEFAULT_OPENSSL_CAFILE_ENV 2 /* the environment variable that overrides the file */
#define CLEAT_DEFAULT_OPENSSL_CAFILE 3 /* the file that is built in */
#define CLEAT_DEFAULT_OPENSSL_CAPATH_ENV 4 /* the environment variable for the directory */
#define CLEAT_DEFAULT_OPENSSL_CAPATH 5 /* the directory that is built in */

/* cleat_context_load_verify_file returns the number of certificates and revocation lists that
 * the PEM file holds, after adding them to what the context trusts; those already there are
 * kept once. A UTF-8 byte order mark before the PEM is skipped. CLEAT_SYS with the file's name;
 * CLEAT_SSL: X509 NO_CERTIFICATE_OR_CRL_FOUND if the file holds none, or BoringSSL's reason if a
 * certificate or revocation list of it cannot be parsed, with its ordinal and line in the message;
 * CLEAT_NOMEM. */
CLEAT_API int32_t cleat_context_load_verify_file(int32_t context, const char *cafile,
                                                 int32_t cafile_len);

/* cleat_context_load_verify_directory returns CLEAT_OK and makes the context look for issuers
 * in a directory of PEM files named by OpenSSL's subject hash (c_rehash). Files are read when
 * a verification needs them. It may not exist. CLEAT_USAGE for an empty name; CLEAT_NOMEM. */
CLEAT_API int32_t cleat_context_load_verify_directory(int32_t context, const char *capath,
                                                      int32_t capath_len);

/* cleat_context_load_verify_data returns the number of certificates and revocation lists in
 * data, after adding them to what the context trusts. data is PEM with any text between the
 * blocks, or DER certificates one after the other. CLEAT_USAGE if it is empty; CLEAT_SSL: PEM
 * NO_START_LINE or ASN1 NOT_ENOUGH_DATA if it holds no certificate, or BoringSSL's reason for one
 * that cannot be parsed, as above; CLEAT_NOMEM. */
CLEAT_API int32_t cleat_context_load_verify_data(int32_t context, const char *data,
                                                 int32_t data_len);

/* cleat_context_load_verify_locations returns the number of certificates and revocation lists that
 * it has added from a PEM file and from data, and adds a directory; each of the three may be absent,
 * but not all: CLEAT_USAGE. It adds all of them or, if one cannot be loaded, nothing. cafile is
 * opened once, so that it may be a FIFO. CLEAT_SYS, CLEAT_SSL and CLEAT_NOMEM as in the functions
 * above. */
CLEAT_API int32_t cleat_context_load_verify_locations(
    int32_t context, CLEAT_ABSENT const char *cafile, int32_t cafile_len,
    CLEAT_ABSENT const char *capath, int32_t capath_len, CLEAT_ABSENT const char *data,
    int32_t data_len);

/* cleat_context_set_default_verify_paths returns CLEAT_OK and adds the system's CA certificates:
 * the file and the directory that cleat_default_verify_path returns, or all of the directories that
 * SSL_CERT_DIR names with colons between. A program that runs with privileges that its caller lacks
 * (setuid) ignores the environment. A file that is missing or holds no PEM is passed over, and so
 * is a certificate that BoringSSL cannot parse: see cleat_context_skipped_count. The file is parsed
 * again after it has changed. CLEAT_SYS with the file's name where the process or the system has no
 * descriptor left (EMFILE, ENFILE); CLEAT_NOMEM. */
CLEAT_API int32_t cleat_context_set_default_verify_paths(int32_t context);

/* cleat_default_verify_path returns the length of the path or name that which (CLEAT_DEFAULT_*)
 * selects and copies it to output. */
CLEAT_API int32_t cleat_default_verify_path(int32_t which, char *output, int32_t output_cap);

/* cleat_context_cert_store_stats returns CLEAT_OK and stores how many certificates the context
 * has loaded to verify with, how many of them are CA certificates, and how many revocation lists.
 * What a directory holds counts once a verification has found it. */
CLEAT_API int32_t cleat_context_cert_store_stats(int32_t context, int32_t *x509, int32_t *x509_ca,
                                                 int32_t *crl);

/* cleat_context_ca_count returns how many CA certificates the context has loaded. */
CLEAT_API int32_t cleat_context_ca_count(int32_t context);

/* cleat_context_ca_certificate returns the id of the CA certificate at index, from 0. CLEAT_USAGE
 * for an index out of range. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_context_ca_certificate(int32_t context, int32_t index);

/* cleat_context_skipped_count returns how many certificates and revocation lists of the system's
 * bundle were passed over because BoringSSL cannot parse them. The others are trusted. */
CLEAT_API int32_t cleat_context_skipped_count(int32_t context);

/* cleat_context_skipped_reason returns the length of the reason why the one at index (from 0) was
 * passed over, BoringSSL's mnemonic, and copies it to output. It stores which certificate or revocation
 * list of the file it is, from 1, and the line where it begins, from 1. CLEAT_USAGE for an index
 * out of range. */
CLEAT_API int32_t cleat_context_skipped_reason(int32_t context, int32_t index, char *output,
                                               int32_t output_cap, int32_t *ordinal, int32_t *line);

#endif
