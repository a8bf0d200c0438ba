#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/argument.h"
#include "base/handle.h"
#include "base/memory.h"
#include "cleat/address.h"
#include "net/resolver.h"

_Static_assert(CLEAT_AF_UNSPEC == AF_UNSPEC && CLEAT_AF_UNIX == AF_UNIX &&
                   CLEAT_AF_INET == AF_INET && CLEAT_AF_INET6 == AF_INET6,
               "the families are the system's");
_Static_assert(CLEAT_AI_PASSIVE == AI_PASSIVE && CLEAT_AI_CANONNAME == AI_CANONNAME &&
                   CLEAT_AI_NUMERICHOST == AI_NUMERICHOST && CLEAT_AI_V4MAPPED == AI_V4MAPPED &&
                   CLEAT_AI_ALL == AI_ALL && CLEAT_AI_ADDRCONFIG == AI_ADDRCONFIG &&
                   CLEAT_AI_NUMERICSERV == AI_NUMERICSERV,
               "the flags are the system's");
_Static_assert(CLEAT_EAI_NONAME == -EAI_NONAME && CLEAT_EAI_FAMILY == -EAI_FAMILY &&
                   CLEAT_EAI_SYSTEM == -EAI_SYSTEM && CLEAT_EAI_OVERFLOW == -EAI_OVERFLOW,
               "the codes are minus the system's");

int32_t cleat_address_fail(int code, int number) {
    if (code == EAI_MEMORY) return cleat_fail_nomem();
    if (code == EAI_SYSTEM) return cleat_fail_errno(number);
    return cleat_fail(CLEAT_RESOLVE, -code, "%s", gai_strerror(code));
}

static int32_t parse_unix(struct cleat_address *address, const char *path, int32_t len,
                          int32_t position) {
    struct sockaddr_un *name = (struct sockaddr_un *)&address->storage;
    bool abstract = len > 0 && path[0] == '\0';
    size_t room = sizeof name->sun_path - (abstract ? 0 : 1);
    if ((size_t)len > room) return cleat_fail_usage(position, "AF_UNIX path too long");
    if (!abstract && len > 0 && memchr(path, 0, (size_t)len) != NULL) {
        return cleat_fail_usage(position, "embedded null byte");
    }
    memset(name, 0, sizeof *name);
    name->sun_family = AF_UNIX;
    if (len > 0) memcpy(name->sun_path, path, (size_t)len);
    address->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len +
                               (abstract || len == 0 ? 0 : 1));
    return CLEAT_OK;
}

/* A numeric address in the usual form is parsed here: getaddrinfo would read files and allocate memory. */
static bool parse_numeric(struct cleat_address *address, int family, const char *host,
                          int32_t host_len, int32_t port) {
    struct sockaddr_in *name = (struct sockaddr_in *)&address->storage;
    struct sockaddr_in6 *name6 = (struct sockaddr_in6 *)&address->storage;
    char text[INET6_ADDRSTRLEN];
    if (host_len == 0 || (size_t)host_len >= sizeof text) return false;
    memcpy(text, host, (size_t)host_len);
    text[host_len] = '\0';
    memset(&address->storage, 0, sizeof *name6);
    address->storage.ss_family = (sa_family_t)family;
    if (family == AF_INET) {
        name->sin_port = htons((uint16_t)port);
        address->len = sizeof *name;
        return inet_pton(AF_INET, text, &name->sin_addr) == 1;
    }
    name6->sin6_port = htons((uint16_t)port);
    address->len = sizeof *name6;
    return inet_pton(AF_INET6, text, &name6->sin6_addr) == 1;
}

/* Stores the first address of getaddrinfo's list, and frees the list. code: getaddrinfo's result. */
static int32_t keep_first(struct cleat_address *address, int code, struct addrinfo *list) {
    if (code != 0) return cleat_address_fail(code, errno);
    memcpy(&address->storage, list->ai_addr, list->ai_addrlen);
    address->len = list->ai_addrlen;
    freeaddrinfo(list);
    return CLEAT_OK;
}

int32_t cleat_address_parse(struct cleat_address *address, int family, const char *host,
                            int32_t host_len, int32_t port, int32_t position) {
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list;
    char service[8];
    char *name = NULL;
    int code;

    CLEAT_CHECK_IN(position, host, host_len);
    CLEAT_CHECK_RANGE(position + 2, port, 0, 65535);
    if (family == AF_UNIX) return parse_unix(address, host, host_len, position);
    if (family != AF_INET && family != AF_INET6) return cleat_fail_errno(EAFNOSUPPORT);
    CLEAT_CHECK_TEXT(position, host, host_len);
    if (parse_numeric(address, family, host, host_len, port)) return CLEAT_OK;

    if (host_len == 0) {
        hints.ai_flags = AI_PASSIVE;
    } else {
        name = cleat_copy_text(host, host_len);
        if (name == NULL) return cleat_fail_nomem();
    }
    snprintf(service, sizeof service, "%d", (int)port);
    hints.ai_flags |= AI_NUMERICSERV;
    code = cleat_getaddrinfo(name, service, &hints, &list);
    cleat_release(name);
    return keep_first(address, code, list);
}

int32_t cleat_address_parse_numeric(struct cleat_address *address, const char *host,
                                    int32_t host_len, int32_t port, int32_t position) {
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *list;
    char service[8];
    char *name;
    int code;
    CLEAT_CHECK_TEXT(position, host, host_len);
    CLEAT_CHECK_RANGE(position + 2, port, 0, 65535);
    if (parse_numeric(address, AF_INET, host, host_len, port) ||
        parse_numeric(address, AF_INET6, host, host_len, port)) {
        return CLEAT_OK;
    }
    name = cleat_copy_text(host, host_len); /* with a scope, or an unusual form */
    if (name == NULL) return cleat_fail_nomem();
    snprintf(service, sizeof service, "%d", (int)port);
    code = getaddrinfo(name, service, &hints, &list);
    cleat_release(name);
    return keep_first(address, code, list);
}

void cleat_address_set_flowinfo(struct cleat_address *address, int32_t flowinfo) {
    void *name = &address->storage;
    if (address->storage.ss_family == AF_INET6) {
        ((struct sockaddr_in6 *)name)->sin6_flowinfo = htonl((uint32_t)flowinfo);
    }
}

int32_t cleat_address_port(const struct cleat_address *address) {
    const void *name = &address->storage;
    switch (address->storage.ss_family) {
        case AF_INET: return ntohs(((const struct sockaddr_in *)name)->sin_port);
        case AF_INET6: return ntohs(((const struct sockaddr_in6 *)name)->sin6_port);
        default: return 0;
    }
}

int32_t cleat_address_copy_out(const struct sockaddr *address, socklen_t len, char *output,
                               int32_t output_cap, int32_t *port, int32_t *flowinfo,
                               int32_t *scope_id) {
    char text[INET6_ADDRSTRLEN] = "";
    const char *host = text;
    int64_t host_len;
    *port = 0;
    *flowinfo = 0;
    *scope_id = 0;
    /* The address of an unnamed Unix socket has only its family, and on some systems not even that. */
    if (len < sizeof address->sa_family) return 0;
    switch (address->sa_family) {
        case AF_INET: {
            const struct sockaddr_in *name = (const struct sockaddr_in *)(const void *)address;
            inet_ntop(AF_INET, &name->sin_addr, text, sizeof text);
            *port = ntohs(name->sin_port);
            host_len = (int64_t)strlen(text);
            break;
        }
        case AF_INET6: {
            const struct sockaddr_in6 *name = (const struct sockaddr_in6 *)(const void *)address;
            inet_ntop(AF_INET6, &name->sin6_addr, text, sizeof text);
            *port = ntohs(name->sin6_port);
            *flowinfo = (int32_t)ntohl(name->sin6_flowinfo);
            *scope_id = (int32_t)name->sin6_scope_id;
            host_len = (int64_t)strlen(text);
            break;
        }
        case AF_UNIX: {
            const struct sockaddr_un *name = (const struct sockaddr_un *)(const void *)address;
            host = name->sun_path;
            host_len = (int64_t)len - (int64_t)offsetof(struct sockaddr_un, sun_path);
            if (host_len < 0) host_len = 0;
            if (host_len > 0 && host[0] != '\0')
                host_len = (int64_t)strnlen(host, (size_t)host_len);
            break;
        }
        default: return cleat_fail_errno(EAFNOSUPPORT);
    }
    return cleat_copy_out(host, host_len, output, output_cap);
}
