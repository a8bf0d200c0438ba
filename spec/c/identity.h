/* identity.h: a certificate for "localhost" and its key, made for this run. */
#ifndef CLEAT_SPEC_IDENTITY_H
#define CLEAT_SPEC_IDENTITY_H

#include <stdint.h>

/* The texts of identity_text, in PEM. */
enum identity_part {
    IDENTITY_CERTIFICATE,
    IDENTITY_KEY,
    IDENTITY_CHAIN_AND_KEY, /* the certificate and the key in one text */
    IDENTITY_ENCRYPTED_KEY, /* with the password "secret" */
    IDENTITY_CRL, /* issued by the certificate, without entries */
    IDENTITY_OTHER, /* another certificate for the same name, with the serial number 2, and its key */
    IDENTITY_P384, /* the same with the serial number 3 and a key on P-384 */
    IDENTITY_ED25519, /* the same with the serial number 4 and a key for Ed25519 */
    IDENTITY_PARTS
};

/* identity_text returns the text, with a zero byte after it, and its length. The first call makes it; no other thread
 * may be in that call. */
const char *identity_text(enum identity_part part, int32_t *len);

/* identity_contexts makes a server's context with the certificate, and a client's that trusts it and verifies the name.
 * */
void identity_contexts(int32_t *server, int32_t *client);

#endif
