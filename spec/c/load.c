#include "load.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    LEAST = 20, /* the load average lags behind, and shows neither a slow machine nor a quota */
    MOST = 1500 /* seconds; ctest ends a test after 1800 */
};

static double factor(void) {
    const char *given = getenv("CLEAT_TEST_SLOW"); /* of the build: a sanitizer, valgrind */
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    double slow = given == NULL ? 1 : strtod(given, NULL);
    double load = 0;
    if (getloadavg(&load, 1) != 1 || processors < 1) load = 0;
    load = processors < 1 ? 0 : 2 * load / (double)processors;
    return (slow > 1 ? slow : 1) * (load > LEAST ? load : LEAST);
}

double load_bound(double seconds) {
    double bound = seconds * factor();
    if (bound > MOST) bound = MOST;
    return bound > seconds ? bound : seconds;
}

void load_alarm(unsigned seconds) {
    alarm((unsigned)load_bound(seconds));
}
