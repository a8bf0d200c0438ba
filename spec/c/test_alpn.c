/* test_alpn.c: a server's connection whose application protocols are set at the ClientHello, and the chain that a side
 * sends. spec/luasec/ tests LuaSec's interface to them. */
#include <string.h>

#include "base/error.h"
#include "ends.h"
#include "expect.h"
#include "identity.h"

#define NONE ""
#define AB "\1a\2bb"
#define B "\2bb"

static int32_t server_context;
static int32_t client_context;
static int32_t plain_context; /* a server's that pauses, too, and has no protocols */

static int32_t choose(int32_t id, const char *protocols) {
    return cleat_connection_set_alpn_protocols(id, protocols, (int32_t)strlen(protocols));
}

/* A client offers its context's protocols. The server is switched to another context after its protocols were set, if
 * that is not 0. Returns the protocol that both ends agree on. */
static const char *agree(int32_t stops, const char *offered, const char *chosen, int32_t other) {
    static char names[2][8];
    char list[64];
    struct ends ends;
    int32_t len = (int32_t)strlen(offered);
    int side;
    EXPECT(cleat_context_set_alpn_protocols(client_context, offered, len) == CLEAT_OK);
    ends_open(&ends, ENDS_SOCKET, stops, client_context, "localhost");
    EXPECT(choose(ends.server, AB) == CLEAT_STATUS(CLEAT_USAGE, 0)); /* too early */
    EXPECT(cleat_connection_offered_alpn(ends.server, list, sizeof list) == 0);
    EXPECT(CLEAT_CLASS(cleat_connection_handshake(ends.client, 0)) == CLEAT_WANT_READ);
    EXPECT(CLEAT_CLASS(cleat_connection_handshake(ends.server, ENDS_PATIENCE)) ==
           CLEAT_WANT_SERVER_NAME);
    EXPECT(cleat_connection_offered_alpn(ends.client, list, sizeof list) == 0);
    EXPECT(cleat_connection_offered_alpn(ends.server, list, sizeof list) == len);
    EXPECT(memcmp(list, offered, (size_t)len) == 0);
    EXPECT(choose(ends.server, "\3a") == CLEAT_STATUS(CLEAT_USAGE, 2));
    EXPECT(choose(ends.client, AB) == CLEAT_STATUS(CLEAT_USAGE, 0));
    if (stops == plain_context) {
        EXPECT(choose(ends.server, AB) == CLEAT_STATUS(CLEAT_USAGE, 0));
    } else if (chosen != NULL) {
        EXPECT(choose(ends.server, "\1x") == CLEAT_OK); /* the last call takes effect */
        EXPECT(choose(ends.server, chosen) == CLEAT_OK);
    }
    if (other != 0) EXPECT(cleat_connection_set_context(ends.server, other) == CLEAT_OK);
    EXPECT(cleat_connection_answer_server_name(ends.server, -1) == CLEAT_OK);
    EXPECT(cleat_connection_offered_alpn(ends.server, list, sizeof list) == 0);
    EXPECT(choose(ends.server, AB) == CLEAT_STATUS(CLEAT_USAGE, 0)); /* too late */
    ends_shake(&ends);
    for (side = 0; side < 2; side++) {
        int32_t got = cleat_connection_alpn_protocol(side == 0 ? ends.client : ends.server,
                                                     names[side], sizeof names[side] - 1);
        EXPECT(got >= 0);
        names[side][got] = 0;
    }
    EXPECT(strcmp(names[0], names[1]) == 0);
    ends_close(&ends);
    return names[0];
}

static void test_choice(void) {
    EXPECT(strcmp(agree(server_context, AB, NULL, 0), "a") == 0); /* the context's protocols */
    EXPECT(strcmp(agree(server_context, AB, B, 0), "bb") == 0);
    EXPECT(strcmp(agree(server_context, AB, "\1y", 0), "") == 0);
    EXPECT(strcmp(agree(server_context, AB, NONE, 0), "") == 0);
    EXPECT(strcmp(agree(server_context, NONE, AB, 0), "") == 0);
    EXPECT(strcmp(agree(plain_context, AB, NULL, 0), "") == 0);
    /* protocols that were set on the connection stay, others are the new context's */
    EXPECT(strcmp(agree(server_context, AB, B, plain_context), "bb") == 0);
    EXPECT(strcmp(agree(server_context, AB, NONE, server_context), "") == 0);
    EXPECT(strcmp(agree(server_context, AB, NULL, plain_context), "") == 0);
    EXPECT(strcmp(agree(plain_context, AB, NULL, server_context), "a") == 0);
    EXPECT(cleat_context_set_npn_protocols(plain_context, B, sizeof B - 1) == CLEAT_OK);
    EXPECT(strcmp(agree(server_context, AB, B, plain_context), "") ==
           0); /* NPN, which no client supports */
    EXPECT(cleat_context_set_npn_protocols(plain_context, NULL, 0) == CLEAT_OK);
}

/* The own chain of one end is the chain that the other has received. */
static void test_own_chain(void) {
    struct ends ends;
    char bytes[2][4096];
    int32_t sizes[2];
    int32_t ids[2];
    int i;
    ends_open(&ends, ENDS_SOCKET, plain_context, client_context, "localhost");
    EXPECT(cleat_connection_chain_count(ends.server, CLEAT_CHAIN_OWN) == 0);
    EXPECT(CLEAT_CLASS(cleat_connection_handshake(ends.client, 0)) == CLEAT_WANT_READ);
    EXPECT(CLEAT_CLASS(cleat_connection_handshake(ends.server, ENDS_PATIENCE)) ==
           CLEAT_WANT_SERVER_NAME);
    EXPECT(cleat_connection_answer_server_name(ends.server, -1) == CLEAT_OK);
    ends_shake(&ends);
    EXPECT(cleat_connection_chain_count(ends.server, CLEAT_CHAIN_OWN) == 1);
    EXPECT(cleat_connection_chain_count(ends.client, CLEAT_CHAIN_OWN) == 0);
    EXPECT(cleat_connection_chain_count(ends.client, CLEAT_CHAIN_OWN + 1) ==
           CLEAT_STATUS(CLEAT_USAGE, 2));
    EXPECT(cleat_connection_chain_certificate(ends.server, CLEAT_CHAIN_OWN, 1) ==
           CLEAT_STATUS(CLEAT_USAGE, 3));
    EXPECT(cleat_connection_chain_certificate(ends.client, CLEAT_CHAIN_OWN, 0) ==
           CLEAT_STATUS(CLEAT_USAGE, 3));
    ids[0] = cleat_connection_chain_certificate(ends.server, CLEAT_CHAIN_OWN, 0);
    ids[1] = cleat_connection_chain_certificate(ends.client, CLEAT_CHAIN_SENT, 0);
    for (i = 0; i < 2; i++) {
        EXPECT(ids[i] > 0);
        sizes[i] = cleat_certificate_der(ids[i], bytes[i], sizeof bytes[i]);
        EXPECT(sizes[i] > 0 && cleat_close(ids[i]) == CLEAT_OK);
    }
    EXPECT(sizes[0] == sizes[1] && memcmp(bytes[0], bytes[1], (size_t)sizes[0]) == 0);
    ends_close(&ends);
}

int main(void) {
    int32_t unused;
    identity_contexts(&server_context, &client_context);
    identity_contexts(&plain_context, &unused);
    EXPECT(cleat_close(unused) == CLEAT_OK);
    EXPECT(cleat_context_set_alpn_protocols(server_context, AB, sizeof AB - 1) == CLEAT_OK);
    EXPECT(cleat_context_set_server_name_events(server_context, 1) == CLEAT_OK);
    EXPECT(cleat_context_set_server_name_events(plain_context, 1) == CLEAT_OK);
    test_choice();
    test_own_chain();
    EXPECT(cleat_close(plain_context) == CLEAT_OK && cleat_close(client_context) == CLEAT_OK &&
           cleat_close(server_context) == CLEAT_OK);
    EXPECT(cleat_handle_count() == 0);
    return 0;
}
