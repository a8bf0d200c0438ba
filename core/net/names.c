/* names.c: names of services, protocols, network interfaces and of this machine, and addresses as bytes. */
#include "cleat/names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/argument.h"
#include "base/memory.h"
#include "cleat/address.h"

enum { ROOM = 1024, ROOM_MAX = 1024 * 1024 };

/* A query of the system's database of services or protocols. */
struct query {
    const char *name; /* NULL to look up by number */
    const char *transport; /* or NULL */
    int number; /* the port to look up, or the protocol's number that was found */
    struct servent service;
};

/* These functions make one attempt. They return an errno, ERANGE if room is too small, and store whether there is an
 * entry. */

static int query_service(struct query *self, char *room, size_t size, bool *found) {
    struct servent *entry = NULL;
    int error = self->name != NULL ? getservbyname_r(self->name, self->transport, &self->service,
                                                     room, size, &entry)
                                   : getservbyport_r(htons((uint16_t)self->number), self->transport,
                                                     &self->service, room, size, &entry);
    *found = entry != NULL;
    return error;
}

#ifdef __GLIBC__
static int query_protocol(struct query *self, char *room, size_t size, bool *found) {
    struct protoent protocol;
    struct protoent *entry = NULL;
    int error = getprotobyname_r(self->name, &protocol, room, size, &entry);
    *found = entry != NULL;
    if (*found) self->number = entry->p_proto;
    return error;
}
#else
/* musl has no getprotobyname_r. Its getprotobyname searches a constant table, but is not thread-safe. */
static int query_protocol(struct query *self, char *room, size_t size, bool *found) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    const struct protoent *entry;
    (void)room;
    (void)size;
    pthread_mutex_lock(&lock);
    entry = getprotobyname(self->name); /* NOLINT(concurrency-mt-unsafe) */
    *found = entry != NULL;
    if (*found) self->number = entry->p_proto;
    pthread_mutex_unlock(&lock);
    return 0;
}
#endif

/* run_query returns CLEAT_OK and the buffer that contains the entry, which the caller frees with cleat_release; or a
 * status. */
static int32_t run_query(int (*f)(struct query *, char *, size_t, bool *), struct query *self,
                         int32_t code, const char *words, char **room) {
    bool found = false;
    int error = ERANGE;
    size_t size;
    *room = NULL;
    for (size = ROOM; error == ERANGE && size <= ROOM_MAX; size *= 2) {
        cleat_release(*room);
        *room = cleat_allocate(size);
        if (*room == NULL) return cleat_fail_nomem();
        error = f(self, *room, size, &found);
    }
    if (found) return CLEAT_OK;
    cleat_release(*room);
    return cleat_fail(CLEAT_RESOLVE, code, "%s", words);
}

static int32_t no_memory(char *first, char *second) {
    cleat_release(first);
    cleat_release(second);
    return cleat_fail_nomem();
}

int32_t cleat_service_port(const char *service, int32_t service_len, const char *transport,
                           int32_t transport_len) {
    CLEAT_NO_CANCEL();
    struct query self = {.name = NULL};
    char *name;
    char *protocol_name = NULL;
    char *room;
    int32_t result;
    CLEAT_CHECK_TEXT(1, service, service_len);
    CLEAT_CHECK_TEXT(3, transport, transport_len);
    name = cleat_copy_text(service, service_len);
    if (transport != NULL) protocol_name = cleat_copy_text(transport, transport_len);
    if (name == NULL || (transport != NULL && protocol_name == NULL))
        return no_memory(name, protocol_name);
    self.name = name;
    self.transport = protocol_name;
    result = run_query(query_service, &self, CLEAT_EAI_SERVICE, "service/proto not found", &room);
    if (result >= 0) {
        result = ntohs((uint16_t)self.service.s_port);
        cleat_release(room);
    }
    cleat_release(name);
    cleat_release(protocol_name);
    return result;
}

int32_t cleat_service_name(int32_t port, const char *transport, int32_t transport_len, char *output,
                           int32_t output_cap) {
    CLEAT_NO_CANCEL();
    struct query self = {.number = port};
    char *protocol_name = NULL;
    char *room;
    int32_t result;
    CLEAT_CHECK_RANGE(1, port, 0, 65535);
    CLEAT_CHECK_TEXT(2, transport, transport_len);
    CLEAT_CHECK_OUT(4, output, output_cap);
    if (transport != NULL) protocol_name = cleat_copy_text(transport, transport_len);
    if (transport != NULL && protocol_name == NULL) return cleat_fail_nomem();
    self.transport = protocol_name;
    result = run_query(query_service, &self, CLEAT_EAI_SERVICE, "port/proto not found", &room);
    if (result >= 0) {
        const char *name = self.service.s_name;
        result = cleat_copy_out(name, (int64_t)strlen(name), output, output_cap);
        cleat_release(room);
    }
    cleat_release(protocol_name);
    return result;
}

int32_t cleat_protocol_number(const char *name, int32_t name_len) {
    CLEAT_NO_CANCEL();
    struct query self = {.number = 0};
    char *text;
    char *room;
    int32_t result;
    CLEAT_CHECK_TEXT(1, name, name_len);
    text = cleat_copy_text(name, name_len);
    if (text == NULL) return cleat_fail_nomem();
    self.name = text;
    result = run_query(query_protocol, &self, CLEAT_EAI_NONAME, "protocol not found", &room);
    if (result >= 0) {
        result = self.number;
        cleat_release(room);
    }
    cleat_release(text);
    return result;
}

int32_t cleat_host_name(char *output, int32_t output_cap) {
    CLEAT_NO_CANCEL();
    char name[HOST_NAME_MAX + 1];
    CLEAT_CHECK_OUT(1, output, output_cap);
    if (gethostname(name, sizeof name) != 0) return cleat_fail_errno(errno);
    return cleat_copy_out(name, (int64_t)strnlen(name, sizeof name), output, output_cap);
}

int32_t cleat_interface_index(const char *name, int32_t name_len) {
    CLEAT_NO_CANCEL();
    char text[IF_NAMESIZE] = "";
    unsigned number;
    CLEAT_CHECK_TEXT(1, name, name_len);
    if ((size_t)name_len >= sizeof text) return cleat_fail_errno(ENODEV);
    if (name_len > 0) memcpy(text, name, (size_t)name_len);
    number = if_nametoindex(text);
    return number != 0 ? (int32_t)number : cleat_fail_errno(errno);
}

int32_t cleat_interface_name(int32_t number, char *output, int32_t output_cap) {
    CLEAT_NO_CANCEL();
    char name[IF_NAMESIZE];
    if (number < 1) return cleat_fail_usage(1, "number is %d, not 1 or more", (int)number);
    CLEAT_CHECK_OUT(2, output, output_cap);
    if (if_indextoname((unsigned)number, name) == NULL) return cleat_fail_errno(errno);
    return cleat_copy_out(name, (int64_t)strnlen(name, sizeof name), output, output_cap);
}

int32_t cleat_interface_names(char *output, int32_t output_cap) {
    CLEAT_NO_CANCEL();
    struct if_nameindex *list;
    const struct if_nameindex *each;
    int64_t len = 0;
    CLEAT_CHECK_OUT(1, output, output_cap);
    list = if_nameindex();
    if (list == NULL) return errno == ENOBUFS ? cleat_fail_nomem() : cleat_fail_errno(errno);
    for (each = list; each->if_index != 0; each++) {
        int64_t size = (int64_t)strlen(each->if_name) + 1;
        int64_t room = output_cap > len ? output_cap - len : 0;
        if (room > 0)
            memcpy(output + len, each->if_name, (size_t)(size - 1 < room ? size - 1 : room));
        if (room >= size) output[len + size - 1] = '\n';
        len += size;
    }
    if_freenameindex(list);
    return (int32_t)len;
}

int32_t cleat_inet_pton(int32_t family, const char *host, int32_t host_len, char *buf,
                        int32_t buf_cap) {
    CLEAT_NO_CANCEL();
    union {
        struct in_addr ipv4;
        struct in6_addr ipv6;
    } address;
    char text[256] = "";
    int32_t size = family == AF_INET6 ? 16 : 4;
    int is_address;
    CLEAT_CHECK_TEXT(2, host, host_len);
    CLEAT_CHECK_OUT(4, buf, buf_cap);
    if (family != AF_UNSPEC && family != AF_INET && family != AF_INET6) {
        return cleat_fail_errno(EAFNOSUPPORT);
    }
    if (buf_cap < size) return cleat_fail_usage(5, "buf is too small");
    if (host_len > 0 && (size_t)host_len < sizeof text) memcpy(text, host, (size_t)host_len);
    is_address =
        family == AF_UNSPEC ? inet_aton(text, &address.ipv4) : inet_pton(family, text, &address);
    if (is_address != 1) return cleat_fail_usage(2, "illegal IP address");
    memcpy(buf, &address, (size_t)size);
    return size;
}

int32_t cleat_inet_ntop(int32_t family, const char *data, int32_t data_len, char *output,
                        int32_t output_cap) {
    CLEAT_NO_CANCEL();
    char text[INET6_ADDRSTRLEN];
    CLEAT_CHECK_IN(2, data, data_len);
    CLEAT_CHECK_OUT(4, output, output_cap);
    if (family != AF_INET && family != AF_INET6) return cleat_fail_errno(EAFNOSUPPORT);
    if (data_len != (family == AF_INET6 ? 16 : 4)) {
        return cleat_fail_usage(2, "data is no address: %d bytes", (int)data_len);
    }
    inet_ntop(family, data, text, sizeof text);
    return cleat_copy_out(text, (int64_t)strlen(text), output, output_cap);
}
