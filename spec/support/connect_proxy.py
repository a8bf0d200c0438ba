"""A CONNECT proxy. Arguments: its answer (see main), and "user:password" if it requires authentication.

It prints "port N", and a line for each request: its bytes, as Python writes them. Wherever a client wants to go, it is brought to this
machine, so that the names of others can be asked for.
"""

import base64
import socket
import sys
import threading

ANSWERS = {
    "good": b"HTTP/1.1 200 Connection established\r\n\r\n",
    "lengths": b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX: y\r\n\r\n",
    "eager": b"HTTP/1.1 200 OK\r\n\r\nbefore the server could",
    "forbids": b"HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\nno way",
    "garbage": b"\x05\x00garbage\r\n\r\n",
    "redirects": b"HTTP/1.1 302 Found\r\nLocation: https://localhost/\r\n\r\n",
    "gone": b"",
}
NEEDS = b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n'


def move(source, sink):
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(client, how, login):
    try:
        client.settimeout(60)
        request = b""
        while b"\r\n\r\n" not in request:
            data = client.recv(65536)
            if not data:
                return
            request += data
        print(repr(request)[2:-1], flush=True)
        if how == "silent":
            client.recv(1)
            return
        wanted = b"Proxy-Authorization: Basic " + base64.b64encode(login.encode()) + b"\r\n"
        if login and wanted not in request:
            client.sendall(NEEDS)
            return
        client.sendall(ANSWERS[how])
        if how not in ("good", "lengths", "interim"):
            return
        port = int(request.split(b" ")[1].rsplit(b":", 1)[1])
        server = socket.create_connection(("127.0.0.1", port), 20)
        back = threading.Thread(target=move, args=(server, client), daemon=True)
        back.start()
        move(client, server)
        back.join()
        server.close()
    except OSError:
        pass
    finally:
        client.close()


def main():
    how, login = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    listener = socket.create_server(("127.0.0.1", 0))
    print("port %d" % listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, how, login), daemon=True).start()


main()
