/* addrinfo.c: lists of addresses, and the names that they are found by (getaddrinfo). */
#include "net/addrinfo.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include "base/argument.h"
#include "base/handle.h"
#include "base/memory.h"
#include "cleat/address.h"
#include "cleat/names.h"
#include "net/address.h"
#include "net/host.h"
#include "net/resolver.h"

struct entry {
    int32_t family;
    int32_t type;
    int32_t protocol;
    struct cleat_address address;
};

struct cleat_addrinfo {
    struct cleat_object object;
    char *canonname; /* NULL if there is none */
    char *service; /* NULL if there is none */
    char *aliases; /* concatenated C strings; NULL if there are none */
    int32_t alias_count;
    int32_t count;
    struct entry entries[];
};

static void addrinfo_destroy(struct cleat_object *object) {
    struct cleat_addrinfo *addrinfo = (struct cleat_addrinfo *)object;
    cleat_release(addrinfo->canonname);
    cleat_release(addrinfo->service);
    cleat_release(addrinfo->aliases);
    cleat_release(addrinfo);
}

static struct cleat_addrinfo *addrinfo_new(int32_t count) {
    struct cleat_addrinfo *addrinfo =
        cleat_allocate(sizeof *addrinfo + (size_t)count * sizeof addrinfo->entries[0]);
    if (addrinfo == NULL) return NULL;
    cleat_object_init(&addrinfo->object, CLEAT_KIND_ADDRINFO, addrinfo_destroy);
    addrinfo->count = count;
    return addrinfo;
}

int32_t cleat_addrinfo_of_address(const struct cleat_address *address) {
    struct cleat_addrinfo *addrinfo = addrinfo_new(address->len > 0 ? 1 : 0);
    if (addrinfo == NULL) return cleat_fail_nomem();
    if (address->len > 0) {
        addrinfo->entries[0].family = address->storage.ss_family;
        addrinfo->entries[0].address = *address;
    }
    return cleat_handle_open(&addrinfo->object);
}

/* copy returns false if an allocation failed. text: may be NULL. */
static bool copy(char **to, const char *text) {
    *to = text == NULL ? NULL : cleat_copy_text(text, (int32_t)strlen(text));
    return text == NULL || *to != NULL;
}

int32_t cleat_addrinfo_of_list(const struct addrinfo *list) {
    struct cleat_addrinfo *addrinfo;
    const struct addrinfo *from;
    struct entry *to;
    int32_t count = 0;
    for (from = list; from != NULL; from = from->ai_next) count++;
    addrinfo = addrinfo_new(count);
    if (addrinfo == NULL) return cleat_fail_nomem();
    to = addrinfo->entries;
    for (from = list; from != NULL; from = from->ai_next, to++) {
        to->family = from->ai_family;
        to->type = from->ai_socktype;
        to->protocol = from->ai_protocol;
        memcpy(&to->address.storage, from->ai_addr, from->ai_addrlen);
        to->address.len = from->ai_addrlen;
    }
    if (list != NULL && !copy(&addrinfo->canonname, list->ai_canonname)) {
        cleat_object_unref(&addrinfo->object);
        return cleat_fail_nomem();
    }
    return cleat_handle_open(&addrinfo->object);
}

static void set_address(struct entry *entry, const struct hostent *from, int index) {
    struct sockaddr_in *name = (struct sockaddr_in *)&entry->address.storage;
    struct sockaddr_in6 *name6 = (struct sockaddr_in6 *)&entry->address.storage;
    entry->family = from->h_addrtype;
    entry->address.storage.ss_family = (sa_family_t)from->h_addrtype;
    if (from->h_addrtype == AF_INET) {
        entry->address.len = sizeof *name;
        memcpy(&name->sin_addr, from->h_addr_list[index], sizeof name->sin_addr);
    } else {
        entry->address.len = sizeof *name6;
        memcpy(&name6->sin6_addr, from->h_addr_list[index], sizeof name6->sin6_addr);
    }
}

/* copy_aliases returns false if an allocation failed. */
static bool copy_aliases(struct cleat_addrinfo *addrinfo, char **aliases) {
    size_t size = 0;
    char **alias;
    char *end;
    for (alias = aliases; alias != NULL && *alias != NULL; alias++) size += strlen(*alias) + 1;
    if (size == 0) return true;
    end = addrinfo->aliases = cleat_allocate(size);
    if (end == NULL) return false;
    for (alias = aliases; *alias != NULL; alias++, addrinfo->alias_count++) {
        size_t len = strlen(*alias) + 1;
        memcpy(end, *alias, len);
        end += len;
    }
    return true;
}

int32_t cleat_addrinfo_of_host(const struct cleat_host *host) {
    const struct hostent *from = &host->entry;
    struct cleat_addrinfo *addrinfo;
    int32_t count = 0;
    int32_t i;
    while (from->h_addr_list != NULL && from->h_addr_list[count] != NULL) count++;
    addrinfo = addrinfo_new(count);
    if (addrinfo == NULL) return cleat_fail_nomem();
    for (i = 0; i < count; i++) set_address(&addrinfo->entries[i], from, i);
    if (!copy(&addrinfo->canonname, from->h_name) || !copy(&addrinfo->service, host->service) ||
        !copy_aliases(addrinfo, from->h_aliases)) {
        cleat_object_unref(&addrinfo->object);
        return cleat_fail_nomem();
    }
    return cleat_handle_open(&addrinfo->object);
}

int32_t cleat_addrinfo_resolve(const char *host, int32_t host_len, const char *service,
                               int32_t service_len, int32_t family, int32_t socktype, int32_t proto,
                               int32_t flags) {
    CLEAT_NO_CANCEL();
    struct addrinfo hints = {
        .ai_family = family, .ai_socktype = socktype, .ai_protocol = proto, .ai_flags = flags};
    struct addrinfo *list = NULL;
    char *host_text = NULL;
    char *service_text = NULL;
    int code = EAI_MEMORY;
    int32_t result;

    CLEAT_CHECK_TEXT(1, host, host_len);
    CLEAT_CHECK_TEXT(3, service, service_len);
    if (host != NULL) host_text = cleat_copy_text(host, host_len);
    if (service != NULL) service_text = cleat_copy_text(service, service_len);
    if ((host == NULL || host_text != NULL) && (service == NULL || service_text != NULL)) {
        code = cleat_getaddrinfo(host_text, service_text, &hints, &list);
    }
    result = code != 0 ? cleat_address_fail(code, errno) : cleat_addrinfo_of_list(list);
    if (list != NULL) freeaddrinfo(list);
    cleat_release(host_text);
    cleat_release(service_text);
    return result;
}

/* The frame of the getters: BEGIN declares list and finds it by its id; END evaluates result, releases the list and
 * returns result. */
#define BEGIN(addrinfo)                                                                            \
    struct cleat_addrinfo *list;                                                                   \
    CLEAT_FIND(list, (addrinfo), CLEAT_KIND_ADDRINFO)

#define END(result)                                                                                \
    do {                                                                                           \
        const int32_t result_ = (result);                                                          \
        CLEAT_DONE(list);                                                                          \
        return result_;                                                                            \
    } while (0)

int32_t cleat_addrinfo_count(int32_t addrinfo) {
    BEGIN(addrinfo);
    END(list->count);
}

int32_t cleat_addrinfo_address(int32_t addrinfo, int32_t index, char *output, int32_t output_cap,
                               int32_t *family, int32_t *socktype, int32_t *proto, int32_t *port,
                               int32_t *flowinfo, int32_t *scope_id) {
    CLEAT_CHECK_OUT(3, output, output_cap);
    CLEAT_CHECK_POINTER(5, family);
    CLEAT_CHECK_POINTER(6, socktype);
    CLEAT_CHECK_POINTER(7, proto);
    CLEAT_CHECK_POINTER(8, port);
    CLEAT_CHECK_POINTER(9, flowinfo);
    CLEAT_CHECK_POINTER(10, scope_id);
    BEGIN(addrinfo);
    int32_t result;
    if (index < 0 || index >= list->count) {
        result = cleat_fail_usage(2, "index out of range");
    } else {
        const struct entry *entry = &list->entries[index];
        result = cleat_address_copy_out((const struct sockaddr *)&entry->address.storage,
                                        entry->address.len, output, output_cap, port, flowinfo,
                                        scope_id);
        if (result >= 0) {
            *family = entry->family;
            *socktype = entry->type;
            *proto = entry->protocol;
        }
    }
    END(result);
}

static int32_t copy_out(const char *text, char *output, int32_t output_cap) {
    return text == NULL ? 0 : cleat_copy_out(text, (int64_t)strlen(text), output, output_cap);
}

int32_t cleat_addrinfo_canonname(int32_t addrinfo, char *output, int32_t output_cap) {
    CLEAT_CHECK_OUT(2, output, output_cap);
    BEGIN(addrinfo);
    END(copy_out(list->canonname, output, output_cap));
}

int32_t cleat_addrinfo_service(int32_t addrinfo, char *output, int32_t output_cap) {
    CLEAT_CHECK_OUT(2, output, output_cap);
    BEGIN(addrinfo);
    END(copy_out(list->service, output, output_cap));
}

int32_t cleat_addrinfo_alias_count(int32_t addrinfo) {
    BEGIN(addrinfo);
    END(list->alias_count);
}

int32_t cleat_addrinfo_alias(int32_t addrinfo, int32_t index, char *output, int32_t output_cap) {
    CLEAT_CHECK_OUT(3, output, output_cap);
    BEGIN(addrinfo);
    const char *alias = list->aliases;
    if (index < 0 || index >= list->alias_count) END(cleat_fail_usage(2, "index out of range"));
    for (; index > 0; index--) alias += strlen(alias) + 1;
    END(copy_out(alias, output, output_cap));
}
