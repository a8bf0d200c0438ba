/* test_psk.c: the pause of a handshake for a pre-shared key, over each transport and with several threads.
 * spec/ssl/psk_records_spec.lua tests the messages, and spec/ssl/psk_spec.lua the answers. */
#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "ends.h"
#include "expect.h"
#include "tls/connection.h"

static int32_t server_context;
static int32_t client_context;

static int32_t make_context(void) {
    int32_t context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(cleat_context_set_ciphers(context, "PSK", 3) == CLEAT_OK);
    return context;
}

static void open_contexts(void) {
    server_context = make_context();
    client_context = make_context();
    EXPECT(cleat_context_set_psk_server(server_context, 1, "hint", 4) == CLEAT_OK);
    EXPECT(cleat_context_set_psk_client(client_context, 1) == CLEAT_OK);
}

static void close_contexts(void) {
    EXPECT(cleat_close(client_context) == CLEAT_OK && cleat_close(server_context) == CLEAT_OK);
}

static int32_t answer(int32_t id, bool is_client) {
    return cleat_connection_answer_psk(id, is_client ? "name" : NULL, is_client ? 4 : 0, "key", 3);
}

struct side {
    const struct ends *ends;
    int32_t id;
    bool is_client;
};

/* Handshakes that wait in the kernel: without a timeout, from the beginning and after the key was set. */
static void *shake(void *argument) {
    const struct side *side = argument;
    EXPECT(ends_handshake(side->ends, side->id, ENDS_PATIENCE) == CLEAT_WANTS_PSK);
    EXPECT(answer(side->id, side->is_client) == CLEAT_OK);
    EXPECT(ends_handshake(side->ends, side->id, ENDS_PATIENCE) == CLEAT_OK);
    return NULL;
}

static void *shake_forever(void *argument) {
    const struct side *side = argument;
    EXPECT(cleat_connection_handshake(side->id, -1) == CLEAT_WANTS_PSK);
    EXPECT(answer(side->id, side->is_client) == CLEAT_OK);
    EXPECT(cleat_connection_handshake(side->id, -1) == CLEAT_OK);
    return NULL;
}

static void test_transport(enum ends_transport transport, bool forever) {
    struct ends ends;
    struct side client = {&ends, 0, true};
    struct side server = {&ends, 0, false};
    pthread_t thread;
    char byte = 0;
    ends_open(&ends, transport, server_context, client_context, "localhost");
    client.id = ends.client;
    server.id = ends.server;
    EXPECT(pthread_create(&thread, NULL, forever ? shake_forever : shake, &server) == 0);
    (forever ? shake_forever : shake)(&client);
    EXPECT(pthread_join(thread, NULL) == 0);
    EXPECT(ends_write(&ends, ends.client, "x", 1, ENDS_PATIENCE) == 1);
    EXPECT(ends_read(&ends, ends.server, &byte, 1, ENDS_PATIENCE) == 1 && byte == 'x');
    ends_close(&ends);
}

static void *reach_pause(void *id) {
    EXPECT(cleat_connection_handshake(*(int32_t *)id, ENDS_PATIENCE) == CLEAT_WANTS_PSK);
    return NULL;
}

static bool is_paused(int32_t id) {
    return cleat_connection_psk_hint(id, NULL, 0) == 4;
}

/* Several threads in one handshake: each of them gets the status. Then the connection is closed in its pause. */
static void test_threads(void) {
    enum { THREADS = 3 };
    pthread_t threads[THREADS];
    struct ends ends;
    int i;
    ends_open(&ends, ENDS_SOCKET, server_context, client_context, "localhost");
    for (i = 0; i < THREADS; i++)
        EXPECT(pthread_create(&threads[i], NULL, reach_pause, &ends.client) == 0);
    while (!is_paused(ends.client)) (void)cleat_connection_handshake(ends.server, 0);
    for (i = 0; i < THREADS; i++) EXPECT(pthread_join(threads[i], NULL) == 0);
    ends_close(&ends);
    EXPECT(CLEAT_CLASS(answer(ends.client, true)) == CLEAT_HANDLE);
}

static void *refuse(void *id) {
    int32_t status = cleat_connection_answer_psk(*(int32_t *)id, NULL, 0, NULL, 0);
    EXPECT(status == CLEAT_OK || CLEAT_CLASS(status) == CLEAT_USAGE);
    return NULL;
}

/* Two answers at once: one of them is too late. */
static void test_two_answers(void) {
    pthread_t thread;
    int32_t client;
    int32_t server;
    int32_t status;
    struct ends ends;
    ends_open(&ends, ENDS_SOCKET, server_context, client_context, "localhost");
    ends_drive(&ends, &client, &server);
    EXPECT(client == CLEAT_WANTS_PSK && CLEAT_CLASS(server) == CLEAT_WANT_READ);
    EXPECT(pthread_create(&thread, NULL, refuse, &ends.client) == 0);
    status = answer(ends.client, true);
    EXPECT(pthread_join(thread, NULL) == 0);
    ends_drive(&ends, &client, &server);
    if (status == CLEAT_OK) {
        EXPECT(server == CLEAT_WANTS_PSK);
    } else {
        expect_usage(status);
        EXPECT(CLEAT_CLASS(client) == CLEAT_SSL);
        EXPECT(server == CLEAT_STATUS(CLEAT_ALERT, CLEAT_ALERT_DESCRIPTION_HANDSHAKE_FAILURE));
    }
    expect_usage(answer(ends.client, true));
    ends_close(&ends);
}

/* A client closes while its server looks for the key. The client has sent its part of the handshake, and nothing else.
 * */
static void test_hang_up(bool answers) {
    int32_t client;
    int32_t server;
    struct ends ends;
    ends_open(&ends, ENDS_SOCKET, server_context, client_context, "localhost");
    ends_drive(&ends, &client, &server);
    EXPECT(answer(ends.client, true) == CLEAT_OK);
    ends_drive(&ends, &client, &server);
    EXPECT(server == CLEAT_WANTS_PSK);
    EXPECT(cleat_close(ends.client) == CLEAT_OK && cleat_close(ends.sockets[1]) == CLEAT_OK);
    EXPECT(cleat_connection_handshake(ends.server, ENDS_PATIENCE) == CLEAT_WANTS_PSK);
    if (answers) {
        EXPECT(answer(ends.server, false) == CLEAT_OK);
    } else {
        EXPECT(cleat_connection_answer_psk(ends.server, NULL, 0, "", 0) == CLEAT_OK);
    }
    server = cleat_connection_handshake(ends.server, ENDS_PATIENCE);
    if (answers) {
        char byte;
        int32_t result = cleat_connection_read(ends.server, &byte, 1, ENDS_PATIENCE);
        EXPECT(server == CLEAT_OK || CLEAT_CLASS(server) == CLEAT_SYS);
        EXPECT(CLEAT_CLASS(result) == CLEAT_EOF || CLEAT_CLASS(result) == CLEAT_SYS);
    } else {
        EXPECT(CLEAT_CLASS(server) == CLEAT_SSL);
    }
    EXPECT(cleat_close(ends.server) == CLEAT_OK && cleat_close(ends.sockets[0]) == CLEAT_OK);
}

int main(void) {
    enum ends_transport transport;
    open_contexts();
    for (transport = 0; transport < ENDS_TRANSPORTS; transport++) {
        test_transport(transport, false);
        if (transport != ENDS_MEMORY) test_transport(transport, true);
    }
    test_threads();
    test_two_answers();
    test_hang_up(true);
    test_hang_up(false);
    close_contexts();
    EXPECT(cleat_handle_count() == 0);
    return 0;
}
