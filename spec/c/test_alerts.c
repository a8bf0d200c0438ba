/* test_alerts.c: the last bytes that are sent reach the peer, although the sender closes with unread input: fatal
 * alerts of a handshake and after it, however the end is closed, and the data of a client that never reads. And records
 * that are sent without data: session tickets of a server that writes nothing. And TCP_NODELAY, without which all of
 * these would be late. */
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ends.h"
#include "expect.h"
#include "identity.h"

static int32_t server_context; /* requests no certificate */
static int32_t strict_context; /* requires one */
static int32_t naming_context; /* pauses for the server name */
static int32_t client_contexts[2]; /* TLS 1.2, 1.3 */

enum { TRIES = 40, CERTIFICATE_REQUIRED = 116 };

/* The ways to close one end, side 0 for the server. */
enum way { CONNECTION_FIRST, SOCKET_FIRST, WAYS };

static void close_end(struct ends *ends, int side, enum way way) {
    int32_t connection = side == 0 ? ends->server : ends->client;
    if (way == SOCKET_FIRST && ends->sockets[side] > 0)
        EXPECT(cleat_close(ends->sockets[side]) == CLEAT_OK);
    EXPECT(cleat_close(connection) == CLEAT_OK);
    if (way == CONNECTION_FIRST && ends->sockets[side] > 0)
        EXPECT(cleat_close(ends->sockets[side]) == CLEAT_OK);
    if (ends->fds[side] >= 0) EXPECT(close(ends->fds[side]) == 0);
    ends->sockets[side] = 0;
    ends->fds[side] = -1;
}

/* One step at a time, so that the sockets' contents are known. The pause lets TCP deliver them. */
static int32_t step(int32_t (*call)(int32_t, double), int32_t id) {
    int32_t status = call(id, 0);
    EXPECT(status <= 0);
    return status;
}

static void expect_alert(int32_t status, int32_t alert) {
    EXPECT(CLEAT_CLASS(status) == CLEAT_ALERT && CLEAT_VALUE(status) == alert);
}

static void await_readable(const struct ends *ends, int side) {
    int32_t fd = ends->fds[side] >= 0 ? ends->fds[side] : cleat_socket_fileno(ends->sockets[side]);
    struct pollfd item = {.fd = fd, .events = POLLIN};
    EXPECT(poll(&item, 1, (int)ENDS_PATIENCE * 1000) == 1);
}

/* The server refuses a client that has finished its handshake and has written data. */
static void test_refused_client(enum ends_transport transport, enum way way) {
    struct ends ends;
    char bytes[1000] = {0};
    int32_t status;
    ends_open(&ends, transport, strict_context, client_contexts[1], "localhost");
    EXPECT(CLEAT_CLASS(step(cleat_connection_handshake, ends.client)) == CLEAT_WANT_READ);
    await_readable(&ends, 0);
    EXPECT(CLEAT_CLASS(step(cleat_connection_handshake, ends.server)) == CLEAT_WANT_READ);
    EXPECT(cleat_connection_handshake(ends.client, ENDS_PATIENCE) == CLEAT_OK);
    EXPECT(cleat_connection_write(ends.client, bytes, sizeof bytes, ENDS_PATIENCE) == sizeof bytes);
    EXPECT(cleat_connection_write(ends.client, bytes, sizeof bytes, ENDS_PATIENCE) == sizeof bytes);
    EXPECT(CLEAT_CLASS(cleat_connection_handshake(ends.server, ENDS_PATIENCE)) == CLEAT_SSL);
    close_end(&ends, 0, way);
    status = cleat_connection_read(ends.client, bytes, sizeof bytes, ENDS_PATIENCE);
    expect_alert(status, CERTIFICATE_REQUIRED);
    ends_close(&ends);
}

/* One end sends bytes that are not a record of this connection, and more after them. */
static void test_broken_record(enum ends_transport transport, enum way way, int side, int version) {
    static const char record[] = "\x17\x03\x03\x00\x20"
                                 "0123456789abcdef0123456789abcdef";
    struct ends ends;
    char bytes[1000] = {0};
    int32_t here;
    int32_t there;
    int i;
    ends_open(&ends, transport, server_context, client_contexts[version], "localhost");
    ends_shake(&ends);
    here = side == 0 ? ends.server : ends.client;
    there = side == 0 ? ends.client : ends.server;
    EXPECT(cleat_connection_write(there, bytes, sizeof bytes, ENDS_PATIENCE) == sizeof bytes);
    for (i = 0; i < 50; i++) {
        if (ends.fds[0] >= 0) {
            EXPECT(send(ends.fds[1 - side], record, sizeof record - 1, 0) == sizeof record - 1);
        } else {
            EXPECT(cleat_socket_send(ends.sockets[1 - side], record, sizeof record - 1, 0,
                                     ENDS_PATIENCE) == sizeof record - 1);
        }
    }
    for (i = 0; i < (int)sizeof bytes;) {
        int32_t got = cleat_connection_read(here, bytes, sizeof bytes, ENDS_PATIENCE);
        EXPECT(got > 0);
        i += got;
    }
    EXPECT(CLEAT_CLASS(cleat_connection_read(here, bytes, sizeof bytes, ENDS_PATIENCE)) ==
           CLEAT_SSL);
    /* the other direction has ended, too */
    EXPECT(CLEAT_CLASS(cleat_connection_write(here, bytes, 1, ENDS_PATIENCE)) == CLEAT_SSL);
    close_end(&ends, side, way);
    expect_alert(cleat_connection_read(there, bytes, sizeof bytes, ENDS_PATIENCE),
                 CLEAT_ALERT_DESCRIPTION_BAD_RECORD_MAC);
    ends_close(&ends);
}

/* A server refuses the name, or its caller sets no context. There is more data after the ClientHello. */
static void test_refused_name(enum ends_transport transport, enum way way, int version) {
    struct ends ends;
    char bytes[100] = {0};
    ends_open(&ends, transport, naming_context, client_contexts[version], "localhost");
    EXPECT(CLEAT_CLASS(step(cleat_connection_handshake, ends.client)) == CLEAT_WANT_READ);
    if (ends.fds[0] >= 0) {
        EXPECT(send(ends.fds[1], bytes, sizeof bytes, 0) == sizeof bytes);
    } else {
        EXPECT(cleat_socket_send(ends.sockets[1], bytes, sizeof bytes, 0, ENDS_PATIENCE) ==
               sizeof bytes);
    }
    EXPECT(CLEAT_CLASS(cleat_connection_handshake(ends.server, ENDS_PATIENCE)) ==
           CLEAT_WANT_SERVER_NAME);
    EXPECT(cleat_connection_answer_server_name(
               ends.server, CLEAT_ALERT_DESCRIPTION_UNRECOGNIZED_NAME) == CLEAT_OK);
    EXPECT(CLEAT_CLASS(cleat_connection_handshake(ends.server, ENDS_PATIENCE)) == CLEAT_SSL);
    close_end(&ends, 0, way);
    expect_alert(cleat_connection_handshake(ends.client, ENDS_PATIENCE),
                 CLEAT_ALERT_DESCRIPTION_UNRECOGNIZED_NAME);
    ends_close(&ends);
}

/* A peer that does not begin with TLS gets no alert, and can be answered in plaintext. */
static void test_plain_client(void) {
    static const char request[] = "GET / HTTP/1.0\r\n\r\n";
    struct ends ends;
    char bytes[100];
    ends_open(&ends, ENDS_TCP, server_context, client_contexts[1], "localhost");
    EXPECT(cleat_socket_send(ends.sockets[1], request, sizeof request - 1, 0, ENDS_PATIENCE) ==
           sizeof request - 1);
    EXPECT(CLEAT_CLASS(cleat_connection_handshake(ends.server, ENDS_PATIENCE)) == CLEAT_SSL);
    EXPECT(cleat_error_reason(bytes, sizeof bytes) == 12 && memcmp(bytes, "HTTP_REQUEST", 12) == 0);
    EXPECT(cleat_close(ends.server) == CLEAT_OK);
    EXPECT(cleat_socket_send(ends.sockets[0], "400", 3, 0, ENDS_PATIENCE) == 3);
    EXPECT(cleat_socket_recv(ends.sockets[1], bytes, sizeof bytes, 0, ENDS_PATIENCE) == 3);
    ends_close(&ends);
}

/* A client that only writes leaves a TLS 1.3 server's tickets unread. The server reads all of its data, and then the
 * end. */
static void test_unread_tickets(enum ends_transport transport, enum way way) {
    struct ends ends;
    char bytes[50000] = {0};
    int32_t got;
    int32_t sum = 0;
    ends_open(&ends, transport, server_context, client_contexts[1], "localhost");
    ends_shake(&ends);
    EXPECT(CLEAT_CLASS(cleat_connection_read(ends.server, bytes, 1, 0)) ==
           CLEAT_WANT_READ); /* this sends the tickets */
    await_readable(&ends, 1);
    EXPECT(cleat_connection_write(ends.client, bytes, sizeof bytes, ENDS_PATIENCE) == sizeof bytes);
    close_end(&ends, 1, way);
    while ((got = cleat_connection_read(ends.server, bytes, sizeof bytes, ENDS_PATIENCE)) > 0)
        sum += got;
    EXPECT(sum == sizeof bytes && CLEAT_CLASS(got) == CLEAT_EOF);
    ends_close(&ends);
}

static int32_t drained(const struct ends *ends) {
    char bytes[16384];
    int32_t len = cleat_connection_drain(ends->server, bytes, sizeof bytes);
    EXPECT(len >= 0 && len < (int32_t)sizeof bytes);
    if (len > 0) EXPECT(cleat_connection_feed(ends->client, bytes, len) == len);
    return len;
}

/* Two tickets after a TLS 1.3 handshake, once; in TLS 1.2 they are part of the handshake. */
static void test_tickets(int version) {
    struct ends ends;
    char bytes[100];
    ends_open(&ends, ENDS_MEMORY, server_context, client_contexts[version], "localhost");
    atomic_store(&ends.stop, true);
    pthread_join(ends.pump, NULL);
    while (cleat_connection_handshake(ends.server, 0) != CLEAT_OK) {
        int32_t len;
        drained(&ends);
        cleat_connection_handshake(ends.client, 0);
        while ((len = cleat_connection_drain(ends.client, bytes, sizeof bytes)) > 0) {
            EXPECT(cleat_connection_feed(ends.server, bytes, len) == len);
        }
    }
    EXPECT(drained(&ends) > 100);
    EXPECT(cleat_connection_handshake(ends.client, 0) == CLEAT_OK);
    EXPECT(cleat_connection_handshake(ends.server, 0) == CLEAT_OK && drained(&ends) == 0);
    EXPECT(CLEAT_CLASS(cleat_connection_read(ends.server, bytes, 1, 0)) == CLEAT_WANT_READ &&
           drained(&ends) == 0);
    EXPECT(CLEAT_CLASS(cleat_connection_read(ends.client, bytes, 1, 0)) == CLEAT_WANT_READ);
    EXPECT(cleat_connection_write(ends.server, "x", 1, 0) == 1 && drained(&ends) < 60);
    EXPECT(cleat_connection_read(ends.client, bytes, 1, 0) == 1);
    cleat_close(ends.client);
    cleat_close(ends.server);
}

/* Over a socket they are sent before the server waits. */
static void test_silent_server(void) {
    struct ends ends;
    char bytes[1];
    ends_open(&ends, ENDS_TCP, server_context, client_contexts[1], "localhost");
    ends_shake(&ends);
    EXPECT(CLEAT_CLASS(cleat_connection_read(ends.server, bytes, 1, 0.001)) == CLEAT_TIMEOUT);
    await_readable(&ends, 1);
    EXPECT(CLEAT_CLASS(cleat_connection_read(ends.client, bytes, 1, 0)) == CLEAT_WANT_READ);
    ends_close(&ends);
}

static int32_t nodelay(int32_t socket) {
    int32_t value = -1;
    EXPECT(cleat_socket_getsockopt(socket, CLEAT_IPPROTO_TCP, CLEAT_TCP_NODELAY, &value) ==
           CLEAT_OK);
    return value != 0;
}

static void choose(int32_t socket, int32_t value) {
    EXPECT(cleat_socket_setsockopt(socket, CLEAT_IPPROTO_TCP, CLEAT_TCP_NODELAY, value) ==
           CLEAT_OK);
}

/* choice: the value of TCP_NODELAY that the user has set before, on the listener if there is one; -1: none. */
static void test_nodelay(int32_t choice, int on_listener) {
    int32_t sockets[2];
    int32_t listener = cleat_socket_new(CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0);
    int32_t connections[2];
    int32_t port;
    int32_t unused;
    char host[64];
    int side;
    EXPECT(cleat_socket_bind(listener, "127.0.0.1", 9, 0) == CLEAT_OK);
    EXPECT(cleat_socket_listen(listener, 1) == CLEAT_OK);
    EXPECT(cleat_socket_getsockname(listener, host, sizeof host, &port, &unused, &unused) > 0);
    if (on_listener && choice >= 0) choose(listener, choice);
    sockets[1] = cleat_socket_new(CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0);
    EXPECT(cleat_socket_connect(sockets[1], "127.0.0.1", 9, port, ENDS_PATIENCE) == CLEAT_OK);
    sockets[0] = cleat_socket_accept(listener, ENDS_PATIENCE);
    EXPECT(sockets[0] > 0);
    for (side = 0; side < 2; side++) {
        int32_t chosen = on_listener && side == 1 ? -1 : choice;
        if (!on_listener && choice >= 0) choose(sockets[side], choice);
        EXPECT(nodelay(sockets[side]) == (chosen == 1));
        connections[side] = cleat_connection_over_socket(
            side == 0 ? server_context : client_contexts[1], sockets[side], side == 0,
            side == 0 ? NULL : "localhost", side == 0 ? 0 : 9);
        EXPECT(connections[side] > 0);
        EXPECT(nodelay(sockets[side]) == (chosen != 0));
        choose(sockets[side], 0); /* afterwards the user's value is kept */
        EXPECT(nodelay(sockets[side]) == 0 && cleat_close(connections[side]) == CLEAT_OK);
    }
    /* over the caller's descriptor the option is always set */
    connections[0] =
        cleat_connection_over_fd(server_context, cleat_socket_fileno(sockets[0]), 1, NULL, 0);
    EXPECT(connections[0] > 0 && nodelay(sockets[0]) == 1);
    cleat_close(connections[0]);
    cleat_close(sockets[0]);
    cleat_close(sockets[1]);
    cleat_close(listener);
}

static void make_contexts(void) {
    int32_t len;
    const char *text = identity_text(IDENTITY_CERTIFICATE, &len);
    int32_t unused;
    identity_contexts(&server_context, &client_contexts[0]);
    identity_contexts(&strict_context, &client_contexts[1]);
    identity_contexts(&naming_context, &unused);
    cleat_close(unused);
    EXPECT(cleat_context_set_maximum_version(client_contexts[0], CLEAT_TLS1_2_VERSION) == CLEAT_OK);
    EXPECT(cleat_context_load_verify_data(strict_context, text, len) == 1);
    EXPECT(cleat_context_set_verify_mode(strict_context, CLEAT_CERT_REQUIRED) == CLEAT_OK);
    EXPECT(cleat_context_set_server_name_events(naming_context, 1) == CLEAT_OK);
}

int main(void) {
    int version;
    int way;
    int i;
    make_contexts();
    for (way = 0; way < WAYS; way++) {
        int transport;
        for (transport = ENDS_SOCKET; transport <= ENDS_FD; transport++) {
            for (i = 0; i < TRIES; i++)
                test_refused_client((enum ends_transport)transport, (enum way)way);
            for (version = 0; version < 2; version++) {
                test_broken_record((enum ends_transport)transport, (enum way)way, 0, version);
                test_broken_record((enum ends_transport)transport, (enum way)way, 1, version);
                test_refused_name((enum ends_transport)transport, (enum way)way, version);
            }
            if (transport != ENDS_FD)
                test_unread_tickets((enum ends_transport)transport, (enum way)way);
        }
    }
    for (version = 0; version < 2; version++) test_tickets(version);
    test_silent_server();
    test_plain_client();
    for (i = -1; i < 2; i++) {
        test_nodelay(i, 0);
        test_nodelay(i, 1);
    }
    cleat_close(server_context);
    cleat_close(strict_context);
    cleat_close(naming_context);
    for (version = 0; version < 2; version++) cleat_close(client_contexts[version]);
    EXPECT(cleat_handle_count() == 0);
    puts("alerts arrive, and what was written; tickets of silent servers; no delays");
    return 0;
}
