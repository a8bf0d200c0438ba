/* hostname.h: the server's name on a client: sent as SNI, and compared with its certificate. */
#ifndef CLEAT_CORE_HOSTNAME_H
#define CLEAT_CORE_HOSTNAME_H

#include "base/boringssl.h"
#include "base/error.h"

/* cleat_hostname_check returns CLEAT_OK if the text, the argument at position, can be a
 * server's name. */
int32_t cleat_hostname_check(const char *name, int32_t len, int32_t position);

/* cleat_hostname_send returns CLEAT_OK after telling ssl to send name, unless it is an IP address. */
int32_t cleat_hostname_send(SSL *ssl, const char *name);

/* cleat_hostname_is_ip returns 1 if name is an IPv4 or IPv6 address, otherwise 0. */
int cleat_hostname_is_ip(const char *name);

#endif
