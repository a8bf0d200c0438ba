"""A server that listens in place of Redis, and misbehaves. It prints its port, and a line for each connection.

usage: fake_redis.py MODE [HEX]
  reply HEX   answers each command with these bytes
  flood HEX   the same, a thousand times
  drip HEX    the same, one byte in 20 ms
  silent      reads, and answers nothing
  close       closes the connection when a request arrives
  deaf        accepts no connection: its backlog is full
"""
import re
import socket
import sys
import threading
import time

mode = sys.argv[1]
reply = bytes.fromhex(sys.argv[2]) if len(sys.argv) > 2 else b""


def serve(conn):
    with conn:
        while data := conn.recv(65536):
            if mode == "reply":
                conn.sendall(reply * len(re.findall(rb"\*[0-9]+\r\n", data)))
            elif mode == "flood":
                conn.sendall(reply * 1000)
            elif mode == "drip":
                for byte in reply:
                    conn.sendall(bytes([byte]))
                    time.sleep(0.02)
            elif mode == "close":
                return


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(0 if mode == "deaf" else 64)
others = []
if mode == "deaf":
    for _ in range(4):
        other = socket.socket()
        other.setblocking(False)
        other.connect_ex(listener.getsockname())
        others.append(other)
print("port", listener.getsockname()[1], flush=True)
while mode == "deaf":
    time.sleep(60)
while True:
    conn, _ = listener.accept()
    print("connection", flush=True)
    threading.Thread(target=serve, args=(conn,), daemon=True).start()
