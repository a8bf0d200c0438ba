/* object.c: certificates, sockets, address lists, random bytes. */
#include <arpa/inet.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../c/expect.h"
#include "../c/garbage.h"
#include "../c/identity.h"
#include "../c/odd_certificate.h"
#include "failing.h"
#include "scenario.h"

static int32_t one;
static int32_t two;
static char rich[8192]; /* a certificate with every field, in PEM */
static int32_t rich_len;
static char der[4096];
static int32_t der_len;

static void close_all(void) {
    if (one > 0) cleat_close(one);
    if (two > 0) cleat_close(two);
    one = two = 0;
}

static void open_certificate(void) {
    one = cleat_certificate_from_pem(rich, rich_len);
    EXPECT(one > 0);
}

enum { FIRST_SEGMENT = 2048 }; /* the first size of the table of ids, some of which stay free */

static int32_t open_any(void) {
    return cleat_addrinfo_resolve(NULL, 0, "1", 1, CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0, 0);
}

/* The table of ids grows only once, so that this can be tested only once: without room there is no id. */
static void test_growth(void) {
    int32_t ids[FIRST_SEGMENT + 1];
    int count;
    int i;
    for (count = 0; count <= FIRST_SEGMENT; count++) {
        failing_arm(4, false); /* after the service's text, getaddrinfo, and the object */
        ids[count] = open_any();
        if (failing_disarm()) break;
        EXPECT(ids[count] > 0);
    }
    EXPECT(count >= FIRST_SEGMENT / 2 && count <= FIRST_SEGMENT);
    EXPECT(ids[count] == -(CLEAT_NOMEM << 16) && cleat_handle_count() == count);
    ids[count] = open_any();
    for (i = 0; i <= count; i++) EXPECT(ids[i] > 0 && cleat_close(ids[i]) == CLEAT_OK);
}

void object_scenarios_begin(void) {
    test_growth();
    rich_len = (int32_t)strlen(garbage_certificate);
    memcpy(rich, garbage_certificate, (size_t)rich_len);
    open_certificate();
    der_len = cleat_certificate_der(one, der, sizeof der);
    EXPECT(der_len > 0);
    close_all();
}

void object_scenarios_end(void) {
}

static int32_t act_from_pem(void) {
    one = cleat_certificate_from_pem(rich, rich_len);
    return one;
}

static int32_t act_from_der(void) {
    one = cleat_certificate_from_der(der, der_len);
    return one;
}

static int32_t note_answer(int32_t len, const char *text) {
    if (len >= 0) note_text(text, len);
    return len;
}

static char room[4096];

#define NOTE(call)                                                                                 \
    do {                                                                                           \
        int32_t len_ = note_answer((call), room);                                                  \
        if (len_ < 0) return len_;                                                                 \
    } while (0)

static int32_t act_der(void) {
    return note_answer(cleat_certificate_der(one, room, sizeof room), room);
}

static int32_t act_is_ca(void) {
    int32_t answer = cleat_certificate_is_ca(one);
    if (answer >= 0) note(answer);
    return answer;
}

static void open_ca(void) {
    int32_t len;
    const char *text = identity_text(IDENTITY_CERTIFICATE, &len);
    one = cleat_certificate_from_pem(text, len);
    EXPECT(one > 0);
}

static int32_t act_fields(void) {
    NOTE(cleat_certificate_serial_number(one, room, sizeof room));
    NOTE(cleat_certificate_not_before(one, room, sizeof room));
    NOTE(cleat_certificate_not_after(one, room, sizeof room));
    return CLEAT_OK;
}

static int32_t act_names(void) {
    int32_t count = cleat_certificate_name_count(one, CLEAT_NAME_SUBJECT);
    int32_t i;
    for (i = 0; i < count; i++) {
        NOTE(cleat_certificate_name_type(one, CLEAT_NAME_SUBJECT, i, room, sizeof room));
        NOTE(cleat_certificate_name_value(one, CLEAT_NAME_SUBJECT, i, room, sizeof room));
    }
    if (count >= 0) note(count);
    return count;
}

static void open_odd(void) {
    one = cleat_certificate_from_pem(odd_certificate, (int32_t)strlen(odd_certificate));
    EXPECT(one > 0);
}

/* A malformed extension is CLEAT_SSL each time, unless memory runs out. */
static int32_t act_odd(void) {
    int32_t answer;
    int32_t i;
    NOTE(cleat_certificate_not_before(one, room, sizeof room));
    for (i = 0; i < ODD_COUNT; i++) {
        NOTE(cleat_certificate_name_value(one, CLEAT_NAME_SUBJECT, i, room, sizeof room));
    }
    answer = cleat_certificate_alt_name_count(one);
    EXPECT(answer < 0);
    if (CLEAT_CLASS(answer) == CLEAT_NOMEM) return answer;
    EXPECT(CLEAT_CLASS(answer) == CLEAT_SSL);
    answer = cleat_certificate_uri_count(one, CLEAT_URI_OCSP);
    EXPECT(answer < 0);
    if (CLEAT_CLASS(answer) == CLEAT_NOMEM) return answer;
    EXPECT(CLEAT_CLASS(answer) == CLEAT_SSL);
    return CLEAT_OK;
}

static int32_t act_alt_names(void) {
    int32_t count = cleat_certificate_alt_name_count(one);
    int32_t i;
    for (i = 0; i < count; i++) {
        int32_t names = cleat_certificate_name_count(one, CLEAT_NAME_ALT + i);
        NOTE(cleat_certificate_alt_name_type(one, i, room, sizeof room));
        NOTE(cleat_certificate_alt_name_value(one, i, room, sizeof room));
        if (names > 0) NOTE(cleat_certificate_name_value(one, CLEAT_NAME_ALT + i, 0, room, 4096));
    }
    if (count >= 0) note(count);
    return count;
}

static int32_t act_uris(void) {
    int32_t which;
    for (which = CLEAT_URI_OCSP; which <= CLEAT_URI_CRL; which++) {
        int32_t count = cleat_certificate_uri_count(one, which);
        int32_t i;
        if (count < 0) return count;
        for (i = 0; i < count; i++) {
            NOTE(cleat_certificate_uri(one, which, i, room, sizeof room));
        }
    }
    return CLEAT_OK;
}

static int32_t act_socket(void) {
    one = cleat_socket_new(CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0);
    return one;
}

static int32_t act_pair(void) {
    return cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &one, &two);
}

/* The descriptor still belongs to the caller if no socket could be made of it. */
static int adopted;

static void open_fd(void) {
    adopted = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT(adopted >= 0);
    one = 0;
}

static int32_t act_from_fd(void) {
    one = cleat_socket_from_fd(adopted);
    return one;
}

static void close_fd(void) {
    if (one <= 0) EXPECT(close(adopted) == 0);
    close_all();
}

static int32_t listener;
static struct sockaddr_in bound;

static void open_listener(void) {
    socklen_t len = sizeof bound;
    listener = cleat_socket_new(CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0);
    EXPECT(cleat_socket_bind(listener, "127.0.0.1", 9, 0) == CLEAT_OK);
    EXPECT(cleat_socket_listen(listener, 1) == CLEAT_OK);
    EXPECT(getsockname(cleat_socket_fileno(listener), (struct sockaddr *)&bound, &len) == 0);
    one = cleat_socket_new(CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0);
}

static int32_t act_connect(void) {
    return cleat_socket_connect(one, "127.0.0.1", 9, ntohs(bound.sin_port), 10);
}

static void open_caller(void) {
    open_listener();
    EXPECT(act_connect() == CLEAT_OK);
}

/* A connection for which no id could be made is closed, so that its peer does not wait. */
static int32_t act_accept(void) {
    char byte;
    two = cleat_socket_accept(listener, 10);
    if (two < 0) EXPECT(cleat_socket_recv(one, &byte, 1, 0, 10) == 0);
    return two;
}

static void close_listener(void) {
    cleat_close(listener);
    close_all();
}

static int32_t act_bind(void) {
    return cleat_socket_bind(one, "127.0.0.1", 9, 0);
}

static void open_datagrams(void) {
    EXPECT(cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_DGRAM, 0, &one, &two) == CLEAT_OK);
    EXPECT(cleat_socket_send(two, "datagram", 8, 0, 0) == 8);
}

static int32_t act_recvfrom(void) {
    int32_t sender = 0;
    int32_t len = cleat_socket_recvfrom(one, room, sizeof room, 0, 10, &sender);
    if (len < 0) {
        EXPECT(sender == 0);
        return len;
    }
    note_text(room, len);
    EXPECT(cleat_close(sender) == CLEAT_OK);
    return len;
}

static int32_t act_resolve(void) {
    one = cleat_addrinfo_resolve("127.0.0.1", 9, "443", 3, CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0,
                                 CLEAT_AI_CANONNAME);
    if (one > 0) {
        note(cleat_addrinfo_count(one));
        note_answer(cleat_addrinfo_canonname(one, room, sizeof room), room);
    }
    return one;
}

static int32_t act_resolution(void) {
    two = cleat_resolution_new("127.0.0.1", 9, "443", 3, CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0, 0);
    return two;
}

static long live_before;

static void remember_live(void) {
    live_before = failing_live();
}

/* The thread that resolves the name needs its memory until it ends. */
static void close_resolution(void) {
    if (two > 0) {
        one = cleat_resolution_addrinfo(two, 10);
        EXPECT(one > 0);
    }
    close_all();
    while (failing_live() > live_before) sched_yield();
}

static int32_t note_names(int32_t list) {
    if (list > 0) {
        note_answer(cleat_addrinfo_canonname(list, room, sizeof room), room);
        note_answer(cleat_addrinfo_service(list, room, sizeof room), room);
        note(cleat_addrinfo_alias_count(list));
    }
    return list;
}

static int32_t act_lookup_host(void) {
    return one = note_names(cleat_addrinfo_lookup(CLEAT_LOOKUP_HOST, "127.0.0.1", 9, 0, 0));
}

static int32_t act_lookup_names(void) {
    return one = note_names(cleat_addrinfo_lookup(CLEAT_LOOKUP_NAMES, "fe80::1%lo", 10, 443,
                                                  CLEAT_NI_NUMERICHOST | CLEAT_NI_NUMERICSERV));
}

static int32_t act_resolution_lookup(void) {
    two = cleat_resolution_lookup(CLEAT_LOOKUP_HOST, "127.0.0.1", 9, 0, 0);
    return two;
}

static int32_t act_service(void) {
    int32_t port = cleat_service_port("https", 5, "tcp", 3);
    int32_t len = port < 0 ? port : cleat_service_name(port, "tcp", 3, room, sizeof room);
    return len < 0 ? len : cleat_protocol_number("tcp", 3);
}

static int32_t act_recvmsg(void) {
    int32_t sender = 0;
    int32_t msg_flags = 0;
    int32_t len = cleat_socket_recvmsg(one, room, sizeof room, 0, 10, &msg_flags, &sender);
    if (len < 0) {
        EXPECT(sender == 0);
        return len;
    }
    note_text(room, len);
    EXPECT(cleat_close(sender) == CLEAT_OK);
    return len;
}

static int32_t act_random(void) {
    return cleat_random_bytes(room, sizeof room);
}

const struct scenario object_scenarios[] = {
    {"certificate_from_pem", NULL, act_from_pem, close_all, 0, true},
    {"certificate_from_der", NULL, act_from_der, close_all, 0, true},
    {"certificate_der", open_certificate, act_der, close_all, 0, true},
    {"certificate_is_ca", open_certificate, act_is_ca, close_all, 0, true},
    {"certificate_is_ca: it is", open_ca, act_is_ca, close_all, 0, true},
    {"certificate: fields", open_certificate, act_fields, close_all, 0, false},
    {"certificate_name", open_certificate, act_names, close_all, 0, false},
    {"certificate_alt_name", open_certificate, act_alt_names, close_all, 0, false},
    {"certificate_uri", open_certificate, act_uris, close_all, 0, false},
    {"certificate: odd fields", open_odd, act_odd, close_all, 0, false},
    {"socket_new", NULL, act_socket, close_all, 0, true},
    {"socket_pair", NULL, act_pair, close_all, 0, true},
    {"socket_from_fd", open_fd, act_from_fd, close_fd, 0, true},
    {"socket_bind", open_listener, act_bind, close_listener, 0, true},
    {"socket_connect", open_listener, act_connect, close_listener, 0, true},
    {"socket_accept", open_caller, act_accept, close_listener, 0, false},
    {"socket_recvfrom", open_datagrams, act_recvfrom, close_all, 0, false},
    {"socket_recvmsg", open_datagrams, act_recvmsg, close_all, 0, false},
    {"addrinfo_lookup: host", NULL, act_lookup_host, close_all, 0, true},
    {"addrinfo_lookup: names", NULL, act_lookup_names, close_all, 0, true},
    {"resolution_lookup", remember_live, act_resolution_lookup, close_resolution, 0, true},
    {"service and protocol", NULL, act_service, NULL, 0, true},
    {"addrinfo_resolve", NULL, act_resolve, close_all, 0, true},
    {"resolution_new", remember_live, act_resolution, close_resolution, 0, true},
    {"random_bytes", NULL, act_random, NULL, 0, true},
    {NULL, NULL, NULL, NULL, 0, false},
};
