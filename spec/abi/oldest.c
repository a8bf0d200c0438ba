/* oldest.c: a program of the oldest release. spec/checks/abi.sh compiles it with that release's headers, links it with
 * nothing of today's, and runs it with today's library: numbers must mean what they meant.
 *
 * usage: oldest CAFILE CERTFILE KEYFILE */
#include <cleat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT(what)                                                                               \
    do {                                                                                           \
        if (!(what)) fail(__LINE__, #what);                                                        \
    } while (0)

static void fail(int line, const char *what) {
    char message[256];
    int32_t length = cleat_error_message(message, sizeof message);
    if (length > (int32_t)sizeof message) length = (int32_t)sizeof message;
    fprintf(stderr, "oldest.c:%d: not so: %s (last failure: %d, %.*s)\n", line, what,
            (int)cleat_error_status(), (int)length, message);
    exit(1);
}

/* move carries what one end has for the network to the other. */
static void move(int32_t from, int32_t to) {
    char bytes[4096];
    int32_t count;
    while ((count = cleat_connection_drain(from, bytes, sizeof bytes)) > 0) {
        EXPECT(cleat_connection_feed(to, bytes, count) == count);
    }
    EXPECT(count == 0);
}

/* handshake returns the client's last status; *server_status is the server's. */
static int32_t handshake(int32_t client, int32_t server, int32_t *server_status) {
    int32_t status = CLEAT_OK;
    *server_status = CLEAT_OK;
    for (int round = 0; round < 10; round++) {
        status = cleat_connection_handshake(client, 0);
        move(client, server);
        *server_status = cleat_connection_handshake(server, 0);
        move(server, client);
        if (CLEAT_CLASS(status) != CLEAT_WANT_READ &&
            CLEAT_CLASS(*server_status) != CLEAT_WANT_READ)
            break;
    }
    return status;
}

int main(int argc, char **argv) {
    EXPECT(argc == 4);
    const char *cafile = argv[1], *certfile = argv[2], *keyfile = argv[3];
    int32_t server_status;

    EXPECT(cleat_abi_version() >= CLEAT_ABI_VERSION);
    int32_t client_context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    EXPECT(client_context > 0 && cleat_kind(client_context) == CLEAT_KIND_CONTEXT);
    EXPECT(cleat_context_set_verify_mode(client_context, CLEAT_CERT_REQUIRED) == CLEAT_OK);
    EXPECT(cleat_context_set_check_hostname(client_context, 1) == CLEAT_OK);
    EXPECT(cleat_context_load_verify_file(client_context, cafile, (int32_t)strlen(cafile)) == 1);
    int32_t server_context = cleat_context_new(CLEAT_PROTOCOL_TLS);
    int32_t status =
        cleat_context_load_cert_chain(server_context, "/no/such/file", 13, NULL, 0, NULL, 0);
    EXPECT(CLEAT_CLASS(status) == CLEAT_SYS && CLEAT_VALUE(status) == CLEAT_ENOENT);
    char text[128];
    EXPECT(cleat_error_filename(text, sizeof text) == 13 && memcmp(text, "/no/such/file", 13) == 0);
    EXPECT(cleat_context_load_cert_chain(server_context, certfile, (int32_t)strlen(certfile),
                                         keyfile, (int32_t)strlen(keyfile), NULL, 0) == CLEAT_OK);
    EXPECT((cleat_context_options(server_context) & CLEAT_OP_NO_SSLV3) != 0);

    /* a name that the certificate has, and one that it has not */
    int32_t client = cleat_connection_over_memory(client_context, 0, "localhost", 9);
    int32_t server = cleat_connection_over_memory(server_context, 1, NULL, 0);
    EXPECT(client > 0 && server > 0);
    EXPECT(CLEAT_CLASS(cleat_connection_read(client, text, sizeof text, 0)) == CLEAT_WANT_READ);
    EXPECT(handshake(client, server, &server_status) == CLEAT_OK && server_status == CLEAT_OK);
    EXPECT(cleat_connection_version(client, text, sizeof text) == 7 &&
           memcmp(text, "TLSv1.3", 7) == 0);
    EXPECT(cleat_connection_write(client, "ahoy", 4, 0) == 4);
    move(client, server);
    EXPECT(cleat_connection_read(server, text, sizeof text, 0) == 4 &&
           memcmp(text, "ahoy", 4) == 0);
    EXPECT(CLEAT_CLASS(cleat_connection_shutdown(server, 0)) == CLEAT_WANT_READ);
    move(server, client);
    EXPECT(cleat_connection_read(client, text, sizeof text, 0) == 0);

    int32_t other = cleat_connection_over_memory(client_context, 0, "other.example", 13);
    int32_t refused = cleat_connection_over_memory(server_context, 1, NULL, 0);
    status = handshake(other, refused, &server_status);
    EXPECT(CLEAT_CLASS(status) == CLEAT_VERIFY &&
           CLEAT_VALUE(status) == 62); /* X509_V_ERR_HOSTNAME_MISMATCH */
    EXPECT(cleat_error_reason(text, sizeof text) > 0);
    EXPECT(CLEAT_CLASS(server_status) == CLEAT_ALERT &&
           CLEAT_VALUE(server_status) == CLEAT_ALERT_DESCRIPTION_BAD_CERTIFICATE);

    int32_t ids[] = {client_context, server_context, client, server, other, refused};
    EXPECT(cleat_handle_count() == 6);
    for (int i = 0; i < 6; i++) EXPECT(cleat_close(ids[i]) == CLEAT_OK);
    EXPECT(CLEAT_CLASS(cleat_close(client)) == CLEAT_HANDLE && cleat_handle_count() == 0);
    puts("a program of the oldest release: ok");
    return 0;
}
