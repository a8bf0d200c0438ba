/* test_interrupt_names.c: signals end the calls that wait for the system's resolver, or for a person at the terminal.
 * getaddrinfo and gethostbyname_r are this file's: they block for the name "hang" until the gate is opened. */
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "gate.h"
#include "interrupting.h"
#include "load.h"

static const char hang[] = "hang";
enum { LEN = sizeof hang - 1 };

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): those of the system are reserved */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **list) {
    struct addrinfo numeric = *hints;
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if ((hints->ai_flags & AI_NUMERICHOST) == 0 && strcmp(node, hang) == 0) {
        gate_pass(true);
        node = "127.0.0.1";
    }
    numeric.ai_flags |= AI_NUMERICHOST;
    return real(node, service, &numeric, list);
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int gethostbyname_r(const char *name, struct hostent *entry, char *room, size_t size,
                    struct hostent **found, int *reason) {
    (void)name;
    (void)entry;
    (void)room;
    (void)size;
    gate_pass(true);
    *found = NULL;
    *reason = HOST_NOT_FOUND;
    return 0;
}

static void open_nothing(struct waiting *self) {
    (void)self;
    gate_set(false);
}

static void open_socket(struct waiting *self) {
    gate_set(false);
    self->ids[1] = cleat_socket_new(CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0);
    EXPECT(self->ids[1] > 0);
}

/* Lookups of interrupted calls continue until the gate is opened, and then end. */
static void open_gate(struct waiting *self) {
    (void)self;
    gate_set(true);
}

static void open_resolution(struct waiting *self) {
    gate_set(false);
    self->ids[0] = cleat_resolution_new(hang, LEN, NULL, 0, 0, CLEAT_SOCK_STREAM, 0, 0);
    EXPECT(self->ids[0] > 0);
}

static int32_t made(struct waiting *self, int32_t result) {
    if (result > 0) self->accepted = result;
    return result > 0 ? CLEAT_OK : result;
}

static int32_t call_resolution(struct waiting *self) {
    return made(self, cleat_resolution_addrinfo(self->ids[0], WAITING_NO_LIMIT));
}

static int32_t call_resolve(struct waiting *self) {
    return made(self, cleat_addrinfo_resolve(hang, LEN, NULL, 0, 0, CLEAT_SOCK_STREAM, 0, 0));
}

static int32_t call_lookup(struct waiting *self) {
    (void)self;
    return cleat_addrinfo_lookup(CLEAT_LOOKUP_HOST, hang, LEN, 0, 0);
}

static int32_t call_bind(struct waiting *self) {
    return cleat_socket_bind(self->ids[1], hang, LEN, 0);
}

/* Port 0 is refused once the name is an address. */
static int32_t call_connect(struct waiting *self) {
    return cleat_socket_connect(self->ids[1], hang, LEN, 0, WAITING_NO_LIMIT);
}

/* A person at the terminal, who answers the prompt of the last call. The terminal discards what was typed before. */
static struct {
    int fd; /* the terminal's other end */
    pthread_t thread;
    pthread_mutex_t lock;
    bool answers;
    bool asked;
} person = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void answer(bool asked, bool answers) {
    pthread_mutex_lock(&person.lock);
    person.asked = person.asked || asked;
    person.answers = person.answers || answers;
    if (person.asked && person.answers) {
        EXPECT(write(person.fd, "secret\n", 7) == 7);
        person.asked = false;
    }
    pthread_mutex_unlock(&person.lock);
}

static void *read_prompts(void *unused) {
    char text[256];
    ssize_t got;
    sigset_t all;
    (void)unused;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    while ((got = read(person.fd, text, sizeof text)) > 0)
        answer(memchr(text, '?', (size_t)got) != NULL, false);
    return NULL;
}

/* The terminal controls this process, which is the leader of a session. */
static void open_terminal(struct waiting *self) {
    person.fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    EXPECT(person.fd >= 0 && grantpt(person.fd) == 0 && unlockpt(person.fd) == 0);
    self->fd = open(ptsname(person.fd), O_RDWR | O_CLOEXEC);
    EXPECT(self->fd > 0);
    EXPECT(pthread_create(&person.thread, NULL, read_prompts, NULL) == 0);
}

static int32_t call_password(struct waiting *self) {
    char buf[16];
    int32_t result = cleat_terminal_password("?", 1, buf, sizeof buf);
    (void)self;
    EXPECT(result < 0 || (result == 6 && memcmp(buf, "secret", 6) == 0));
    return result;
}

static void begin_answers(struct waiting *self) {
    (void)self;
    answer(false, true);
}

static void test_terminal(int flags, int32_t interruptible) {
    struct waiting password = {.name = "password",
                               .function = "cleat_terminal_password",
                               .open = open_terminal,
                               .call = call_password,
                               .release = begin_answers,
                               .result = 6};
    int status = 0;
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        load_alarm(60);
        EXPECT(setsid() > 0 && signal(SIGHUP, SIG_IGN) != SIG_ERR);
        interrupting_handle(flags);
        interrupting_test(&password, interruptible);
        pthread_join(person.thread, NULL); /* its read fails once the terminal is closed */
        close(person.fd);
        exit(0);
    }
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
}

static struct waiting kinds[] = {
    {.name = "resolution",
     .function = "cleat_resolution_addrinfo",
     .open = open_resolution,
     .call = call_resolution,
     .release = open_gate},
    {.name = "resolve",
     .function = "cleat_addrinfo_resolve",
     .open = open_nothing,
     .call = call_resolve,
     .release = open_gate},
    {.name = "lookup",
     .function = "cleat_addrinfo_lookup",
     .open = open_nothing,
     .call = call_lookup,
     .release = open_gate,
     .result = -(CLEAT_RESOLVE << 16 | CLEAT_EAI_NONAME)},
    {.name = "bind, a name",
     .function = "cleat_socket_bind",
     .open = open_socket,
     .call = call_bind,
     .release = open_gate},
    {.name = "connect, a name",
     .open = open_socket,
     .call = call_connect,
     .release = open_gate,
     .result = -(CLEAT_SYS << 16 | CLEAT_ECONNREFUSED)},
    {.open = NULL},
};

int main(void) {
    static const int flags[] = {0, SA_RESTART};
    int i;
#if defined(__SANITIZE_THREAD__)
    enum { FLAGS = 1 }; /* as in test_interrupt.c */
#else
    enum { FLAGS = 2 };
#endif
    for (i = 0; i < FLAGS; i++) {
        test_terminal(flags[i], 0);
        test_terminal(flags[i], 1);
    }
    for (i = 0; i < FLAGS; i++) {
        struct waiting *waiting;
        interrupting_handle(flags[i]);
        for (waiting = kinds; waiting->open != NULL; waiting++) {
            interrupting_test(waiting, 0);
            interrupting_test(waiting, 1);
        }
    }
    EXPECT(cleat_handle_count() == 0);
    puts("lookups and a password, interrupted and repeated");
    return 0;
}
