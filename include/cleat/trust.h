/* trust.h: the CA certificates and revocation lists that peers are verified against.
 *
 * Loading affects connections that are made afterwards. Directories are searched for each verification: a file that
 * is removed from one is no longer trusted, also by connections that were made before. */
#ifndef CLEAT_TRUST_H
#define CLEAT_TRUST_H

#include "cleat/base.h"

/* CLEAT_DEFAULT_* select which default path cleat_default_verify_path returns. */
#define CLEAT_DEFAULT_CAFILE 0 /* the file that is loaded by default; empty if there is none */
#define CLEAT_DEFAULT_CAPATH 1 /* the directory that is used by default; empty if there is none */
#define CLEAT_DEFAULT_OPENSSL_CAFILE_ENV 2 /* the environment variable that overrides the file */
#define CLEAT_DEFAULT_OPENSSL_CAFILE 3 /* the built-in name of the file */
#define CLEAT_DEFAULT_OPENSSL_CAPATH_ENV 4 /* the environment variable for the directory */
#define CLEAT_DEFAULT_OPENSSL_CAPATH 5 /* the built-in name of the directory */

/* cleat_context_load_verify_file returns the number of certificates and revocation lists that the PEM file contains,
 * and adds them to those that the context trusts; duplicates are stored once. A UTF-8 byte order mark at the
 * beginning is skipped. CLEAT_SYS with the file's name; CLEAT_SSL: X509 NO_CERTIFICATE_OR_CRL_FOUND if the file
 * contains none, or BoringSSL's reason if one of them cannot be parsed, with its ordinal and line in the message;
 * CLEAT_NOMEM. */
CLEAT_API int32_t cleat_context_load_verify_file(int32_t context, const char *cafile,
                                                 int32_t cafile_len);

/* cleat_context_load_verify_directory returns CLEAT_OK and makes the context look for issuers in a directory of PEM
 * files named by OpenSSL's subject hash (c_rehash). Files are read when a verification needs them. The directory
 * need not exist. CLEAT_USAGE for an empty name; CLEAT_NOMEM. */
CLEAT_API int32_t cleat_context_load_verify_directory(int32_t context, const char *capath,
                                                      int32_t capath_len);

/* cleat_context_load_verify_data returns the number of certificates and revocation lists in data, and adds them to
 * those that the context trusts. data is PEM with any text between the blocks, or concatenated DER. CLEAT_USAGE if
 * it is empty; CLEAT_SSL: PEM NO_START_LINE or ASN1 NOT_ENOUGH_DATA if it contains no certificate, or BoringSSL's
 * reason for one that cannot be parsed, as above; CLEAT_NOMEM. */
CLEAT_API int32_t cleat_context_load_verify_data(int32_t context, const char *data,
                                                 int32_t data_len);

/* cleat_context_load_verify_locations returns the number of certificates and revocation lists in a PEM file and in
 * data, and adds them and a directory. Each of the three may be absent, but not all: CLEAT_USAGE. If one cannot be
 * loaded, nothing is added. cafile is opened only once, so it may be a FIFO. CLEAT_SYS, CLEAT_SSL and CLEAT_NOMEM as
 * for the functions above. */
CLEAT_API int32_t cleat_context_load_verify_locations(
    int32_t context, CLEAT_ABSENT const char *cafile, int32_t cafile_len,
    CLEAT_ABSENT const char *capath, int32_t capath_len, CLEAT_ABSENT const char *data,
    int32_t data_len);

/* cleat_context_set_default_verify_paths returns CLEAT_OK and adds the system's CA certificates: the file and the
 * directory that cleat_default_verify_path returns, or all directories of a colon-separated list in SSL_CERT_DIR. A
 * setuid program ignores the environment. A missing file, or one without PEM, is ignored; a certificate that
 * BoringSSL cannot parse is skipped: see cleat_context_skipped_count. The file is parsed again after it has changed.
 * CLEAT_SYS with the file's name if the process or the system has no descriptor left (EMFILE, ENFILE); CLEAT_NOMEM. */
CLEAT_API int32_t cleat_context_set_default_verify_paths(int32_t context);

/* cleat_default_verify_path returns the length of the path or name that which (CLEAT_DEFAULT_*)
 * selects and copies it to output. */
CLEAT_API int32_t cleat_default_verify_path(int32_t which, char *output, int32_t output_cap);

/* cleat_context_cert_store_stats returns CLEAT_OK and stores the number of trusted certificates that the context has
 * loaded, how many of them are CA certificates, and the number of revocation lists. Certificates and revocation
 * lists in a directory are counted once a verification has found them. */
CLEAT_API int32_t cleat_context_cert_store_stats(int32_t context, int32_t *x509, int32_t *x509_ca,
                                                 int32_t *crl);

/* cleat_context_ca_count returns the number of CA certificates that the context has loaded. */
CLEAT_API int32_t cleat_context_ca_count(int32_t context);

/* cleat_context_ca_certificate returns the id of the CA certificate at index, from 0. CLEAT_USAGE
 * for an index out of range. */
CLEAT_API CLEAT_NEW_ID int32_t cleat_context_ca_certificate(int32_t context, int32_t index);

/* cleat_context_skipped_count returns how many certificates and revocation lists of the system's bundle were skipped
 * because BoringSSL cannot parse them. The others are trusted. */
CLEAT_API int32_t cleat_context_skipped_count(int32_t context);

/* cleat_context_skipped_reason returns the length of BoringSSL's mnemonic of the reason why the one at index (from
 * 0) was skipped, and copies it to output. It stores its position among the certificates and revocation lists of the
 * file, from 1, and the line where it begins, from 1. CLEAT_USAGE for an index out of range. */
CLEAT_API int32_t cleat_context_skipped_reason(int32_t context, int32_t index, char *output,
                                               int32_t output_cap, int32_t *ordinal, int32_t *line);

#endif
