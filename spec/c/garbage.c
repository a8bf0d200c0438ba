#include "garbage.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cancelled.h"
#include "load.h"

enum {
    MOST_KINDS = 16,
    MOST_VALUES = 16 + MOST_KINDS,
    ROOM = 64, /* the greatest capacity that is offered */
    BEHIND = 64, /* bytes after it that must not change */
    LONG = 70000, /* a text that is longer than any internal buffer */
    SECONDS = 100
};

#define SENTINEL 0x5a5a5a5a
#define DOUBLE_SENTINEL 1234.5

const char garbage_certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIB5zCCAY2gAwIBAgIUYd8GrfJUV3bvI0xHr3rJOE79RCcwCgYIKoZIzj0EAwIw\n"
    "EjEQMA4GA1UEAwwHZ2FyYmFnZTAgFw0yNjExMjMyMjAwMjRaGA8yMTI2MTAzMDIy\n"
    "MDAyNFowEjEQMA4GA1UEAwwHZ2FyYmFnZTBZMBMGByqGSM49AgEGCCqGSM49AwEH\n"
    "A0IABG0LbO6x0TdeVg+RDPxlutds8ziBbmD0iInKGZ4AUIWs3c4YX8TREzoVekYI\n"
    "gWXd+4qK/6VLFB0AkicyBXtEHkCjgb4wgbswQAYDVR0RBDkwN4IJYS5leGFtcGxl\n"
    "hxAAAAAAAAAAAAAAAAAAAAABhgN4OnmBA2FAYqQOMAwxCjAIBgNVBAMMAWQwPAYI\n"
    "KwYBBQUHAQEEMDAuMBUGCCsGAQUFBzABhglodHRwOi8vby8wFQYIKwYBBQUHMAKG\n"
    "CWh0dHA6Ly9pLzAaBgNVHR8EEzARMA+gDaALhglodHRwOi8vYy8wHQYDVR0OBBYE\n"
    "FO0Ktge5nRRzzOc4jEZayaHG++HrMAoGCCqGSM49BAMCA0gAMEUCIHZ/LhIfvvCh\n"
    "MF7e3Z3u/GTQLx7E2Fzpo487SXXZlyw0AiEAqIJbFUHnMnpgbBsXYPPv4bb/w9qz\n"
    "50aNPZWS8yA1pMw=\n"
    "-----END CERTIFICATE-----\n";

/* A session of TLS 1.2 with that certificate, as cleat_session_bytes encodes one. */
static const char garbage_session[] =
    "\x63\x6c\x65\x61\x74\x73\x73\x31\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x30\x82\x02\x74"
    "\x02\x01\x01\x02\x02\x03\x03\x04\x02\xc0\x2f\x04\x20\x69\x69\x69\x69\x69\x69\x69\x69\x69"
    "\x69\x69\x69\x69\x69\x69\x69\x69\x69\x69\x69\x69\x69\x69\x69\x69\x69\x69\x69\x69\x69\x69"
    "\x69\x04\x30\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73"
    "\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73\x73"
    "\x73\x73\x73\x73\x73\x73\x73\xa1\x06\x02\x04\x65\x53\xf1\x00\xa2\x04\x02\x02\x1c\x20\xa3"
    "\x82\x01\xeb\x30\x82\x01\xe7\x30\x82\x01\x8d\xa0\x03\x02\x01\x02\x02\x14\x61\xdf\x06\xad"
    "\xf2\x54\x57\x76\xef\x23\x4c\x47\xaf\x7a\xc9\x38\x4e\xfd\x44\x27\x30\x0a\x06\x08\x2a\x86"
    "\x48\xce\x3d\x04\x03\x02\x30\x12\x31\x10\x30\x0e\x06\x03\x55\x04\x03\x0c\x07\x67\x61\x72"
    "\x62\x61\x67\x65\x30\x20\x17\x0d\x32\x36\x31\x31\x32\x33\x32\x32\x30\x30\x32\x34\x5a\x18"
    "\x0f\x32\x31\x32\x36\x31\x30\x33\x30\x32\x32\x30\x30\x32\x34\x5a\x30\x12\x31\x10\x30\x0e"
    "\x06\x03\x55\x04\x03\x0c\x07\x67\x61\x72\x62\x61\x67\x65\x30\x59\x30\x13\x06\x07\x2a\x86"
    "\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04\x6d\x0b\x6c"
    "\xee\xb1\xd1\x37\x5e\x56\x0f\x91\x0c\xfc\x65\xba\xd7\x6c\xf3\x38\x81\x6e\x60\xf4\x88\x89"
    "\xca\x19\x9e\x00\x50\x85\xac\xdd\xce\x18\x5f\xc4\xd1\x13\x3a\x15\x7a\x46\x08\x81\x65\xdd"
    "\xfb\x8a\x8a\xff\xa5\x4b\x14\x1d\x00\x92\x27\x32\x05\x7b\x44\x1e\x40\xa3\x81\xbe\x30\x81"
    "\xbb\x30\x40\x06\x03\x55\x1d\x11\x04\x39\x30\x37\x82\x09\x61\x2e\x65\x78\x61\x6d\x70\x6c"
    "\x65\x87\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x86\x03\x78"
    "\x3a\x79\x81\x03\x61\x40\x62\xa4\x0e\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01"
    "\x64\x30\x3c\x06\x08\x2b\x06\x01\x05\x05\x07\x01\x01\x04\x30\x30\x2e\x30\x15\x06\x08\x2b"
    "\x06\x01\x05\x05\x07\x30\x01\x86\x09\x68\x74\x74\x70\x3a\x2f\x2f\x6f\x2f\x30\x15\x06\x08"
    "\x2b\x06\x01\x05\x05\x07\x30\x02\x86\x09\x68\x74\x74\x70\x3a\x2f\x2f\x69\x2f\x30\x1a\x06"
    "\x03\x55\x1d\x1f\x04\x13\x30\x11\x30\x0f\xa0\x0d\xa0\x0b\x86\x09\x68\x74\x74\x70\x3a\x2f"
    "\x2f\x63\x2f\x30\x1d\x06\x03\x55\x1d\x0e\x04\x16\x04\x14\xed\x0a\xb6\x07\xb9\x9d\x14\x73"
    "\xcc\xe7\x38\x8c\x46\x5a\xc9\xa1\xc6\xfb\xe1\xeb\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04"
    "\x03\x02\x03\x48\x00\x30\x45\x02\x20\x76\x7f\x2e\x12\x1f\xbe\xf0\xa1\x30\x5e\xde\xdd\x9d"
    "\xee\xfc\x64\xd0\x2f\x1e\xc4\xd8\x5c\xe9\xa3\x8f\x3b\x49\x75\xd9\x97\x2c\x34\x02\x21\x00"
    "\xa8\x82\x5b\x15\x41\xe7\x32\x7a\x60\x6c\x1b\x17\x60\xf3\xef\xe1\xb6\xff\xc3\xda\xb3\xe7"
    "\x46\x8d\x3d\x95\x92\xf3\x20\x35\xa4\xcc\xa4\x02\x04\x00\xaa\x08\x04\x06\x74\x69\x63\x6b"
    "\x65\x74\xb1\x03\x01\x01\xff\xb6\x03\x01\x01\x00";

static const int32_t *known_kinds;
static int32_t live[MOST_KINDS]; /* by kind: an open id */
static int32_t peer; /* of the socket */
static int32_t stale; /* a closed id */
static int descriptor = -1; /* of a socket without an id */
static int descriptor_peer = -1;
static const char *volatile current = "";

/* By parameter, the memory that a call may write to. */
static char rooms[MOST_PARAMETERS][ROOM + BEHIND];
static int32_t ints_rooms[MOST_PARAMETERS][ROOM + BEHIND];
static int32_t int_outs[MOST_PARAMETERS];
static double double_outs[MOST_PARAMETERS];

static int failures; /* in this function */

static void fail(const char *what, int32_t result) {
    if (failures++ < 5)
        printf("#   %s: %s (result %d, class %d)\n", current, what, (int)result,
               (int)-result >> 16);
}

/* ---- the objects and values to call functions with ---- */

static int32_t make(int32_t kind) {
    int32_t id = 0;
    switch (kind) {
        case CLEAT_KIND_SOCKET:
            cleat_close(peer);
            return cleat_socket_pair(CLEAT_AF_UNIX, CLEAT_SOCK_STREAM, 0, &id, &peer) < 0 ? -1 : id;
        case CLEAT_KIND_ADDRINFO:
            return cleat_addrinfo_resolve("127.0.0.1", 9, "80", 2, CLEAT_AF_INET, CLEAT_SOCK_STREAM,
                                          0, CLEAT_AI_NUMERICHOST);
        case CLEAT_KIND_CONTEXT: return cleat_context_new(CLEAT_PROTOCOL_TLS);
        case CLEAT_KIND_CONNECTION:
            return cleat_connection_over_memory(live[CLEAT_KIND_CONTEXT], 0, NULL, 0);
        case CLEAT_KIND_CERTIFICATE:
            return cleat_certificate_from_pem(garbage_certificate,
                                              (int32_t)strlen(garbage_certificate));
        case CLEAT_KIND_RESOLUTION:
            return cleat_resolution_new("127.0.0.1", 9, "80", 2, CLEAT_AF_INET, CLEAT_SOCK_STREAM,
                                        0, CLEAT_AI_NUMERICHOST);
        case CLEAT_KIND_WATCH:
            return cleat_watch_new(cleat_socket_fileno(live[CLEAT_KIND_SOCKET]), CLEAT_POLLIN, 0);
        case CLEAT_KIND_SESSION:
            return cleat_session_from_bytes(live[CLEAT_KIND_CONTEXT], garbage_session,
                                            (int32_t)sizeof garbage_session - 1);
        case CLEAT_KIND_VERIFICATION:
            return cleat_verification_new(live[CLEAT_KIND_CONTEXT], live[CLEAT_KIND_CERTIFICATE],
                                          CLEAT_PURPOSE_SERVER_AUTH, NULL, 0, -1, NULL, 0);
        case CLEAT_KIND_ECH_KEY: return cleat_ech_key_new("cleat.test", 10, 7, 64);
        case CLEAT_KIND_EPOLL: return cleat_epoll_new();
        default: return -1;
    }
}

/* Functions may close or take the objects that they get: these are made anew. */
static void renew(void) {
    int i;
    for (i = 0; known_kinds[i] != 0; i++) {
        int32_t kind = known_kinds[i];
        if (cleat_kind(live[kind]) == kind) continue;
        live[kind] = make(kind);
        if (live[kind] <= 0) {
            printf("Bail out! garbage.c cannot make an object of kind %d\n", (int)kind);
            exit(1);
        }
    }
    if (descriptor < 0) {
        int pair[2];
        if (descriptor_peer >= 0) close(descriptor_peer);
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) {
            printf("Bail out! no socketpair\n");
            exit(1);
        }
        descriptor = pair[0];
        descriptor_peer = pair[1];
    }
}

static int32_t good_int(const struct function *function, const char *name) {
    static const struct {
        const char *name;
        int32_t value;
    } good[] = {
        {"family", CLEAT_AF_UNIX},
        {"socktype", CLEAT_SOCK_STREAM},
        {"binding", CLEAT_BINDING_TLS_UNIQUE},
        {"tls_version", CLEAT_TLS1_2_VERSION},
        {"binding", CLEAT_BINDING_TLS_UNIQUE},
        {"level", CLEAT_SOL_SOCKET},
        {"option", CLEAT_SO_KEEPALIVE},
        {"number", CLEAT_ENOENT},
        {"purpose", CLEAT_PURPOSE_SERVER_AUTH},
        {"lifetime", 86400},
        {"key_type", CLEAT_REMOTE_KEY_P256},
    };
    size_t i;
    if (strcmp(name, "fd") == 0) return descriptor;
    if (strcmp(function->name, "cleat_context_new") == 0) return CLEAT_PROTOCOL_TLS;
    for (i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (strcmp(name, good[i].name) == 0) return good[i].value;
    }
    return 0;
}

static const char *good_bytes(const char *name) {
    if (strcmp(name, "host") == 0) return "127.0.0.1";
    if (strcmp(name, "service") == 0) return "80";
    if (strcmp(name, "protocols") == 0) return "\002h2";
    return "x";
}

/* values lists the values to try for a parameter, a valid one first, and returns their number. */
static int values(const struct function *function, int position, struct value *list) {
    static const int32_t wild[] = {INT32_MIN, INT32_MAX};
    static char text[LONG];
    const struct parameter *parameter = &function->parameters[position];
    char *room = rooms[position];
    int32_t *ints_room = ints_rooms[position];
    int count = 0;
    int i;

#define ADD(...)                                                                                   \
    list[count++] = (struct value) {                                                               \
        __VA_ARGS__                                                                                \
    }
    switch (parameter->kind) {
        case INT:
            ADD(.i = good_int(function, parameter->name));
            ADD(.i = -1);
            ADD(.i = INT32_MIN);
            ADD(.i = INT32_MAX);
            if (strcmp(parameter->name, "fd") == 0) break; /* 0 and 1 may be in use */
            ADD(.i = 0);
            ADD(.i = 1);
            break;
        case ID:
        case ANY_ID:
            ADD(.i = live[parameter->kind == ID ? parameter->object : CLEAT_KIND_SOCKET]);
            ADD(.i = 0, .refused = CLEAT_HANDLE);
            ADD(.i = -1, .refused = CLEAT_HANDLE);
            ADD(.i = INT32_MIN, .refused = CLEAT_HANDLE);
            ADD(.i = INT32_MAX, .refused = CLEAT_HANDLE);
            ADD(.i = stale, .refused = CLEAT_HANDLE);
            ADD(.i = list[0].i ^ (1 << 30), .refused = CLEAT_HANDLE);
            for (i = 0; known_kinds[i] != 0; i++) {
                int32_t kind = known_kinds[i];
                if (parameter->kind == ANY_ID) {
                    ADD(.i = live[kind]);
                } else if (kind != parameter->object) {
                    ADD(.i = live[kind], .refused = CLEAT_HANDLE);
                }
            }
            break;
        case DOUBLE:
            ADD(.d = 0);
            ADD(.d = (double)NAN, .refused = CLEAT_USAGE);
            ADD(.d = -(double)NAN, .refused = CLEAT_USAGE);
            ADD(.d = -0.0);
            break;
        case BYTES:
            memset(text, 'a', sizeof text);
            ADD(.bytes = good_bytes(parameter->name),
                .size = (int32_t)strlen(good_bytes(parameter->name)));
            ADD(.bytes = NULL, .size = 0);
            ADD(.bytes = NULL, .size = 1, .refused = CLEAT_USAGE);
            ADD(.bytes = NULL, .size = INT32_MAX, .refused = CLEAT_USAGE);
            ADD(.bytes = NULL, .size = -1, .refused = CLEAT_USAGE);
            ADD(.bytes = "x", .size = -1, .refused = CLEAT_USAGE);
            ADD(.bytes = "x", .size = INT32_MIN, .refused = CLEAT_USAGE);
            ADD(.bytes = "", .size = 0);
            ADD(.bytes = "a\0b", .size = 3);
            ADD(.bytes = "\0", .size = 1);
            ADD(.bytes = text, .size = LONG);
            if (strcmp(parameter->name, "host") == 0) break; /* it would be looked up by DNS */
            ADD(.bytes = "\xff\xfe\x80", .size = 3);
            break;
        case INTS:
            ADD(.ints = wild, .size = 2);
            ADD(.ints = wild, .size = 1);
            ADD(.ints = wild, .size = 0);
            ADD(.ints = NULL, .size = 0);
            ADD(.ints = NULL, .size = 2, .refused = CLEAT_USAGE);
            ADD(.ints = NULL, .size = -1, .refused = CLEAT_USAGE);
            ADD(.ints = wild, .size = -1, .refused = CLEAT_USAGE);
            ADD(.ints = wild, .size = INT32_MIN, .refused = CLEAT_USAGE);
            break;
        case TEXT:
        case BUF:
            ADD(.room = room, .size = ROOM);
            ADD(.room = room, .size = 0);
            ADD(.room = room, .size = 1);
            ADD(.room = NULL, .size = 0);
            ADD(.room = NULL, .size = 1, .refused = CLEAT_USAGE);
            ADD(.room = NULL, .size = INT32_MAX, .refused = CLEAT_USAGE);
            ADD(.room = NULL, .size = -1, .refused = CLEAT_USAGE);
            ADD(.room = room, .size = -1, .refused = CLEAT_USAGE);
            ADD(.room = room, .size = INT32_MIN, .refused = CLEAT_USAGE);
            break;
        case INTS_OUT:
            ADD(.ints_out = ints_room, .size = 2);
            ADD(.ints_out = ints_room, .size = 1);
            ADD(.ints_out = ints_room, .size = 0);
            ADD(.ints_out = NULL, .size = 0);
            ADD(.ints_out = NULL, .size = 2, .refused = CLEAT_USAGE);
            ADD(.ints_out = NULL, .size = -1, .refused = CLEAT_USAGE);
            ADD(.ints_out = ints_room, .size = -1, .refused = CLEAT_USAGE);
            ADD(.ints_out = ints_room, .size = INT32_MIN, .refused = CLEAT_USAGE);
            break;
        case INT_OUT:
            ADD(.int_out = &int_outs[position]);
            ADD(.int_out = NULL, .refused = CLEAT_USAGE);
            break;
        case DOUBLE_OUT:
            ADD(.double_out = &double_outs[position]);
            ADD(.double_out = NULL, .refused = CLEAT_USAGE);
            break;
        case END: break;
    }
#undef ADD
    return count;
}

/* ---- the checks of a call ---- */

/* An id that this file has not made was made by the call. */
static void close_new(int32_t id) {
    int i;
    if (id <= 0 || id == peer) return;
    for (i = 0; known_kinds[i] != 0; i++) {
        if (id == live[known_kinds[i]]) return;
    }
    cleat_close(id);
}

static bool starts(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

/* qemu-user 7.2's getsockopt writes a whole int, however small the capacity. */
static bool is_emulated(const struct function *function) {
    return strcmp(function->name, "cleat_socket_getsockopt_bytes") == 0 &&
           getenv("CLEAT_EMULATED") != NULL;
}

static void check_outputs(const struct function *function, const struct value *v, int32_t result) {
    int i, at;
    for (i = 0; function->parameters[i].kind != END; i++) {
        int32_t size = v[i].size < 0 ? 0 : v[i].size;
        switch (function->parameters[i].kind) {
            case TEXT:
            case BUF:
                at = v[i].room == NULL ? 0 : size;
                if (is_emulated(function) && at < 4) at = 4;
                for (; at < ROOM + BEHIND; at++) {
                    if (rooms[i][at] != (char)SENTINEL) {
                        fail("wrote beyond the capacity", result);
                        break;
                    }
                }
                if (function->parameters[i].kind == BUF && result > size)
                    fail("more bytes than the capacity", result);
                break;
            case INTS_OUT:
                for (at = result < 0 || v[i].ints_out == NULL ? 0 : size; at < ROOM + BEHIND;
                     at++) {
                    if (ints_rooms[i][at] != SENTINEL) {
                        fail("wrote to an array that it must not change", result);
                        break;
                    }
                }
                break;
            case INT_OUT:
                if (result < 0 && int_outs[i] != SENTINEL)
                    fail("failed, but wrote an output", result);
                break;
            case DOUBLE_OUT:
                if (result < 0 && !(double_outs[i] > 1234 && double_outs[i] < 1235)) {
                    fail("failed, but wrote an output", result);
                }
                break;
            case END:
            case INT:
            case ID:
            case ANY_ID:
            case DOUBLE:
            case BYTES:
            case INTS: break;
        }
    }
}

/* bad_at: the position in C of the only invalid argument, or 0. */
static void check_status(const struct function *function, const struct value *v, int32_t result,
                         int bad_at, int bad) {
    int32_t class = CLEAT_CLASS(result);
    int32_t refused = bad_at == 0 ? 0 : v[bad].refused;
    if (class > 63 || (function->classes >> class & 1) == 0)
        fail("a status of a class that its comment does not list", result);
    if (refused != 0 && class != refused)
        fail("not the status that the only invalid argument requires", result);
    if (refused == CLEAT_USAGE && class == CLEAT_USAGE) {
        int at = CLEAT_VALUE(result);
        bool sized = v[bad].size != 0;
        if (at != bad_at && !(sized && at == bad_at + 1))
            fail("the position is not the invalid argument's", result);
    }
    if (class == CLEAT_WANT_READ || class == CLEAT_WANT_WRITE ||
        starts(function->name, "cleat_error_") || strcmp(function->name, "cleat_close") == 0) {
        return;
    }
    if (cleat_error_status() != result) fail("cleat_error_status has another status", result);
    if (cleat_error_message(NULL, 0) <= 0) fail("a failure without a message", result);
}

static void call(const struct function *function, const struct value *v, int bad) {
    int32_t result;
    bool refused = false;
    int bad_at = 0;
    int position = 1;
    int i;
    memset(rooms, SENTINEL & 0xff, sizeof rooms);
    for (i = 0; i < MOST_PARAMETERS; i++) {
        int at;
        int_outs[i] = SENTINEL;
        double_outs[i] = DOUBLE_SENTINEL;
        for (at = 0; at < ROOM + BEHIND; at++) ints_rooms[i][at] = SENTINEL;
    }
    for (i = 0; function->parameters[i].kind != END; i++) {
        enum parameter_kind kind = function->parameters[i].kind;
        refused = refused || v[i].refused != 0;
        if (i == bad) bad_at = position;
        position += kind == BYTES || kind == INTS || kind == TEXT || kind == BUF || kind == INTS_OUT
                        ? 2
                        : 1;
    }

    cancelled_allow(function->name);
    result = function->call(v);
    cancelled_forbid();

    if (refused && result >= 0) fail("accepted an argument that it must refuse", result);
    if (result < 0 && strcmp(function->name, "cleat_error_status") != 0) {
        check_status(function, v, result, bad_at, bad);
    }
    check_outputs(function, v, result);

    if (strcmp(function->name, "cleat_socket_from_fd") == 0 && result > 0 && v[0].i == descriptor)
        descriptor = -1;
    if (strcmp(function->name, "cleat_socket_detach") == 0 && result >= 0) {
        close(result);
    } else {
        close_new(result);
    }
    for (i = 0; i < MOST_PARAMETERS && result >= 0; i++) {
        if (int_outs[i] != SENTINEL) close_new(int_outs[i]);
    }
}

/* try_pair calls with the a-th value of the first parameter, the b-th of the second, and valid ones for the others; a
 * first of -1 means the a-th value of all. It returns false if there is no such value. */
static bool try_pair(const struct function *function, int first, int a, int second, int b) {
    struct value v[MOST_PARAMETERS];
    struct value list[MOST_VALUES];
    int i;
    renew();
    memset(v, 0, sizeof v);
    for (i = 0; function->parameters[i].kind != END; i++) {
        int count = values(function, i, list);
        int index = first < 0 ? a % count : i == first ? a : i == second ? b : 0;
        if (index >= count) return false;
        v[i] = list[index];
    }
    call(function, v,
         first >= 0 && a > 0 && b == 0   ? first
         : first >= 0 && b > 0 && a == 0 ? second
                                         : -1);
    return true;
}

static long try_function(const struct function *function) {
    long calls = 0;
    int first, second, a, b;
    for (first = 0; function->parameters[first].kind != END; first++) {
        second = first + 1;
        if (first > 0 && function->parameters[second].kind == END)
            break; /* it is the length of another parameter */
        do {
            for (a = 0; try_pair(function, first, a, second, 0); a++) {
                calls++;
                for (b = 1; function->parameters[second].kind != END &&
                            try_pair(function, first, a, second, b);
                     b++) {
                    calls++;
                }
            }
            second++;
        } while (function->parameters[second - 1].kind != END &&
                 function->parameters[second].kind != END);
    }
    for (a = 0; a < MOST_VALUES; a++, calls++) try_pair(function, -1, a, -1, 0);
    return calls;
}

static int open_descriptors(void) {
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    if (folder == NULL) return -1;
    while (readdir(folder) != NULL) count++;
    closedir(folder);
    return count;
}

static void stuck(int signal_number) {
    static const char text[] = "Bail out! stuck in ";
    (void)signal_number;
    if (write(STDOUT_FILENO, text, sizeof text - 1) < 0 ||
        write(STDOUT_FILENO, current, strlen(current)) < 0 || write(STDOUT_FILENO, "\n", 1) < 0) {
        _exit(2);
    }
    _exit(1);
}

static int run(const struct function *functions, const int32_t *kinds) {
    int number, failed = 0;
    int before = open_descriptors();
    int i;
    setvbuf(stdout, NULL, _IOLBF, 0);
    known_kinds = kinds;
    signal(SIGALRM, stuck);
    load_alarm(SECONDS);

    stale = cleat_context_new(CLEAT_PROTOCOL_TLS);
    cleat_close(stale);
    for (number = 0; functions[number].name != NULL; number++) {
        long calls;
        current = functions[number].name;
        failures = 0;
        calls = try_function(&functions[number]);
        printf("%s %d - %s: %ld calls\n", failures > 0 ? "not ok" : "ok", number + 1, current,
               calls);
        failed += failures > 0;
    }

    current = "the end";
    failures = 0;
    for (i = 0; kinds[i] != 0; i++) cleat_close(live[kinds[i]]);
    cleat_close(peer);
    close(descriptor);
    close(descriptor_peer);
    if (cleat_handle_count() != 0) fail("ids are still open", cleat_handle_count());
    if (open_descriptors() != before)
        fail("descriptors are still open", open_descriptors() - before);
    printf("%s %d - no id or descriptor is leaked\n1..%d\n", failures > 0 ? "not ok" : "ok",
           number + 1, number + 1);
    return failed + (failures > 0);
}

/* A Unix socket that is bound to a host's name makes a file, and so does a key log. */
static void empty(const char *folder) {
    DIR *directory = opendir(folder);
    const struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        unlinkat(dirfd(directory), entry->d_name, 0);
    }
    if (directory != NULL) closedir(directory);
}

/* In a process without a terminal, which cannot ask for a password. */
int garbage_run(const struct function *functions, const int32_t *kinds) {
    char folder[] = "/tmp/cleat-garbage-XXXXXX";
    int status = 1;
    pid_t child;
    fflush(NULL);
    if (!mkdtemp(folder)) return 1;
    child = fork();
    if (child == 0) {
        setsid();
        if (chdir(folder) != 0) exit(1);
        exit(run(functions, kinds) == 0 ? 0 : 1);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) status = 1;
    empty(folder);
    if (rmdir(folder) != 0) {
        printf("#   %s is not empty\n", folder);
        status = 1;
    }
    return status;
}
