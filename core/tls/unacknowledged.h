/* unacknowledged.h: bytes that a write has encrypted and not counted, because the network has not
 * taken all of their records. They cannot be taken back, so the next write must begin with them.
 *
 * They are kept for the comparison, encrypted with a random key and not in plaintext. A digest would
 * be smaller, but could not show whether a write of fewer bytes begins as they do.
 */
#ifndef CLEAT_CORE_UNACKNOWLEDGED_H
#define CLEAT_CORE_UNACKNOWLEDGED_H

#include <stdbool.h>
#include <stdint.h>

struct cleat_unacknowledged {
    uint8_t *block; /* NULL if there was no memory: then nothing matches */
    int32_t start; /* what is in front of it was counted */
    int32_t end;
};

static inline int32_t cleat_unacknowledged_len(const struct cleat_unacknowledged *self) {
    return self->end - self->start;
}

/* cleat_unacknowledged_keep returns false if there is no memory; len bytes are outstanding then all
 * the same. What was kept before must have been counted. */
bool cleat_unacknowledged_keep(struct cleat_unacknowledged *self, const char *data, int32_t len);

/* cleat_unacknowledged_matches returns whether data begins with the bytes, or they with data. */
bool cleat_unacknowledged_matches(const struct cleat_unacknowledged *self, const char *data,
                                  int32_t len);

/* cleat_unacknowledged_count takes the first len bytes away. */
void cleat_unacknowledged_count(struct cleat_unacknowledged *self, int32_t len);

void cleat_unacknowledged_free(struct cleat_unacknowledged *self);

#endif
