"""A TLS server that returns what it receives, to several clients at a time. Arguments: certificate and key (files)."""
import socket
import ssl
import sys
import threading

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])


def serve(plain):
    try:
        plain.settimeout(60)
        with context.wrap_socket(plain, server_side=True) as sock:
            while data := sock.recv(65536):
                sock.sendall(data)
            sock.unwrap()
    except OSError:  # a client that closes without close_notify, or does no handshake
        pass
    finally:
        plain.close()


listener = socket.create_server(("127.0.0.1", 0))
print("listening on", listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
