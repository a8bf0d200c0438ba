/* certificate.h: X.509 certificates and their fields (RFC 5280).
 *
 * A certificate is immutable. Lists are read by index, from 0 up to what their count function returns; CLEAT_USAGE
 * for an index out of range. A certificate with a malformed or repeated extension can be parsed; only the functions
 * that read this extension fail, with CLEAT_SSL. */
#ifndef CLEAT_CERTIFICATE_H
#define CLEAT_CERTIFICATE_H

#include "cleat/base.h"

/* CLEAT_NAME_* choose a distinguished name: a certificate's subject or issuer, or, from
 * CLEAT_NAME_ALT on, the directory name that the subject alternative name at index (which -
 * CLEAT_NAME_ALT) is. */
#define CLEAT_NAME_SUBJECT 0
#define CLEAT_NAME_ISSUER 1
#define CLEAT_NAME_ALT 16

/* CLEAT_URI_* choose a list of URIs. */
#define CLEAT_URI_OCSP 0 /* authority information access, OCSP responders */
#define CLEAT_URI_CA_ISSUERS 1 /* authority information access, issuers' certificates */
#define CLEAT_URI_CRL 2 /* CRL distribution points */

/* cleat_certificate_from_pem returns the id of the first certificate in a PEM text. CLEAT_SSL
 * (PEM NO_START_LINE, ...). */
CLEAT_API CLEAT_NEW_ID int32_t cleat_certificate_from_pem(const char *data, int32_t data_len);

/* cleat_certificate_from_der returns the id of the certificate whose DER encoding is data, all of it. CLEAT_SSL
 * (ASN1 ...). */
CLEAT_API CLEAT_NEW_ID int32_t cleat_certificate_from_der(const char *data, int32_t data_len);

/* cleat_certificate_der returns the length of the DER encoding and copies it to output. CLEAT_SSL. */
CLEAT_API int32_t cleat_certificate_der(int32_t certificate, CLEAT_BINARY char *output,
                                        int32_t output_cap);

/* cleat_certificate_version returns the X.509 version, 1 to 3. Certificates with extensions have version 3. */
CLEAT_API int32_t cleat_certificate_version(int32_t certificate);

/* cleat_certificate_is_ca returns 1 for a CA certificate, otherwise 0 (X509_check_ca). */
CLEAT_API int32_t cleat_certificate_is_ca(int32_t certificate);

/* cleat_certificate_serial_number returns the length of the serial number in upper-case hexadecimal, with an even
 * number of digits, and copies it to output. */
CLEAT_API int32_t cleat_certificate_serial_number(int32_t certificate, char *output,
                                                  int32_t output_cap);

/* cleat_certificate_not_before returns the length of the start of the certificate's validity, in the form "Jan 15
 * 09:34:43 2018 GMT", with a blank in place of the first digit of a day below 10, and copies it to output. A time
 * with a UTC offset is converted to UTC; with an offset of 13 hours or more the text is "Bad time value", as in
 * OpenSSL. */
CLEAT_API int32_t cleat_certificate_not_before(int32_t certificate, char *output,
                                               int32_t output_cap);

/* cleat_certificate_not_after returns the length of the end of the certificate's validity in the same form and
 * copies it to output. */
CLEAT_API int32_t cleat_certificate_not_after(int32_t certificate, char *output,
                                              int32_t output_cap);

/* cleat_certificate_name_count returns the number of attributes of the name. which: CLEAT_NAME_*. CLEAT_SSL with
 * CLEAT_NAME_ALT, if the subject alternative names are malformed. */
CLEAT_API int32_t cleat_certificate_name_count(int32_t certificate, int32_t which);

/* cleat_certificate_name_rdn returns the number, from 0, of the relative distinguished name that contains the
 * attribute at index: attributes with the same number form one RDN. CLEAT_SSL as cleat_certificate_name_count. */
CLEAT_API int32_t cleat_certificate_name_rdn(int32_t certificate, int32_t which, int32_t index);

/* cleat_certificate_name_type returns the length of the attribute's type, OpenSSL's long name
 * ("commonName") or dotted decimals, and copies it to output. CLEAT_SSL as
 * cleat_certificate_name_count, and for an object identifier of more than 586 bytes. */
CLEAT_API int32_t cleat_certificate_name_type(int32_t certificate, int32_t which, int32_t index,
                                              char *output, int32_t output_cap);

/* cleat_certificate_name_value returns the length of the attribute's value and copies it to output: a string type
 * converted to UTF-8, the bytes of a bit string, and for any other type the contents octets of its DER encoding
 * (without tag and length). It may contain zero bytes. CLEAT_SSL as cleat_certificate_name_count. */
CLEAT_API int32_t cleat_certificate_name_value(int32_t certificate, int32_t which, int32_t index,
                                               CLEAT_BINARY char *output, int32_t output_cap);

/* cleat_certificate_alt_name_count returns the number of subject alternative names. CLEAT_SSL if the extension is
 * malformed or repeated. */
CLEAT_API int32_t cleat_certificate_alt_name_count(int32_t certificate);

/* cleat_certificate_alt_name_type returns the length of the type of the name at index, as
 * Python calls it ("DNS", "email", "URI", "IP Address", "DirName", "Registered ID",
 * "othername", "X400Name", "EdiPartyName"), and copies it to output. CLEAT_SSL as
 * cleat_certificate_alt_name_count. */
CLEAT_API int32_t cleat_certificate_alt_name_type(int32_t certificate, int32_t index, char *output,
                                                  int32_t output_cap);

/* cleat_certificate_alt_name_value returns the length of the name at index as text and copies it to output: the
 * unchanged bytes of a DNS name, e-mail address or URI, an IP address in the form "2001:DB8:0:0:0:0:0:1", an object
 * identifier in dotted decimals, "<unsupported>" for othername, X400Name and EdiPartyName, and an empty text for
 * DirName, whose attributes are read with CLEAT_NAME_ALT + index. CLEAT_SSL as cleat_certificate_alt_name_count, and
 * for an object identifier of more than 586 bytes. */
CLEAT_API int32_t cleat_certificate_alt_name_value(int32_t certificate, int32_t index,
                                                   CLEAT_BINARY char *output, int32_t output_cap);

/* cleat_certificate_uri_count returns the number of URIs in the list. which: CLEAT_URI_*. CLEAT_SSL if the extension
 * that contains the list is malformed or repeated. */
CLEAT_API int32_t cleat_certificate_uri_count(int32_t certificate, int32_t which);

/* cleat_certificate_uri returns the length of the URI at index and copies it to output. CLEAT_SSL as
 * cleat_certificate_uri_count. */
CLEAT_API int32_t cleat_certificate_uri(int32_t certificate, int32_t which, int32_t index,
                                        CLEAT_BINARY char *output, int32_t output_cap);

/* cleat_certificate_validity returns CLEAT_OK and stores the start and the end of the certificate's validity in
 * seconds since 1970-01-01 00:00 UTC, negative before that. CLEAT_SSL if one of them is not a valid time (see
 * cleat_certificate_not_before). */
CLEAT_API int32_t cleat_certificate_validity(int32_t certificate, double *not_before,
                                             double *not_after);

/* cleat_certificate_extension_count returns the number of extensions, known and unknown ones. */
CLEAT_API int32_t cleat_certificate_extension_count(int32_t certificate);

/* cleat_certificate_extension_oid returns the length of the object identifier of the extension at index, in dotted
 * decimals, copies it to output, and stores whether the extension is critical. critical: 0 or 1. CLEAT_SSL for an
 * object identifier of more than 586 bytes. */
CLEAT_API int32_t cleat_certificate_extension_oid(int32_t certificate, int32_t index, char *output,
                                                  int32_t output_cap, int32_t *critical);

/* cleat_certificate_extension_value returns the length of the value of the extension at index and copies it to
 * output. It should be DER, which is not checked. */
CLEAT_API int32_t cleat_certificate_extension_value(int32_t certificate, int32_t index,
                                                    CLEAT_BINARY char *output, int32_t output_cap);

/* CLEAT_KEY_USAGE_* are the bits of the key usage extension. */
#define CLEAT_KEY_USAGE_DIGITAL_SIGNATURE 0x1
#define CLEAT_KEY_USAGE_NON_REPUDIATION 0x2
#define CLEAT_KEY_USAGE_KEY_ENCIPHERMENT 0x4
#define CLEAT_KEY_USAGE_DATA_ENCIPHERMENT 0x8
#define CLEAT_KEY_USAGE_KEY_AGREEMENT 0x10
#define CLEAT_KEY_USAGE_KEY_CERT_SIGN 0x20
#define CLEAT_KEY_USAGE_CRL_SIGN 0x40
#define CLEAT_KEY_USAGE_ENCIPHER_ONLY 0x80
#define CLEAT_KEY_USAGE_DECIPHER_ONLY 0x100
#define CLEAT_KEY_USAGE_NONE 0x10000 /* there is no such extension: any usage is allowed */

/* cleat_certificate_key_usage returns the CLEAT_KEY_USAGE_* that are set, or CLEAT_KEY_USAGE_NONE
 * alone. CLEAT_SSL if the extension is malformed or repeated. */
CLEAT_API int32_t cleat_certificate_key_usage(int32_t certificate);

/* cleat_certificate_extended_key_usage_count returns the number of purposes in the extended key usage extension, 0
 * without the extension. CLEAT_SSL if it is malformed or repeated. */
CLEAT_API int32_t cleat_certificate_extended_key_usage_count(int32_t certificate);

/* cleat_certificate_extended_key_usage returns the length of the purpose at index in dotted decimals
 * and copies it to output. CLEAT_SSL as cleat_certificate_extended_key_usage_count, and for an object
 * identifier of more than 586 bytes. */
CLEAT_API int32_t cleat_certificate_extended_key_usage(int32_t certificate, int32_t index,
                                                       char *output, int32_t output_cap);

/* cleat_certificate_basic_constraints returns 1 if the certificate has the basic constraints extension, otherwise 0.
 * It stores the extension's cA field (ca: 0 or 1) and its pathLenConstraint, the maximum number of intermediate
 * certificates below this one, in path_length, -1 for no limit. CLEAT_SSL if the extension is malformed or repeated. */
CLEAT_API int32_t cleat_certificate_basic_constraints(int32_t certificate, int32_t *ca,
                                                      int32_t *path_length);

/* CLEAT_KEY_ID_* choose a key identifier. */
#define CLEAT_KEY_ID_SUBJECT 0 /* of the certificate's key */
#define CLEAT_KEY_ID_ISSUER 1 /* of its issuer's key */

/* cleat_certificate_key_id returns the length of the key identifier and copies it to output; 0 if
 * there is none. which: CLEAT_KEY_ID_*. CLEAT_SSL if the extension is malformed or repeated. */
CLEAT_API int32_t cleat_certificate_key_id(int32_t certificate, int32_t which,
                                           CLEAT_BINARY char *output, int32_t output_cap);

/* cleat_certificate_signature_algorithm returns the length of the name of the algorithm with which the issuer signed
 * the certificate, OpenSSL's long name ("ecdsa-with-SHA256") or dotted decimals, and copies it to output. CLEAT_SSL
 * for an object identifier of more than 586 bytes. */
CLEAT_API int32_t cleat_certificate_signature_algorithm(int32_t certificate, char *output,
                                                        int32_t output_cap);

/* cleat_certificate_public_key returns the length of the name of the public key's algorithm, in the same form
 * ("rsaEncryption", "id-ecPublicKey", "ED25519"), copies it to output, and stores the key's size in bits, 0 for a
 * type of key that BoringSSL does not know. CLEAT_SSL as cleat_certificate_signature_algorithm. */
CLEAT_API int32_t cleat_certificate_public_key(int32_t certificate, char *output,
                                               int32_t output_cap, int32_t *bits);

/* cleat_certificate_curve returns the length of the name of the public key's curve, OpenSSL's short name
 * ("prime256v1"), and copies it to output; 0 if the key is not an EC key or BoringSSL does not know its curve. */
CLEAT_API int32_t cleat_certificate_curve(int32_t certificate, char *output, int32_t output_cap);

/* cleat_certificate_public_key_der returns the length of the public key as SubjectPublicKeyInfo in
 * DER, and copies it to output. CLEAT_SSL. */
CLEAT_API int32_t cleat_certificate_public_key_der(int32_t certificate, CLEAT_BINARY char *output,
                                                   int32_t output_cap);

/* CLEAT_FINGERPRINT_* choose the input of a fingerprint. */
#define CLEAT_FINGERPRINT_CERTIFICATE 0 /* the certificate in DER */
#define CLEAT_FINGERPRINT_SPKI 1 /* its public key, SubjectPublicKeyInfo in DER: a pin (RFC 7469) */

/* cleat_certificate_fingerprint returns the length of a digest and copies it to output. which: CLEAT_FINGERPRINT_*.
 * digest: "sha256", "sha384", "sha512", "sha224", "sha1" or "md5"; CLEAT_USAGE for another name. CLEAT_SSL. */
CLEAT_API int32_t cleat_certificate_fingerprint(int32_t certificate, int32_t which,
                                                const char *digest, int32_t digest_len,
                                                CLEAT_BINARY char *output, int32_t output_cap);

/* cleat_certificate_matches returns 1 if the certificate matches a host name, otherwise 0, by the rules that a
 * connection with check_hostname applies. name: a host name in A-labels, or an IP address. Nothing else of the
 * certificate is verified. */
CLEAT_API int32_t cleat_certificate_matches(int32_t certificate, const char *name,
                                            int32_t name_len);

#endif
