# A TLS server of Python's ssl with several certificates, the control of spec/peers/several_certificates_spec.lua: one
# connection after the other, each of which gets one byte back. Arguments: chain and key, once for each certificate.
import socket
import ssl
import sys

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
for chain, key in zip(sys.argv[1::2], sys.argv[2::2]):
    context.load_cert_chain(chain, key)
listener = socket.create_server(("127.0.0.1", 0))
print("listening on", listener.getsockname()[1], flush=True)
while True:
    plain, _ = listener.accept()
    plain.settimeout(300)
    try:
        with context.wrap_socket(plain, server_side=True) as conn:
            conn.sendall(conn.recv(1))
            conn.unwrap()
    except OSError as error:
        print("failed", error, flush=True)
