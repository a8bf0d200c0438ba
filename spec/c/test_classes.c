/* test_classes.c: the check of every call in the C tests (expect.h) fails for a class that is not listed, and the
 * classes that comments once lacked are returned. */
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "identity.h"

static const char fatal_alert[] = "\25\3\3\0\2\2\50"; /* handshake_failure */

#define IS(call, class) EXPECT(CLEAT_CLASS(call) == (class))

/* Returns whether a process that returned the status from a function with these classes is aborted. */
static bool aborted(uint64_t bits, int32_t status) {
    int ended = 0;
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        EXPECT(freopen("/dev/null", "w", stderr) != NULL);
        classes_checked("a function", bits, status);
        _exit(0);
    }
    EXPECT(waitpid(child, &ended, 0) == child);
    return WIFSIGNALED(ended) && WTERMSIG(ended) == SIGABRT;
}

static void test_check(void) {
    EXPECT(!aborted(CLASSES_BIT(EOF), 0) && !aborted(CLASSES_BIT(EOF), 7) && !aborted(0, 7));
    EXPECT(!aborted(CLASSES_BIT(EOF), -(CLEAT_EOF << 16)) &&
           !aborted(CLASSES_BIT(SYS), -(CLEAT_SYS << 16 | 9)));
    EXPECT(aborted(CLASSES_BIT(EOF), -(CLEAT_TIMEOUT << 16)) && aborted(0, -(CLEAT_EOF << 16)));
    EXPECT(aborted(CLASSES_BIT(EOF), -1) && aborted(~UINT64_C(0), -(64 << 16)) &&
           aborted(~UINT64_C(0), INT32_MIN));
}

/* The table has the classes that comments list, and no others. */
static void test_table(void) {
    EXPECT(CLASSES_monotonic == (CLASSES_BIT(USAGE) | CLASSES_BIT(NOMEM)));
    /* CLEAT_CLOSED is what calls of other threads return. */
    EXPECT(CLASSES_close == (CLASSES_BIT(HANDLE) | CLASSES_BIT(USAGE) | CLASSES_BIT(NOMEM)));
    EXPECT((CLASSES_connection_handshake & CLASSES_BIT(WANT_SERVER_NAME)) != 0); /* CLEAT_WANT_* */
    EXPECT((CLASSES_connection_pending & CLASSES_BIT(SYS)) == 0);
}

static int32_t contexts[2];

static int32_t open_client(void) {
    int32_t client = cleat_connection_over_memory(contexts[1], 0, "localhost", 9);
    EXPECT(client > 0);
    IS(cleat_connection_write(client, "x", 1, 0), CLEAT_WANT_READ);
    return client;
}

static void move(int32_t from, int32_t to) {
    char bytes[8192];
    int32_t len;
    while ((len = cleat_connection_drain(from, bytes, sizeof bytes)) > 0) {
        EXPECT(cleat_connection_feed(to, bytes, len) == len);
    }
}

static void test_write(void) {
    int32_t client = open_client();
    EXPECT(cleat_connection_feed_eof(client) == CLEAT_OK);
    IS(cleat_connection_write(client, "x", 1, 0), CLEAT_EOF);
    cleat_close(client);
    client = open_client();
    EXPECT(cleat_connection_feed(client, fatal_alert, sizeof fatal_alert - 1) > 0);
    IS(cleat_connection_write(client, "x", 1, 0), CLEAT_ALERT);
    cleat_close(client);
}

static void test_shutdown(void) {
    int32_t client = cleat_connection_over_memory(contexts[1], 0, "localhost", 9);
    int32_t server = cleat_connection_over_memory(contexts[0], 1, NULL, 0);
    int i;
    for (i = 0; i < 4; i++) {
        cleat_connection_handshake(client, 0);
        move(client, server);
        cleat_connection_handshake(server, 0);
        move(server, client);
    }
    EXPECT(cleat_connection_established(client) == 1 && cleat_connection_established(server) == 1);
    IS(cleat_connection_shutdown(client, 0), CLEAT_WANT_READ);
    move(client, server);
    EXPECT(cleat_connection_shutdown(server, 0) == CLEAT_OK);
    move(server, client);
    EXPECT(cleat_connection_shutdown(client, 0) == CLEAT_OK);
    cleat_connection_shutdown(client, 0); /* a second call: its class is listed, too */
    cleat_close(client);
    cleat_close(server);
}

int main(void) {
    test_check();
    test_table();
    identity_contexts(&contexts[0], &contexts[1]);
    test_write();
    test_shutdown();
    return 0;
}
