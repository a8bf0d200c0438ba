/* hostile.c: peers that do not play by the rules. Each case ends, within its deadline, with the reason for it, and with no more
 * memory in use than a record or two. */
#include "hostile.h"

#include <malloc.h>
#include <string.h>

#include "../c/expect.h"

void expect_reason(const char *where, int32_t status, const char *reasons) {
    char reason[80] = "";
    int32_t len = cleat_error_reason(reason, sizeof reason);
    const char *at = reasons;
    if (status < 0 && CLEAT_CLASS(status) == CLEAT_EOF && strcmp(reasons, "EOF") == 0) return;
    if (status < 0 && (CLEAT_CLASS(status) == CLEAT_SSL || CLEAT_CLASS(status) == CLEAT_ALERT)) {
        for (;;) {
            size_t size = strcspn(at, "|");
            if (size == (size_t)len && memcmp(at, reason, size) == 0) return;
            if (at[size] == '\0') break;
            at += size + 1;
        }
    }
    fprintf(stderr, "%s: %s expected\n", where, reasons);
    EXPECT(status == 0 && status == 1); /* never: it tells what the failure was */
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
