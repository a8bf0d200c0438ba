/* credential_choice.h: how a connection gets one of several credentials where BoringSSL has no SSL_CREDENTIAL. */
#ifndef CLEAT_CORE_CREDENTIAL_CHOICE_H
#define CLEAT_CORE_CREDENTIAL_CHOICE_H

#include "tls/credentials.h"

/* cleat_credential_choice_set_up is cleat_credentials_use for such versions. */
bool cleat_credential_choice_set_up(const struct cleat_credentials *set, SSL_CTX *ssl_ctx);

/* cleat_credential_choice_groups returns a set of the groups for ECDHE that a ClientHello offers. */
uint32_t cleat_credential_choice_groups(const SSL_CLIENT_HELLO *hello);

#endif
