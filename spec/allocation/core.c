/* core.c: the n-th allocation fails, for n = 1 until there are no more, in every operation of the ABI; once it alone,
 * once all after it too. Each time the call must end with CLEAT_NOMEM and its text, or with the right result; it must
 * leak no memory, id or descriptor; and its objects must be unchanged. */
#include <dirent.h>
#include <string.h>

#include "../c/cancelled.h"
#include "../c/expect.h"
#include "base/boringssl.h"
#include "failing.h"
#include "scenario.h"

#define NOMEM (-(CLEAT_NOMEM << 16))

/* An assertion that ends the program prints its place, but not the run. */
static const char *now = "";
static long now_nth;

static void tell(void) {
    if (now[0] != '\0') fprintf(stderr, "in: %s, allocation %ld\n", now, now_nth);
}

static char noted[1 << 16];
static int32_t noted_len;

void note_text(const char *text, int32_t len) {
    EXPECT(len >= 0 && noted_len + len < (int32_t)sizeof noted);
    if (len > 0) memcpy(noted + noted_len, text, (size_t)len);
    noted_len += len;
}

void note(int32_t number) {
    note_text((const char *)&number, sizeof number);
}

static int descriptors(void) {
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    EXPECT(folder != NULL);
    while (readdir(folder) != NULL) count++;
    closedir(folder);
    return count;
}

static void expect_nomem(int32_t status) {
    char text[64];
    EXPECT(status == NOMEM && cleat_error_status() == NOMEM);
    EXPECT(cleat_error_message(text, sizeof text) == 13 && memcmp(text, "out of memory", 13) == 0);
}

static bool is_right(const struct scenario *scenario, int32_t status) {
    return scenario->right == 0 ? status >= 0 : status == scenario->right;
}

/* BoringSSL keeps errors, with texts, until its queue is emptied by the next call. */
static void finish(const struct scenario *scenario) {
    if (scenario->after != NULL) scenario->after();
    ERR_clear_error();
}

/* The thread is cancelled meanwhile: no call may end it, wherever an allocation fails. */
static int32_t act(const struct scenario *scenario) {
    int32_t status;
    cancelled_allow(scenario->name);
    status = scenario->act();
    cancelled_forbid();
    return status;
}

/* One run without failures. Returns the length of what it has recorded. */
static int32_t control(const struct scenario *scenario) {
    noted_len = 0;
    if (scenario->before != NULL) scenario->before();
    EXPECT(is_right(scenario, act(scenario)));
    finish(scenario);
    return noted_len;
}

struct tally {
    long refused; /* calls that ended with CLEAT_NOMEM */
    long survived; /* calls that succeeded without the allocation */
};

/* Returns false once there is no n-th allocation. */
static bool run(const struct scenario *scenario, long nth, bool onwards, const char *expected,
                int32_t expected_len, struct tally *tally) {
    int32_t status;
    bool failed;
    noted_len = 0;
    if (scenario->before != NULL) scenario->before();
    now_nth = nth;
    failing_arm(nth, onwards);
    status = act(scenario);
    failed = failing_disarm();
    if (!failed || is_right(scenario, status)) {
        EXPECT(is_right(scenario, status));
        EXPECT(noted_len == expected_len && memcmp(noted, expected, (size_t)noted_len) == 0);
        tally->survived += failed ? 1 : 0;
    } else {
        expect_nomem(status);
        tally->refused++;
        if (scenario->again) EXPECT(is_right(scenario, scenario->act()));
    }
    finish(scenario);
    return failed;
}

static void try_all(const struct scenario *scenario, bool onwards, struct tally *tally) {
    int fds;
    long live;
    int32_t ids;
    long nth = 1;
    char *expected;
    int32_t expected_len = control(scenario); /* the first time fills caches */
    EXPECT(control(scenario) == expected_len);
    expected = malloc((size_t)expected_len + 1);
    EXPECT(expected != NULL);
    memcpy(expected, noted, (size_t)expected_len);
    fds = descriptors();
    live = failing_live();
    ids = cleat_handle_count();
    while (run(scenario, nth, onwards, expected, expected_len, tally)) {
        if (failing_live() != live || cleat_handle_count() != ids) {
            fprintf(stderr, "%ld blocks and %d ids left\n", failing_live() - live,
                    cleat_handle_count() - ids);
            exit(1);
        }
        nth++;
    }
    EXPECT(descriptors() == fds);
    free(expected);
}

static void try_table(const struct scenario *table, const char *only, struct tally *total) {
    for (; table->name != NULL; table++) {
        struct tally tally = {0, 0};
        if (only != NULL && strstr(table->name, only) == NULL) continue;
        now = table->name;
        try_all(table, false, &tally);
        try_all(table, true, &tally);
        printf("%-40s %6ld refused %6ld done without\n", table->name, tally.refused,
               tally.survived);
        total->refused += tally.refused;
        total->survived += tally.survived;
    }
}

int main(int argc, char **argv) {
    const char *only = argc > 1 ? argv[1] : NULL; /* part of the names of some scenarios */
    struct tally total = {0, 0};
    setvbuf(stdout, NULL, _IOLBF, 0);
    atexit(tell);
    context_scenarios_begin();
    try_table(context_scenarios, only, &total);
    context_scenarios_end();
    object_scenarios_begin();
    try_table(object_scenarios, only, &total);
    object_scenarios_end();
    connection_scenarios_begin();
    try_table(connection_scenarios, only, &total);
    connection_scenarios_end();
    verification_scenarios_begin();
    try_table(verification_scenarios, only, &total);
    verification_scenarios_end();
    staple_scenarios_begin();
    try_table(staple_scenarios, only, &total);
    staple_scenarios_end();
    try_table(session_scenarios, only, &total);
    try_table(credential_scenarios, only, &total);
    try_table(certificate_scenarios, only, &total);
    now = "the end";
    EXPECT(cleat_handle_count() == 0);
    now = "";
    printf("%-40s %6ld refused %6ld done without\n", "all", total.refused, total.survived);
    return 0;
}
