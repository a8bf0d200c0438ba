/* hostname.h: the server's name on a client, which is sent as SNI and compared with the certificate. */
#ifndef CLEAT_CORE_HOSTNAME_H
#define CLEAT_CORE_HOSTNAME_H

#include "base/boringssl.h"
#include "base/error.h"

/* cleat_hostname_check returns CLEAT_OK if the text, the exported function's argument at position, is a possible
 * server name. CLEAT_USAGE. */
int32_t cleat_hostname_check(const char *name, int32_t len, int32_t position);

/* cleat_hostname_send returns CLEAT_OK and makes ssl send name as SNI, unless it is an IP address. */
int32_t cleat_hostname_send(SSL *ssl, const char *name);

/* cleat_hostname_is_ip returns 1 if name is an IPv4 or IPv6 address, otherwise 0. */
int cleat_hostname_is_ip(const char *name);

#endif
