/* stream.c: bytes that identify their writer. The lower two bits are the writer's number, the others a hash of the
 * position and of the connection: a byte that is lost, repeated, or of another connection does not match. */
#include <stdlib.h>
#include <string.h>

#include "schedule.h"

static uint8_t byte_at(uint32_t salt, int writer, int64_t position) {
    uint64_t mixed = ((uint64_t)position + salt) * 0x9e3779b97f4a7c15u;
    return (uint8_t)((mixed >> 58) << 2 | (unsigned)writer);
}

void stream_fill(const struct end *end, int writer, int64_t position, uint8_t *bytes, int32_t len) {
    for (int32_t i = 0; i < len; i++) bytes[i] = byte_at(end->salt, writer, position + i);
}

/* The order of reads is unknown: the values of all bytes are added up. */
static void take_unordered(struct reader *reader, const uint8_t *bytes, int32_t len) {
    for (int32_t i = 0; i < len; i++) {
        reader->got[bytes[i] & 3]++;
        reader->sum[bytes[i] & 3] += bytes[i];
    }
}

static void note_switch(struct reader *reader) {
    int len = reader->switches_len;
    if ((len & (len - 1)) == 0) {
        size_t room = len == 0 ? 1 : (size_t)len * 2;
        reader->switches = realloc(reader->switches, room * sizeof *reader->switches);
        EXPECT(reader->switches != NULL);
    }
    reader->switches[len].writer = reader->last;
    reader->switches[len].position = reader->got[reader->last];
    reader->switches_len++;
}

void stream_take(struct end *end, const uint8_t *bytes, int32_t len) {
    struct reader *reader = &end->reader;
    const struct end *from = peer_of(end);
    if (end->pair->round->many_readers) {
        take_unordered(reader, bytes, len);
        return;
    }
    for (int32_t i = 0; i < len; i++) {
        int writer = bytes[i] & 3;
        if (writer != reader->last) {
            if (reader->last >= 0) note_switch(reader);
            reader->last = writer;
        }
        if (bytes[i] != byte_at(from->salt, writer, reader->got[writer])) {
            fail(end, "byte %d of a read of %d is not byte %lld of writer %d", (int)i, (int)len,
                 (long long)reader->got[writer], writer);
        }
        reader->got[writer]++;
    }
}

void stream_wrote(struct end *end, int writer, int32_t len, int32_t result) {
    struct writer *self = &end->writers[writer];
    int64_t at = self->counted + (result > 0 ? result : 0);
    int count = self->ends_len;
    if (result > 0) {
        if ((count & (count - 1)) == 0) {
            self->ends =
                realloc(self->ends, (count == 0 ? 1 : (size_t)count * 2) * sizeof(int64_t));
            EXPECT(self->ends != NULL);
        }
        self->ends[self->ends_len++] = at;
    }
    if (result < len && self->counted + len > self->owed) self->owed = self->counted + len;
    self->counted = at;
}

static bool ended_at(const struct writer *writer, int64_t position) {
    int low = 0;
    int high = writer->ends_len;
    while (low < high) {
        int middle = (low + high) / 2;
        if (writer->ends[middle] < position) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < writer->ends_len && writer->ends[low] == position;
}

void stream_check(struct end *end, bool whole) {
    struct reader *reader = &end->reader;
    struct end *from = peer_of(end);
    for (int i = 0; i < reader->switches_len; i++) {
        int writer = reader->switches[i].writer;
        if (!ended_at(&from->writers[writer], reader->switches[i].position)) {
            fail(end, "other bytes after byte %lld of writer %d, in the middle of a call's",
                 (long long)reader->switches[i].position, writer);
        }
    }
    for (int writer = 0; writer < MOST_THREADS; writer++) {
        const struct writer *self = &from->writers[writer];
        uint64_t sum = 0;
        if (reader->got[writer] > self->offered) {
            fail(end, "%lld bytes of writer %d, who has %lld", (long long)reader->got[writer],
                 writer, (long long)self->offered);
        }
        if (whole && reader->got[writer] < self->counted) {
            fail(end, "%lld bytes of writer %d, who has counted %lld",
                 (long long)reader->got[writer], writer, (long long)self->counted);
        }
        if (!whole || !end->pair->round->many_readers) continue;
        for (int64_t i = 0; i < reader->got[writer]; i++) sum += byte_at(from->salt, writer, i);
        if (sum != reader->sum[writer]) {
            fail(end, "the %lld bytes of writer %d are others", (long long)reader->got[writer],
                 writer);
        }
    }
}
