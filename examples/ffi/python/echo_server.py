"""A TLS echo server by the C ABI: echo_server.py CERTFILE KEYFILE [PORT]

The sockets are Python's own, and each connection has a thread: ctypes lets the others run while a call waits.
"""
import ctypes
import socket
import sys
import threading

import cleat


def serve(context, transport):
    with transport:
        connection = cleat.check(cleat.cleat_connection_over_fd(context, transport.fileno(), 1, None, 0))
        try:
            cleat.check(cleat.cleat_connection_handshake(connection, 10))
            buffer = ctypes.create_string_buffer(16384)
            while True:
                count = cleat.check(cleat.cleat_connection_read(connection, buffer, len(buffer), -1))
                if count == 0:  # the client has sent close_notify
                    break
                # without a timeout, all of it is written
                cleat.check(cleat.cleat_connection_write(connection, buffer.raw[:count], count, -1))
            cleat.check(cleat.cleat_connection_shutdown(connection, 10))
        except cleat.Error as error:
            print(f"echo_server: {error}", file=sys.stderr, flush=True)
        finally:
            cleat.cleat_close(connection)


def main(certfile, keyfile, port="0"):
    context = cleat.check(cleat.cleat_context_new(cleat.CLEAT_PROTOCOL_TLS))
    cleat.check(cleat.cleat_context_set_minimum_version(context, cleat.CLEAT_TLS1_2_VERSION))
    cleat.check(cleat.cleat_context_load_cert_chain(context, *cleat.data(certfile), *cleat.data(keyfile), None, 0))
    with socket.create_server(("127.0.0.1", int(port))) as listener:
        print(f"listening on {listener.getsockname()[1]}", flush=True)
        while True:
            transport, _ = listener.accept()
            threading.Thread(target=serve, args=(context, transport), daemon=True).start()


if len(sys.argv) < 3:
    sys.exit("usage: echo_server.py CERTFILE KEYFILE [PORT]")
try:
    main(*sys.argv[1:])
except (cleat.Error, OSError) as error:
    sys.exit(f"echo_server: {error}")
