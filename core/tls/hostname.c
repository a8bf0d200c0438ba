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
            return cleat_fail_usage(position, "server_hostname is not ASCII: give the A-label");
        }
    }
    return CLEAT_OK;
}

int32_t cleat_hostname_apply(SSL *ssl, const char *name, int check) {
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    int is_ip = cleat_hostname_is_ip(name);
    if (!is_ip && SSL_set_tlsext_host_name(ssl, name) != 1) {
        return cleat_fail_ssl("SSL_set_tlsext_host_name");
    }
    if (!check) return CLEAT_OK;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (is_ip ? X509_VERIFY_PARAM_set1_ip_asc(param, name) != 1
              : X509_VERIFY_PARAM_set1_host(param, name, strlen(name)) != 1) {
        return cleat_fail_ssl("X509_VERIFY_PARAM_set1_host");
    }
    return CLEAT_OK;
}
