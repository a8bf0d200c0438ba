/* https_get.c: fetches a page over HTTPS: https_get [--cafile FILE] HOST PORT PATH
 *
 * The server must have a certificate for HOST from a CA of the system, or of FILE. It is
 * C11 and C++17, and uses cleat's sockets. */
#include <cleat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double TIMEOUT = 30;

/* check returns the result of a call, and ends the program if it is a status. */
static int32_t check(int32_t result) {
    if (result >= 0) return result;
    char message[512], filename[512];
    int32_t length = cleat_error_message(message, sizeof message);
    if (length > (int32_t)sizeof message) length = sizeof message;
    int32_t filename_length = cleat_error_filename(filename, sizeof filename);
    if (filename_length > (int32_t)sizeof filename) filename_length = sizeof filename;
    fflush(stdout);
    fprintf(stderr, "https_get: %.*s%s%.*s\n", (int)length, message,
            filename_length > 0 ? ": " : "", (int)filename_length, filename);
    exit(1);
}

static int32_t client_context(const char *cafile) {
    int32_t context = check(cleat_context_new(CLEAT_PROTOCOL_TLS));
    check(cleat_context_set_minimum_version(context, CLEAT_TLS1_2_VERSION));
    check(cleat_context_set_verify_mode(context, CLEAT_CERT_REQUIRED));
    check(cleat_context_set_check_hostname(context, 1));
    if (cafile) {
        check(cleat_context_load_verify_file(context, cafile, (int32_t)strlen(cafile)));
    } else {
        check(cleat_context_set_default_verify_paths(context));
    }
    return context;
}

/* connect_to returns a socket that is connected to the first address of the host that answers. */
static int32_t connect_to(const char *host, const char *service) {
    int32_t list =
        check(cleat_addrinfo_resolve(host, (int32_t)strlen(host), service, (int32_t)strlen(service),
                                     CLEAT_AF_UNSPEC, CLEAT_SOCK_STREAM, 0, 0));
    int32_t count = check(cleat_addrinfo_count(list)), status = CLEAT_OK;
    for (int32_t i = 0; i < count; i++) {
        char address[256];
        int32_t family, type, protocol, port, flowinfo, scope;
        int32_t length = check(cleat_addrinfo_address(list, i, address, sizeof address, &family,
                                                      &type, &protocol, &port, &flowinfo, &scope));
        int32_t socket = check(cleat_socket_new(family, type, protocol));
        status = cleat_socket_connect(socket, address, length, port, TIMEOUT);
        if (status == CLEAT_OK) {
            cleat_close(list);
            return socket;
        }
        cleat_close(socket); /* which leaves the text of the failure alone */
    }
    cleat_close(list);
    return check(status);
}

int main(int argc, char **argv) {
    const char *cafile = NULL;
    if (argc > 2 && strcmp(argv[1], "--cafile") == 0) {
        cafile = argv[2];
        argc -= 2;
        argv += 2;
    }
    if (argc != 4) {
        fprintf(stderr, "usage: https_get [--cafile FILE] HOST PORT PATH\n");
        return 2;
    }
    const char *host = argv[1];

    int32_t context = client_context(cafile);
    int32_t socket = connect_to(host, argv[2]);
    int32_t connection =
        check(cleat_connection_over_socket(context, socket, 0, host, (int32_t)strlen(host)));
    check(cleat_connection_handshake(connection, TIMEOUT));
    char version[16];
    int32_t length = check(cleat_connection_version(connection, version, sizeof version));
    fprintf(stderr, "%.*s\n", (int)length, version);

    char request[2048];
    int size =
        snprintf(request, sizeof request, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", argv[3], host);
    if (size >= (int)sizeof request) {
        fprintf(stderr, "https_get: the path is too long\n");
        return 1;
    }
    for (int32_t sent = 0; sent < size;) {
        sent += check(cleat_connection_write(connection, request + sent, size - sent, TIMEOUT));
    }
    /* 0: the server has sent close_notify; a connection that was cut off is CLEAT_EOF */
    char buffer[16384];
    int32_t count;
    while ((count = check(cleat_connection_read(connection, buffer, sizeof buffer, TIMEOUT))) > 0) {
        fwrite(buffer, 1, (size_t)count, stdout);
    }
    cleat_close(connection);
    cleat_close(socket);
    cleat_close(context);
    return 0;
}
