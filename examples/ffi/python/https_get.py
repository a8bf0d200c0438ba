"""Fetches a page over HTTPS by the C ABI: https_get.py [--cafile FILE] HOST PORT PATH

The server must have a certificate for HOST from a CA of the system, or of FILE. The sockets are Python's own.
"""
import argparse
import ctypes
import socket
import sys

import cleat


def client_context(cafile):
    context = cleat.check(cleat.cleat_context_new(cleat.CLEAT_PROTOCOL_TLS))
    cleat.check(cleat.cleat_context_set_minimum_version(context, cleat.CLEAT_TLS1_2_VERSION))
    cleat.check(cleat.cleat_context_set_verify_mode(context, cleat.CLEAT_CERT_REQUIRED))
    cleat.check(cleat.cleat_context_set_check_hostname(context, 1))
    if cafile:
        cleat.check(cleat.cleat_context_load_verify_file(context, *cleat.data(cafile)))
    else:
        cleat.check(cleat.cleat_context_set_default_verify_paths(context))
    return context


def send_all(connection, request, timeout):
    while request:
        sent = cleat.check(cleat.cleat_connection_write(connection, *cleat.data(request), timeout))
        request = request[sent:]


def receive_all(connection, timeout):
    buffer = ctypes.create_string_buffer(16384)
    while True:
        # 0: the server has sent close_notify; a connection that was cut off is an Error, CLEAT_EOF
        count = cleat.check(cleat.cleat_connection_read(connection, buffer, len(buffer), timeout))
        if count == 0:
            return
        yield buffer.raw[:count]


def main():
    parser = argparse.ArgumentParser(description="Fetches a page over HTTPS.")
    parser.add_argument("--cafile")
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    options = parser.parse_args()

    context = client_context(options.cafile)
    with socket.create_connection((options.host, options.port), timeout=30) as transport:
        connection = cleat.check(
            cleat.cleat_connection_over_fd(context, transport.fileno(), 0, *cleat.data(options.host))
        )
        try:
            cleat.check(cleat.cleat_connection_handshake(connection, 30))
            print(cleat.text(cleat.cleat_connection_version, connection), file=sys.stderr)
            request = f"GET {options.path} HTTP/1.0\r\nHost: {options.host}\r\n\r\n"
            send_all(connection, request.encode(), 30)
            for piece in receive_all(connection, 30):
                sys.stdout.buffer.write(piece)
        finally:
            cleat.cleat_close(connection)
    cleat.cleat_close(context)


try:
    main()
except (cleat.Error, OSError) as error:
    sys.exit(f"https_get: {error}")
