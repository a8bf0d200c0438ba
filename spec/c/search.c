#include "search.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/boringssl.h"
#include "expect.h"

enum { MASK = 0x5a, WINDOW = 1 << 20 };

/* A sanitizer's own memory, which is at least this large and holds no data of the test. */
#define TOO_LARGE ((uintptr_t)1 << 28)

void secret_keep(struct secret *secret, uint8_t *bytes, size_t len) {
    size_t i;
    EXPECT(len >= 8 && len <= SEARCH_MAX);
    secret->len = len;
    for (i = 0; i < len; i++) secret->masked[i] = bytes[i] ^ MASK;
    OPENSSL_cleanse(bytes, len);
}

void secret_random(struct secret *secret, size_t len) {
    uint8_t bytes[SEARCH_MAX];
    size_t i;
    EXPECT(len <= SEARCH_MAX && RAND_bytes(bytes, len) == 1);
    for (i = 0; i < len; i++) bytes[i] = (uint8_t)('a' + bytes[i] % 26);
    secret_keep(secret, bytes, len);
}

char *secret_copy(const struct secret *secret) {
    char *bytes = malloc(secret->len + 1);
    size_t i;
    EXPECT(bytes != NULL);
    for (i = 0; i < secret->len; i++) bytes[i] = (char)(secret->masked[i] ^ MASK);
    bytes[secret->len] = '\0';
    return bytes;
}

void secret_free(char *bytes, const struct secret *secret) {
    OPENSSL_cleanse(bytes, secret->len);
    free(bytes);
}

static int count_in(const uint8_t *bytes, size_t len, const struct secret *secret) {
    const uint8_t first = secret->masked[0] ^ MASK;
    const uint8_t *end = bytes + len;
    int count = 0;
    while (bytes + secret->len <= end) {
        const uint8_t *at = memchr(bytes, first, (size_t)(end - bytes) - secret->len + 1);
        size_t i = 1;
        if (at == NULL) break;
        while (i < secret->len && (at[i] ^ MASK) == secret->masked[i]) i++;
        if (i == secret->len) count++;
        bytes = at + 1;
    }
    return count;
}

/* Reads the process's memory as another process would. Windows overlap by less than the secret's length. */
static int count_range(int memory, uintptr_t start, uintptr_t end, uint8_t *window,
                       const struct secret *secret) {
    int count = 0;
    while (start < end) {
        size_t size = end - start < WINDOW ? end - start : WINDOW;
        ssize_t got = pread(memory, window, size, (off_t)start);
        if (got <= 0) break; /* not accessible, such as a thread's guard page */
        count += count_in(window, (size_t)got, secret);
        if ((size_t)got == end - start || (size_t)got < secret->len) break;
        start += (size_t)got - (secret->len - 1);
    }
    return count;
}

int secret_count(const struct secret *secret) {
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    uint8_t *window =
        mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int count = 0;
    EXPECT(maps != NULL && memory >= 0 && window != MAP_FAILED);
    while (fgets(line, sizeof line, maps) != NULL) {
        char *rest = line; /* 55f6a6608000-55f6a6625000 rw-p ... */
        uintptr_t start = strtoul(rest, &rest, 16);
        uintptr_t end = strtoul(rest + 1, &rest, 16);
        uintptr_t own = (uintptr_t)window;
        if (rest[2] != 'w' || end - start >= TOO_LARGE) continue;
        /* the window itself may lie within a larger mapping */
        if (own >= start && own < end) {
            count += count_range(memory, start, own, window, secret);
            start = own + WINDOW;
        }
        count += count_range(memory, start, end, window, secret);
    }
    fclose(maps);
    close(memory);
    munmap(window, WINDOW);
    return count;
}
