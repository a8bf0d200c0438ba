/* unacknowledged.h: bytes that a write has encrypted but not counted, because the network has not accepted all of
 * their records. Encryption cannot be undone, so the next write must begin with them.
 *
 * They are stored for that comparison, encrypted with a random key instead of in plaintext. A digest would be
 * smaller, but could not be compared with a write of fewer bytes. */
#ifndef CLEAT_CORE_UNACKNOWLEDGED_H
#define CLEAT_CORE_UNACKNOWLEDGED_H

#include <stdbool.h>
#include <stdint.h>

struct cleat_unacknowledged {
    uint8_t *block; /* NULL if the allocation failed: then nothing matches */
    int32_t start; /* the bytes before it have been counted */
    int32_t end;
};

static inline int32_t cleat_unacknowledged_len(const struct cleat_unacknowledged *self) {
    return self->end - self->start;
}

/* cleat_unacknowledged_keep stores the bytes. All earlier ones must have been counted. It returns false if an
 * allocation failed; the len bytes are unacknowledged nevertheless. */
bool cleat_unacknowledged_keep(struct cleat_unacknowledged *self, const char *data, int32_t len);

/* cleat_unacknowledged_matches returns whether data begins with the bytes, or the bytes begin with data. */
bool cleat_unacknowledged_matches(const struct cleat_unacknowledged *self, const char *data,
                                  int32_t len);

/* cleat_unacknowledged_count removes the first len bytes. */
void cleat_unacknowledged_count(struct cleat_unacknowledged *self, int32_t len);

void cleat_unacknowledged_free(struct cleat_unacknowledged *self);

#endif
