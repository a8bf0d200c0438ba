"""An HTTPS server that misbehaves; the path chooses how (see BEHAVIOURS). Arguments: certificate and key.

It prints "port N", and a line for each request: its bytes, as Python writes them.
"""

import socket
import ssl
import sys
import threading
import time

OK = b"HTTP/1.1 200 OK\r\n"


def forever(piece, begin=b""):
    """Sends begin, and then piece until the client closes the connection."""
    def run(sock):
        sock.sendall(begin)
        many = piece * (16384 // len(piece) + 1)
        while True:
            sock.sendall(many)
    return run


def drip(piece, begin=b"", pause=0.02):
    def run(sock):
        sock.sendall(begin)
        while True:
            sock.sendall(piece)
            time.sleep(pause)
    return run


def silent(sock):
    sock.recv(1)


BEHAVIOURS = {
    "interim": forever(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "hints": forever(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
    "headers": forever(b"X: y\r\n", OK),
    "folded": forever(b" y\r\n", OK + b"X: y\r\n"),
    "line": forever(b"y", OK + b"X: "),
    "status": forever(b"y", b"HTTP/1.1 200 "),
    "garbage": forever(b"\x80\xff garbage"),
    "trailer": forever(b"X: y\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"),
    "extension": forever(b"y", OK + b"Transfer-Encoding: chunked\r\n\r\n1;"),
    "chunks": drip(b"1\r\nx\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n"),
    "fast-chunks": forever(b"1\r\nx\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n"),
    "body": drip(b"x", OK + b"Content-Length: 1000000\r\n\r\n"),
    "fast-body": forever(b"x", OK + b"\r\n"),
    "head": drip(b"X", OK),
    "silent": silent,
}


def serve(ctx, plain):
    try:
        plain.settimeout(60)
        sock = ctx.wrap_socket(plain, server_side=True)
        request = b""
        while b"\r\n\r\n" not in request:
            data = sock.recv(65536)
            if not data:
                return
            request += data
        print(repr(request)[2:-1], flush=True)
        name = request.split(b" ")[1].decode()[1:]
        if name.startswith("hop"):  # slow redirects
            time.sleep(0.15)
            sock.sendall(b"HTTP/1.1 302 Found\r\nLocation: /hop%d\r\nContent-Length: 0\r\n\r\n" % (int(name[3:]) + 1))
            return
        BEHAVIOURS[name](sock)
    except (OSError, ValueError):
        pass
    finally:
        plain.close()


def main():
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(sys.argv[1], sys.argv[2])
    listener = socket.create_server(("127.0.0.1", 0))
    print("port %d" % listener.getsockname()[1], flush=True)
    while True:
        plain, _ = listener.accept()
        threading.Thread(target=serve, args=(ctx, plain), daemon=True).start()


main()
