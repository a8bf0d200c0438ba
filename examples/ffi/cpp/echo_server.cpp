/* echo_server.cpp: a TLS echo server: echo_server CERTFILE KEYFILE [PORT]
 *
 * Each connection has a thread. */
#include "cleat.hpp"

#include <cstdlib>
#include <iostream>
#include <thread>

using cleat::check;
using cleat::Id;
using cleat::size;

static void say(const cleat::Error &error) {
    std::cerr << std::string("echo_server: ") + error.what() + "\n"; /* in one piece */
}

static void serve(int32_t context, Id socket) {
    try {
        Id connection(cleat_connection_over_socket(context, socket, 1, nullptr, 0));
        check(cleat_connection_handshake(connection, 10));
        char buffer[16384];
        while (int32_t count =
                   check(cleat_connection_read(connection, buffer, sizeof buffer, -1))) {
            /* with a timeout that cannot run out, all of it is written */
            check(cleat_connection_write(connection, buffer, count, -1));
        }
        check(cleat_connection_shutdown(connection, 10)); /* the client has sent close_notify */
    } catch (const cleat::Error &error) {
        say(error);
    }
}

static void run(const char *certfile, const char *keyfile, int32_t port) {
    Id context(cleat_context_new(CLEAT_PROTOCOL_TLS));
    check(cleat_context_set_minimum_version(context, CLEAT_TLS1_2_VERSION));
    check(cleat_context_load_cert_chain(context, certfile, size(certfile), keyfile, size(keyfile),
                                        nullptr, 0));
    Id listener(cleat_socket_new(CLEAT_AF_INET, CLEAT_SOCK_STREAM, 0));
    check(cleat_socket_setsockopt(listener, CLEAT_SOL_SOCKET, CLEAT_SO_REUSEADDR, 1));
    check(cleat_socket_bind(listener, "127.0.0.1", 9, port));
    check(cleat_socket_listen(listener, 16));
    int32_t flowinfo, scope;
    check(cleat_socket_getsockname(listener, nullptr, 0, &port, &flowinfo, &scope));
    std::cout << "listening on " << port << std::endl;
    for (;;) {
        std::thread(serve, int32_t(context), Id(cleat_socket_accept(listener, -1))).detach();
    }
}

int main(int argc, char **argv) {
    if (argc < 3) {
        std::cerr << "usage: echo_server CERTFILE KEYFILE [PORT]\n";
        return 2;
    }
    try {
        run(argv[1], argv[2], argc > 3 ? std::atoi(argv[3]) : 0);
    } catch (const cleat::Error &error) {
        say(error);
    }
    return 1;
}
