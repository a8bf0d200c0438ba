#include "tls/hostname.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/argument.h"

int cleat_hostname_is_ip(const char *name) {
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

int32_t cleat_hostname_check(const char *name, int32_t len, int32_t position) {
    int32_t i;
    CLEAT_CHECK_TEXT(position, name, len);
    if (len == 0 || name[0] == '.') {
        return cleat_fail_usage(position,
                                "server_hostname cannot be an empty string or start with a "
                                "leading dot.");
    }
    if (len > TLSEXT_MAXLEN_host_name) {
        return cleat_fail_usage(position, "server_hostname is longer than %d bytes",
                                TLSEXT_MAXLEN_host_name);
    }
    for (i = 0; i < len; i++) {
        if ((unsigned char)name[i] > 0x7f) {
            return cleat_fail_usage(position, "server_hostname is not ASCII: pass the A-label");
        }
    }
    return CLEAT_OK;
}

int32_t cleat_hostname_send(SSL *ssl, const char *name) {
    if (cleat_hostname_is_ip(name) == 1 || SSL_set_tlsext_host_name(ssl, name) == 1) {
        return CLEAT_OK;
    }
    return cleat_fail_ssl("SSL_set_tlsext_host_name");
}
