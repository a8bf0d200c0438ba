#include "tls/cipher_list.h"

#include <stdbool.h>
#include <string.h>

#include "base/memory.h"

static bool is_one_of(char character, const char *characters) {
    return character != '\0' && strchr(characters, character) != NULL;
}

/* A minus sign in front of a name is an operator; elsewhere it is part of a name. */
static bool begins_name(const char *list, int32_t at) {
    if (at == 0 || is_one_of(list[at - 1], ":;, [|+!")) return true;
    return list[at - 1] == '-' && (at == 1 || is_one_of(list[at - 2], ":;, [|"));
}

static bool is_psk(const char *list, int32_t len, int32_t at) {
    return len - at >= 3 && memcmp(list + at, "PSK", 3) == 0 && begins_name(list, at) &&
           (len - at == 3 || is_one_of(list[at + 3], ":;, ]|+"));
}

char *cleat_cipher_list_copy(const char *list, int32_t len) {
    char *copy = cleat_allocate((size_t)len + (size_t)len / 3 + 1);
    size_t copied = 0;
    int32_t i;
    if (copy == NULL) return NULL;
    for (i = 0; i < len; i++) {
        if (is_psk(list, len, i)) copy[copied++] = 'a';
        copy[copied++] = list[i];
    }
    return copy;
}
