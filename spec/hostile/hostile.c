/* hostile.c: peers that violate the protocol. Each case ends before its deadline, with its reason, and with no more
 * memory in use than for one or two records. */
#include "hostile.h"

#include <malloc.h>
#include <stdbool.h>
#include <string.h>

#include "../c/expect.h"

static bool is_reason(int32_t status, const char *reasons) {
    char reason[80] = "";
    size_t len = (size_t)cleat_error_reason(reason, sizeof reason);
    int32_t class = status < 0 ? CLEAT_CLASS(status) : 0;
    if (class == CLEAT_EOF) return strcmp(reasons, "EOF") == 0;
    if (class != CLEAT_SSL && class != CLEAT_ALERT) return false;
    for (;;) {
        size_t size = strcspn(reasons, "|");
        if (size == len && memcmp(reasons, reason, size) == 0) return true;
        if (reasons[size] == '\0') return false;
        reasons += size + 1;
    }
}

void expect_reason(const char *where, int32_t status, const char *reasons) {
    if (!is_reason(status, reasons)) fprintf(stderr, "%s: %s expected\n", where, reasons);
    EXPECT(is_reason(status, reasons));
}

void expect_dead(const char *where, int32_t connection) {
    char byte;
    int32_t status = cleat_connection_read(connection, &byte, 1, 0);
    int32_t class = status < 0 ? CLEAT_CLASS(status) : 0;
    if (class != CLEAT_SSL && class != CLEAT_ALERT && class != CLEAT_EOF)
        fprintf(stderr, "%s: not dead\n", where);
    EXPECT(class == CLEAT_SSL || class == CLEAT_ALERT || class == CLEAT_EOF);
}

int64_t memory_in_use(void) {
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    struct mallinfo2 info = mallinfo2();
    return (int64_t)(info.uordblks + info.hblkhd);
#else
    return 0;
#endif
}

int main(void) {
    printf("%d beginnings\n", try_beginnings());
    printf("%d established\n", try_established());
    printf("%d deadlines\n", try_deadlines());
    EXPECT(cleat_handle_count() == 0);
    return 0;
}
