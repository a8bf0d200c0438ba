/* credential_choice.h: the selection of one of several credentials in versions of BoringSSL without SSL_CREDENTIAL. */
#ifndef CLEAT_CORE_CREDENTIAL_CHOICE_H
#define CLEAT_CORE_CREDENTIAL_CHOICE_H

#include "tls/credentials.h"

/* cleat_credential_choice_set_up implements cleat_credentials_use for such versions. */
bool cleat_credential_choice_set_up(const struct cleat_credentials *set, SSL_CTX *ssl_ctx);

/* cleat_credential_choice_groups returns the set of ECDHE groups that a ClientHello offers. */
uint32_t cleat_credential_choice_groups(const SSL_CLIENT_HELLO *hello);

#endif
