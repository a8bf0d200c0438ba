/* directory.c: the digest of a directory of certificates. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/boringssl.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

struct digests {
    uint8_t (*list)[CLEAT_DIGEST];
    size_t count;
    size_t room;
};

/* The names that OpenSSL's look-up by subject hash uses: eight hexadecimal digits, a dot, "r" for revocation lists,
 * a number. */
static bool is_hash_name(const char *name) {
    enum { DIGITS = 8 };
    int i;
    for (i = 0; i < DIGITS; i++) {
        if (isxdigit((unsigned char)name[i]) == 0) return false;
    }
    if (name[i++] != '.') return false;
    if (name[i] == 'r') i++;
    if (name[i] == '\0') return false;
    for (; name[i] != '\0'; i++) {
        if (isdigit((unsigned char)name[i]) == 0) return false;
    }
    return true;
}

static bool add(struct digests *digests, const char *name, const char *bytes, int32_t len) {
    SHA256_CTX hash;
    if (digests->count == digests->room) {
        size_t room = digests->room == 0 ? 16 : digests->room * 2;
        void *larger = cleat_resize(digests->list, room * CLEAT_DIGEST);
        if (larger == NULL) return false;
        digests->list = larger;
        digests->room = room;
    }
    SHA256_Init(&hash);
    SHA256_Update(&hash, name, strlen(name) + 1);
    SHA256_Update(&hash, bytes, (size_t)len);
    SHA256_Final(digests->list[digests->count++], &hash);
    return true;
}

static int32_t add_file(struct digests *digests, const char *directory, const char *name) {
    char path[4096];
    char *bytes = NULL;
    int32_t len = 0;
    int32_t status;
    int wanted = snprintf(path, sizeof path, "%s/%s", directory, name);
    if (wanted < 0 || (size_t)wanted >= sizeof path)
        return CLEAT_OK; /* the look-up cannot open such a path either */
    status = cleat_file_read(path, &bytes, &len);
    if (status == CLEAT_STATUS(CLEAT_NOMEM, 0)) return status;
    if (status >= 0 && !add(digests, name, bytes, len)) status = cleat_fail_nomem();
    cleat_release(bytes);
    return status == CLEAT_STATUS(CLEAT_NOMEM, 0) ? status : CLEAT_OK;
}

static int compare(const void *one, const void *other) {
    return memcmp(one, other, CLEAT_DIGEST);
}

/* Adds the digests of all files. Sets *unreadable if the directory cannot be listed, although look-ups may find
 * files in it. */
static int32_t add_directory(struct digests *digests, const char *name, bool *unreadable) {
    DIR *directory = opendir(name);
    const struct dirent *entry;
    int32_t status = CLEAT_OK;
    *unreadable = directory == NULL && errno != ENOENT && errno != ENOTDIR;
    if (directory == NULL) return CLEAT_OK;
    do {
        errno = 0; /* readdir returns NULL at the end and on an error */
        entry = readdir(directory);
        if (entry == NULL) {
            *unreadable = errno != 0;
        } else if (is_hash_name(entry->d_name)) {
            status = add_file(digests, name, entry->d_name);
        }
    } while (entry != NULL && status >= 0);
    closedir(directory);
    return status;
}

int32_t cleat_file_digest_directory(const char *name, uint8_t digest[CLEAT_DIGEST]) {
    struct digests digests = {NULL, 0, 0};
    bool unreadable;
    int32_t status = add_directory(&digests, name, &unreadable);
    SHA256_CTX hash;
    if (status >= 0 && unreadable) {
        RAND_bytes(digest, CLEAT_DIGEST);
    } else if (status >= 0) {
        if (digests.count > 0) qsort(digests.list, digests.count, CLEAT_DIGEST, compare);
        SHA256_Init(&hash);
        SHA256_Update(&hash, digests.list, digests.count * CLEAT_DIGEST);
        SHA256_Final(digest, &hash);
    }
    cleat_release(digests.list);
    return status;
}
