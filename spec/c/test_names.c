/* test_names.c: lookups of host names in the background, closed early, forked and interrupted; names of services,
 * protocols and interfaces; addresses as bytes. gethostbyname_r is this file's: it blocks for "hang" until the gate is
 * opened, and has a result that needs much room. */
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleat.h"
#include "expect.h"
#include "gate.h"
#include "load.h"

#define TIMEOUT 300.0
#define INTERRUPTED (-(CLEAT_SYS << 16 | CLEAT_EINTR))

enum { MANY = 20, ALIASES = 300 };

/* A result of ALIASES aliases, and the address 127.0.0.2. */
static int answer(struct hostent *entry, char *room, size_t size, struct hostent **found) {
    char **pointers = (char **)(void *)room;
    size_t used = (ALIASES + 3) * sizeof *pointers;
    char *text = room + used;
    int i;
    if (size < used + 4 + (ALIASES + 1) * 16) return ERANGE;
    memset(text, 0, 4);
    text[0] = 127;
    text[3] = 2;
    pointers[0] = text;
    pointers[1] = NULL;
    entry->h_addr_list = pointers;
    entry->h_addrtype = AF_INET;
    entry->h_length = 4;
    text += 4;
    snprintf(text, 16, "canonical");
    entry->h_name = text;
    entry->h_aliases = pointers + 2;
    for (i = 0; i < ALIASES; i++) {
        text += 16;
        snprintf(text, 16, "alias%d", i);
        entry->h_aliases[i] = text;
    }
    entry->h_aliases[ALIASES] = NULL;
    *found = entry;
    return 0;
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): those of the system are reserved */
int gethostbyname_r(const char *name, struct hostent *entry, char *room, size_t size,
                    struct hostent **found, int *reason) {
    static const struct {
        const char *name;
        int reason;
    } failures[] = {{"absent", HOST_NOT_FOUND},
                    {"again", TRY_AGAIN},
                    {"broken", NO_RECOVERY},
                    {"empty", NO_DATA}};
    size_t i;
    *found = NULL;
    for (i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        if (strcmp(name, failures[i].name) == 0) {
            *reason = failures[i].reason;
            return 0;
        }
    }
    if (strcmp(name, "endless") == 0) return ERANGE;
    gate_pass(strcmp(name, "hang") == 0);
    return answer(entry, room, size, found);
}

static int32_t ask(const char *name) {
    return cleat_addrinfo_lookup(CLEAT_LOOKUP_HOST, name, (int32_t)strlen(name), 0, 0);
}

static int32_t start(const char *name) {
    int32_t id = cleat_resolution_lookup(CLEAT_LOOKUP_HOST, name, (int32_t)strlen(name), 0, 0);
    EXPECT(id > 0);
    return id;
}

static void expect_text(int32_t len, const char *text, const char *expected) {
    EXPECT(len == (int32_t)strlen(expected) && memcmp(text, expected, strlen(expected)) == 0);
}

static void expect_answer(int32_t list) {
    char text[64];
    int32_t more[5];
    EXPECT(list > 0 && cleat_addrinfo_count(list) == 1);
    expect_text(cleat_addrinfo_address(list, 0, text, sizeof text, &more[0], &more[1], &more[2],
                                       &more[3], &more[4], &more[4]),
                text, "127.0.0.2");
    EXPECT(more[0] == CLEAT_AF_INET);
    expect_text(cleat_addrinfo_canonname(list, text, sizeof text), text, "canonical");
    EXPECT(cleat_addrinfo_service(list, text, sizeof text) == 0);
    EXPECT(cleat_addrinfo_alias_count(list) == ALIASES);
    expect_text(cleat_addrinfo_alias(list, 0, text, sizeof text), text, "alias0");
    expect_text(cleat_addrinfo_alias(list, ALIASES - 1, text, sizeof text), text, "alias299");
    EXPECT(cleat_addrinfo_alias(list, ALIASES, text, sizeof text) == -(CLEAT_USAGE << 16 | 2));
    EXPECT(cleat_addrinfo_alias(list, -1, text, sizeof text) == -(CLEAT_USAGE << 16 | 2));
    EXPECT(cleat_close(list) == CLEAT_OK);
}

static void expect_ended(int32_t id) {
    expect_answer(cleat_resolution_addrinfo(id, TIMEOUT));
    expect_answer(cleat_resolution_addrinfo(id, 0)); /* a new list at each call */
    EXPECT(cleat_close(id) == CLEAT_OK);
}

static void test_answers(void) {
    static const struct {
        const char *name;
        int32_t code;
    } failures[] = {{"absent", CLEAT_EAI_NONAME},
                    {"again", CLEAT_EAI_AGAIN},
                    {"broken", CLEAT_EAI_FAIL},
                    {"empty", CLEAT_EAI_NODATA},
                    {"endless", CLEAT_EAI_OVERFLOW}};
    size_t i;
    int32_t interruptible;
    for (interruptible = 0; interruptible < 2; interruptible++) {
        cleat_set_interruptible(interruptible);
        expect_answer(ask("name"));
        for (i = 0; i < sizeof failures / sizeof failures[0]; i++) {
            int32_t expected = -(CLEAT_RESOLVE << 16 | failures[i].code);
            int32_t id = start(failures[i].name);
            EXPECT(ask(failures[i].name) == expected);
            EXPECT(cleat_resolution_addrinfo(id, TIMEOUT) == expected);
            EXPECT(cleat_close(id) == CLEAT_OK);
        }
    }
    cleat_set_interruptible(0);
    expect_ended(start("name"));
    EXPECT(CLEAT_CLASS(cleat_addrinfo_lookup(CLEAT_LOOKUP_ADDRESS, "name", 4, 0, 0)) ==
           CLEAT_RESOLVE);
    EXPECT(cleat_addrinfo_lookup(0, "name", 4, 0, 0) == -(CLEAT_USAGE << 16 | 1));
    EXPECT(cleat_addrinfo_lookup(4, "name", 4, 0, 0) == -(CLEAT_USAGE << 16 | 1));
    EXPECT(cleat_addrinfo_lookup(CLEAT_LOOKUP_HOST, "name", 4, 1, 0) == -(CLEAT_USAGE << 16 | 4));
    EXPECT(cleat_addrinfo_lookup(CLEAT_LOOKUP_HOST, "name", 4, 0, 1) == -(CLEAT_USAGE << 16 | 5));
}

/* Closing removes a lookup from the queue, or leaves it to the thread that works on it. */
static void test_given_up(void) {
    int32_t ids[MANY];
    int i;
    gate_set(false);
    for (i = 0; i < MANY; i++) ids[i] = start("hang");
    gate_await(8);
    EXPECT(CLEAT_CLASS(cleat_resolution_addrinfo(ids[0], 0)) == CLEAT_WANT_READ);
    for (i = 0; i < MANY; i += 2) EXPECT(cleat_close(ids[i]) == CLEAT_OK);
    gate_set(true);
    for (i = 1; i < MANY; i += 2) expect_ended(ids[i]);
}

static void on_signal(int number) {
    (void)number;
}

static void *ask_interruptibly(void *argument) {
    int32_t *interrupted = argument;
    int32_t list;
    cleat_set_interruptible(1);
    while ((list = ask("hang")) == INTERRUPTED)
        __atomic_add_fetch(interrupted, 1, __ATOMIC_SEQ_CST);
    expect_answer(list);
    return NULL;
}

/* A signal ends the call of an interruptible thread, which can be repeated. */
static void test_interrupt(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    int32_t interrupted = 0;
    pthread_t thread;
    EXPECT(sigaction(SIGUSR1, &action, NULL) == 0);
    gate_set(false);
    EXPECT(pthread_create(&thread, NULL, ask_interruptibly, &interrupted) == 0);
    while (__atomic_load_n(&interrupted, __ATOMIC_SEQ_CST) < 3) {
        EXPECT(pthread_kill(thread, SIGUSR1) == 0);
        sched_yield();
    }
    gate_set(true);
    pthread_join(thread, NULL);
}

#ifndef __SANITIZE_THREAD__ /* it does not support fork with threads */
static void test_fork(void) {
    int32_t id;
    int status = 0;
    pid_t child;
    gate_set(false);
    id = start("hang");
    gate_await(1);
    child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        load_alarm(60);
        gate_after_fork();
        EXPECT(cleat_resolution_addrinfo(id, -1) == -(CLEAT_RESOLVE << 16 | CLEAT_EAI_AGAIN));
        expect_ended(start("hang"));
        EXPECT(cleat_close(id) == CLEAT_OK && cleat_handle_count() == 0);
        /* The heap of the parent's threads is never freed in this process: memcheck must not report it. */
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    gate_set(true);
    expect_ended(id);
}
#endif

static void test_services(void) {
    char text[64];
    EXPECT(cleat_service_port("https", 5, NULL, 0) == 443);
    EXPECT(cleat_service_port("https", 5, "tcp", 3) == 443);
    EXPECT(cleat_service_port("https", 5, "none", 4) == -(CLEAT_RESOLVE << 16 | CLEAT_EAI_SERVICE));
    expect_text(cleat_service_name(443, "tcp", 3, text, sizeof text), text, "https");
    EXPECT(cleat_service_name(443, NULL, 0, NULL, 0) == 5);
    EXPECT(cleat_service_name(443, "none", 4, text, sizeof text) ==
           -(CLEAT_RESOLVE << 16 | CLEAT_EAI_SERVICE));
    EXPECT(cleat_service_name(65536, NULL, 0, text, sizeof text) == -(CLEAT_USAGE << 16 | 1));
    EXPECT(cleat_protocol_number("udp", 3) == 17);
    EXPECT(cleat_protocol_number("none", 4) == -(CLEAT_RESOLVE << 16 | CLEAT_EAI_NONAME));
}

static void test_interfaces(void) {
    char text[4096];
    char two[2] = "-";
    int32_t number = cleat_interface_index("lo", 2);
    int32_t len = cleat_interface_names(text, sizeof text);
    EXPECT(number > 0);
    EXPECT(len > 2 && text[len - 1] == '\n');
    text[len - 1] = '\0';
    EXPECT(strstr(text, "lo") != NULL);
    EXPECT(cleat_interface_names(NULL, 0) == len);
    EXPECT(cleat_interface_names(two, 1) == len && two[0] == text[0] && two[1] == '\0');
    expect_text(cleat_interface_name(number, text, sizeof text), text, "lo");
    EXPECT(cleat_interface_name(0, text, sizeof text) == -(CLEAT_USAGE << 16 | 1));
    EXPECT(cleat_interface_name(INT32_MAX, text, sizeof text) == -(CLEAT_SYS << 16 | CLEAT_ENXIO));
    EXPECT(cleat_interface_index("a name that is too long", 23) ==
           -(CLEAT_SYS << 16 | CLEAT_ENODEV));
    EXPECT(cleat_interface_index("", 0) == -(CLEAT_SYS << 16 | CLEAT_ENODEV));
}

static void test_bytes(void) {
    char bytes[16];
    char text[64];
    EXPECT(cleat_inet_pton(CLEAT_AF_INET, "1.2.3.4", 7, bytes, 4) == 4);
    EXPECT(memcmp(bytes, "\1\2\3\4", 4) == 0);
    EXPECT(cleat_inet_pton(CLEAT_AF_INET, "127.1", 5, bytes, 4) == -(CLEAT_USAGE << 16 | 2));
    EXPECT(cleat_inet_pton(CLEAT_AF_UNSPEC, "127.1", 5, bytes, 4) == 4);
    EXPECT(memcmp(bytes, "\177\0\0\1", 4) == 0);
    EXPECT(cleat_inet_pton(CLEAT_AF_INET6, "::1", 3, bytes, 15) == -(CLEAT_USAGE << 16 | 5));
    EXPECT(cleat_inet_pton(CLEAT_AF_INET6, "::1", 3, bytes, 16) == 16 && bytes[15] == 1);
    expect_text(cleat_inet_ntop(CLEAT_AF_INET6, bytes, 16, text, sizeof text), text, "::1");
    EXPECT(cleat_inet_ntop(CLEAT_AF_INET, bytes, 16, text, sizeof text) ==
           -(CLEAT_USAGE << 16 | 2));
    EXPECT(cleat_inet_ntop(CLEAT_AF_UNIX, bytes, 4, text, sizeof text) ==
           -(CLEAT_SYS << 16 | CLEAT_EAFNOSUPPORT));
    EXPECT(cleat_inet_pton(CLEAT_AF_UNIX, "x", 1, bytes, 16) ==
           -(CLEAT_SYS << 16 | CLEAT_EAFNOSUPPORT));
    EXPECT(cleat_host_name(NULL, 0) > 0);
}

int main(void) {
    test_answers();
    test_given_up();
    test_interrupt();
#ifndef __SANITIZE_THREAD__
    if (getenv("CLEAT_EMULATED") == NULL) test_fork();
#endif
    test_services();
    test_interfaces();
    test_bytes();
    EXPECT(cleat_handle_count() == 0);
    puts("results, closed early, interrupt, fork, services, interfaces, bytes");
    return 0;
}
