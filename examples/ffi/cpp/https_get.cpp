/* https_get.cpp: fetches a page over HTTPS: https_get [--cafile FILE] HOST PORT PATH
 *
 * The server must have a certificate for HOST from a CA of the system, or of FILE. */
#include "cleat.hpp"

#include <iostream>

using cleat::check;
using cleat::Id;
using cleat::size;

static const double TIMEOUT = 30;

static Id client_context(const char *cafile) {
    Id context(cleat_context_new(CLEAT_PROTOCOL_TLS));
    check(cleat_context_set_minimum_version(context, CLEAT_TLS1_2_VERSION));
    check(cleat_context_set_verify_mode(context, CLEAT_CERT_REQUIRED));
    check(cleat_context_set_check_hostname(context, 1));
    if (cafile) {
        check(cleat_context_load_verify_file(context, cafile, size(cafile)));
    } else {
        check(cleat_context_set_default_verify_paths(context));
    }
    return context;
}

/* connect_to returns a socket that is connected to the first address of the host that answers. */
static Id connect_to(const std::string &host, const std::string &service) {
    Id list(cleat_addrinfo_resolve(host.data(), size(host), service.data(), size(service),
                                   CLEAT_AF_UNSPEC, CLEAT_SOCK_STREAM, 0, 0));
    int32_t count = check(cleat_addrinfo_count(list)), status = CLEAT_OK;
    for (int32_t i = 0; i < count; i++) {
        char address[256];
        int32_t family, type, protocol, port, flowinfo, scope;
        int32_t length = check(cleat_addrinfo_address(list, i, address, sizeof address, &family,
                                                      &type, &protocol, &port, &flowinfo, &scope));
        Id socket(cleat_socket_new(family, type, protocol));
        status = cleat_socket_connect(socket, address, length, port, TIMEOUT);
        if (status == CLEAT_OK) return socket;
    }
    throw cleat::Error(status);
}

static void get(const char *cafile, const std::string &host, const std::string &port,
                const std::string &path) {
    Id context = client_context(cafile);
    Id socket = connect_to(host, port);
    Id connection(cleat_connection_over_socket(context, socket, 0, host.data(), size(host)));
    check(cleat_connection_handshake(connection, TIMEOUT));
    std::cerr << cleat::text(cleat_connection_version, int32_t(connection)) << '\n';

    std::string request = "GET " + path + " HTTP/1.0\r\nHost: " + host + "\r\n\r\n";
    while (!request.empty()) {
        int32_t sent =
            check(cleat_connection_write(connection, request.data(), size(request), TIMEOUT));
        request.erase(0, static_cast<size_t>(sent));
    }
    /* 0 is an end that the server has marked; a stream that was cut off is an Error, CLEAT_EOF */
    char buffer[16384];
    while (int32_t count =
               check(cleat_connection_read(connection, buffer, sizeof buffer, TIMEOUT))) {
        std::cout.write(buffer, count);
    }
}

int main(int argc, char **argv) {
    const char *cafile = nullptr;
    if (argc > 2 && std::string(argv[1]) == "--cafile") {
        cafile = argv[2];
        argc -= 2;
        argv += 2;
    }
    if (argc != 4) {
        std::cerr << "usage: https_get [--cafile FILE] HOST PORT PATH\n";
        return 2;
    }
    try {
        get(cafile, argv[1], argv[2], argv[3]);
    } catch (const cleat::Error &error) {
        std::cout.flush();
        std::cerr << "https_get: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
