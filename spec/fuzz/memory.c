/* memory.c: bytes from the network, for a connection of either side. The first byte selects the side and the version,
 * and whether cleat plays the other side until the first bytes of the input; the others arrive in pieces whose sizes
 * are in the input. */
#include "../c/identity.h"
#include "fuzz.h"

static int32_t contexts[2];

static void set_up(void) {
    if (contexts[0] > 0) return;
    identity_contexts(&contexts[0], &contexts[1]);
    DEMAND(cleat_context_set_alpn_protocols(contexts[0], "\2h2\10http/1.1", 12) == CLEAT_OK);
    /* A changed certificate is parsed and verified each time. */
    DEMAND(cleat_context_set_chain_cache_seconds(contexts[1], 0) == CLEAT_OK);
}

static void move(int32_t from, int32_t to) {
    char bytes[8192];
    int32_t len;
    while ((len = cleat_connection_drain(from, bytes, sizeof bytes)) > 0) {
        DEMAND(cleat_connection_feed(to, bytes, len) == len);
    }
}

static int32_t open_connection(int side, int32_t version) {
    int32_t id;
    DEMAND(cleat_context_set_maximum_version(contexts[side], version) == CLEAT_OK);
    id = side == 0 ? cleat_connection_over_memory(contexts[0], 1, NULL, 0)
                   : cleat_connection_over_memory(contexts[1], 0, "localhost", 9);
    DEMAND(id > 0);
    return id;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char room[2048];
    int side;
    int turns;
    int32_t version;
    int32_t id;
    int32_t other;
    size_t at = 1;
    if (size < 1) return 0;
    set_up();
    side = data[0] & 1;
    version = (data[0] & 2) != 0 ? CLEAT_TLS1_2_VERSION : CLEAT_TLS1_3_VERSION;
    id = open_connection(side, version);
    other = open_connection(!side, version);
    for (turns = data[0] >> 4 & 7; turns > 0; turns--) {
        checked(cleat_connection_handshake(id, 0));
        move(id, other);
        checked(cleat_connection_handshake(other, 0));
        move(other, id);
    }
    while (at < size) {
        int32_t len = 1 + data[at++];
        int32_t result;
        if (len > (int32_t)(size - at)) len = (int32_t)(size - at);
        DEMAND(cleat_connection_feed(id, (const char *)data + at, len) == len);
        at += (size_t)len;
        result = checked(cleat_connection_read(id, room, sizeof room, 0));
        /* The input has no keys, so no byte of it is returned as data. */
        DEMAND(result <= 0);
        checked(cleat_connection_write(id, "x", 1, 0));
        (void)cleat_connection_drain(id, room, sizeof room);
    }
    cleat_connection_feed_eof(id);
    DEMAND(cleat_connection_read(id, room, sizeof room, 0) <= 0);
    checked(cleat_connection_shutdown(id, 0));
    cleat_close(id);
    cleat_close(other);
    DEMAND(cleat_handle_count() == 2);
    return 0;
}
