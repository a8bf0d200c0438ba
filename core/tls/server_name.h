/* server_name.h: suspends a server's handshake at the ClientHello, so that the caller can select a context by SNI. */
#ifndef CLEAT_CORE_SERVER_NAME_H
#define CLEAT_CORE_SERVER_NAME_H

#include "base/boringssl.h"

/* cleat_server_name_select is BoringSSL's callback for a ClientHello. */
enum ssl_select_cert_result_t cleat_server_name_select(const SSL_CLIENT_HELLO *hello);

#endif
